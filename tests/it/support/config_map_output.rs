//! The right to write ConfigMaps, which the operator does not have by default.

use super::chart;
use super::cluster::Cluster;
use super::stage::Stage;

impl Stage {
    /// As [`Stage::new`], with an operator that may write ConfigMaps.
    pub async fn with_config_map_output(prefix: &str) -> Self {
        let stage = Self::new(prefix).await;
        stage.allow_config_map_output().await;
        stage
    }

    /// Gives the operator the chart's right to write ConfigMaps, and waits until it has it.
    pub async fn allow_config_map_output(&self) {
        chart::apply_roles_with(Cluster::get(), &self.namespace, &["configMapOutput.enabled=true"]).await;
        self.operator_may("deletecollection", "", "configmaps", true).await;
    }
}

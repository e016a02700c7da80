//! The right to write ConfigMaps, which the operator does not have by default.

use k8s_openapi::api::authorization::v1::{
    LocalSubjectAccessReview, ResourceAttributes, SubjectAccessReviewSpec,
};
use kube::api::{ObjectMeta, PostParams};

use super::chart;
use super::cluster::Cluster;
use super::stage::{LIMIT, Stage};
use super::wait::eventually;

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
        let review = LocalSubjectAccessReview {
            metadata: ObjectMeta { namespace: Some(self.namespace.clone()), ..ObjectMeta::default() },
            spec: SubjectAccessReviewSpec {
                user: Some(format!("system:serviceaccount:{}:directory-sync", self.namespace)),
                resource_attributes: Some(ResourceAttributes {
                    namespace: Some(self.namespace.clone()),
                    resource: Some("configmaps".into()),
                    verb: Some("deletecollection".into()),
                    ..ResourceAttributes::default()
                }),
                ..SubjectAccessReviewSpec::default()
            },
            ..LocalSubjectAccessReview::default()
        };
        eventually("the operator may write ConfigMaps", LIMIT, async || {
            let answer = self.api::<LocalSubjectAccessReview>().create(&PostParams::default(), &review).await;
            let status = answer.unwrap().status;
            if status.as_ref().is_some_and(|status| status.allowed) {
                Ok(())
            } else {
                Err(format!("{status:?}"))
            }
        })
        .await;
    }
}

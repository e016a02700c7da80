//! The arguments of `run` that are about leader election. They are named as in Kubernetes' own
//! components.

use std::time::Duration;

use clap::ArgAction;

use crate::cluster::lease::{Place, Timing, TimingError};
use crate::operator::Election;

/// Who of several operators works.
#[derive(Clone, Debug, clap::Args)]
pub struct LeaseArgs {
    /// Works only while it holds a Lease. Without it, it must be the only operator for its
    /// namespaces.
    #[arg(long, env = "LEADER_ELECT", default_value_t = true, action = ArgAction::Set, num_args = 0..=1,
        default_missing_value = "true", require_equals = true)]
    leader_elect: bool,
    /// Name of the Lease.
    #[arg(long, env = "LEADER_ELECT_RESOURCE_NAME", default_value = "directory-sync")]
    leader_elect_resource_name: String,
    /// Namespace of the Lease; default: that of the operator's pod, or of the kubeconfig's context.
    #[arg(long, env = "LEADER_ELECT_RESOURCE_NAMESPACE")]
    leader_elect_resource_namespace: Option<String>,
    /// How long the others wait after the last renewal that they saw.
    #[arg(long, env = "LEADER_ELECT_LEASE_DURATION", default_value = "15s", value_parser = duration)]
    leader_elect_lease_duration: Duration,
    /// How long after its last renewal the holder still writes; then it ends.
    #[arg(long, env = "LEADER_ELECT_RENEW_DEADLINE", default_value = "10s", value_parser = duration)]
    leader_elect_renew_deadline: Duration,
    /// How often the holder renews. Those who wait look twice as often.
    #[arg(long, env = "LEADER_ELECT_RETRY_PERIOD", default_value = "2s", value_parser = duration)]
    leader_elect_retry_period: Duration,
}

impl LeaseArgs {
    /// The election to take part in, if any.
    ///
    /// # Errors
    /// When the durations do not fit together.
    pub fn election(&self) -> Result<Option<Election>, TimingError> {
        if !self.leader_elect {
            return Ok(None);
        }
        let timing = Timing::new(
            self.leader_elect_lease_duration,
            self.leader_elect_renew_deadline,
            self.leader_elect_retry_period,
        )?;
        let place = Place {
            namespace: self.leader_elect_resource_namespace.clone().filter(|namespace| !namespace.is_empty()),
            name: self.leader_elect_resource_name.clone(),
        };
        Ok(Some(Election { place, timing }))
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed = text.parse::<kube::core::Duration>();
    let duration = parsed.map_err(|error| format!("{error}; write it like 15s or 1m"))?;
    if duration.is_negative() { Err("it must not be negative".to_owned()) } else { Ok(duration.into()) }
}

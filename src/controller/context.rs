//! What all workers share.

use std::sync::Arc;

use kube::runtime::events::Reporter;
use tokio::sync::Semaphore;

use crate::cluster::client::Clients;
use crate::cluster::lease::Tenure;
use crate::server::metrics::Metrics;
use crate::sink::ObservedMirrors;
use crate::sink::pace::Pace;
use crate::source::Egress;

/// What all workers share; cheap to clone.
#[derive(Clone)]
pub struct Context {
    /// The way to the apiserver.
    pub clients: Clients,
    /// What is known of all mirrors.
    pub observed: ObservedMirrors,
    /// How fast mirrors are written.
    pub pace: Arc<Pace>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Who Events on Directories are from.
    pub reporter: Reporter,
    /// Where sources may connect.
    pub egress: Egress,
    /// How many bytes the reading of one Directory may take.
    pub reading_limit: usize,
    /// As many Directories are synced at a time as this has permits.
    pub permits: Arc<Semaphore>,
    /// Under which name this process works, and whether it still may.
    pub tenure: Tenure,
}

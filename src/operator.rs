//! The running operator: builds the parts, starts them, and stops them in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use kube::Config;
use kube::runtime::events::Reporter;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cluster::client::Clients;
use crate::cluster::readiness;
use crate::controller::Context;
use crate::controller::supervisor::Supervisor;
use crate::server::health::{self, Health};
use crate::server::metrics::Metrics;
use crate::sink::ObservedMirrors;
use crate::source::Egress;

/// How often the cluster is looked at while something is missing in it.
const READINESS_RETRY: Duration = Duration::from_secs(2);
/// How long a stop may take in all; Kubernetes gives thirty seconds by default.
const STOP_DEADLINE: Duration = Duration::from_secs(20);

/// How the operator is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Namespaces to watch; empty: all.
    pub namespaces: Vec<String>,
    /// Address of `/metrics`.
    pub metrics_address: SocketAddr,
    /// Address of `/livez` and `/readyz`.
    pub health_address: SocketAddr,
    /// How many Directories are synced at a time.
    pub max_concurrent_syncs: usize,
    /// Where sources may connect.
    pub egress: Egress,
}

/// Runs until `stop` is cancelled.
///
/// # Errors
/// When the clients cannot be built or an address cannot be listened on.
pub async fn run(config: Config, options: Options, stop: CancellationToken) -> anyhow::Result<()> {
    let clients = Clients::new(config).context("the Kubernetes client could not be made")?;
    let (drift_sender, drift) = mpsc::unbounded_channel();
    let observed = ObservedMirrors::new(drift_sender);
    let permits = options.max_concurrent_syncs.max(1);
    let metrics = Arc::new(Metrics::default());
    metrics.may_be_active(permits);
    let supervising = Arc::new(AtomicBool::new(true));
    let (missing_sender, missing) = watch::channel(None);
    let tracker = TaskTracker::new();

    let health = Health { supervising: supervising.clone(), observed: observed.clone(), missing };
    let servers = CancellationToken::new();
    let probes = tokio::spawn(health::serve(options.health_address, health, servers.clone()));
    let scrapes =
        tokio::spawn(health::serve_metrics(options.metrics_address, metrics.clone(), servers.clone()));

    let work = async {
        let looked = wait_for_cluster(&clients, &options.namespaces, &missing_sender);
        if stop.run_until_cancelled(looked).await.is_none() {
            return;
        }
        let watched: Vec<Option<&str>> = if options.namespaces.is_empty() {
            vec![None]
        } else {
            options.namespaces.iter().map(|namespace| Some(namespace.as_str())).collect()
        };
        for namespace in watched {
            tracker.spawn(stop.clone().run_until_cancelled_owned(observed.watch(&clients.watch, namespace)));
        }
        let context = Context {
            clients: clients.clone(),
            observed: observed.clone(),
            metrics: metrics.clone(),
            reporter: reporter(),
            egress: options.egress.clone(),
            permits: Arc::new(Semaphore::new(permits)),
        };
        tracing::info!(namespaces = ?options.namespaces, "watching Directories");
        Supervisor::new(context, stop.clone()).run(&options.namespaces, drift).await;
        supervising.store(false, Ordering::Relaxed);
        tracker.close();
        tracker.wait().await;
    };
    let stopped = async {
        stop.cancelled().await;
        tokio::time::sleep(STOP_DEADLINE).await;
    };
    let outcome = tokio::select! {
        () = work => Ok(()),
        () = stopped => Ok(()),
        ended = probes => Err(served("health", options.health_address, ended)),
        ended = scrapes => Err(served("metrics", options.metrics_address, ended)),
    };
    // What has not ended by now is ended with the process.
    stop.cancel();
    servers.cancel();
    outcome
}

async fn wait_for_cluster(
    clients: &Clients,
    namespaces: &[String],
    shown: &watch::Sender<Option<Vec<String>>>,
) {
    loop {
        let missing = readiness::missing(&clients.request, namespaces).await;
        let known = shown.borrow().clone();
        if known.as_ref() != Some(&missing) {
            for sentence in &missing {
                tracing::warn!("not ready: {sentence}");
            }
            shown.send_replace(Some(missing.clone()));
        }
        if missing.is_empty() {
            return;
        }
        tokio::time::sleep(READINESS_RETRY).await;
    }
}

fn reporter() -> Reporter {
    Reporter { controller: "directory-sync".to_owned(), instance: std::env::var("POD_NAME").ok() }
}

fn served(
    what: &str,
    address: SocketAddr,
    ended: Result<std::io::Result<()>, tokio::task::JoinError>,
) -> anyhow::Error {
    let reason = match ended {
        Ok(Ok(())) => "it ended".to_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    anyhow::anyhow!("{what} cannot be served at {address}: {reason}")
}

//! The running operator: builds the parts, waits for its turn, starts them, and stops them in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use kube::runtime::events::Reporter;
use kube::{Api, Config};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::cluster::access::{self, Access};
use crate::cluster::client::Clients;
use crate::cluster::lease::{self, Elector, Fence, Lost, Place, Standing, Tenure, Timing};
use crate::cluster::requests::Requests;
use crate::cluster::scope::Scope;
use crate::controller::Context;
use crate::controller::supervisor::Supervisor;
use crate::server::health::{self, Health};
use crate::server::metrics::Metrics;
use crate::server::pulse::Pulse;
use crate::sink::ObservedMirrors;
use crate::sink::pace::{Budget, Pace};
use crate::source::Egress;

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
    /// How many bytes the reading of one Directory may take.
    pub reading_limit: usize,
    /// By which Lease it works; `None`: it is the only one.
    pub election: Option<Election>,
}

/// An election among several operators.
#[derive(Clone, Debug)]
pub struct Election {
    /// Where the Lease is.
    pub place: Place,
    /// How long what may take.
    pub timing: Timing,
}

/// Runs until `stop` is cancelled.
///
/// # Errors
/// When the clients cannot be built, an address cannot be listened on, or the Lease was lost: then
/// the process must end, so that nothing that is still under way comes to an end.
pub async fn run(config: Config, options: Options, stop: CancellationToken) -> anyhow::Result<()> {
    let metrics = Arc::new(Metrics::default());
    let permits = options.max_concurrent_syncs.max(1);
    metrics.may_be_active(permits);
    let (mut party, clients) = join(config, options.election.as_ref(), metrics.requests())?;
    let (drift_sender, drift) = mpsc::unbounded_channel();
    let observed = ObservedMirrors::new(drift_sender);
    let pulse = Pulse::default();
    let (found, mut access) = watch::channel(Access::default());

    let health = Health {
        pulse: pulse.clone(),
        observed: observed.clone(),
        access: access.clone(),
        standing: party.standing.subscribe(),
    };
    let servers = CancellationToken::new();
    let probes = tokio::spawn(health::serve(options.health_address, health.clone(), servers.clone()));
    let scrapes = health::serve_metrics(options.metrics_address, metrics.clone(), health, servers.clone());
    let scrapes = tokio::spawn(scrapes);

    let context = Context {
        clients: clients.clone(),
        observed,
        pace: Arc::new(Pace::new(Budget::DEFAULT, metrics.writing())),
        metrics,
        reporter: reporter(),
        permits: Arc::new(Semaphore::new(permits)),
        egress: options.egress.clone(),
        reading_limit: options.reading_limit,
        tenure: party.tenure.clone(),
    };
    party.follows(&context.metrics);
    let looking = async {
        let scopes = Scope::each_of(&options.namespaces);
        let lease = options.election.as_ref().map(|election| &election.place);
        access::look(&clients.unfenced, &scopes, lease, &found).await;
        std::future::pending().await
    };
    let work = async {
        let suffices = access.wait_for(Access::suffices);
        if stop.run_until_cancelled(suffices).await.is_none() {
            return Ok(());
        }
        if stop.run_until_cancelled(party.lead(&context.metrics)).await.is_none() {
            return Ok(());
        }
        let tenure = party.tenure.clone();
        tokio::select! {
            () = Supervisor::new(context, stop.clone()).run(access, drift, &pulse) => {
                party.step_down().await;
                Ok(())
            }
            lost = party.stay() => Err(lost),
            () = tenure.over() => Err(Lost::NotRenewed),
        }
    };
    let stopped = async {
        stop.cancelled().await;
        tokio::time::sleep(STOP_DEADLINE).await;
    };
    let outcome = tokio::select! {
        never = looking => never,
        done = work => done.context("the lease was lost; this process ends, so that its holder alone works"),
        () = stopped => Ok(()),
        ended = probes => Err(served("health", options.health_address, ended)),
        ended = scrapes => Err(served("metrics", options.metrics_address, ended)),
    };
    // What has not ended by now is ended with the process.
    stop.cancel();
    servers.cancel();
    outcome
}

/// This process in the election.
struct Party {
    /// None: it is the only one.
    elector: Option<Elector>,
    name: String,
    tenure: Tenure,
    standing: watch::Sender<Standing>,
}

/// Takes up a name and the clients that go with it.
fn join(
    config: Config,
    election: Option<&Election>,
    requests: &Requests,
) -> anyhow::Result<(Party, Clients)> {
    let identity = lease::identity();
    let home = config.default_namespace.clone();
    let fence = if election.is_some() { Fence::closed() } else { Fence::open() };
    let delivery = election.map(|election| election.timing.delivery());
    let clients = Clients::new(config, &identity, fence.clone(), delivery, requests)
        .context("the Kubernetes client could not be made")?;
    let party = match election {
        None => Party {
            elector: None,
            name: String::new(),
            tenure: Tenure::alone(&identity),
            standing: watch::Sender::new(Standing::Leads),
        },
        Some(Election { place, timing }) => {
            let namespace = place.namespace.as_deref().unwrap_or(&home);
            let leases = Api::namespaced(clients.unfenced.clone(), namespace);
            let tenure = Tenure::of_lease(&identity, leases.clone(), &place.name);
            let elector = Elector::new(leases, &place.name, &identity, *timing, fence);
            let standing = watch::Sender::new(Standing::Unknown);
            Party { elector: Some(elector), name: place.name.clone(), tenure, standing }
        }
    };
    Ok((party, clients))
}

impl Party {
    /// Shows from the start that it does not lead yet: that nobody does can be seen only of who says so.
    fn follows(&self, metrics: &Metrics) {
        if self.elector.is_some() {
            metrics.leads(&self.name, false);
        }
    }

    /// Waits until it is this process's turn.
    async fn lead(&mut self, metrics: &Metrics) {
        let Some(elector) = &mut self.elector else { return };
        elector.acquire(|| _ = self.standing.send_replace(Standing::Follows)).await;
        self.standing.send_replace(Standing::Leads);
        metrics.leads(&self.name, true);
    }

    /// Stays on; returns why that came to an end.
    async fn stay(&mut self) -> Lost {
        match &mut self.elector {
            Some(elector) => elector.hold().await,
            None => std::future::pending().await,
        }
    }

    /// Lets the next one begin. Nothing may be under way any more.
    async fn step_down(&mut self) {
        if let Some(elector) = &mut self.elector {
            elector.release().await;
        }
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

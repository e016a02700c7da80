//! Probes. Alive: the runtime answers and the supervisor goes on. Ready: the CRDs are there,
//! the ServiceAccount may do its work, and the mirrors have been listed, or it is another's turn.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::listener;
use super::metrics::Metrics;
use super::pulse::Pulse;
use crate::cluster::access::Access;
use crate::cluster::lease::Standing;
use crate::sink::ObservedMirrors;

/// What the probes look at.
#[derive(Clone)]
pub struct Health {
    /// The supervisor's.
    pub pulse: Pulse,
    /// Whether mirrors have been listed.
    pub observed: ObservedMirrors,
    /// What has been found out about the cluster.
    pub access: watch::Receiver<Access>,
    /// Whose turn it is.
    pub standing: watch::Receiver<Standing>,
}

impl Health {
    /// Why this process is not ready.
    fn unready(&self) -> Option<String> {
        let access = self.access.borrow();
        let reason = match &access.missing {
            None => "the cluster has not been looked at yet",
            Some(missing) if !missing.is_empty() => return Some(missing.join("\n")),
            Some(_) => match *self.standing.borrow() {
                Standing::Unknown => "the Lease could not be looked at yet",
                Standing::Leads if self.observed.listed_scopes() < access.open.len() => {
                    "the mirrors are being listed"
                }
                Standing::Leads | Standing::Follows => return None,
            },
        };
        Some(reason.to_owned())
    }
}

/// Serves the probes until cancelled.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn serve(address: SocketAddr, health: Health, cancel: CancellationToken) -> std::io::Result<()> {
    let routes = Router::new().route("/livez", get(alive)).route("/readyz", get(ready)).with_state(health);
    listen(address, routes, cancel).await
}

/// Serves the metrics until cancelled.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn serve_metrics(
    address: SocketAddr,
    metrics: Arc<Metrics>,
    health: Health,
    cancel: CancellationToken,
) -> std::io::Result<()> {
    let routes = Router::new().route("/metrics", get(render)).with_state((metrics, health));
    listen(address, routes, cancel).await
}

async fn listen(address: SocketAddr, routes: Router, cancel: CancellationToken) -> std::io::Result<()> {
    let listener = listener::bind(address).await?;
    axum::serve(listener, routes).with_graceful_shutdown(cancel.cancelled_owned()).await
}

async fn alive(State(health): State<Health>) -> (StatusCode, String) {
    match health.pulse.silence(Instant::now()) {
        None => (StatusCode::OK, "ok\n".to_owned()),
        Some(silence) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("the supervisor of Directories has done nothing for {} s\n", silence.as_secs()),
        ),
    }
}

async fn ready(State(health): State<Health>) -> (StatusCode, String) {
    match health.unready() {
        None => (StatusCode::OK, "ok\n".to_owned()),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason + "\n"),
    }
}

async fn render(
    State((metrics, health)): State<(Arc<Metrics>, Health)>,
) -> (StatusCode, [(&'static str, &'static str); 1], String) {
    metrics.is_ready(health.unready().is_none());
    let content_type = ("content-type", "application/openmetrics-text; version=1.0.0; charset=utf-8");
    match metrics.render() {
        Ok(text) => (StatusCode::OK, [content_type], text),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, [content_type], error.to_string()),
    }
}

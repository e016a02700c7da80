//! Takes the Lease, renews it, gives it back.

use std::time::Instant;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::{ObjectMeta, PostParams};

use super::record::{self, Seen, Step};
use super::{Fence, Timing};
use crate::api::FIELD_MANAGER;
use crate::cluster::client::explain;

/// Why a Lease is not held any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// Somebody else holds it.
    #[error("{0} has taken it")]
    Taken(String),
    /// It could not be renewed in time, or this process did not run meanwhile.
    #[error("it was not renewed in time")]
    NotRenewed,
}

/// One party to an election.
pub struct Elector {
    leases: Api<Lease>,
    name: String,
    identity: String,
    timing: Timing,
    fence: Fence,
    seen: Option<Seen>,
    /// Whether `seen` is what this process wrote last, so that it can be written over unseen.
    current: bool,
}

/// What one try came to.
enum Tried {
    Held,
    Other(String),
}

impl Elector {
    /// A party that does nothing yet. `fence` is open while it holds the Lease.
    #[must_use]
    pub fn new(leases: Api<Lease>, name: &str, identity: &str, timing: Timing, fence: Fence) -> Self {
        let (name, identity) = (name.to_owned(), identity.to_owned());
        Self { leases, name, identity, timing, fence, seen: None, current: false }
    }

    /// Waits until the Lease is held; `follows` is called whenever it is found to be another's.
    pub async fn acquire(&mut self, follows: impl Fn()) {
        let mut told = None;
        loop {
            let now = match self.bounded_try().await {
                Ok(Tried::Held) => {
                    let transitions = self.seen.as_ref().map_or(0, Seen::transitions);
                    tracing::info!(lease = %self.name, identity = %self.identity, transitions, "leading");
                    return;
                }
                Ok(Tried::Other(holder)) => {
                    follows();
                    format!("following: {holder} holds the lease")
                }
                Err(reason) => format!("the lease cannot be had: {reason}"),
            };
            if told.as_ref() != Some(&now) {
                tracing::info!(lease = %self.name, identity = %self.identity, "{now}");
                told = Some(now);
            }
            tokio::time::sleep(self.timing.look_interval()).await;
        }
    }

    /// Renews the Lease for as long as that can be done; returns why it ended.
    pub async fn hold(&mut self) -> Lost {
        loop {
            tokio::time::sleep(self.timing.retry_period.min(self.fence.left())).await;
            // A process that was stopped for a while comes to itself here.
            if !self.fence.is_open() {
                return Lost::NotRenewed;
            }
            match self.bounded_try().await {
                Ok(Tried::Held) => {}
                Ok(Tried::Other(holder)) => {
                    self.fence.close();
                    return Lost::Taken(holder);
                }
                Err(reason) => {
                    tracing::warn!(lease = %self.name, left = ?self.fence.left(), reason, "the lease could not be renewed");
                }
            }
        }
    }

    /// Gives the Lease back, so that nobody has to wait for its end. To be called when nothing is
    /// written any more.
    pub async fn release(&mut self) {
        self.fence.close();
        match tokio::time::timeout(self.timing.request(), self.give_back()).await {
            Ok(Ok(true)) => {
                tracing::info!(lease = %self.name, identity = %self.identity, "the lease was given back");
            }
            Ok(Ok(false)) => {}
            Ok(Err(error)) => {
                tracing::warn!(lease = %self.name, error = explain(&error), "the lease could not be given back");
            }
            Err(_) => tracing::warn!(lease = %self.name, "the lease could not be given back: no answer"),
        }
    }

    /// Says whether it was there to be given back. A renewal that was given up half-way may have been
    /// done: then the Lease is another version of the same.
    async fn give_back(&mut self) -> Result<bool, kube::Error> {
        loop {
            if !self.current {
                self.look().await?;
            }
            let Some(seen) = self.seen.as_ref().filter(|seen| seen.holder() == self.identity) else {
                return Ok(false);
            };
            let spec = Some(record::released(seen, Timestamp::now()));
            let lease = Lease { spec, ..seen.lease.clone() };
            match self.leases.replace(&self.name, &params(), &lease).await {
                Ok(_) => return Ok(true),
                Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => self.current = false,
                Err(error) => return Err(error),
            }
        }
    }

    async fn bounded_try(&mut self) -> Result<Tried, String> {
        let limit = self.timing.request();
        match tokio::time::timeout(limit, self.try_once()).await {
            Ok(Ok(tried)) => Ok(tried),
            Ok(Err(error)) => Err(explain(&error)),
            Err(_) => Err(format!("the apiserver did not answer within {limit:?}")),
        }
    }

    async fn try_once(&mut self) -> Result<Tried, kube::Error> {
        loop {
            if !self.current {
                self.look().await?;
            }
            let sent = Instant::now();
            // Whoever gives up waiting for the answer does not know what was done.
            self.current = false;
            let written = match record::step(self.seen.as_ref(), &self.identity, sent) {
                Step::Wait => {
                    let holder = self.seen.as_ref().map(|seen| seen.holder().to_owned());
                    return Ok(Tried::Other(holder.unwrap_or_default()));
                }
                Step::Create => self.leases.create(&params(), &self.next()).await,
                Step::Write => self.leases.replace(&self.name, &params(), &self.next()).await,
            };
            match written {
                Ok(lease) => {
                    self.seen = Some(Seen { lease, since: sent });
                    self.current = true;
                    self.fence.open_until(sent + self.timing.renew_deadline);
                    return Ok(Tried::Held);
                }
                // Somebody was faster, or has deleted it. The answer to a write of ours may have been
                // lost too.
                Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn look(&mut self) -> Result<(), kube::Error> {
        let found = self.leases.get_opt(&self.name).await?;
        let before = self.seen.take();
        self.seen = found.map(|lease| Seen::again(before, lease, Instant::now()));
        Ok(())
    }

    /// The Lease as it is to be, over the version that was seen.
    fn next(&self) -> Lease {
        let duration = self.timing.lease_duration;
        let spec = record::held(self.seen.as_ref(), &self.identity, duration, Timestamp::now());
        let metadata = self.seen.as_ref().map_or_else(
            || ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() },
            |seen| seen.lease.metadata.clone(),
        );
        Lease { metadata, spec: Some(spec) }
    }
}

fn params() -> PostParams {
    PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() }
}

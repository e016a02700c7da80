//! Where the operator may work: looks for what is missing until nothing is, and tells what it finds.

use std::time::Duration;

use kube::Client;
use tokio::sync::watch;

use super::lease::Place;
use super::readiness::{missing_for_lease, missing_in};
use super::scope::Scope;

/// How often the cluster is looked at while nothing can be done.
const WHILE_IDLE: Duration = Duration::from_secs(2);
/// How often while there is work in some scopes, and only others miss something: each look asks the
/// apiserver about every right.
const WHILE_AT_WORK: Duration = Duration::from_secs(10);

/// What has been found out so far.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// Scopes in which nothing was missing when they were looked at; what is here stays.
    pub open: Vec<Scope>,
    /// Whether nothing is missing for taking turns by the Lease.
    pub lease: bool,
    /// What is missing, each a sentence with what to do; `None` before everything was looked at once.
    pub missing: Option<Vec<String>>,
}

impl Access {
    /// Whether there is a scope to work in, and a way to take turns.
    #[must_use]
    pub fn suffices(&self) -> bool {
        self.lease && !self.open.is_empty()
    }
}

/// Looks until nothing is missing in any of the scopes, nor for the Lease if there is one. A scope in
/// which something is missing does not hold up the others.
pub async fn look(client: &Client, scopes: &[Scope], lease: Option<&Place>, found: &watch::Sender<Access>) {
    loop {
        let missing = look_once(client, scopes, lease, found).await;
        if found.borrow().missing.as_ref() != Some(&missing) {
            for sentence in &missing {
                tracing::warn!("not ready: {sentence}");
            }
        }
        let done = missing.is_empty();
        found.send_modify(|access| access.missing = Some(missing));
        if done {
            return;
        }
        let pause = if found.borrow().suffices() { WHILE_AT_WORK } else { WHILE_IDLE };
        tokio::time::sleep(pause).await;
    }
}

/// Tells at once what is open, and returns what is missing.
async fn look_once(
    client: &Client,
    scopes: &[Scope],
    lease: Option<&Place>,
    found: &watch::Sender<Access>,
) -> Vec<String> {
    let mut missing = Vec::new();
    if !found.borrow().lease {
        if let Some(place) = lease {
            missing = missing_for_lease(client, place).await;
        }
        if missing.is_empty() {
            found.send_modify(|access| access.lease = true);
        }
    }
    for scope in scopes {
        if found.borrow().open.contains(scope) {
            continue;
        }
        let missing_here = missing_in(client, scope).await;
        if missing_here.is_empty() {
            found.send_modify(|access| access.open.push(scope.clone()));
        }
        for sentence in missing_here {
            // A definition that is missing is so in every scope.
            if !missing.contains(&sentence) {
                missing.push(sentence);
            }
        }
    }
    missing
}

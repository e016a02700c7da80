//! Two operators for one namespace: who of them works, how the other takes over, and what becomes of
//! what the first still had under way.

mod handover;
mod late;
mod stale;

use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use serde_json::{Value, json};

use crate::support::audit::{Audit, AuditMark};
use crate::support::cluster::Cluster;
use crate::support::operator::Operator;
use crate::support::proxy::Proxy;
use crate::support::stage::{LIMIT, Stage, csv, with};
use crate::support::wait::eventually;

/// The chart's name for the Lease.
const LEASE: &str = "directory-sync";

/// Shorter than the defaults, and still long enough for a machine that does much else.
const SHORT: &[&str] = &[
    "--leader-elect-lease-duration=8s",
    "--leader-elect-renew-deadline=6s",
    "--leader-elect-retry-period=1s",
];

/// Two operators; the first, of pod `a`, holds the Lease, and the second, of pod `b`, is ready.
struct Pair {
    /// The namespace, with the first operator.
    stage: Stage,
    second: Operator,
}

impl Pair {
    /// Both with these arguments.
    async fn start(prefix: &str, arguments: &[&str]) -> Self {
        Self::start_behind(prefix, arguments, None).await
    }

    /// As [`Pair::start`], the first behind a proxy.
    async fn start_behind(prefix: &str, arguments: &[&str], proxy: Option<&Proxy>) -> Self {
        let cluster = Cluster::get();
        let namespace = cluster.namespace(prefix).await;
        let mut first = Operator::setup(cluster, &namespace).arguments(arguments).pod("a");
        if let Some(proxy) = proxy {
            first = first.through(proxy);
        }
        let operator = first.start().await;
        let stage = Stage { cluster, namespace, operator };
        held_by(&stage, "a").await;
        let second = Operator::setup(cluster, &stage.namespace).arguments(arguments).pod("b").start().await;
        Self { stage, second }
    }

    /// What one of the two has written since a mark, Events left out.
    fn written_by(&self, pod: &str, mark: AuditMark) -> Audit {
        let requests = Cluster::get().audit_since(mark, &self.stage.namespace);
        requests.by_pod(pod).writes().filter(|event| event.object_ref.resource != "events")
    }
}

/// What the Lease says.
async fn lease(stage: &Stage) -> LeaseSpec {
    stage.api::<Lease>().get(LEASE).await.unwrap().spec.unwrap()
}

/// Waits until a pod's operator holds the Lease, and returns what it says then.
async fn held_by(stage: &Stage, pod: &str) -> LeaseSpec {
    eventually("the lease is held", LIMIT, async || {
        let found = stage.api::<Lease>().get(LEASE).await.map_err(|error| error.to_string())?;
        let spec = found.spec.unwrap_or_default();
        let holder = spec.holder_identity.clone().unwrap_or_default();
        if holder.starts_with(&format!("{pod}_")) { Ok(spec) } else { Err(format!("held by {holder:?}")) }
    })
    .await
}

/// Waits until an operator has ended, and returns what it has logged.
async fn ended(operator: &mut Operator) -> String {
    let status = eventually("the operator has ended", LIMIT, async || {
        operator.ended().ok_or_else(|| "it runs".to_owned())
    })
    .await;
    assert!(!status.success(), "it ends as something that is to be started anew");
    operator.log()
}

/// A Directory's spec: people from the ConfigMap `people`, read every second.
fn every_second() -> Value {
    with(csv(), &json!({"sync": {"interval": "1s"}}))
}

/// A table of people for [`csv`], by number and title.
fn people(people: impl IntoIterator<Item = (usize, &'static str)>) -> String {
    let rows = people
        .into_iter()
        .map(|(number, title)| format!("{number},First{number},Last{number},p{number}@a.test,{title}\n"));
    std::iter::once("user_id,first_name,last_name,email,job_title\n".to_owned()).chain(rows).collect()
}

/// Waits until the namespace has exactly these people, by number and title.
async fn people_become(stage: &Stage, expected: &[(usize, &str)]) {
    let mut expected: Vec<(String, String)> =
        expected.iter().map(|(number, title)| (number.to_string(), (*title).to_owned())).collect();
    expected.sort();
    eventually("the people are as the source has them", LIMIT, async || {
        let users = stage.users().await.into_iter().map(|user| user.spec.user);
        let mut found: Vec<(String, String)> =
            users.map(|user| (user.external_id, user.title.unwrap_or_default())).collect();
        found.sort();
        if found == expected { Ok(()) } else { Err(format!("{found:?}\n{}", stage.operator.log())) }
    })
    .await;
}

/// Tells how long something took beside what it may take by the durations that were set.
fn tell(what: &str, since: Instant, bound: Duration) {
    eprintln!(
        "{what}: {:.2} s, of {:.1} s that the durations allow",
        since.elapsed().as_secs_f64(),
        bound.as_secs_f64()
    );
}

//! The Lease passes from one operator to the other: when it is given back, and when its holder is gone.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use http::Method;

use super::*;
use crate::faults::F28;
use crate::support::definitions;
use crate::support::ldap::proxy::held;
use crate::support::ldap::{Company, Slapd};
use crate::support::proxy::Verdict;
use crate::support::stage::{ONE, TWO, ldap};

#[tokio::test]
async fn of_two_operators_only_the_holder_of_the_lease_works() {
    let mark = Cluster::get().audit_mark();
    let Pair { stage, second } = &Pair::start("two", SHORT).await;
    stage.people(ONE).await;
    stage.directory("acme", every_second()).await;
    stage.ready("acme", "True", "Synced").await;
    stage.rewrite("people", json!({"users.csv": TWO})).await;
    stage.users_become(&["ada@a.test", "grace@a.test"]).await;
    stage.ready("acme", "True", "Synced").await;

    let of_second = Cluster::get().audit_since(mark, &stage.namespace).by_pod("b");
    assert!(of_second.iter().any(|event| event.verb == "get"), "it looks at the lease");
    let besides = of_second.filter(|event| !(event.object_ref.resource == "leases" && event.verb == "get"));
    assert!(besides.iter().all(|event| event.verb == "list"), "and at the definitions: {besides:?}");
    let leads = "leader_election_master_status{name=\"directory-sync\"}";
    assert_eq!(stage.operator.metric(leads).await.as_deref(), Some("1"));
    assert_eq!(second.metric(leads).await.as_deref(), Some("0"));
    assert!(second.log().contains("following: a_"), "{}", second.log());
}

/// The durations are such that nothing but giving back explains that the other one takes over at all.
#[tokio::test]
async fn an_operator_that_is_told_to_stop_gives_the_lease_back_after_its_last_write() {
    let long = ["--leader-elect-lease-duration=600s", "--leader-elect-renew-deadline=500s"];
    let mut pair = Pair::start("stopped", &long).await;
    pair.stage.tables("people", &people((0..40).map(|number| (number, "Clerk"))), MEMBERSHIPS).await;
    let mark = Cluster::get().audit_mark();
    pair.stage.directory("acme", every_second()).await;
    eventually("people are being written", LIMIT, async || {
        let written = pair.written_by("a", mark).of("directoryusers").len();
        if written > 0 { Ok(()) } else { Err("nobody yet".to_owned()) }
    })
    .await;
    pair.stage.operator.signal("TERM");
    let since = Instant::now();
    let spec = held_by(&pair.stage, "b").await;
    let retry_period = Duration::from_secs(2);
    tell("hand-over on SIGTERM", since, retry_period);
    assert_eq!(spec.lease_transitions, Some(1));
    pair.stage.operator.stop();
    pair.stage.ready("acme", "True", "Synced").await;
    assert_eq!(pair.stage.users().await.len(), 40);

    // In the order of the apiserver's answers: the last that the first has done is to give it back.
    let written = Cluster::get().audit_since(mark, &pair.stage.namespace).writes();
    let successful = written.filter(|event| event.code() < 300 && event.object_ref.resource != "events");
    let (a, b) = ("(a_", "(b_");
    let last = successful.iter().rposition(|event| event.user_agent.contains(a)).unwrap();
    assert_eq!(successful[last].object_ref.resource, "leases");
    let first = successful.iter().position(|event| event.user_agent.contains(b)).unwrap();
    assert!(last < first, "{successful:?}");
    assert_eq!(successful[first].object_ref.resource, "leases");
}

/// A renewal changes the Lease before its answer arrives: what is given back is then another version.
#[tokio::test]
async fn an_operator_that_is_told_to_stop_in_the_middle_of_a_renewal_gives_the_lease_back() {
    let proxy = Proxy::start(Cluster::get()).await;
    let long = ["--leader-elect-lease-duration=600s", "--leader-elect-renew-deadline=500s"];
    let mut pair = Pair::start_behind("renewing", &long, Some(&proxy)).await;
    let (process, renewed) = (pair.stage.operator.id(), AtomicBool::new(false));
    proxy.decide(move |asked| {
        let renewal = asked.method == Method::PUT && asked.path.contains("/leases/");
        if !renewal || renewed.swap(true, Ordering::Relaxed) {
            return Verdict::Pass;
        }
        Verdict::Swallow(Box::new(move || {
            Command::new("kill").args(["-TERM", &process.to_string()]).status().unwrap();
        }))
    });
    eventually("the operator has ended", LIMIT, async || {
        pair.stage.operator.ended().ok_or_else(|| "it runs".to_owned())
    })
    .await;
    assert!(pair.stage.operator.log().contains("the lease was given back"), "{}", pair.stage.operator.log());
    held_by(&pair.stage, "b").await;
}

#[tokio::test]
async fn an_operator_that_is_killed_is_followed_when_its_lease_has_been_still_for_its_duration() {
    let mut pair = Pair::start("killed", &[]).await;
    pair.stage.people(ONE).await;
    pair.stage.directory("acme", every_second()).await;
    pair.stage.ready("acme", "True", "Synced").await;
    pair.stage.operator.signal("KILL");
    let since = Instant::now();
    let before = lease(&pair.stage).await;
    pair.stage.rewrite("people", json!({"users.csv": TWO})).await;
    let after = held_by(&pair.stage, "b").await;
    let (lease_duration, retry_period) = (Duration::from_secs(15), Duration::from_secs(2));
    tell("hand-over on SIGKILL", since, lease_duration + retry_period);
    // Both clocks are this machine's.
    let still = after.acquire_time.unwrap().0.duration_since(before.renew_time.unwrap().0);
    assert!(still >= lease_duration.try_into().unwrap(), "{still}");
    pair.stage.users_become(&["ada@a.test", "grace@a.test"]).await;
    let log = ended(&mut pair.stage.operator).await;
    assert!(!log.contains("given back"), "{log}");
}

/// It holds the Lease and has not listed the mirrors, so that it supervises nothing yet.
#[tokio::test]
async fn an_operator_that_is_told_to_stop_while_it_lists_the_mirrors_gives_the_lease_back() {
    let cluster = Cluster::get();
    definitions::install(cluster).await;
    let (proxy, namespace) = (Proxy::start(cluster).await, cluster.namespace("listing").await);
    let (_unanswered, answer) = tokio::sync::watch::channel(false);
    let looked_for_definitions = AtomicBool::new(false);
    proxy.decide(move |asked| {
        let people = asked.method == Method::GET && asked.path.ends_with("/directoryusers");
        if people && looked_for_definitions.swap(true, Ordering::Relaxed) {
            return Verdict::Hold(answer.clone());
        }
        Verdict::Pass
    });
    let operator = Operator::setup(cluster, &namespace).arguments(SHORT).pod("a").through(&proxy);
    let mut stage = Stage { cluster, operator: operator.launch().await, namespace };
    held_by(&stage, "a").await;
    eventually("it has begun", LIMIT, async || {
        let log = stage.operator.log();
        if log.contains("watching Directories") { Ok(()) } else { Err(log) }
    })
    .await;
    stage.operator.stop();
    let log = stage.operator.log();
    assert!(log.contains("given back"), "{log}");
}

#[tokio::test]
async fn f28_an_operator_that_dies_while_it_reads_has_written_nothing_and_another_one_reads_anew() {
    let arguments = [SHORT, &["--allow-address=127.0.0.0/8,::1/128"]].concat();
    let (pair, mark) = (Pair::start("dies-reading", &arguments).await, Cluster::get().audit_mark());
    let slapd = Slapd::builder().company(Company::of(500, 3)).start();
    let held = held(slapd.port(), 100_000).await;
    pair.stage.reader().await;
    let slow = json!({"provider": {"ldap": {"timeoutSeconds": 600, "pageSize": 50}}});
    let spec = with(ldap(&format!("ldap://localhost:{}", held.listener.port)), &slow);
    pair.stage.directory("acme", spec).await;
    slapd.wait_until("people are being read", |seen| seen.entries > 50).await;
    pair.stage.operator.signal("KILL");
    held_by(&pair.stage, "b").await;
    let written = pair.written_by("a", mark).of("directoryusers");
    assert!(written.is_empty(), "{written:?}");

    held.let_go();
    F28.is_seen(&pair.stage, "acme").await;
    assert_eq!(pair.stage.users().await.len(), 500);
    assert_eq!(pair.written_by("b", mark).of("directoryusers").len(), 500);
}

const MEMBERSHIPS: &str = "group_name,user_id\nadmins,1\n";

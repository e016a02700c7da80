//! The clock of the operator's machine is set, by ten minutes either way: syncs keep their time, the
//! Lease its holder, and who has lost it writes nothing.

use std::time::Instant;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use serde_json::json;

use crate::faults::F31;
use crate::support::clock::Clock;
use crate::support::cluster::Cluster;
use crate::support::operator::Operator;
use crate::support::proxy::{Link, Proxy};
use crate::support::stage::{LIMIT, ONE, Stage, TWO, csv, with};
use crate::support::wait::eventually;

/// By how much the clock is moved.
const TEN_MINUTES: i64 = 600;

/// As in the tests of two operators: short, and long enough for a machine that does much else.
const SHORT: &[&str] = &[
    "--leader-elect-lease-duration=8s",
    "--leader-elect-renew-deadline=6s",
    "--leader-elect-retry-period=1s",
];

async fn lease(stage: &Stage) -> LeaseSpec {
    stage.api::<Lease>().get("directory-sync").await.unwrap().spec.unwrap_or_default()
}

/// An operator of pod `a` that holds the Lease and goes by this clock, with a Directory that is read every
/// second.
async fn leading(prefix: &str, clock: &Clock, proxy: Option<&Proxy>) -> Stage {
    let cluster = Cluster::get();
    let namespace = cluster.namespace(prefix).await;
    let mut setup = Operator::setup(cluster, &namespace).arguments(SHORT).pod("a").clock(clock);
    if let Some(proxy) = proxy {
        setup = setup.through(proxy);
    }
    let operator = setup.start().await;
    let stage = Stage { cluster, namespace, operator };
    stage.people(ONE).await;
    stage.directory("acme", with(csv(), &json!({"sync": {"interval": "1s"}}))).await;
    stage.ready("acme", "True", "Synced").await;
    stage
}

/// Waits until the holder says when it renewed the Lease by a clock that is wrong by so much.
async fn renews_by(stage: &Stage, seconds: i64) {
    eventually("the Lease is renewed by another clock", LIMIT, async || {
        let said = lease(stage).await.renew_time.ok_or("never renewed")?.0;
        let wrong = said.duration_since(Timestamp::now()).as_secs();
        if (wrong - seconds).abs() < 120 { Ok(()) } else { Err(format!("wrong by {wrong} s")) }
    })
    .await;
}

/// Waits for six syncs, which come every second, and tells how long they took.
async fn six_syncs(stage: &Stage) -> f64 {
    let (mark, since) = (Cluster::get().audit_mark(), Instant::now());
    stage.reads(mark, "people", 6).await;
    since.elapsed().as_secs_f64()
}

#[tokio::test]
async fn f31_a_clock_that_is_set_by_ten_minutes_either_way_moves_no_sync_and_no_lease() {
    let clock = Clock::right();
    let stage = leading("clock", &clock, None).await;
    let before = lease(&stage).await;
    for seconds in [TEN_MINUTES, -TEN_MINUTES, 0] {
        clock.show(seconds);
        renews_by(&stage, seconds).await;
        let took = six_syncs(&stage).await;
        eprintln!("six syncs by a clock that is {seconds:+} s wrong: {took:.1} s");
        let users = if seconds == TEN_MINUTES { TWO } else { ONE };
        stage.rewrite("people", json!({"users.csv": users})).await;
        let expected: &[&str] = if users == TWO { &["ada@a.test", "grace@a.test"] } else { &["ada@a.test"] };
        stage.users_become(expected).await;
        F31.is_seen(&stage, "acme").await;
    }
    let after = lease(&stage).await;
    assert_eq!(
        (after.holder_identity, after.lease_transitions),
        (before.holder_identity, before.lease_transitions)
    );
    assert!(!stage.operator.log().contains("the lease was lost"), "{}", stage.operator.log());
}

#[tokio::test]
async fn f31_a_follower_whose_clock_is_ahead_does_not_take_a_lease_that_is_renewed() {
    let stage = leading("clock-ahead", &Clock::right(), None).await;
    let ahead = Clock::right();
    ahead.show(TEN_MINUTES);
    let setup = Operator::setup(stage.cluster, &stage.namespace).arguments(SHORT).pod("b");
    let follower = setup.clock(&ahead).start().await;
    // Longer than a Lease lasts, in the holder's own time.
    let begun = lease(&stage).await.renew_time.unwrap().0;
    eventually("the holder renews for a while", LIMIT, async || {
        let renewed = lease(&stage).await.renew_time.unwrap().0;
        let seconds = renewed.duration_since(begun).as_secs();
        if seconds >= 10 { Ok(()) } else { Err(format!("{seconds} s")) }
    })
    .await;
    let held = lease(&stage).await;
    assert!(held.holder_identity.unwrap().starts_with("a_"));
    assert_eq!(held.lease_transitions.unwrap_or_default(), 0);
    assert!(follower.log().contains("following: a_"), "{}", follower.log());
}

#[tokio::test]
async fn f31_a_holder_whose_clock_is_put_back_while_it_is_cut_off_ends_in_time_and_writes_nothing() {
    let proxy = Proxy::start(Cluster::get()).await;
    let clock = Clock::right();
    let mut stage = leading("clock-back", &clock, Some(&proxy)).await;
    let setup = Operator::setup(stage.cluster, &stage.namespace).arguments(SHORT).pod("b");
    let second = setup.start().await;
    clock.show(-TEN_MINUTES);
    renews_by(&stage, -TEN_MINUTES).await;
    proxy.link(Link::Stalled);
    stage.rewrite("people", json!({"users.csv": TWO})).await;
    stage.users_become(&["ada@a.test", "grace@a.test"]).await;
    assert!(second.log().contains("leading"), "{}", second.log());
    eventually("the first has ended", LIMIT, async || {
        stage.operator.ended().map(drop).ok_or_else(|| "it runs".to_owned())
    })
    .await;
    assert!(stage.operator.log().contains("the lease was lost"), "{}", stage.operator.log());

    let mark = Cluster::get().audit_mark();
    proxy.link(Link::Cut);
    proxy.link(Link::Whole);
    // A sync of the second one, so that whatever there is to see has been seen.
    stage.sync("acme").await;
    let requests = Cluster::get().audit_since(mark, &stage.namespace);
    let written = requests.by_pod("a").writes().filter(|event| event.object_ref.resource != "events");
    assert!(written.is_empty(), "{written:?}");
}

//! How fast is written, when the apiserver says that it is too much.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hyper::StatusCode;

use super::*;
use crate::support::operator::Operator;
use crate::support::proxy::{Proxy, Verdict};

/// How many requests may be under way at a time, as the operator shows it.
async fn at_a_time(stage: &Stage) -> usize {
    stage.operator.metric("directory_sync_writes_at_a_time").await.unwrap().parse().unwrap()
}

/// An answer of an apiserver that has too much to do.
fn too_much() -> Verdict {
    let body = "Too many requests, please try again later.\n".to_owned();
    let (status, headers) = (StatusCode::TOO_MANY_REQUESTS, vec![("retry-after", "1".to_owned())]);
    Verdict::Answer { status, headers, body }
}

#[tokio::test]
async fn f32_writes_become_fewer_while_the_apiserver_refuses_and_all_of_them_are_made_when_it_does_no_more() {
    let cluster = Cluster::get();
    let proxy = Proxy::start(cluster).await;
    let namespace = cluster.namespace("pace").await;
    let setup = Operator::setup(cluster, &namespace).arguments(&["--leader-elect=false"]);
    let operator = setup.through(&proxy).start().await;
    let stage = Stage { cluster, namespace, operator };
    let healthy = Arc::new(AtomicBool::new(false));
    let asked = healthy.clone();
    proxy.decide(move |request| {
        let refused = request.is_write() && request.path.contains("/directoryusers");
        if refused && !asked.load(Ordering::SeqCst) { too_much() } else { Verdict::Pass }
    });
    assert_eq!(at_a_time(&stage).await, 32);
    let mark = cluster.audit_mark();
    stage.tables("people", &people(0..700), &members("admins", 0..10)).await;
    stage.directory("acme", mode("Objects")).await;
    eventually("one at a time is tried", LIMIT, async || {
        let at_a_time = at_a_time(&stage).await;
        if at_a_time == 1 { Ok(()) } else { Err(format!("{at_a_time}\n{}", stage.operator.log())) }
    })
    .await;
    assert_eq!(stage.written(mark).of("directoryusers").len(), 0);

    healthy.store(true, Ordering::SeqCst);
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(entries(&stage, "acme").await.len(), 701);
    assert_eq!(stage.written(mark).of("directoryusers").len(), 700, "each was written once");
    let status = stage.status("acme").await;
    assert_eq!(status.last_sync.unwrap().created, 701, "the sync waited and did not fail");
    assert!(at_a_time(&stage).await > 1, "and the requests at a time grow again");
    let eased = stage.operator.metric("directory_sync_writes_eased_total").await.unwrap();
    assert!(eased.parse::<u64>().unwrap() >= 5, "{eased}");
    let waited = stage.operator.metric("directory_sync_writes_waited_seconds_total").await.unwrap();
    assert!(waited.parse::<f64>().unwrap() >= 1.0, "{waited}");
}

#[tokio::test]
async fn an_apiserver_that_asks_for_time_in_the_middle_of_slices_delays_the_sync_and_no_more() {
    let cluster = Cluster::get();
    let proxy = Proxy::start(cluster).await;
    let namespace = cluster.namespace("pace-slices").await;
    let setup = Operator::setup(cluster, &namespace).arguments(&["--leader-elect=false"]);
    let operator = setup.through(&proxy).start().await;
    let stage = Stage { cluster, namespace, operator };
    let first = AtomicBool::new(true);
    proxy.decide(move |request| {
        let of_people = request.is_write() && request.path.contains("directoryslices");
        if of_people && first.swap(false, Ordering::SeqCst) { too_much() } else { Verdict::Pass }
    });
    stage.tables("people", &people(0..500), &members("admins", 0..10)).await;
    stage.directory("acme", mode("Slices")).await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(entries(&stage, "acme").await.len(), 501);
    assert_eq!(stage.status("acme").await.last_sync.unwrap().created, 501);
}

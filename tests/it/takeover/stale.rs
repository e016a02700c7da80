//! A holder that does not know yet that it is none any more: a process that was stopped and goes on, and
//! one that the apiserver has not heard of for a while.

use super::*;
use crate::faults::{F29, F30};
use crate::support::proxy::{Link, Verdict};

const PEOPLE: usize = 300;

/// In the middle of a first sync of [`PEOPLE`] people, each write of which takes a while, one after the
/// other.
async fn in_the_middle(prefix: &str, proxy: &Proxy) -> Pair {
    let pair = Pair::start_behind(prefix, SHORT, Some(proxy)).await;
    proxy.one_write_at_a_time();
    proxy.decide(
        |asked| {
            if asked.is_write() { Verdict::Delay(Duration::from_millis(50)) } else { Verdict::Pass }
        },
    );
    let table = people((0..PEOPLE).map(|number| (number, "Clerk")));
    pair.stage.tables("people", &table, "group_name,user_id\nadmins,1\n").await;
    pair.stage.directory("acme", every_second()).await;
    eventually("some people are written", LIMIT, async || {
        let count = pair.stage.users().await.len();
        if count >= 5 { Ok(()) } else { Err(format!("{count}")) }
    })
    .await;
    pair
}

/// The source changes: people 0 and 1 go, 2 and 3 change, one comes.
async fn change_the_source(stage: &Stage) -> Vec<(usize, &'static str)> {
    let title = |number| if number < 4 { "Head" } else { "Clerk" };
    let now: Vec<(usize, &str)> = (2..=PEOPLE).map(|number| (number, title(number))).collect();
    stage.rewrite("people", json!({"users.csv": people(now.iter().copied())})).await;
    now
}

#[tokio::test]
async fn f30_a_process_that_was_stopped_in_the_middle_of_a_sync_writes_nothing_when_it_goes_on() {
    let proxy = Proxy::start(Cluster::get()).await;
    let mut pair = in_the_middle("paused", &proxy).await;
    pair.stage.operator.signal("STOP");
    let expected = change_the_source(&pair.stage).await;
    held_by(&pair.stage, "b").await;
    people_become(&pair.stage, &expected).await;
    pair.stage.ready("acme", "True", "Synced").await;
    let mirrors = pair.stage.mirrors("acme").await;
    let unfinished = PEOPLE - pair.written_by("a", AuditMark::START).of("directoryusers").len();
    assert!(unfinished > 0, "the sync of the first was not over");

    let mark = Cluster::get().audit_mark();
    pair.stage.operator.signal("CONT");
    let log = ended(&mut pair.stage.operator).await;
    assert!(log.contains("the lease was lost"), "{log}");
    F30.is_seen(&pair.stage, "acme").await;
    let written = pair.written_by("a", mark);
    assert!(written.is_empty(), "{written:?}");
    // Another sync by the second one, so that whatever there is to see has been seen.
    pair.stage.sync("acme").await;
    assert_eq!(pair.stage.mirrors("acme").await, mirrors);
    assert_eq!(pair.written_by("b", mark).of("directoryusers").len(), 0);
}

#[tokio::test]
async fn f29_an_operator_that_dies_while_it_writes_is_followed_by_one_that_writes_the_rest() {
    let (proxy, mark) = (Proxy::start(Cluster::get()).await, Cluster::get().audit_mark());
    let pair = in_the_middle("dies-writing", &proxy).await;
    pair.stage.operator.signal("KILL");
    held_by(&pair.stage, "b").await;
    people_become(&pair.stage, &(0..PEOPLE).map(|number| (number, "Clerk")).collect::<Vec<_>>()).await;
    F29.is_seen(&pair.stage, "acme").await;

    let done = |pod: &str| {
        let people = pair.written_by(pod, mark).of("directoryusers");
        people.filter(|event| event.code() < 300)
    };
    let (first, second) = (done("a"), done("b"));
    assert!(!first.is_empty() && !second.is_empty(), "{} and {}", first.len(), second.len());
    let mut names: Vec<&str> =
        first.iter().chain(&*second).map(|event| event.object_ref.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), first.len() + second.len(), "nobody is written twice");
    // The write that was under way at the kill is done without anybody who hears that it is.
    assert!(names.len() + 1 >= PEOPLE, "everybody is written: {}", names.len());
}

/// Both kinds of silence: bytes that do not arrive, and connections that are refused.
async fn partitioned(prefix: &str, how: Link) {
    let proxy = Proxy::start(Cluster::get()).await;
    let mut pair = in_the_middle(prefix, &proxy).await;
    proxy.link(how);
    let expected = change_the_source(&pair.stage).await;
    let taken = held_by(&pair.stage, "b").await;
    // It has ended by itself, without having heard anything.
    let log = ended(&mut pair.stage.operator).await;
    assert!(log.contains("it was not renewed in time"), "{log}");
    people_become(&pair.stage, &expected).await;
    pair.stage.ready("acme", "True", "Synced").await;
    assert_eq!(taken.lease_transitions, Some(1));

    let mark = Cluster::get().audit_mark();
    proxy.link(Link::Cut);
    proxy.link(Link::Whole);
    pair.stage.sync("acme").await;
    let written = pair.written_by("a", mark);
    assert!(written.is_empty(), "{written:?}");
    people_become(&pair.stage, &expected).await;
}

#[tokio::test]
async fn an_operator_whose_requests_get_no_answer_ends_and_another_one_goes_on() {
    partitioned("stalled", Link::Stalled).await;
}

#[tokio::test]
async fn an_operator_that_cannot_connect_ends_and_another_one_goes_on() {
    partitioned("cut", Link::Cut).await;
}

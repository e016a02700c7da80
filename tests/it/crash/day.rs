//! The operator is killed while people go: what went before counts towards the losses of the day all the
//! same.

use hyper::Method;
use serde_json::json;

use super::*;
use crate::support::operator::Operator;
use crate::support::proxy::Asked;
use crate::support::stage::{Stage, csv, with};

/// A table of so many people.
fn people(count: usize) -> String {
    let rows = (0..count).map(|number| format!("{number},Ada,Lovelace,p{number}@a.test\n"));
    std::iter::once("user_id,first_name,last_name,email\n".to_owned()).chain(rows).collect()
}

fn is_deletion(asked: &Asked) -> bool {
    asked.method == Method::DELETE && asked.path.contains("/directoryusers/")
}

/// An operator behind a proxy, and a table of forty people.
async fn forty() -> (Stage, Proxy) {
    let cluster = Cluster::get();
    let proxy = Proxy::start(cluster).await;
    let namespace = cluster.namespace("crash-day").await;
    let setup = Operator::setup(cluster, &namespace).arguments(&["--leader-elect=false"]);
    let operator = setup.through(&proxy).start().await;
    let stage = Stage { cluster, namespace, operator };
    stage.people(&people(40)).await;
    (stage, proxy)
}

async fn is_dead(stage: &mut Stage) {
    eventually("the operator is dead", LIMIT, async || {
        stage.operator.ended().map(drop).ok_or_else(|| "it lives".to_owned())
    })
    .await;
}

/// Lets three of forty people go, with the operator killed before the first request that is no deletion,
/// or before the deletion of this number; and then as many again, one more than the day allows.
async fn killed_before(deletion: Option<usize>) {
    let (mut stage, proxy) = forty().await;
    stage.directory("acme", with(csv(), &json!({"sync": {"interval": "1s"}}))).await;
    stage.ready("acme", "True", "Synced").await;

    let process = stage.operator.id();
    let deletions = AtomicUsize::new(0);
    let dead = AtomicUsize::new(0);
    proxy.one_write_at_a_time();
    proxy.decide(move |asked| {
        if !asked.is_write() {
            return Verdict::Pass;
        }
        let begun = deletions.load(Ordering::SeqCst);
        let dies = match deletion {
            Some(number) => is_deletion(asked) && begun + 1 == number,
            None => !is_deletion(asked) && begun > 0,
        };
        if dead.load(Ordering::SeqCst) > 0 {
            return Verdict::Drop;
        }
        if dies {
            dead.store(1, Ordering::SeqCst);
            kill(process);
            return Verdict::Drop;
        }
        deletions.fetch_add(usize::from(is_deletion(asked)), Ordering::SeqCst);
        Verdict::Pass
    });
    stage.rewrite("people", json!({"users.csv": people(37)})).await;
    is_dead(&mut stage).await;
    let gone = deletion.map_or(3, |number| number - 1);
    assert_eq!(stage.user_names().await.len(), 40 - gone);

    proxy.decide(|_| Verdict::Pass);
    stage.operator.restart().await;
    eventually("three are gone", LIMIT, async || {
        let left = stage.user_names().await.len();
        if left == 37 { Ok(()) } else { Err(format!("{left} are left\n{}", stage.operator.log())) }
    })
    .await;
    stage.rewrite("people", json!({"users.csv": people(34)})).await;
    stage.ready("acme", "False", "PlanHeld").await;
    let plan = stage.status("acme").await.pending_plan.unwrap();
    assert_eq!((plan.delete, plan.last_day), (3, 3));
    assert_eq!(stage.user_names().await.len(), 37);
}

/// The same in slices, where one write takes all three: the operator is killed before it, or before the
/// next one. Whoever is missing is deleted or becomes inactive.
async fn killed_before_slice(slice: &'static str, missing: &str) {
    let (mut stage, proxy) = forty().await;
    let spec = json!({"output": {"mode": "Slices"}, "deletion": {"missingUsers": missing}});
    stage.directory("acme", with(with(csv(), &json!({"sync": {"interval": "1s"}})), &spec)).await;
    stage.ready("acme", "True", "Synced").await;

    let process = stage.operator.id();
    let dead = AtomicUsize::new(0);
    proxy.one_write_at_a_time();
    proxy.decide(move |asked| {
        if dead.load(Ordering::SeqCst) == 0 && asked.path.ends_with(slice) && asked.is_write() {
            dead.store(1, Ordering::SeqCst);
            kill(process);
        }
        if dead.load(Ordering::SeqCst) > 0 && asked.is_write() { Verdict::Drop } else { Verdict::Pass }
    });
    stage.rewrite("people", json!({"users.csv": people(37)})).await;
    is_dead(&mut stage).await;

    proxy.decide(|_| Verdict::Pass);
    stage.operator.restart().await;
    eventually("the status tells of three fewer", LIMIT, async || {
        let status = stage.status("acme").await;
        let active = status.users.map_or(0, |users| users.active);
        let held = status.pending_plan.is_some();
        if active == 37 && !held {
            Ok(())
        } else {
            Err(format!("{active}, {held}\n{}", stage.operator.log()))
        }
    })
    .await;
    stage.rewrite("people", json!({"users.csv": people(34)})).await;
    stage.ready("acme", "False", "PlanHeld").await;
    let plan = stage.status("acme").await.pending_plan.unwrap();
    assert_eq!((plan.delete + plan.deactivate, plan.last_day), (3, 3));
}

#[tokio::test]
async fn whoever_did_not_go_from_a_slice_before_the_operator_was_killed_is_not_counted_twice() {
    killed_before_slice("/acme-s-u", "Delete").await;
}

#[tokio::test]
async fn whoever_became_inactive_in_a_slice_before_the_operator_was_killed_counts_for_the_day() {
    killed_before_slice("/acme-s-manifest", "Deactivate").await;
}

#[tokio::test]
async fn f21_what_went_before_the_operator_could_say_so_counts_for_the_day_once_it_is_back() {
    killed_before(None).await;
}

#[tokio::test]
async fn f21_what_went_of_a_plan_that_was_cut_off_counts_for_the_day_with_its_rest() {
    killed_before(Some(3)).await;
}

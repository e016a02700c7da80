//! Requests of a former holder that the apiserver gets when another operator has long taken over: the
//! network or the apiserver itself had them meanwhile, so no check at their sender helps.

use super::*;
use crate::support::proxy::holding::Holding;

/// What the apiserver has answered to the first operator's writes since a mark, by what they did.
fn answers(pair: &Pair, mark: AuditMark) -> Vec<(String, u16)> {
    let written = pair.written_by("a", mark);
    let mut answers: Vec<(String, u16)> =
        written.iter().map(|event| (event.verb.clone(), event.code())).collect();
    answers.sort();
    answers
}

#[tokio::test]
async fn what_arrives_late_is_refused_where_it_would_overwrite_and_put_right_where_it_would_not() {
    let proxy = Proxy::start(Cluster::get()).await;
    let pair = Pair::start_behind("late", SHORT, Some(&proxy)).await;
    let before = [(1, "Clerk"), (2, "Clerk"), (3, "Clerk")];
    pair.stage.tables("people", &people(before), "group_name,user_id\nadmins,1\n").await;
    pair.stage.directory("acme", every_second()).await;
    pair.stage.ready("acme", "True", "Synced").await;

    // The first operator is about to change 1 and 2, to delete 3 and to create 4; deletions come last.
    let held = Holding::start(&proxy, |asked| asked.is_write() && asked.path.contains("/directoryusers"));
    pair.stage
        .rewrite("people", json!({"users.csv": people([(1, "Head"), (2, "Head"), (4, "Clerk")])}))
        .await;
    held.until(3).await;
    let deletion = pair.stage.users().await.into_iter().find(|user| user.spec.user.external_id == "3");
    let deletion = deletion.unwrap().metadata;
    pair.stage.operator.signal("STOP");

    // The source is as before but for 1, so that there is nothing to write for the second one but that.
    let after = [(1, "Chair"), (2, "Clerk"), (3, "Clerk")];
    pair.stage.rewrite("people", json!({"users.csv": people(after)})).await;
    held_by(&pair.stage, "b").await;
    people_become(&pair.stage, &after).await;
    pair.stage.ready("acme", "True", "Synced").await;

    let mark = Cluster::get().audit_mark();
    held.let_go();
    eventually("the apiserver has done what was held", LIMIT, async || {
        let answers = answers(&pair, mark);
        let expected = [("create", 201), ("patch", 200), ("patch", 409)];
        if answers.iter().map(|(verb, code)| (verb.as_str(), *code)).eq(expected) {
            Ok(())
        } else {
            Err(format!("{answers:?}"))
        }
    })
    .await;
    people_become(&pair.stage, &after).await;
    let kept = pair.stage.users().await.into_iter().find(|user| user.spec.user.external_id == "3");
    assert_eq!(kept.unwrap().metadata.uid, deletion.uid);
    pair.stage.ready("acme", "True", "Synced").await;
}

#[tokio::test]
async fn a_deletion_that_arrives_late_is_put_right() {
    let proxy = Proxy::start(Cluster::get()).await;
    let pair = Pair::start_behind("late-deletion", SHORT, Some(&proxy)).await;
    let all = [(1, "Clerk"), (2, "Clerk"), (3, "Clerk")];
    pair.stage.tables("people", &people(all), "group_name,user_id\nadmins,1\n").await;
    pair.stage.directory("acme", every_second()).await;
    pair.stage.ready("acme", "True", "Synced").await;

    let held = Holding::start(&proxy, |asked| asked.method == hyper::Method::DELETE);
    // 2 changes as well, so that its deletion by the first is one of an object that is not there any more.
    pair.stage.rewrite("people", json!({"users.csv": people([(1, "Clerk")])})).await;
    held.until(2).await;
    pair.stage.operator.signal("STOP");
    let after = [(1, "Clerk"), (2, "Head"), (3, "Clerk")];
    pair.stage.rewrite("people", json!({"users.csv": people(after)})).await;
    held_by(&pair.stage, "b").await;
    people_become(&pair.stage, &after).await;
    pair.stage.ready("acme", "True", "Synced").await;

    let mark = Cluster::get().audit_mark();
    held.let_go();
    eventually("the apiserver has done what was held", LIMIT, async || {
        let answers = answers(&pair, mark);
        let expected = [("delete", 200), ("delete", 409)];
        if answers.iter().map(|(verb, code)| (verb.as_str(), *code)).eq(expected) {
            Ok(())
        } else {
            Err(format!("{answers:?}"))
        }
    })
    .await;
    people_become(&pair.stage, &after).await;
}

/// The first operator has written a person and is about to write `what`; the second has taken over and
/// written since. What the first was about to write is refused.
async fn refused(prefix: &str, what: &'static str) {
    let proxy = Proxy::start(Cluster::get()).await;
    let pair = Pair::start_behind(prefix, SHORT, Some(&proxy)).await;
    pair.stage.tables("people", &people([(1, "Clerk")]), "group_name,user_id\nadmins,1\n").await;
    pair.stage.directory("acme", every_second()).await;
    pair.stage.ready("acme", "True", "Synced").await;

    let held = Holding::start(&proxy, move |asked| asked.is_write() && asked.path.ends_with(what));
    pair.stage.rewrite("people", json!({"users.csv": people([(1, "Head")])})).await;
    held.until(1).await;
    pair.stage.operator.signal("STOP");
    pair.stage.rewrite("people", json!({"users.csv": people([(1, "Chair"), (2, "Clerk")])})).await;
    held_by(&pair.stage, "b").await;
    people_become(&pair.stage, &[(1, "Chair"), (2, "Clerk")]).await;
    eventually("the second has told of it", LIMIT, async || {
        let users = pair.stage.status("acme").await.users.unwrap_or_default();
        if users.active == 2 { Ok(()) } else { Err(format!("{users:?}")) }
    })
    .await;

    let mark = Cluster::get().audit_mark();
    held.let_go();
    eventually("the apiserver has refused it", LIMIT, async || {
        let answers = pair.written_by("a", mark);
        let codes: Vec<u16> = answers.iter().map(crate::support::audit::AuditEvent::code).collect();
        if codes == [409] { Ok(()) } else { Err(format!("{answers:?}")) }
    })
    .await;
    assert_eq!(pair.stage.status("acme").await.users.unwrap_or_default().active, 2);
}

#[tokio::test]
async fn a_status_that_arrives_late_is_refused() {
    refused("late-status", "/status").await;
}

#[tokio::test]
async fn a_checkpoint_that_arrives_late_is_refused() {
    refused("late-checkpoint", "/directorycheckpoints/acme").await;
}

//! Watches that break, and that have been away for too long when they come back.

use std::collections::HashSet;
use std::sync::Mutex;

use directory_sync::api::DirectoryUser;
use hyper::Method;
use kube::ResourceExt;
use serde_json::json;

use super::*;
use crate::support::proxy::{Link, Verdict};
use crate::support::stage::{LIMIT, TWO, csv, csv_from, with};
use crate::support::wait::eventually;

/// While the operator is cut off, somebody edits a mirror and declares a Directory; then each of its watches
/// is told this, instead of what has happened.
async fn away_for_too_long(prefix: &str, gone: fn() -> Verdict) {
    let proxy = Proxy::start(Cluster::get()).await;
    let stage = behind(prefix, &proxy).await;
    stage.people(TWO).await;
    stage.tables("others", TWO, "group_name,user_id\nadmins,1\n").await;
    let rarely = json!({"sync": {"interval": "168h"}});
    stage.directory("acme", with(csv(), &rarely)).await;
    stage.ready("acme", "True", "Synced").await;
    let name = stage.user("ada@a.test").await.name_any();

    let listed: Mutex<HashSet<String>> = Mutex::default();
    proxy.decide(move |asked| {
        let mut listed = listed.lock().unwrap();
        if asked.method == Method::GET && !asked.watch {
            listed.insert(asked.path.clone());
        }
        // Of what has not been listed since, the version is too old.
        if asked.watch && !listed.contains(&asked.path) { gone() } else { Verdict::Pass }
    });
    proxy.link(Link::Cut);
    let mark = Cluster::get().audit_mark();
    stage.patch::<DirectoryUser>(&name, json!({"spec": {"title": "Countess"}})).await;
    stage.directory("another", with(csv_from("others"), &rarely)).await;
    proxy.link(Link::Whole);

    F35.is_seen(&stage, "acme").await;
    stage.ready("another", "True", "Synced").await;
    eventually("the edit is undone", LIMIT, async || {
        let title = stage.api::<DirectoryUser>().get(&name).await.unwrap().spec.user.title;
        if title.is_none() { Ok(()) } else { Err(format!("{title:?}\n{}", stage.operator.log())) }
    })
    .await;
    // Of what was there before, only the edited mirror is written.
    let others = stage.mirrors("another").await;
    let people = stage
        .written(mark)
        .of("directoryusers")
        .filter(|event| !others.contains_key(&("user", event.object_ref.name.clone())) && event.code() < 300);
    assert!(people.iter().all(|event| event.object_ref.name == name), "{people:?}");
}

#[tokio::test]
async fn f35_watches_that_are_told_within_them_that_they_were_away_too_long_begin_anew() {
    away_for_too_long("gone", || Verdict::refusal_within_a_watch(410, "Expired")).await;
}

#[tokio::test]
async fn f35_watches_that_are_refused_for_having_been_away_too_long_begin_anew() {
    away_for_too_long("refused", || Verdict::refusal(410, "Expired")).await;
}

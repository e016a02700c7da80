//! When a Directory is synced and when it is not: suspended, asked for, changed, failing.

use directory_sync::api::status::SyncKind;
use k8s_openapi::api::core::v1::Secret;
use serde_json::json;
use tokio::sync::watch;

use super::*;
use crate::support::cluster::Cluster;
use crate::support::ldap::Slapd;
use crate::support::operator::Operator;
use crate::support::proxy::{Proxy, Verdict};
use crate::support::stage::{ONE, TWO, csv, csv_from, ldap, with};

const RARELY: &str = "168h";

#[tokio::test]
async fn a_suspended_directory_reads_and_writes_nothing_until_it_goes_on() {
    let stage = Stage::new("suspend").await;
    stage.people(TWO).await;
    stage.tables("witness", ONE, "group_name,user_id\nadmins,1\n").await;
    stage.directory("acme", csv()).await;
    stage.directory("witness", csv_from("witness")).await;
    stage.ready("acme", "True", "Synced").await;
    stage.ready("witness", "True", "Synced").await;
    stage.respecify("acme", json!({"sync": {"suspend": true}})).await;
    let message = stage.ready("acme", "False", "Suspended").await;
    assert_eq!(
        message,
        "spec.sync.suspend is set: nothing is read or written, and the mirrors stay as they are"
    );

    let (mark, before) = (Cluster::get().audit_mark(), stage.mirrors("acme").await);
    stage.rewrite("people", json!({"users.csv": ONE})).await;
    let edited = stage.user("grace@a.test").await.metadata.name.unwrap();
    stage.patch::<directory_sync::api::DirectoryUser>(&edited, json!({"spec": {"title": "Queen"}})).await;
    // A Directory that is not suspended notices the same: its table has changed, after a while.
    stage.sync("witness").await;
    stage.rewrite("witness", json!({"users.csv": TWO})).await;
    eventually("the witness has noticed", LIMIT, async || {
        let users = stage.mirrors("witness").await.len();
        if users == 3 { Ok(()) } else { Err(format!("{users} mirrors")) }
    })
    .await;
    assert_eq!(stage.reads_since(mark, "people"), 0);
    let after = stage.mirrors("acme").await;
    assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    let changed = after.iter().filter(|(name, version)| before[*name] != **version).count();
    assert_eq!(changed, 1, "only what the test has edited");

    stage.respecify("acme", json!({"sync": {"suspend": false}})).await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(stage.mirrors("acme").await.len(), 2, "the change of before is noticed");
}

#[tokio::test]
async fn a_sync_on_demand_asks_for_changes_and_a_full_one_for_everything() {
    let stage = Stage::new("demand").await;
    let slapd = Slapd::builder().start();
    stage.reader().await;
    stage.directory("acme", with(ldap(&slapd.url()), &json!({"sync": {"interval": RARELY}}))).await;
    stage.ready("acme", "True", "Synced").await;
    let first = slapd.operations();
    stage.sync("acme").await;
    assert_eq!(stage.status("acme").await.last_sync.unwrap().kind, SyncKind::Delta);
    let second = slapd.operations();
    assert_eq!((second.binds - first.binds, second.entries - first.entries), (1, 0), "nobody is read again");
    stage.full_sync("acme").await;
    assert_eq!(stage.status("acme").await.last_sync.unwrap().kind, SyncKind::Full);
    assert!(slapd.operations().entries - second.entries >= 23, "20 people and 3 groups");
}

#[tokio::test]
async fn a_changed_config_map_is_noticed_without_being_asked() {
    let stage = Stage::new("noticed").await;
    stage.people(TWO).await;
    stage.directory("acme", with(csv(), &json!({"sync": {"interval": RARELY}}))).await;
    stage.ready("acme", "True", "Synced").await;
    stage.rewrite("people", json!({"users.csv": ONE})).await;
    stage.users_become(&["ada@a.test"]).await;
}

#[tokio::test]
async fn a_corrected_secret_is_noticed_before_the_next_try_is_due() {
    let stage = Stage::new("noticed").await;
    let slapd = Slapd::builder().start();
    stage.reader().await;
    let password = async |password: &str| {
        stage.patch::<Secret>("ldap", json!({"stringData": {"password": password}})).await;
    };
    password("wrong").await;
    stage.directory("acme", ldap(&slapd.url())).await;
    stage.ready("acme", "False", "Unauthorized").await;
    // After the second failure the next try is two minutes away, longer than anything here waits.
    stage.sync("acme").await;
    assert_eq!(stage.status("acme").await.failures, Some(2));
    password(crate::support::ldap::PASSWORD).await;
    stage.ready("acme", "True", "Synced").await;
    let status = stage.status("acme").await;
    assert_eq!((status.failures, status.retry_time), (None, None));
}

#[tokio::test]
async fn no_more_directories_are_worked_on_at_a_time_than_the_operator_may() {
    let cluster = Cluster::get();
    let proxy = Proxy::start(cluster).await;
    let namespace = cluster.namespace("cap").await;
    let alone = ["--leader-elect=false", "--max-concurrent-syncs=1"];
    let operator = Operator::setup(cluster, &namespace).arguments(&alone).through(&proxy).start().await;
    let stage = Stage { cluster, namespace, operator };
    stage.people(TWO).await;
    stage.tables("slow", TWO, "group_name,user_id\nadmins,1\n").await;
    let (go, held) = watch::channel(false);
    proxy.decide(move |asked| {
        let writes = asked.is_write() && asked.path.contains("/directoryusers");
        if writes { Verdict::Hold(held.clone()) } else { Verdict::Pass }
    });
    stage.directory("slow", csv_from("slow")).await;
    // It goes on showing how far it is; the other one has not begun.
    stage.told("slow", "Reconciling", "True", "Syncing").await;
    let mark = cluster.audit_mark();
    stage.directory("waiting", csv()).await;
    let depth = "workqueue_depth{name=\"directory\"}";
    eventually("the other one waits for its turn", LIMIT, async || {
        let waiting = stage.operator.metric(depth).await;
        if waiting.as_deref() == Some("1") { Ok(()) } else { Err(format!("{waiting:?}")) }
    })
    .await;
    assert_eq!(stage.reads_since(mark, "people"), 0);
    assert_eq!(stage.status("waiting").await.conditions, []);
    go.send_replace(true);
    stage.ready("slow", "True", "Synced").await;
    stage.ready("waiting", "True", "Synced").await;
}

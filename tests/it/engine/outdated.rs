//! A Directory that is changed while it waits for its turn, or while it is being synced.

use serde_json::json;

use super::*;
use crate::support::cluster::Cluster;
use crate::support::ldap::proxy::slow;
use crate::support::ldap::{Company, Slapd};
use crate::support::operator::Operator;
use crate::support::proxy::Proxy;
use crate::support::proxy::holding::Holding;
use crate::support::stage::{TWO, csv, csv_from, ldap, with};

#[tokio::test]
async fn a_directory_that_waits_for_its_turn_is_worked_on_as_it_is_then_and_suspended_at_once() {
    let cluster = Cluster::get();
    let proxy = Proxy::start(cluster).await;
    let namespace = cluster.namespace("outdated").await;
    let alone = ["--leader-elect=false", "--max-concurrent-syncs=1"];
    let operator = Operator::setup(cluster, &namespace).arguments(&alone).through(&proxy).start().await;
    let stage = Stage { cluster, namespace, operator };
    stage.people(TWO).await;
    stage.tables("slow", TWO, "group_name,user_id\nadmins,1\n").await;
    let holding = Holding::start(&proxy, |asked| asked.is_write() && asked.path.contains("/directoryusers"));
    stage.directory("slow", csv_from("slow")).await;
    holding.until(1).await;
    stage.directory("dry", csv()).await;
    stage.directory("suspended", csv()).await;
    eventually("both wait for their turns", LIMIT, async || {
        let waiting = stage.operator.metric("workqueue_depth{name=\"directory\"}").await;
        if waiting.as_deref() == Some("2") { Ok(()) } else { Err(format!("{waiting:?}")) }
    })
    .await;
    stage.respecify("dry", json!({"sync": {"dryRun": true}})).await;
    stage.respecify("suspended", json!({"sync": {"suspend": true}})).await;
    stage.ready("suspended", "False", "Suspended").await;

    holding.let_go();
    stage.ready("slow", "True", "Synced").await;
    stage.ready("dry", "True", "DryRun").await;
    for name in ["dry", "suspended"] {
        assert!(stage.mirrors(name).await.is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_source_that_trickles_for_hours_can_be_corrected_and_suspended() {
    let stage = Stage::new("trickle").await;
    // With 256 bytes a second, four hundred people take longer than anything here waits.
    let slapd = Slapd::builder().company(Company::of(400, 3)).start();
    let trickle = slow(slapd.port()).await;
    let trickling = format!("ldap://localhost:{}", trickle.port);
    stage.reader().await;
    stage.directory("acme", with(ldap(&trickling), &json!({"sync": {"interval": "168h"}}))).await;
    stage.told("acme", "Reconciling", "True", "Syncing").await;
    stage.respecify("acme", json!({"provider": {"ldap": {"url": slapd.url()}}})).await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(stage.users().await.len(), 400);

    let before = stage.mirrors("acme").await;
    stage.respecify("acme", json!({"provider": {"ldap": {"url": trickling}}})).await;
    stage.told("acme", "Reconciling", "True", "Syncing").await;
    stage.respecify("acme", json!({"sync": {"suspend": true}})).await;
    stage.ready("acme", "False", "Suspended").await;
    let status = stage.status("acme").await;
    assert_eq!((status.progress.as_ref(), status.condition("Reconciling")), (None, None));
    assert_eq!(stage.mirrors("acme").await, before);

    stage
        .respecify("acme", json!({"provider": {"ldap": {"url": slapd.url()}}, "sync": {"suspend": false}}))
        .await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(stage.mirrors("acme").await, before);
}

//! The cluster's storage is full: etcd refuses every write but deletions, as it does when its quota is used
//! up.

use serde_json::json;

use super::*;
use crate::support::cluster::OwnCluster;
use crate::support::ldap::Slapd;
use crate::support::ldap::company::user_dn;
use crate::support::stage::{LIMIT, ldap, with};
use crate::support::wait::eventually;

/// A Directory that was synced while there was room, by an operator with these arguments.
async fn synced(cluster: &'static Cluster, arguments: &[&str]) -> (Stage, Slapd) {
    let namespace = cluster.namespace("full").await;
    let operator = Operator::setup(cluster, &namespace).arguments(arguments).start().await;
    let (stage, slapd) = (Stage { cluster, namespace, operator }, Slapd::builder().start());
    stage.reader().await;
    stage.directory("acme", with(ldap(&slapd.url()), &json!({"sync": {"interval": "1s"}}))).await;
    stage.ready("acme", "True", "Synced").await;
    (stage, slapd)
}

fn promote(slapd: &Slapd) {
    slapd.modify(&format!("dn: {}\nchangetype: modify\nreplace: title\ntitle: Countess\n", user_dn(3)));
}

async fn promotion_arrives(stage: &Stage) {
    eventually("the change has arrived", LIMIT, async || {
        let title = stage.user("user0003@example.test").await.spec.user.title;
        if title.as_deref() == Some("Countess") {
            Ok(())
        } else {
            Err(format!("{title:?}\n{}", stage.operator.log()))
        }
    })
    .await;
    stage.ready("acme", "True", "Synced").await;
}

#[tokio::test]
async fn f36_a_full_storage_keeps_everybody_and_is_gone_on_with_once_there_is_room() {
    let own = OwnCluster::start();
    let (stage, slapd) = synced(own.get(), ALONE).await;
    let before = stage.mirrors("acme").await;
    own.get().storage_is_full(true);
    promote(&slapd);
    F36.is_seen(&stage, "acme").await;
    assert_eq!(stage.mirrors("acme").await, before, "what is there can be read, and stays");

    own.get().storage_is_full(false);
    promotion_arrives(&stage).await;
    assert_eq!(stage.mirrors("acme").await.len(), before.len());
}

#[tokio::test]
async fn f36_an_operator_that_finds_no_room_for_its_lease_ends_and_works_again_once_there_is() {
    const SHORT: &[&str] = &[
        "--allow-address=127.0.0.0/8,::1/128",
        "--leader-elect-lease-duration=8s",
        "--leader-elect-renew-deadline=6s",
        "--leader-elect-retry-period=1s",
    ];
    let own = OwnCluster::start();
    let (mut stage, slapd) = synced(own.get(), SHORT).await;
    let before = stage.mirrors("acme").await;
    own.get().storage_is_full(true);
    eventually("the operator has ended", LIMIT, async || {
        stage.operator.ended().map(drop).ok_or_else(|| stage.operator.log())
    })
    .await;
    assert!(stage.operator.log().contains("the lease was lost"), "{}", stage.operator.log());
    promote(&slapd);
    stage.operator.restart().await;
    assert_eq!(stage.mirrors("acme").await, before);
    own.get().storage_is_full(false);
    promotion_arrives(&stage).await;
}

//! The cluster's storage is full: etcd refuses every write but deletions, as it does when its quota is used
//! up.

use serde_json::json;

use super::*;
use crate::support::cluster::OwnCluster;
use crate::support::ldap::Slapd;
use crate::support::ldap::company::user_dn;
use crate::support::stage::{LIMIT, ldap, with};
use crate::support::wait::eventually;

#[tokio::test]
async fn f36_a_full_storage_keeps_everybody_and_is_gone_on_with_once_there_is_room() {
    let own = OwnCluster::start();
    let cluster = own.get();
    let namespace = cluster.namespace("full").await;
    let operator = Operator::setup(cluster, &namespace).arguments(ALONE).start().await;
    let stage = Stage { cluster, namespace, operator };
    let slapd = Slapd::builder().start();
    stage.reader().await;
    stage.directory("acme", with(ldap(&slapd.url()), &json!({"sync": {"interval": "1s"}}))).await;
    stage.ready("acme", "True", "Synced").await;
    let before = stage.mirrors("acme").await;

    cluster.storage_is_full(true);
    let promote = format!("dn: {}\nchangetype: modify\nreplace: title\ntitle: Countess\n", user_dn(3));
    slapd.modify(&promote);
    F36.is_seen(&stage, "acme").await;
    assert_eq!(stage.mirrors("acme").await, before, "what is there can be read, and stays");

    cluster.storage_is_full(false);
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
    assert_eq!(stage.mirrors("acme").await.len(), before.len());
}

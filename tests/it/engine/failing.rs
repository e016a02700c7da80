//! A Directory whose spec, source or apiserver fails: what it asks for meanwhile, and how soon it is well again.

use directory_sync::api::{ANNOTATION_SYNC_REQUESTED, Directory, DirectoryUser};
use hyper::Method;
use k8s_openapi::api::core::v1::Secret;
use serde_json::json;
use tokio::sync::watch;

use super::*;
use crate::support::cluster::Cluster;
use crate::support::ldap::{PASSWORD, Slapd};
use crate::support::operator::Operator;
use crate::support::proxy::{Asked, Proxy, Verdict};
use crate::support::stage::{ONE, TWO, csv, csv_from, ldap, with};

const RARELY: &str = "168h";

/// A stage whose operator reaches the apiserver through a proxy, with a Directory of two people that is synced
/// when something has changed.
async fn through_a_proxy(prefix: &str) -> (Proxy, Stage) {
    let cluster = Cluster::get();
    let proxy = Proxy::start(cluster).await;
    let namespace = cluster.namespace(prefix).await;
    let operator = Operator::setup(cluster, &namespace)
        .arguments(&["--leader-elect=false"])
        .through(&proxy)
        .start()
        .await;
    let stage = Stage { cluster, namespace, operator };
    stage.people(TWO).await;
    stage.directory("acme", with(csv(), &json!({"sync": {"interval": RARELY}}))).await;
    stage.ready("acme", "True", "Synced").await;
    (proxy, stage)
}

/// From now on the apiserver seems to be out of order for these requests, the first so many of them, which are
/// counted.
fn out_of_order(
    proxy: &Proxy,
    first: usize,
    which: impl Fn(&Asked) -> bool + Send + Sync + 'static,
) -> watch::Receiver<usize> {
    let (count, counted) = watch::channel(0);
    proxy.decide(move |asked| {
        if !which(asked) {
            return Verdict::Pass;
        }
        count.send_modify(|count| *count += 1);
        if *count.borrow() <= first { Verdict::refusal(500, "InternalError") } else { Verdict::Pass }
    });
    counted
}

async fn reaches(counted: &mut watch::Receiver<usize>, count: usize) {
    let waited = tokio::time::timeout(LIMIT, counted.wait_for(|counted| *counted >= count)).await;
    waited.expect("so many come in time").expect("the proxy is there");
}

/// How many syncs have ended.
async fn runs(stage: &Stage) -> usize {
    let metrics = stage.operator.metrics().await;
    let runs = metrics.lines().filter(|line| line.starts_with("directory_sync_runs_total{"));
    runs.filter_map(|line| line.rsplit_once(' ')?.1.parse::<usize>().ok()).sum()
}

async fn retitle(stage: &Stage, email: &str, title: &str) {
    let name = stage.user(email).await.metadata.name.unwrap();
    stage.patch::<DirectoryUser>(&name, json!({"spec": {"title": title}})).await;
}

/// Waits until the title of a person is as it was.
async fn is_repaired(stage: &Stage, email: &str, title: Option<&str>) {
    eventually("the mirror is repaired", LIMIT, async || {
        let found = stage.user(email).await.spec.user.title;
        if found.as_deref() == title { Ok(()) } else { Err(format!("{found:?}\n{}", stage.operator.log())) }
    })
    .await;
}

#[tokio::test]
async fn a_corrected_spec_is_well_again_at_once_although_the_source_is_not_asked() {
    let stage = Stage::new("corrected").await;
    stage.people(TWO).await;
    stage.directory("acme", with(csv(), &json!({"sync": {"interval": RARELY}}))).await;
    stage.ready("acme", "True", "Synced").await;
    stage.respecify("acme", json!({"scope": {"users": "user.email =="}})).await;
    stage.told("acme", "Stalled", "True", "InvalidSpec").await;
    // After the second failure the next try is two minutes away, longer than anything here waits.
    stage.sync("acme").await;
    assert_eq!(stage.status("acme").await.failures, Some(2));

    stage.respecify("acme", json!({"scope": {"users": "user.email != 'grace@a.test'"}})).await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(stage.user_names().await, ["ada@a.test"]);
    let status = stage.status("acme").await;
    assert_eq!(
        (status.failures, status.retry_time.as_ref(), status.condition("Stalled")),
        (None, None, None)
    );
}

#[tokio::test]
async fn an_apiserver_that_is_out_of_order_for_a_moment_has_changed_nothing_that_a_directory_names() {
    let (proxy, stage) = through_a_proxy("hiccup").await;
    let before = runs(&stage).await;
    let is_look = |asked: &Asked| asked.method == Method::GET && asked.path.ends_with("/configmaps/people");
    let mut looks = out_of_order(&proxy, 1, is_look);
    reaches(&mut looks, 2).await;
    // It ends after whatever was begun before it.
    stage.sync("acme").await;
    assert_eq!(runs(&stage).await, before + 1, "only the one that was asked for\n{}", stage.operator.log());
    stage.rewrite("people", json!({"users.csv": ONE})).await;
    stage.users_become(&["ada@a.test"]).await;
}

#[tokio::test]
async fn a_changed_config_map_is_noticed_while_the_status_cannot_be_written() {
    let (proxy, stage) = through_a_proxy("untold").await;
    let is_status = |asked: &Asked| asked.is_write() && asked.path.ends_with("/directories/acme/status");
    let mut refused = out_of_order(&proxy, usize::MAX, is_status);
    let request = json!({"metadata": {"annotations": {ANNOTATION_SYNC_REQUESTED: "now"}}});
    stage.patch::<Directory>("acme", request).await;
    reaches(&mut refused, 1).await;
    stage.rewrite("people", json!({"users.csv": ONE})).await;
    stage.users_become(&["ada@a.test"]).await;
    proxy.decide(|_| Verdict::Pass);
    eventually("the status tells of it", LIMIT, async || {
        let users = stage.status("acme").await.users.unwrap();
        if users.active == 1 { Ok(()) } else { Err(format!("{users:?}")) }
    })
    .await;
}

#[tokio::test]
async fn an_edited_mirror_is_no_reason_to_try_a_wrong_password_again() {
    let mut stage = Stage::new("lockout").await;
    let slapd = Slapd::builder().start();
    stage.reader().await;
    stage.tables("witness", TWO, "group_name,user_id\nadmins,1\n").await;
    stage.directory("witness", csv_from("witness")).await;
    stage.directory("acme", with(ldap(&slapd.url()), &json!({"sync": {"interval": RARELY}}))).await;
    stage.ready("witness", "True", "Synced").await;
    stage.ready("acme", "True", "Synced").await;
    let password = async |stage: &Stage, password: &str| {
        stage.patch::<Secret>("ldap", json!({"stringData": {"password": password}})).await;
    };
    password(&stage, "wrong").await;
    stage.ready("acme", "False", "Unauthorized").await;
    // After the second failure the next try is two minutes away, longer than anything here waits.
    stage.sync("acme").await;
    assert_eq!(stage.status("acme").await.failures, Some(2));

    // The records are at hand, but the password is another than they were read with; then they are not.
    for (restarted, title) in [(false, "Queen"), (true, "King")] {
        if restarted {
            stage.operator.restart().await;
        }
        let (binds, failures) = (slapd.operations().binds, stage.status("acme").await.failures.unwrap());
        retitle(&stage, "user0003@example.test", title).await;
        // Another Directory's mirror, which is edited later, is repaired.
        retitle(&stage, "grace@a.test", title).await;
        is_repaired(&stage, "grace@a.test", None).await;
        // It ends after whatever was begun before it.
        stage.sync("acme").await;
        assert_eq!(slapd.operations().binds, binds + 1, "only when asked: {}", stage.operator.log());
        assert_eq!(stage.status("acme").await.failures, Some(failures + 1));
    }

    password(&stage, PASSWORD).await;
    stage.ready("acme", "True", "Synced").await;
    is_repaired(&stage, "user0003@example.test", Some("Worker")).await;
}

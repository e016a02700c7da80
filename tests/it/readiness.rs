//! What an operator says of itself and does while it misses a right, and what it says of its Directories
//! after it was started anew.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use directory_sync::api::Directory;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::api::{Api, PostParams};
use serde_json::json;

use crate::support::chart::apply_roles;
use crate::support::cluster::Cluster;
use crate::support::definitions;
use crate::support::operator::Operator;
use crate::support::proxy::holding::Holding;
use crate::support::proxy::{Asked, Proxy};
use crate::support::stage::{LIMIT, Stage, TWO, csv, csv_from, with};
use crate::support::wait::eventually;

const READY: &str = "directory_sync_operator_ready";

/// Takes the right to delete people away from an operator, and waits until the apiserver goes by that.
async fn may_not_delete_people(stage: &Stage) {
    let roles: Api<Role> = stage.api();
    let mut role = roles.get("directory-sync").await.unwrap();
    for rule in role.rules.iter_mut().flatten() {
        if rule.resources.iter().flatten().any(|resource| resource == "directoryusers") {
            rule.verbs.retain(|verb| verb != "delete");
        }
    }
    roles.replace("directory-sync", &PostParams::default(), &role).await.unwrap();
    stage.operator_may("delete", "directory-sync.io", "directoryusers", false).await;
}

async fn is_alive(operator: &Operator) {
    let answer = operator.liveness().await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn an_operator_that_misses_a_right_is_alive_and_not_ready_names_the_right_and_goes_on_when_it_has_it() {
    let mut stage = Stage::new("rights").await;
    is_alive(&stage.operator).await;
    assert_eq!(stage.operator.metric(READY).await.as_deref(), Some("1"));
    may_not_delete_people(&stage).await;
    stage.operator.launch_again();
    let wanted = format!("may not delete directoryusers in namespace {}: grant it", stage.namespace);
    eventually("it names the right", LIMIT, async || {
        let answer = stage.operator.readiness().await.unwrap_or_else(|error| error.to_string());
        if answer.starts_with("HTTP/1.1 503") && answer.contains(&wanted) { Ok(()) } else { Err(answer) }
    })
    .await;
    is_alive(&stage.operator).await;
    assert_eq!(stage.operator.metric(READY).await.as_deref(), Some("0"));

    apply_roles(stage.cluster, &stage.namespace).await;
    stage.operator.wait_until_ready().await;
    stage.people(TWO).await;
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(stage.operator.metric(READY).await.as_deref(), Some("1"));
}

/// Starts an operator of which these requests are held, and sees that it is not ready, for this reason, until they
/// are let go.
async fn is_not_ready_without(which: impl Fn(&Asked) -> bool + Send + Sync + 'static, reason: &str) {
    let cluster = Cluster::get();
    let proxy = Proxy::start(cluster).await;
    let holding = Holding::start(&proxy, which);
    let namespace = cluster.namespace("unready").await;
    let mut operator = Operator::setup(cluster, &namespace).through(&proxy).launch().await;
    holding.until(1).await;
    eventually("it says why it is not ready", LIMIT, async || {
        let answer = operator.readiness().await.unwrap_or_else(|error| error.to_string());
        if answer.starts_with("HTTP/1.1 503") && answer.contains(reason) { Ok(()) } else { Err(answer) }
    })
    .await;
    assert_eq!(operator.metric(READY).await.as_deref(), Some("0"));
    holding.let_go();
    operator.wait_until_ready().await;
    assert_eq!(operator.metric(READY).await.as_deref(), Some("1"));
}

#[tokio::test]
async fn an_operator_is_not_ready_before_it_knows_whose_turn_it_is_and_what_mirrors_there_are() {
    definitions::install(Cluster::get()).await;
    let is_lease = |asked: &Asked| asked.path.contains("/leases/");
    is_not_ready_without(is_lease, "the Lease could not be looked at yet").await;
    let lists = AtomicUsize::new(0);
    // The first of them is a look at whether there is a definition.
    let is_second_list =
        move |asked: &Asked| asked.path.ends_with("/directorygroups") && lists.fetch_add(1, Relaxed) > 0;
    is_not_ready_without(is_second_list, "the mirrors are being listed").await;
}

/// Gives the operator of a namespace its rights in another one.
async fn may_work_away(home: &str, away: &Stage) {
    apply_roles(away.cluster, &away.namespace).await;
    let binding: RoleBinding = serde_json::from_value(json!({
        "metadata": {"name": "of-home"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "directory-sync"},
        "subjects": [{"kind": "ServiceAccount", "name": "directory-sync", "namespace": home}],
    }))
    .unwrap();
    away.api().create(&PostParams::default(), &binding).await.unwrap();
}

#[tokio::test]
async fn an_operator_works_where_it_may_and_joins_a_namespace_when_it_has_its_rights_there() {
    let cluster = Cluster::get();
    definitions::install(cluster).await;
    let (home, away) = (cluster.namespace("home").await, cluster.namespace("away").await);
    let watch = format!("--watch-namespace={away}");
    let operator =
        Operator::setup(cluster, &home).arguments(&["--leader-elect=false", &watch]).launch().await;
    let mut stage = Stage { cluster, namespace: away, operator };
    stage.people(TWO).await;
    stage.directory("acme", csv()).await;

    let away = std::mem::replace(&mut stage.namespace, home);
    stage.people(TWO).await;
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    let wanted = format!("may not list directoryusers in namespace {away}: grant it");
    eventually("it names the right", LIMIT, async || {
        let answer = stage.operator.readiness().await.unwrap_or_else(|error| error.to_string());
        let names = answer.starts_with("HTTP/1.1 503") && answer.contains(&wanted);
        if names && !answer.contains(&stage.namespace) { Ok(()) } else { Err(answer) }
    })
    .await;
    assert_eq!(stage.operator.metric(READY).await.as_deref(), Some("0"));

    let home = std::mem::replace(&mut stage.namespace, away);
    assert!(stage.api::<Directory>().get("acme").await.unwrap().status.is_none());
    may_work_away(&home, &stage).await;
    stage.ready("acme", "True", "Synced").await;
    stage.operator.wait_until_ready().await;
    assert_eq!(stage.operator.metric(READY).await.as_deref(), Some("1"));
}

#[tokio::test]
async fn what_is_known_of_a_directory_is_shown_from_the_start_and_not_from_its_next_sync() {
    let mut stage = Stage::new("shown").await;
    stage.people(TWO).await;
    let daily = json!({"sync": {"interval": "24h"}});
    stage.directory("acme", with(csv(), &daily)).await;
    stage.ready("acme", "True", "Synced").await;
    stage.directory("astray", with(csv_from("nowhere"), &daily)).await;
    stage.ready("astray", "False", "ReferenceNotReadable").await;
    stage.operator.restart().await;

    let labels = |name: &str| format!("{{namespace=\"{}\",name=\"{name}\"}}", stage.namespace);
    let (acme, astray) = (labels("acme"), labels("astray"));
    eventually("both are shown", LIMIT, async || {
        let text = stage.operator.metrics().await;
        let shows = |line: String| text.contains(&line);
        let both = shows(format!("directory_sync_ready{acme} 1\n"))
            && shows(format!("directory_sync_ready{astray} 0\n"))
            && shows(format!("directory_sync_last_success_timestamp_seconds{acme} "))
            && shows(format!("directory_sync_last_success_timestamp_seconds{astray} "));
        if both { Ok(()) } else { Err(text) }
    })
    .await;
    let text = stage.operator.metrics().await;
    let runs = format!("directory_sync_runs_total{{namespace=\"{}\",name=\"acme\"", stage.namespace);
    assert!(!text.contains(&runs), "it was not synced for that: {text}");
}

//! The commands about a Directory in a cluster: what a person reads, and what is written.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use directory_sync::api::{Directory, DirectoryCheckpoint};
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::support::cluster::Cluster;
use crate::support::stage::{Stage, TWO, csv, with};
use crate::support::tunnel::TunnelProxy;

/// Runs a command as the administrator, with an answer on its standard input.
fn run(stage: &Stage, arguments: &[&str], answer: &str) -> Output {
    run_in(stage, arguments, answer, &[("KUBECONFIG", Cluster::get().kubeconfig().as_os_str())])
}

/// As [`run`], by the kubeconfig that this environment names.
fn run_in(stage: &Stage, arguments: &[&str], answer: &str, environment: &[(&str, &OsStr)]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_directory-sync"))
        .args(arguments)
        .args(["--namespace", &stage.namespace])
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", stderr(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn people(count: usize) -> String {
    let mut table = "user_id,first_name,last_name,email\n".to_owned();
    for number in 0..count {
        writeln!(table, "{number},Ada,Lovelace,ada{number}@a.test").unwrap();
    }
    table
}

/// A Directory that holds the deletion of thirty of its forty people.
async fn holding(prefix: &str) -> Stage {
    let stage = Stage::new(prefix).await;
    stage.people(&people(40)).await;
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    stage.rewrite("people", json!({"users.csv": people(10)})).await;
    stage.ready("acme", "False", "PlanHeld").await;
    stage
}

#[tokio::test]
async fn a_held_plan_is_shown_in_full_and_approved_by_its_hash() {
    let stage = holding("plan").await;
    let hash = stage.status("acme").await.pending_plan.unwrap().hash;
    let shown = stdout(&run(&stage, &["plan", "show", "acme"], ""));
    let deleted = shown.lines().filter(|line| line.starts_with("delete") && line.contains("acme-u-")).count();
    assert_eq!(deleted, 30, "{shown}");
    assert!(
        shown.contains("ada39@a.test") && shown.contains("30 people would be deleted; held since"),
        "{shown}"
    );
    assert!(shown.contains(&format!("plan approve acme {hash}")), "{shown}");
    let json: Value =
        serde_json::from_str(&stdout(&run(&stage, &["plan", "show", "acme", "-o", "json"], ""))).unwrap();
    assert_eq!((json["losses"].as_array().unwrap().len(), &json["complete"]), (30, &json!(true)));

    // Who says no, or names another plan, approves nothing.
    let refused = run(&stage, &["plan", "approve", "acme"], "n\n");
    assert!(
        !refused.status.success() && stderr(&refused).contains("30 people would be deleted"),
        "{refused:?}"
    );
    let other = run(&stage, &["plan", "approve", "acme", "0123456789abcdef", "--yes"], "");
    assert!(stderr(&other).contains(&format!("has the hash {hash}")), "{other:?}");
    let look = format!("directory-sync plan show acme --namespace {}", stage.namespace);
    assert!(stderr(&other).contains(&look), "{other:?}");
    let spec = stage.api::<Directory>().get("acme").await.unwrap().spec;
    assert_eq!(spec.deletion.guard.approved_plan, None);

    let approved = run(&stage, &["plan", "approve", "acme"], "y\n");
    assert!(stdout(&approved).contains(&format!("Plan {hash} of acme is approved")), "{approved:?}");
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(stage.user_names().await.len(), 10);
    assert_eq!(stdout(&run(&stage, &["plan", "show", "acme"], "")), "Nothing of acme is held.\n");
    let nothing = run(&stage, &["plan", "approve", "acme", "--yes"], "");
    assert!(stderr(&nothing).contains("there is nothing to approve"), "{nothing:?}");
}

#[tokio::test]
async fn an_approval_that_git_would_undo_is_warned_of() {
    let stage = holding("plan-git").await;
    let applied = json!({
        "apiVersion": "directory-sync.io/v1alpha1", "kind": "Directory", "metadata": {"name": "acme"},
        "spec": csv(),
    });
    let params = PatchParams::apply("argocd-controller").force();
    stage.api::<Directory>().patch("acme", &params, &Patch::Apply(applied)).await.unwrap();
    let hash = stage.status("acme").await.pending_plan.unwrap().hash;
    let approved = stdout(&run(&stage, &["plan", "approve", "acme", &hash, "--yes"], ""));
    assert!(approved.contains("argocd-controller manages this Directory"), "{approved}");
    stage.ready("acme", "True", "Synced").await;
}

#[tokio::test]
async fn without_the_checkpoint_the_sample_of_the_status_is_shown_and_said_to_be_one() {
    let mut stage = holding("plan-sample").await;
    stage.operator.stop();
    stage.api::<DirectoryCheckpoint>().delete("acme", &DeleteParams::default()).await.unwrap();
    let shown = stdout(&run(&stage, &["plan", "show", "acme"], ""));
    assert_eq!(shown.lines().filter(|line| line.contains("acme-u-")).count(), 20, "{shown}");
    assert!(shown.contains("Only those in the status are shown"), "{shown}");
}

#[tokio::test]
async fn explain_says_what_is_held_who_is_missing_and_what_to_do_next() {
    let stage = holding("explain").await;
    let hash = stage.status("acme").await.pending_plan.unwrap().hash;
    let told = stdout(&run(&stage, &["explain", "acme"], ""));
    for part in [
        "acme reads csv every 5m, and in full every 24h.",
        "Not ready since ",
        "In the cluster: 10 active and 0 inactive people, 1 group.",
        "The last sync on record began ",
        &format!("as plan {hash}: 30 people would be deleted."),
        "; everything was last read ",
        &format!(
            "Next: look at the plan with 'directory-sync plan show acme --namespace {}'",
            stage.namespace
        ),
    ] {
        assert!(told.contains(part), "'{part}' is missing in: {told}");
    }
    stage.respecify("acme", json!({"deletion": {"graceTime": "48h"}})).await;
    stage.ready("acme", "True", "Synced").await;
    let told = stdout(&run(&stage, &["explain", "acme"], ""));
    assert!(told.contains("Missing: 30 people and 0 groups; the first goes in "), "{told}");
    assert!(told.contains("Next: nothing; if somebody is missing by mistake"), "{told}");
    let nobody = run(&stage, &["explain", "other"], "");
    assert!(stderr(&nobody).contains("there is no Directory other in namespace"), "{nobody:?}");
}

#[tokio::test]
async fn the_quarantine_is_listed_by_reason_with_an_example_that_names_nobody() {
    let stage = Stage::new("quarantined").await;
    stage.people(&people(3)).await;
    let rule = json!({"mapping": [{"attribute": "badge", "value": "raw.badge", "required": true}]});
    stage.directory("acme", with(csv(), &rule)).await;
    stage.ready("acme", "True", "Synced").await;
    let listed = stdout(&run(&stage, &["quarantine", "list", "acme"], ""));
    assert!(listed.lines().any(|line| line.starts_with("MissingAttribute   3 ")), "{listed}");
    assert!(!listed.contains("a.test"), "{listed}");
    stage.respecify("acme", json!({"mapping": null})).await;
    stage.users_become(&["ada0@a.test", "ada1@a.test", "ada2@a.test"]).await;
    stage.sync("acme").await;
    assert_eq!(stdout(&run(&stage, &["quarantine", "list", "acme"], "")), "Nobody of acme is held back.\n");
}

/// A kubeconfig of the administrator whose `proxy-url` is this.
fn kubeconfig_with_proxy(folder: &Path, url: &str) -> PathBuf {
    let mut kubeconfig = Cluster::get().administrator();
    for cluster in kubeconfig.clusters.iter_mut().filter_map(|named| named.cluster.as_mut()) {
        cluster.proxy_url = Some(url.to_owned());
    }
    let path = folder.join("kubeconfig");
    fs::write(&path, serde_json::to_string(&kubeconfig).unwrap()).unwrap();
    path
}

#[tokio::test]
async fn a_command_goes_through_the_proxy_that_the_kubeconfig_names() {
    let stage = Stage::new("proxied").await;
    stage.people(TWO).await;
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    let (proxy, folder) = (TunnelProxy::start(), tempfile::tempdir().unwrap());
    let kubeconfig = kubeconfig_with_proxy(folder.path(), &proxy.url());
    let environment = [("KUBECONFIG", kubeconfig.as_os_str())];
    let listed = stdout(&run_in(&stage, &["users", "list", "acme"], "", &environment));
    assert!(listed.contains("grace@a.test"), "{listed}");
    assert!(proxy.opened() > 0);

    // What a proxy holds back could be written after another replica has taken over.
    let operator = Command::new(env!("CARGO_BIN_EXE_directory-sync")).arg("run").envs(environment).output();
    let refused = operator.unwrap();
    let told = stderr(&refused);
    assert!(!refused.status.success() && told.contains("127.0.0.1") && told.contains("NO_PROXY"), "{told}");
}

#[tokio::test]
async fn a_proxy_of_the_environment_is_not_asked_for_a_cluster_on_this_machine() {
    let stage = Stage::new("unproxied").await;
    stage.people(TWO).await;
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    let proxy = TunnelProxy::start();
    let (kubeconfig, url) = (Cluster::get().kubeconfig(), proxy.url());
    let environment = [("KUBECONFIG", kubeconfig.as_os_str()), ("HTTPS_PROXY", OsStr::new(&url))];
    let listed = stdout(&run_in(&stage, &["users", "list", "acme"], "", &environment));
    assert!(listed.contains("grace@a.test"), "{listed}");
    assert_eq!(proxy.opened(), 0);
}

#[test]
fn a_cluster_that_cannot_be_reached_is_told_in_one_line_with_its_address_and_the_cause() {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    let cluster = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "a",
        "clusters": [{"name": "a", "cluster": {"server": "https://127.0.0.1:1"}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "users": [{"name": "a", "user": {"token": "canary"}}],
    });
    fs::write(&kubeconfig, cluster.to_string()).unwrap();
    let command = Command::new(env!("CARGO_BIN_EXE_directory-sync"))
        .args(["explain", "acme"])
        .env("KUBECONFIG", &kubeconfig)
        .env_remove("RUST_LOG")
        .output();
    let told = stderr(&command.unwrap());
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains("refused") && told.ends_with("(the cluster at https://127.0.0.1:1)\n"), "{told}");
}

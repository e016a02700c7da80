//! What is written to the cluster, and what does not fit into it.

use std::fmt::Write as _;

use directory_sync::api::DirectoryUser;
use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use serde_json::json;

use super::*;
use crate::faults::F27;
use crate::support::cluster::Cluster;
use crate::support::ldap::Slapd;
use crate::support::stage::{ONE, TWO, csv, ldap, with};

#[tokio::test]
async fn f27_a_group_that_does_not_fit_stays_as_it_was_and_the_others_are_written() {
    let stage = Stage::new("large").await;
    let mut people = "user_id,first_name,last_name,email\n".to_owned();
    let mut memberships = "group_name,user_id\nsmall,1\n".to_owned();
    for number in 1..=1_001 {
        writeln!(people, "{number},P,{number},p{number}@a.test").unwrap();
        if number <= 1_000 {
            writeln!(memberships, "large,{number}").unwrap();
        }
    }
    stage.tables("people", &people, &memberships).await;
    stage.directory("acme", with(csv(), &json!({"output": {"mode": "Objects"}}))).await;
    stage.ready("acme", "True", "Synced").await;
    let (large, small) = (stage.group("large").await, stage.group("small").await);
    assert_eq!((large.spec.group.member_count, small.spec.group.member_count), (1_000, 1));

    memberships.push_str("large,1001\nsmall,2\n");
    stage.rewrite("people", json!({"user_groups.csv": memberships})).await;
    stage.sync("acme").await;
    let message = stage.told("acme", "OutputReady", "False", "TooManyMembers").await;
    assert_eq!(stage.ready("acme", "False", "TooManyMembers").await, message);
    F27.is_seen(&stage, "acme").await;
    for part in ["1 group does not fit and stays as it was", "1001 members", "1000"] {
        assert!(message.contains(part), "'{part}' is missing in: {message}");
    }
    let now = stage.group("large").await;
    assert_eq!((now.resource_version(), now.spec), (large.resource_version(), large.spec));
    assert_eq!(stage.group("small").await.spec.group.member_count, 2);
    let quarantined = stage.status("acme").await.quarantined;
    assert_eq!(
        (quarantined.len(), quarantined[0].reason.as_str(), quarantined[0].count),
        (1, "TooManyMembers", 1)
    );
}

#[tokio::test]
async fn the_status_is_written_once_for_each_sync_that_has_news_and_not_at_all_for_others() {
    let stage = Stage::new("status").await;
    stage.people(TWO).await;
    stage.directory("acme", with(csv(), &json!({"sync": {"interval": "1s", "fullInterval": "1s"}}))).await;
    stage.ready("acme", "True", "Synced").await;
    let status_writes = |mark| stage.written(mark).of("directories/status").len();

    let mark = stage.after_a_sync().await;
    stage.reads(mark, "people", 6).await;
    assert_eq!(status_writes(mark), 0, "no news");
    let mark = Cluster::get().audit_mark();
    stage.rewrite("people", json!({"users.csv": ONE})).await;
    stage.users_become(&["ada@a.test"]).await;
    stage.reads(Cluster::get().audit_mark(), "people", 6).await;
    assert_eq!(status_writes(mark), 1, "one sync had news, and more without have followed");
}

/// A policy that lets nobody write people of this namespace with the title `Forbidden`.
async fn forbid(stage: &Stage) -> Api<ValidatingAdmissionPolicy> {
    let client = Cluster::get().client();
    let policies: Api<ValidatingAdmissionPolicy> = Api::all(client.clone());
    let rule = json!({
        "apiGroups": ["directory-sync.io"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"],
        "resources": ["directoryusers"],
    });
    let policy = json!({"metadata": {"name": stage.namespace}, "spec": {
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": "!has(object.spec.title) || object.spec.title != 'Forbidden'"}],
    }});
    policies.create(&PostParams::default(), &serde_json::from_value(policy).unwrap()).await.unwrap();
    let bindings: Api<ValidatingAdmissionPolicyBinding> = Api::all(client);
    let only_here = json!({"matchLabels": {"kubernetes.io/metadata.name": stage.namespace}});
    let binding = json!({"metadata": {"name": stage.namespace}, "spec": {
        "policyName": stage.namespace, "validationActions": ["Deny"],
        "matchResources": {"namespaceSelector": only_here},
    }});
    bindings.create(&PostParams::default(), &serde_json::from_value(binding).unwrap()).await.unwrap();
    policies
}

#[tokio::test]
async fn a_mirror_that_the_cluster_refuses_is_tried_again_although_the_source_has_nothing_new() {
    let stage = Stage::new("refused").await;
    let slapd = Slapd::builder().start();
    stage.reader().await;
    stage.directory("acme", with(ldap(&slapd.url()), &json!({"sync": {"interval": "1s"}}))).await;
    stage.ready("acme", "True", "Synced").await;
    let before = stage.mirrors("acme").await;
    let person = stage.user("user0003@example.test").await.name_any();
    let users = stage.api::<DirectoryUser>();
    let title = async |title: &str, dry_run: bool| {
        let params = PatchParams { dry_run, ..PatchParams::default() };
        users.patch(&person, &params, &Patch::Merge(json!({"spec": {"title": title}}))).await
    };
    let policies = forbid(&stage).await;
    eventually("the policy is in force", LIMIT, async || match title("Forbidden", true).await {
        Err(kube::Error::Api(status)) if status.code == 422 => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;

    let dn = "uid=user0003,ou=people,dc=example,dc=test";
    slapd.modify(&format!("dn: {dn}\nchangetype: modify\nreplace: title\ntitle: Forbidden\n"));
    let message = stage.told("acme", "OutputReady", "False", "Refused").await;
    assert!(message.starts_with("the cluster refuses 1 mirror, which stays as it was: "), "{message}");
    assert!(!message.contains("user0003@"), "{message}");
    assert_eq!(stage.mirrors("acme").await, before);
    // Some more syncs, for which the source has no news.
    let connections = slapd.operations().connections;
    slapd.wait_until("two more syncs have ended", |seen| seen.closed >= connections + 2).await;
    stage.told("acme", "OutputReady", "False", "Refused").await;

    policies.delete(&stage.namespace, &DeleteParams::default()).await.unwrap();
    stage.told("acme", "OutputReady", "True", "UpToDate").await;
    let now = stage.user("user0003@example.test").await.spec.user.title;
    assert_eq!(now.as_deref(), Some("Forbidden"));
}

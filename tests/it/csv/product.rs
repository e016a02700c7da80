//! The whole product on files: a Directory in a real cluster follows an SFTP server or a bucket.

use std::time::Duration;

use directory_sync::api::{ANNOTATION_SYNC_REQUESTED, Directory, DirectoryUser};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::{MEMBERS, ONE, TWO};
use crate::support::cluster::Cluster;
use crate::support::moto::{self, Bucket};
use crate::support::operator::Operator;
use crate::support::sftp::{self, Sshd};
use crate::support::wait::eventually;

const LIMIT: Duration = Duration::from_secs(90);

/// A namespace with an operator and one Directory.
struct Stage {
    namespace: String,
    operator: Operator,
}

impl Stage {
    async fn new(prefix: &str, secret: (&str, Value), from: Value) -> Self {
        let cluster = Cluster::get();
        let namespace = cluster.namespace(prefix).await;
        let operator = Operator::start(cluster, &namespace).await;
        let stage = Self { namespace, operator };
        let (name, data) = secret;
        let secret: Secret =
            serde_json::from_value(json!({"metadata": {"name": name}, "stringData": data})).unwrap();
        Api::namespaced(cluster.client(), &stage.namespace)
            .create(&PostParams::default(), &secret)
            .await
            .unwrap();
        let directory: Directory = serde_json::from_value(json!({
            "apiVersion": "directory-sync.io/v1alpha1", "kind": "Directory", "metadata": {"name": "acme"},
            "spec": {"provider": {"csv": {"from": from}}, "deletion": {"graceTime": "0s"}},
        }))
        .unwrap();
        stage.directories().create(&PostParams::default(), &directory).await.unwrap();
        stage
    }

    fn directories(&self) -> Api<Directory> {
        Api::namespaced(Cluster::get().client(), &self.namespace)
    }

    async fn sync(&self, request: &str) {
        let patch = json!({"metadata": {"annotations": {ANNOTATION_SYNC_REQUESTED: request}}});
        self.directories().patch("acme", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    async fn ready(&self, status: &str, reason: &str) -> String {
        eventually("the Directory says so", LIMIT, async || {
            let directory = self.directories().get("acme").await.unwrap();
            let conditions = directory.status.unwrap_or_default().conditions;
            match conditions.iter().find(|condition| condition.type_ == "Ready") {
                Some(ready) if ready.status == status && ready.reason == reason => Ok(ready.message.clone()),
                other => Err(format!("{other:?}\n{}", self.operator.log())),
            }
        })
        .await
    }

    async fn users_become(&self, expected: &[&str]) {
        let users: Api<DirectoryUser> = Api::namespaced(Cluster::get().client(), &self.namespace);
        eventually("the users are as expected", LIMIT, async || {
            let mut emails: Vec<String> = users
                .list(&ListParams::default())
                .await
                .unwrap()
                .items
                .into_iter()
                .map(|user| user.spec.user.email.unwrap_or_default())
                .collect();
            emails.sort();
            if emails == expected { Ok(()) } else { Err(format!("{emails:?}\n{}", self.operator.log())) }
        })
        .await;
    }
}

#[tokio::test]
async fn a_directory_follows_the_files_of_an_sftp_server_and_keeps_everybody_while_one_is_cut() {
    let sshd = Sshd::start();
    sshd.put("users.csv", TWO);
    sshd.put("user_groups.csv", MEMBERS);
    let secret = (sftp::SECRET, json!({"privateKey": sshd.private_key()}));
    let stage = Stage::new("csv-sftp", secret, json!({"sftp": sshd.from()})).await;
    stage.ready("True", "Synced").await;
    stage.users_become(&["ada@a.test", "grace@a.test"]).await;

    sshd.put("users.csv", "user_id,first_name,last_name,email\n1,Ada,Love");
    stage.sync("cut").await;
    let message = stage.ready("False", "Incomplete").await;
    assert!(message.contains("users.csv in directory . of 127.0.0.1:"), "{message}");
    stage.users_become(&["ada@a.test", "grace@a.test"]).await;

    sshd.put("users.csv", ONE);
    stage.sync("whole").await;
    stage.users_become(&["ada@a.test"]).await;
    stage.ready("True", "Synced").await;
}

#[tokio::test]
async fn a_directory_follows_the_files_of_a_bucket() {
    let bucket = Bucket::new("product");
    bucket.put("users.csv", TWO);
    let secret = (moto::SECRET, json!({"accessKeyID": "AKIAEXAMPLE", "secretAccessKey": "canary"}));
    let stage = Stage::new("csv-s3", secret, json!({"s3": bucket.from()})).await;
    stage.ready("True", "Synced").await;
    stage.users_become(&["ada@a.test", "grace@a.test"]).await;
    bucket.put("users.csv", ONE);
    stage.sync("changed").await;
    stage.users_become(&["ada@a.test"]).await;
}

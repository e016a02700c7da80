//! Tables on an SFTP server or in a bucket that may not be fetched, or are there in part.

use k8s_openapi::api::core::v1::Secret;
use serde_json::json;

use super::*;
use crate::support::moto::{self, Bucket};
use crate::support::sftp::{self, Sshd};
use crate::support::stage::csv_files;

/// How many people there are, all of them in one group.
const PEOPLE: usize = 24;

fn users() -> String {
    let row = |number: usize| format!("{number},User,Number {number},user{number:04}@a.test\n");
    format!("user_id,first_name,last_name,email\n{}", (0..PEOPLE).map(row).collect::<String>())
}

fn memberships() -> String {
    let row = |number: usize| format!("everybody,{number}\n");
    format!("group_name,user_id\n{}", (0..PEOPLE).map(row).collect::<String>())
}

/// A Directory `acme` that was synced from an SFTP server with a key.
async fn server() -> Scene<Sshd> {
    let (stage, sshd) = (Stage::new("trap").await, Sshd::start());
    sshd.put("users.csv", &users());
    sshd.put("user_groups.csv", &memberships());
    stage.secret(sftp::SECRET, json!({"privateKey": sshd.private_key()})).await;
    let spec = csv_files(&json!({"sftp": sshd.from()}));
    Scene::of(stage, sshd, spec).await
}

/// A Directory `acme` that was synced from a bucket, whose store takes these keys alone.
async fn bucket() -> (Scene<Bucket>, moto::Keys) {
    let stage = Stage::new("trap").await;
    let (bucket, keys) = Bucket::guarded("trap", |bucket| {
        bucket.put("users.csv", &users());
        bucket.put("user_groups.csv", &memberships());
    });
    stage.secret(moto::SECRET, json!({"accessKeyID": keys.id, "secretAccessKey": keys.secret})).await;
    let spec = csv_files(&json!({"s3": bucket.from()}));
    (Scene::of(stage, bucket, spec).await, keys)
}

impl<Server> Scene<Server> {
    /// Changes where the files are.
    async fn from(&self, settings: &Value) {
        let patch = json!({"spec": {"provider": {"csv": {"from": settings}}}});
        self.stage.patch::<Directory>("acme", patch).await;
    }

    /// Changes the keys of a Secret; null takes one away.
    async fn credentials(&self, secret: &str, texts: &[(&str, Option<&str>)]) {
        let encoded = |text: &str| json!(data_encoding::BASE64.encode(text.as_bytes()));
        let data: serde_json::Map<String, Value> =
            texts.iter().map(|(key, text)| ((*key).to_owned(), text.map_or(Value::Null, encoded))).collect();
        self.stage.patch::<Secret>(secret, json!({"data": data})).await;
    }
}

#[tokio::test]
async fn an_sftp_server_that_shows_another_host_key_is_not_read_until_the_spec_names_it() {
    let mut scene = server().await;
    let key = scene.server.restart_with_another_host_key();
    scene.stage.sync("acme").await;
    let parts = [
        "shows the host key ssh-ed25519 SHA256:",
        "which is not among spec.provider.csv.from.sftp.hostKeys",
        "somebody stands between; ask its administrator before you add it",
    ];
    scene.fails("Misconfigured", &parts).await;
    scene.from(&json!({"sftp": {"hostKeys": [scene.server.host_key(), key]}})).await;
    scene.recovers().await;
}

#[tokio::test]
async fn a_wrong_password_of_an_sftp_account_is_told_with_what_the_server_takes() {
    let scene = server().await;
    let key = scene.server.private_key();
    scene.credentials(sftp::SECRET, &[("privateKey", None), ("password", Some("canary-wrong"))]).await;
    let parts = ["refuses the password of user", "it takes: publickey", "correct it in Secret sftp-account"];
    scene.fails("Unauthorized", &parts).await;
    scene.credentials(sftp::SECRET, &[("privateKey", Some(&key)), ("password", None)]).await;
    scene.recovers().await;
}

#[tokio::test]
async fn a_key_that_an_sftp_server_does_not_allow_is_told_with_its_secret() {
    let scene = server().await;
    let (key, others) = (scene.server.private_key(), Sshd::start().private_key());
    scene.credentials(sftp::SECRET, &[("privateKey", Some(&others))]).await;
    let parts = ["refuses the key of user", "correct it in Secret sftp-account", "allowed on the server"];
    scene.fails("Unauthorized", &parts).await;
    scene.credentials(sftp::SECRET, &[("privateKey", Some(&key))]).await;
    scene.recovers().await;
}

#[tokio::test]
async fn half_a_set_of_files_on_an_sftp_server_is_told_as_incomplete_and_deletes_nobody() {
    let scene = server().await;
    scene.server.remove("user_groups.csv");
    scene.stage.sync("acme").await;
    let parts = ["has no table for userGroups any more", "waited for", "full-sync-requested-at"];
    scene.fails("Incomplete", &parts).await;
    scene.server.put("groups.csv", "group_name\neverybody\n");
    scene.stage.full_sync("acme").await;
    scene.fails("Incomplete", &["it has users.csv and groups.csv, but not user_groups.csv"]).await;
    scene.server.remove("groups.csv");
    scene.server.put("user_groups.csv", &memberships());
    scene.recovers().await;
}

#[tokio::test]
async fn a_wrong_secret_of_an_account_of_a_bucket_is_told_with_its_secret() {
    let (scene, keys) = bucket().await;
    scene.credentials(moto::SECRET, &[("secretAccessKey", Some("canary-wrong"))]).await;
    let parts =
        ["does not take the credentials in Secret s3-account (SignatureDoesNotMatch)", "correct them there"];
    scene.fails("Unauthorized", &parts).await;
    scene.credentials(moto::SECRET, &[("secretAccessKey", Some(&keys.secret))]).await;
    scene.recovers().await;
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_told_with_its_field_and_deletes_nobody() {
    let (scene, _) = bucket().await;
    let name = scene.server.from()["bucket"].clone();
    scene.from(&json!({"s3": {"bucket": "nowhere"}})).await;
    let parts = ["bucket nowhere", "is not there; correct spec.provider.csv.from.s3.bucket, or have it made"];
    scene.fails("Misconfigured", &parts).await;
    scene.from(&json!({"s3": {"bucket": name}})).await;
    scene.recovers().await;
}

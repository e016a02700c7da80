//! The whole product on files: a Directory in a real cluster follows an SFTP server or a bucket.

use serde_json::json;

use super::{MEMBERS, ONE, TWO};
use crate::support::moto::{self, Bucket};
use crate::support::sftp::{self, Sshd};
use crate::support::stage::{Stage, csv_files};

#[tokio::test]
async fn a_directory_follows_the_files_of_an_sftp_server_and_keeps_everybody_while_one_is_cut() {
    let (stage, sshd) = (Stage::new("csv-sftp").await, Sshd::start());
    sshd.put("users.csv", TWO);
    sshd.put("user_groups.csv", MEMBERS);
    stage.secret(sftp::SECRET, json!({"privateKey": sshd.private_key()})).await;
    stage.directory("acme", csv_files(&json!({"sftp": sshd.from()}))).await;
    stage.ready("acme", "True", "Synced").await;
    stage.users_become(&["ada@a.test", "grace@a.test"]).await;

    sshd.put("users.csv", "user_id,first_name,last_name,email\n1,Ada,Love");
    stage.sync("acme").await;
    let message = stage.ready("acme", "False", "Incomplete").await;
    assert!(message.contains("users.csv in directory . of 127.0.0.1:"), "{message}");
    stage.users_become(&["ada@a.test", "grace@a.test"]).await;

    sshd.put("users.csv", ONE);
    stage.sync("acme").await;
    stage.users_become(&["ada@a.test"]).await;
    stage.ready("acme", "True", "Synced").await;
}

#[tokio::test]
async fn a_directory_follows_the_files_of_a_bucket() {
    let (stage, bucket) = (Stage::new("csv-s3").await, Bucket::new("product"));
    bucket.put("users.csv", TWO);
    stage.secret(moto::SECRET, json!({"accessKeyID": "AKIAEXAMPLE", "secretAccessKey": "canary"})).await;
    stage.directory("acme", csv_files(&json!({"s3": bucket.from()}))).await;
    stage.ready("acme", "True", "Synced").await;
    stage.users_become(&["ada@a.test", "grace@a.test"]).await;
    bucket.put("users.csv", ONE);
    stage.sync("acme").await;
    stage.users_become(&["ada@a.test"]).await;
}

//! Files in a bucket of an imitation of Amazon S3.

use directory_sync::source::{Class, Pull, Reference, ReferenceKind, SourceError};
use serde_json::{Value, json};

use super::{Answer, GROUPS, MEMBERS, ONE, TWO};
use crate::support::ldap::certificates::Authority;
use crate::support::ldap::proxy;
use crate::support::moto::{Bucket, Encrypted, account, account_of};
use crate::support::ports::free_port;

async fn ask(bucket: &Bucket, settings: &Value, request: Pull) -> Result<Answer, SourceError> {
    let mut from = bucket.from();
    json_patch::merge(&mut from, settings);
    let material = account("canary-secret");
    super::pull(super::source(&json!({"s3": from}), &material)?.as_mut(), request).await
}

async fn full(bucket: &Bucket, settings: Value) -> Result<Answer, SourceError> {
    ask(bucket, &settings, Pull::Full).await
}

#[track_caller]
fn refused(answer: Result<Answer, SourceError>, class: Class, words: &[&str]) {
    let error = answer.expect_err("it is refused");
    assert_eq!(error.class, class, "{error}");
    assert!(!error.message.contains("canary"), "{error}");
    for word in words {
        assert!(error.message.contains(word), "{word:?} is not in: {error}");
    }
}

#[tokio::test]
async fn the_three_files_below_a_prefix_are_read_and_nothing_further_below() {
    let bucket = Bucket::new("prefix");
    for (key, text) in [("users.csv", TWO), ("user_groups.csv", MEMBERS), ("groups.csv", GROUPS)] {
        bucket.put(&format!("hr/export/{key}"), text);
        bucket.put(&format!("hr/export/old/{key}"), "not a table");
    }
    // The console makes such an object for a folder.
    bucket.put("hr/export/", "");
    bucket.put("users.csv", ONE);
    for prefix in ["hr/export", "hr/export/"] {
        let answer = full(&bucket, json!({"prefix": prefix})).await.unwrap();
        assert_eq!(answer.emails(), ["ada@a.test", "grace@a.test"]);
        assert_eq!((answer.groups[0].external_id.as_str(), answer.groups[0].members.len()), ("g-1", 1));
    }
    assert_eq!(full(&bucket, json!({})).await.unwrap().emails(), ["ada@a.test"]);
    let nothing = full(&bucket, json!({"prefix": "hr"})).await;
    refused(nothing, Class::Incomplete, &["below hr/", "has no file users.csv"]);
}

#[tokio::test]
async fn an_unchanged_bucket_costs_one_listing_and_no_download() {
    let bucket = Bucket::new("unchanged");
    bucket.put("users.csv", TWO);
    bucket.put("user_groups.csv", MEMBERS);
    let cursor = full(&bucket, json!({})).await.unwrap().cursor();
    let (listed, read) = bucket.requests();
    assert_eq!(read, 2, "each file is read once");
    // The same content again is no change: its ETag is the same.
    bucket.put("users.csv", TWO);
    let answer = ask(&bucket, &json!({}), Pull::Changes(cursor.clone())).await.unwrap();
    assert_eq!(answer.cursor(), cursor);
    assert_eq!(bucket.requests(), (listed + 1, read));
    bucket.put("users.csv", ONE);
    refused(ask(&bucket, &json!({}), Pull::Changes(cursor)).await, Class::ChangesUnknown, &[]);
    assert_eq!(full(&bucket, json!({})).await.unwrap().emails(), ["ada@a.test"]);
}

#[tokio::test]
async fn half_a_set_is_waited_for_and_the_newest_complete_one_wins() {
    let bucket = Bucket::new("sets");
    bucket.put("users.csv", TWO);
    bucket.put("user_groups.csv", MEMBERS);
    let cursor = full(&bucket, json!({})).await.unwrap().cursor();
    bucket.remove("user_groups.csv");
    let answer = ask(&bucket, &json!({}), Pull::Changes(cursor)).await;
    refused(answer, Class::Incomplete, &["no table for userGroups any more", "waited for"]);

    let settings = json!({"files": {"users": "users-*.csv", "groups": "groups-*.csv"}});
    bucket.put("users-1.csv", ONE);
    refused(
        full(&bucket, settings.clone()).await,
        Class::Incomplete,
        &["it has users-1.csv, but not groups-1.csv"],
    );
    bucket.put("groups-1.csv", "group_name\nadmins\n");
    bucket.put("users-2.csv", TWO);
    assert_eq!(full(&bucket, settings).await.unwrap().emails(), ["ada@a.test"]);
}

#[tokio::test]
async fn wrong_settings_are_named_with_what_to_correct() {
    let bucket = Bucket::new("wrong");
    bucket.put("users.csv", ONE);
    let nowhere = full(&bucket, json!({"bucket": "no-such-bucket"})).await;
    refused(nowhere, Class::Misconfigured, &["bucket no-such-bucket", "is not there", "from.s3.bucket"]);
    let closed = format!("http://127.0.0.1:{}", free_port());
    let answer = full(&bucket, json!({"endpoint": closed, "timeoutSeconds": 5})).await;
    refused(answer, Class::Transient, &[closed.as_str(), "cannot be reached"]);
    let web = proxy::saying(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".to_vec()).await;
    let other = format!("http://127.0.0.1:{}", web.port);
    let answer = full(&bucket, json!({"endpoint": other, "timeoutSeconds": 5})).await;
    refused(answer, Class::Transient, &[other.as_str()]);
}

#[tokio::test]
async fn credentials_that_are_not_taken_are_told_with_the_secret() {
    let (bucket, keys) = Bucket::guarded("guarded", |bucket| bucket.put("users.csv", ONE));
    let from = json!({"s3": bucket.from()});
    let read = async |id: &str, secret: &str| {
        super::pull(super::source(&from, &account_of(id, secret))?.as_mut(), Pull::Full).await
    };
    for (answer, code) in [
        (read("AKIAEXAMPLE", &keys.secret).await, "InvalidAccessKeyId"),
        (read(&keys.id, "canary-secret").await, "SignatureDoesNotMatch"),
    ] {
        let told = format!("does not take the credentials in Secret s3-account ({code})");
        refused(answer, Class::Unauthorized, &[&told]);
    }
    // With the right ones our signature is the one that the store computes.
    assert_eq!(read(&keys.id, &keys.secret).await.unwrap().emails(), ["ada@a.test"]);
}

#[tokio::test]
async fn a_store_with_an_authority_of_its_own_is_trusted_by_ca_ref_alone() {
    let (authority, other) = (Authority::new(), Authority::new());
    let server = Encrypted::start(&authority.certificate());
    let from = json!({
        "bucket": "nowhere", "endpoint": server.endpoint(), "credentialsSecretRef": {"name": "s3-account"},
        "caRef": {"configMap": {"name": "ca"}}, "settleSeconds": 1,
    });
    let read = async |ca: &str| {
        let mut material = account("canary-secret");
        let map = Reference { kind: ReferenceKind::ConfigMap, name: "ca".to_owned() };
        material.insert(map, [("ca.crt".to_owned(), ca.as_bytes().to_vec())]);
        super::pull(super::source(&json!({"s3": from}), &material)?.as_mut(), Pull::Full).await
    };
    // Only a store that was spoken to knows that it has no such bucket.
    refused(read(&authority.pem).await, Class::Misconfigured, &["bucket nowhere", "is not there"]);
    refused(read(&other.pem).await, Class::Misconfigured, &["certificate", "caRef"]);
    refused(read("").await, Class::Misconfigured, &["ConfigMap ca key 'ca.crt' holds no usable certificate"]);
}

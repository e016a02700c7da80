//! The way to the source: it cannot be reached, is throttled, or its password changes.

use k8s_openapi::api::core::v1::Secret;
use serde_json::json;

use super::*;
use crate::support::ldap::proxy::{held, saying};
use crate::support::ldap::{Company, PASSWORD, READER, Slapd};
use crate::support::moto::{self, Bucket};
use crate::support::ports::free_port;
use crate::support::stage::{Stage, TWO, csv_files};
use crate::support::stub_controller::{Found, StubController};
use crate::traps::Scene;

#[tokio::test]
async fn f02_a_source_that_cannot_be_reached_changes_nothing_and_is_asked_ever_more_rarely() {
    let scene = Scene::new(Slapd::builder(), &json!({})).await;
    let last_success = async || {
        let labels = format!("{{namespace=\"{}\",name=\"acme\"}}", scene.stage.namespace);
        let name = format!("directory_sync_last_success_timestamp_seconds{labels}");
        scene.stage.operator.metric(&name).await.expect("there was a success")
    };
    let silent = saying(Vec::new()).await;
    let before = last_success().await;
    for (case, url) in [
        ("nothing listens", format!("ldap://localhost:{}", free_port())),
        ("the name is unknown", "ldap://directory.invalid".to_owned()),
        ("it connects and stays silent", format!("ldap://localhost:{}", silent.port)),
    ] {
        scene.set(&json!({"url": url, "timeoutSeconds": 1})).await;
        F02.case(case).is_seen(&scene.stage, "acme").await;
        scene.fails("Unreachable", &[]).await;
    }
    let delay = async || {
        let status = scene.stage.status("acme").await;
        let retry = status.retry_time.unwrap().0;
        (status.failures.unwrap(), retry.duration_since(k8s_openapi::jiff::Timestamp::now()).as_secs())
    };
    // Of five seconds, doubled with each failure.
    for _ in 0..2 {
        scene.stage.sync("acme").await;
    }
    let (failures, waits) = delay().await;
    assert!(failures >= 5 && waits > 30, "{failures} failures, {waits} s");
    assert_eq!(last_success().await, before);
    scene.set(&json!({"url": scene.server.url(), "timeoutSeconds": 30})).await;
    scene.recovers().await;
}

#[tokio::test]
async fn f10_a_server_that_is_busy_is_not_taken_for_one_that_refuses_the_account() {
    let scene = Scene::new(Slapd::builder(), &json!({})).await;
    let busy = StubController::of_any_kind(|search| {
        let result = if search.page().is_some() { 51 } else { 0 };
        Found { result, ..Found::default() }
    })
    .await;
    scene.set(&json!({"url": busy.url(), "changes": "None"})).await;
    F10.case("an LDAP server is busy").is_seen(&scene.stage, "acme").await;
    scene.fails("Unreachable", &[]).await;
    scene.set(&json!({"url": scene.server.url(), "changes": null})).await;
    scene.recovers().await;
}

#[tokio::test]
async fn f10_a_bucket_that_slows_down_is_not_taken_for_one_that_refuses_the_account() {
    let (stage, bucket) = (Stage::new("slow-down").await, Bucket::new("slow-down"));
    bucket.put("users.csv", TWO);
    stage.secret(moto::SECRET, json!({"accessKeyID": "AKIAEXAMPLE", "secretAccessKey": "canary"})).await;
    stage.directory("acme", csv_files(&json!({"s3": bucket.from()}))).await;
    stage.ready("acme", "True", "Synced").await;
    let before = stage.mirrors("acme").await;

    let body = "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";
    let answer = format!(
        "HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );
    let throttled = saying(answer.into_bytes()).await;
    let from = |endpoint: String| json!({"provider": {"csv": {"from": {"s3": {"endpoint": endpoint}}}}});
    stage.respecify("acme", from(format!("http://127.0.0.1:{}", throttled.port))).await;
    F10.case("a bucket slows down").is_seen(&stage, "acme").await;
    assert_eq!(stage.mirrors("acme").await, before);
    stage.respecify("acme", from(bucket.endpoint())).await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(stage.mirrors("acme").await, before);
}

#[tokio::test]
async fn f12_a_password_that_changes_while_people_are_read_is_used_from_the_next_reading_on() {
    const NEXT: &str = "another horse";
    let scene = Scene::new(Slapd::builder().company(Company::of(500, 3)), &json!({"pageSize": 50})).await;
    let held = held(scene.server.port(), 100_000).await;
    let entries = scene.server.operations().entries;
    scene
        .set(&json!({"url": format!("ldap://localhost:{}", held.listener.port), "timeoutSeconds": 600}))
        .await;
    scene.server.wait_until("people are being read", |seen| seen.entries > entries + 50).await;

    let change = format!("dn: {READER}\nchangetype: modify\nreplace: userPassword\nuserPassword: {NEXT}\n");
    scene.server.modify(&change);
    scene.stage.patch::<Secret>("ldap", json!({"stringData": {"password": NEXT}})).await;
    held.let_go();
    scene.stage.sync("acme").await;
    F12.is_seen(&scene.stage, "acme").await;
    scene.recovers().await;
    let log = scene.server.log();
    // invalidCredentials
    assert!(!log.contains("err=49"), "{log}");
    assert!(!scene.stage.operator.log().contains(NEXT) && !scene.stage.operator.log().contains(PASSWORD));
}

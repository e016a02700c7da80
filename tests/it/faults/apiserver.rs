//! The apiserver refuses, fails, or its answers are lost: each mirror is written in the end, and once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use directory_sync::api::DirectoryUser;
use hyper::{Method, StatusCode};
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, PostParams};
use serde_json::{Value, json};

use super::*;
use crate::support::audit::AuditMark;
use crate::support::ports::free_port;
use crate::support::proxy::holding::Holding;
use crate::support::proxy::{Asked, Verdict};
use crate::support::stage::{LIMIT, ONE, TWO, csv, with};
use crate::support::wait::eventually;

/// A Directory of one person, read every second, which was synced while all was well.
async fn one(prefix: &str, proxy: &Proxy) -> Stage {
    let stage = behind(prefix, proxy).await;
    stage.people(ONE).await;
    stage.directory("acme", every_second()).await;
    stage.ready("acme", "True", "Synced").await;
    stage
}

fn every_second() -> Value {
    with(csv(), &json!({"sync": {"interval": "1s"}}))
}

fn creates_a_person(asked: &Asked) -> bool {
    asked.method == Method::POST && asked.path.ends_with("/directoryusers")
}

/// How often each person's mirror has been created since a mark, as the apiserver has it.
fn created(stage: &Stage, mark: AuditMark) -> BTreeMap<String, usize> {
    let mut created = BTreeMap::new();
    let done = stage.written(mark).of("directoryusers").verb("create").filter(|event| event.code() < 300);
    for event in done.iter() {
        *created.entry(event.object_ref.name.clone()).or_default() += 1;
    }
    created
}

/// Somebody comes while whoever creates a mirror gets this, until it is seen; after that they are written,
/// once.
async fn goes_wrong(prefix: &str, verdict: fn() -> Verdict, case: &fault::Case) {
    let proxy = Proxy::start(Cluster::get()).await;
    let stage = one(prefix, &proxy).await;
    let mark = Cluster::get().audit_mark();
    proxy.decide(move |asked| if creates_a_person(asked) { verdict() } else { Verdict::Pass });
    stage.rewrite("people", json!({"users.csv": TWO})).await;
    case.is_seen(&stage, "acme").await;
    proxy.decide(|_| Verdict::Pass);
    stage.users_become(&["ada@a.test", "grace@a.test"]).await;
    stage.ready("acme", "True", "Synced").await;
    let created = created(&stage, mark);
    assert_eq!(created.values().collect::<Vec<_>>(), [&1], "{created:?}");
}

/// Somebody comes while the first who create a mirror get this; they are written once, in the same sync.
async fn is_throttled(prefix: &str, verdict: fn() -> Verdict) {
    const TIMES: usize = 3;
    let proxy = Proxy::start(Cluster::get()).await;
    let stage = one(prefix, &proxy).await;
    let mark = Cluster::get().audit_mark();
    let tried = Arc::new(AtomicUsize::new(0));
    let count = tried.clone();
    proxy.decide(move |asked| {
        if creates_a_person(asked) && count.fetch_add(1, Ordering::Relaxed) < TIMES {
            verdict()
        } else {
            Verdict::Pass
        }
    });
    stage.rewrite("people", json!({"users.csv": TWO})).await;
    stage.users_become(&["ada@a.test", "grace@a.test"]).await;
    F32.is_seen(&stage, "acme").await;
    assert_eq!(tried.load(Ordering::Relaxed), TIMES + 1);
    assert_eq!(created(&stage, mark).values().collect::<Vec<_>>(), [&1]);
    assert_eq!(failures(&stage).await.as_deref(), Some("0"));
}

/// How many writes of the Directory have failed.
async fn failures(stage: &Stage) -> Option<String> {
    let labels = format!("{{namespace=\"{}\",name=\"acme\"}}", stage.namespace);
    stage.operator.metric(&format!("directory_sync_write_failures_total{labels}")).await
}

#[tokio::test]
async fn f32_a_write_that_is_throttled_without_a_time_is_done_later() {
    is_throttled("throttled", || Verdict::refusal(429, "TooManyRequests")).await;
}

#[tokio::test]
async fn f32_a_write_that_is_throttled_with_a_time_is_done_later() {
    let verdict = || Verdict::Answer {
        status: StatusCode::TOO_MANY_REQUESTS,
        headers: vec![("retry-after", "1".to_owned())],
        // As the apiserver itself writes it: its queues answer before anything of its API does.
        body: "Too many requests, please try again later.\n".to_owned(),
    };
    is_throttled("retry-after", verdict).await;
}

#[tokio::test]
async fn f33_a_write_that_fails_is_done_later() {
    goes_wrong("fails", || Verdict::refusal(500, "InternalError"), F33.case("it fails")).await;
}

#[tokio::test]
async fn f33_a_write_whose_answer_is_lost_is_not_done_again() {
    let verdict = || Verdict::Swallow(Box::new(|| {}));
    goes_wrong("answer-lost", verdict, F33.case("its answer is lost")).await;
}

#[tokio::test]
async fn f33_a_write_whose_answer_is_cut_in_the_middle_is_not_done_again() {
    let verdict = || Verdict::CutShort;
    goes_wrong("answer-cut", verdict, F33.case("its answer is cut in the middle")).await;
}

#[tokio::test]
async fn f33_a_write_that_takes_its_time_is_waited_for() {
    let proxy = Proxy::start(Cluster::get()).await;
    let stage = one("slow", &proxy).await;
    let mark = Cluster::get().audit_mark();
    proxy.decide(|asked| {
        if creates_a_person(asked) { Verdict::Delay(Duration::from_secs(3)) } else { Verdict::Pass }
    });
    stage.rewrite("people", json!({"users.csv": TWO})).await;
    stage.users_become(&["ada@a.test", "grace@a.test"]).await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(created(&stage, mark).values().collect::<Vec<_>>(), [&1]);
    assert_eq!(failures(&stage).await.as_deref(), Some("0"));
}

#[tokio::test]
async fn f34_a_mirror_that_somebody_changes_as_it_is_written_is_written_over_that_and_keeps_their_label() {
    let proxy = Proxy::start(Cluster::get()).await;
    let stage = one("conflict", &proxy).await;
    let held = Holding::start(&proxy, |asked| {
        asked.method == Method::PATCH && asked.path.contains("/directoryusers/")
    });
    let mark = Cluster::get().audit_mark();
    stage.rewrite("people", json!({"users.csv": ONE.replace("Lovelace", "Byron")})).await;
    held.until(1).await;
    let name = stage.user("ada@a.test").await.name_any();
    stage.patch::<DirectoryUser>(&name, json!({"metadata": {"labels": {"theirs": "yes"}}})).await;
    held.let_go();
    eventually("the person is written", LIMIT, async || {
        let ada = stage.user("ada@a.test").await;
        let family = ada.spec.user.name.family.clone();
        let theirs = ada.labels().get("theirs").cloned();
        if (family.as_deref(), theirs.as_deref()) == (Some("Byron"), Some("yes")) {
            Ok(())
        } else {
            Err(format!("{ada:?}"))
        }
    })
    .await;
    F34.is_seen(&stage, "acme").await;
    let patches = stage.written(mark).of("directoryusers").verb("patch");
    let codes: Vec<u16> = patches.iter().map(crate::support::audit::AuditEvent::code).collect();
    assert_eq!(codes, [409, 200], "{patches:?}");
}

/// A webhook that nobody answers, for people of this namespace.
async fn webhook(stage: &Stage) -> Api<ValidatingWebhookConfiguration> {
    let rule = json!({
        "apiGroups": ["directory-sync.io"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"],
        "resources": ["directoryusers"],
    });
    let only_here = json!({"matchLabels": {"kubernetes.io/metadata.name": stage.namespace}});
    let webhook = json!({"metadata": {"name": stage.namespace}, "webhooks": [{
        "name": "nobody.example.test", "clientConfig": {"url": format!("https://127.0.0.1:{}/", free_port())},
        "rules": [rule], "namespaceSelector": only_here, "failurePolicy": "Fail", "sideEffects": "None",
        "admissionReviewVersions": ["v1"], "timeoutSeconds": 1,
    }]});
    let webhooks: Api<ValidatingWebhookConfiguration> = Api::all(Cluster::get().client());
    webhooks.create(&PostParams::default(), &serde_json::from_value(webhook).unwrap()).await.unwrap();
    webhooks
}

#[tokio::test]
async fn f38_what_a_webhook_that_does_not_answer_stops_is_written_when_it_is_gone() {
    let stage = Stage::new("webhook").await;
    stage.people(ONE).await;
    stage.directory("acme", every_second()).await;
    stage.ready("acme", "True", "Synced").await;
    let before = stage.mirrors("acme").await;
    let webhooks = webhook(&stage).await;
    let name = stage.user("ada@a.test").await.name_any();
    eventually("the webhook is in force", LIMIT, async || {
        let params = kube::api::PatchParams { dry_run: true, ..kube::api::PatchParams::default() };
        let patch = kube::api::Patch::Merge(json!({"metadata": {"labels": {"theirs": "yes"}}}));
        match stage.api::<DirectoryUser>().patch(&name, &params, &patch).await {
            Err(kube::Error::Api(status)) if status.code == 500 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    stage.rewrite("people", json!({"users.csv": TWO})).await;
    F38.case("a webhook does not answer").is_seen(&stage, "acme").await;
    assert_eq!(stage.mirrors("acme").await, before);
    webhooks.delete(&stage.namespace, &DeleteParams::default()).await.unwrap();
    stage.users_become(&["ada@a.test", "grace@a.test"]).await;
    stage.ready("acme", "True", "Synced").await;
}

//! The example consumers on a ConfigMap, which they read whole or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use data_encoding::HEXLOWER;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::DeleteParams;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::apiserver::Store;
use super::program::Consumer;
use super::{Consumers, Row, entry, outlive_expired_watches, row};
use crate::support::stage::{LIMIT, Stage, csv, with};
use crate::support::wait::eventually;

/// What an application may do that reads the ConfigMap `output` and the others that it names.
fn rights() -> Value {
    json!([
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["output"], "verbs": ["list", "watch"]},
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]},
    ])
}

/// So many people, whose texts need quotes in a table; the first is called anew in each round.
fn people(count: usize, round: usize) -> String {
    let mut table = "user_id,first_name,last_name,email,job_title\n".to_owned();
    for number in 0..count {
        let round = if number == 0 { round } else { 0 };
        let title = "\"\"x\"\", \n=".repeat(60);
        writeln!(table, "{number:04},Zoë,\"O\"\"Neill\",{number}.{round}@a.test,\"{title}\"").unwrap();
    }
    table
}

/// Two groups, of which one has a name that needs quotes.
const GROUPS: &str = "group_name,user_id\n\"a \"\"b\"\", c\",0000\n\"a \"\"b\"\", c\",0001\nall,0000\n";

fn expected(people: std::ops::Range<usize>, round: usize) -> BTreeMap<String, Row> {
    let groups = |number: usize| -> BTreeSet<String> {
        let of: &[&str] = match number {
            0 => &["a \"b\", c", "all"],
            1 => &["a \"b\", c"],
            _ => &[],
        };
        of.iter().map(|&name| name.to_owned()).collect()
    };
    let round = |number: usize| if number == 0 { round } else { 0 };
    people.map(|number| (format!("{number}.{}@a.test", round(number)), (true, groups(number)))).collect()
}

/// A stage whose operator writes people to the ConfigMap `output`.
async fn stage(prefix: &str, count: usize) -> Stage {
    let stage = Stage::with_config_map_output(prefix).await;
    stage.tables("people", &people(count, 0), GROUPS).await;
    let output = json!({"output": {"configMap": {"name": "output"}}});
    stage.directory("acme", with(csv(), &output)).await;
    stage.ready("acme", "True", "Synced").await;
    stage
}

#[tokio::test]
async fn tables_follow_a_config_map_in_every_form_of_it() {
    let stage = stage("consumer-files", 5).await;
    let consumers = Consumers::start_from(&stage, "configmap/output", &rights()).await;
    consumers.tables_become(&expected(0..5, 0)).await;
    let forms = ["JSON", "JSONLines", "CSV"].into_iter().flat_map(|format| {
        [(false, false), (true, false), (false, true), (true, true)].map(|more| (format, more))
    });
    for (place, (format, (gzip, immutable))) in forms.enumerate() {
        let round = place + 1;
        let form = json!({"format": format, "gzip": gzip, "immutable": immutable});
        stage.respecify("acme", json!({"output": {"configMap": form}})).await;
        stage.rewrite("people", json!({"users.csv": people(5, round)})).await;
        stage.sync("acme").await;
        consumers.tables_become(&expected(0..5, round)).await;
    }
}

#[tokio::test]
async fn tables_follow_an_index_of_many_config_maps_and_outlive_restarts() {
    let stage = stage("consumer-parts", 1_700).await;
    assert!(stage.status("acme").await.config_map.unwrap().shards > 2);
    let mut consumers = Consumers::start_from(&stage, "configmap/output", &rights()).await;
    consumers.tables_become(&expected(0..1_700, 0)).await;

    stage.rewrite("people", json!({"users.csv": people(1_698, 1)})).await;
    stage.sync("acme").await;
    consumers.tables_become(&expected(0..1_698, 1)).await;

    // While they are away: some go, and so does the content that their index named.
    consumers.kill();
    for round in 2..4 {
        stage.rewrite("people", json!({"users.csv": people(1_697, round)})).await;
        stage.sync("acme").await;
    }
    consumers.restart();
    consumers.tables_become(&expected(0..1_697, 3)).await;
}

/// A ConfigMap as the operator writes it, with one person.
fn written(id: &str, hash_of: &str) -> Value {
    let user = |id: &str| format!("[\n{}\n]\n", with(super::user(id), &json!({"objectName": id})));
    let hash = |text: &str| data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes()));
    let index = json!({"format": "JSON", "gzip": false, "files": [
        {"configMap": "output", "key": "users.json", "kind": "user", "sha256": hash(&user(hash_of))},
        {"configMap": "output", "key": "groups.json", "kind": "group", "sha256": hash("[]\n")},
    ]});
    json!({"index.json": index.to_string(), "users.json": user(id), "groups.json": "[]\n"})
}

/// Waits until each program has told once more that it tries again.
async fn told_again(consumers: &[Consumer], before: &[usize]) {
    for (consumer, before) in consumers.iter().zip(before) {
        eventually("the consumer tries again", LIMIT, async || {
            if attempts(consumer) > *before { Ok(()) } else { Err(consumer.log()) }
        })
        .await;
    }
}

fn attempts(consumer: &Consumer) -> usize {
    consumer.log().matches("again").count()
}

#[tokio::test]
async fn half_an_update_and_a_config_map_that_is_gone_leave_the_tables_as_they_were() {
    let stage = Stage::new("consumer-torn").await;
    let map = json!({"metadata": {"name": "output"}, "data": written("ada", "ada")});
    stage.create::<ConfigMap>(map.clone()).await;
    let consumers = Consumers::start_from(&stage, "configmap/output", &rights()).await;
    let tables_become = async |id: &str| {
        for consumer in &consumers.running {
            consumer.table_becomes(&row(id, &json!([]))).await;
        }
    };
    tables_become("ada").await;

    // A file that the index does not mean, as a program sees it that reads one before and one after.
    let before: Vec<usize> = consumers.running.iter().map(attempts).collect();
    stage.patch::<ConfigMap>("output", json!({"data": written("grace", "ada")})).await;
    told_again(&consumers.running, &before).await;
    tables_become("ada").await;
    stage.patch::<ConfigMap>("output", json!({"data": written("grace", "grace")})).await;
    tables_become("grace").await;

    // A part that is gone.
    let gone = written("alan", "alan")["index.json"].as_str().unwrap().replacen("\"output\"", "\"gone\"", 1);
    let before: Vec<usize> = consumers.running.iter().map(attempts).collect();
    stage.patch::<ConfigMap>("output", json!({"data": {"index.json": gone}})).await;
    told_again(&consumers.running, &before).await;
    tables_become("grace").await;

    // All of it is gone.
    let before: Vec<usize> = consumers.running.iter().map(attempts).collect();
    stage.api::<ConfigMap>().delete("output", &DeleteParams::default()).await.unwrap();
    told_again(&consumers.running, &before).await;
    tables_become("grace").await;
    stage.create::<ConfigMap>(with(map, &json!({"data": written("alan", "alan")}))).await;
    tables_become("alan").await;
}

/// Writes these people as the operator does: a file of them, and the index.
fn write(store: &mut Store, people: &[&str]) {
    let users = people.iter().map(entry).collect::<Value>().to_string();
    let sha256 = HEXLOWER.encode(&Sha256::digest(&users));
    let file = json!({"configMap": "people", "key": "users.json", "kind": "user", "sha256": sha256});
    let index = json!({"format": "JSON", "gzip": false, "files": [file]});
    store.put("configmaps", "people", &json!({"index.json": index.to_string(), "users.json": users}));
}

#[tokio::test]
async fn an_expired_watch_of_a_config_map_leaves_nobody_in_a_table_who_went_out_of_it_meanwhile() {
    outlive_expired_watches("configmap/people", "configmaps", write).await;
}

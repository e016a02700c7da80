//! People and groups as files in a ConfigMap: `spec.output.configMap`.

mod ownership;
mod staying;
mod updates;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read;

use directory_sync::api::LABEL_DIRECTORY;
use directory_sync::api::status::ConfigMapStatus;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;
use kube::api::{DeleteParams, ListParams};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::faults::F37;
use crate::support::cluster::Cluster;
use crate::support::stage::{Stage, TWO, csv, with};

/// People of a ConfigMap `people`, written to the ConfigMap `output` as `form` says besides.
fn output(form: &Value) -> Value {
    with(csv(), &json!({"output": {"configMap": with(json!({"name": "output"}), form)}}))
}

/// What an application reads: the index, and each file of each kind with its hash checked.
pub struct Files {
    pub index: Value,
    pub users: Vec<String>,
    pub groups: Vec<String>,
}

/// A ConfigMap's value, uncompressed, and its hash as it is.
fn value(map: &ConfigMap, key: &str) -> (String, String) {
    let text = map.data.as_ref().and_then(|data| data.get(key)).map(|text| text.as_bytes().to_vec());
    let bytes =
        text.or_else(|| Some(map.binary_data.as_ref()?.get(key)?.0.clone())).expect("the key is there");
    let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(&bytes));
    if key.strip_suffix(".gz").is_none() {
        return (String::from_utf8(bytes).unwrap(), hash);
    }
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    (text, hash)
}

/// Reads as docs/configmap.md says that an application does.
pub async fn read(stage: &Stage, name: &str) -> Files {
    let maps = stage.api::<ConfigMap>();
    let index: Value = serde_json::from_str(&value(&maps.get(name).await.unwrap(), "index.json").0).unwrap();
    let (mut users, mut groups, mut lines) = (Vec::new(), Vec::new(), String::new());
    for file in index["files"].as_array().unwrap() {
        let key = file["key"].as_str().unwrap();
        let (text, hash) = value(&maps.get(file["configMap"].as_str().unwrap()).await.unwrap(), key);
        assert_eq!(file["sha256"], hash);
        writeln!(lines, "{hash}  {key}").unwrap();
        if file["kind"] == "user" { users.push(text) } else { groups.push(text) }
    }
    assert_eq!(index["hash"], data_encoding::HEXLOWER.encode(&Sha256::digest(lines.as_bytes())));
    Files { index, users, groups }
}

/// The records of files in one of the formats of JSON.
pub fn records(index: &Value, files: &[String]) -> Vec<Value> {
    let records = |file: &String| -> Vec<Value> {
        if index["format"] == "JSON" {
            return serde_json::from_str(file).unwrap();
        }
        file.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    files.iter().flat_map(records).collect()
}

/// A mirror as a record.
fn record<T: serde::Serialize>(name: &str, content: &T) -> Value {
    with(serde_json::to_value(content).unwrap(), &json!({"objectName": name}))
}

/// What the mirrors say, as records in the order of their names.
async fn mirrored(stage: &Stage) -> (Vec<Value>, Vec<Value>) {
    let users = stage.users().await.into_iter();
    let users: BTreeMap<String, Value> =
        users.map(|user| (user.name_any(), record(&user.name_any(), &user.spec.user))).collect();
    let groups = stage.api::<directory_sync::api::DirectoryGroup>();
    let groups = groups.list(&ListParams::default()).await.unwrap().items.into_iter();
    let groups: BTreeMap<String, Value> =
        groups.map(|group| (group.name_any(), record(&group.name_any(), &group.spec.group))).collect();
    (users.into_values().collect(), groups.into_values().collect())
}

/// Asserts that a ConfigMap in a format of JSON says what the mirrors say.
async fn assert_mirrored(stage: &Stage, name: &str) -> Files {
    let files = read(stage, name).await;
    let said = (records(&files.index, &files.users), records(&files.index, &files.groups));
    assert_eq!(said, mirrored(stage).await);
    files
}

/// The names of the ConfigMaps that the operator has written.
async fn written(stage: &Stage) -> Vec<String> {
    let which = ListParams::default().labels(LABEL_DIRECTORY);
    stage.api::<ConfigMap>().list(&which).await.unwrap().iter().map(ResourceExt::name_any).collect()
}

async fn shown(stage: &Stage) -> Option<ConfigMapStatus> {
    stage.status("acme").await.config_map
}

/// A table of so many people, each with a long title.
fn crowd(count: usize) -> String {
    let mut table = "user_id,first_name,last_name,email,job_title\n".to_owned();
    for number in 0..count {
        writeln!(table, "{number},Ada,Lovelace,ada{number}@a.test,{}", "x".repeat(400)).unwrap();
    }
    table
}

#[tokio::test]
async fn in_every_format_the_files_say_what_the_mirrors_say() {
    let stage = Stage::with_config_map_output("cm-formats").await;
    stage.people(TWO).await;
    stage.directory("acme", output(&json!({}))).await;
    stage.ready("acme", "True", "Synced").await;
    for form in [
        json!({"format": "JSON", "gzip": false}),
        json!({"format": "JSON", "gzip": true}),
        json!({"format": "JSONLines", "gzip": false}),
        json!({"format": "JSONLines", "gzip": true}),
    ] {
        stage.respecify("acme", json!({"output": {"configMap": form}})).await;
        stage.sync("acme").await;
        let files = assert_mirrored(&stage, "output").await;
        assert_eq!((&files.index["format"], &files.index["gzip"]), (&form["format"], &form["gzip"]));
        let shown = shown(&stage).await.unwrap();
        assert_eq!((shown.users, shown.groups, shown.shards), (2, 1, 0));
        assert_eq!(files.index["hash"], shown.hash);
    }

    stage.respecify("acme", json!({"output": {"configMap": {"format": "CSV", "gzip": false}}})).await;
    stage.sync("acme").await;
    let files = read(&stage, "output").await;
    let (ada, admins) = (stage.user("ada@a.test").await, stage.group("admins").await);
    let header = "objectName,externalId,userName,state,role,roles,email,displayName,title,name,";
    assert!(files.users[0].starts_with(header), "{}", files.users[0]);
    let row = files.users[0].lines().find(|line| line.contains("ada@a.test")).unwrap();
    assert!(row.starts_with(&format!("{},1,", ada.name_any())), "{row}");
    let row = format!(
        "{},{},admins,1,\"{{\"\"users\"\":[\"\"{}\"\"]}}\"\n",
        admins.name_any(),
        admins.spec.group.external_id,
        ada.name_any()
    );
    assert!(files.groups[0].ends_with(&row), "{}", files.groups[0]);
}

#[tokio::test]
async fn only_the_chosen_attributes_are_in_the_files() {
    let stage = Stage::with_config_map_output("cm-chosen").await;
    stage.people(TWO).await;
    stage.directory("acme", output(&json!({"attributes": ["email"]}))).await;
    stage.ready("acme", "True", "Synced").await;
    let files = read(&stage, "output").await;
    for record in records(&files.index, &files.users) {
        assert!(record.get("email").is_some() && record.get("name").is_none(), "{record}");
    }
    assert!(stage.user("ada@a.test").await.spec.user.name.given.is_some(), "the mirror has it");
}

#[tokio::test]
async fn f37_what_does_not_fit_into_one_is_cut_and_an_index_names_the_parts() {
    let stage = Stage::with_config_map_output("cm-shards").await;
    stage.people(&crowd(1_700)).await;
    stage.directory("acme", output(&json!({"format": "JSONLines"}))).await;
    F37.is_seen(&stage, "acme").await;
    let files = assert_mirrored(&stage, "output").await;
    let first = shown(&stage).await.unwrap();
    assert!(first.shards > 2, "{first:?}");
    assert_eq!(files.users.len() + files.groups.len(), usize::try_from(first.shards).unwrap());
    assert_eq!(written(&stage).await.len(), usize::try_from(first.shards).unwrap() + 1);

    // The parts of the content before stay for who has read its index; older ones go.
    let mut contents = Vec::new();
    for changed in ["one@a.test", "two@a.test"] {
        contents.push(written(&stage).await);
        stage.rewrite("people", json!({"users.csv": crowd(1_700).replace("ada0@a.test", changed)})).await;
        stage.sync("acme").await;
        assert_mirrored(&stage, "output").await;
    }
    let now = written(&stage).await;
    let gone: Vec<&String> =
        contents[0].iter().filter(|&name| name != "output" && now.contains(name)).collect();
    assert_eq!(gone, Vec::<&String>::new());
    assert!(contents[1].iter().filter(|name| !contents[0].contains(name)).all(|name| now.contains(name)));

    stage.respecify("acme", json!({"output": {"configMap": {"gzip": true}}})).await;
    stage.sync("acme").await;
    assert_eq!(shown(&stage).await.unwrap().shards, 0, "compressed they fit");
    assert_mirrored(&stage, "output").await;
}

#[tokio::test]
async fn when_nothing_has_changed_the_config_map_is_neither_written_nor_read() {
    let mut stage = Stage::with_config_map_output("cm-quiet").await;
    stage.people(TWO).await;
    stage.directory("acme", with(output(&json!({})), &json!({"sync": {"interval": "1s"}}))).await;
    stage.ready("acme", "True", "Synced").await;
    let mark = stage.after_a_sync().await;
    stage.reads(mark, "people", 3).await;
    assert_eq!(stage.reads_since(mark, "output"), 0);

    let mark = Cluster::get().audit_mark();
    stage.operator.restart().await;
    stage.reads(mark, "people", 3).await;
    assert_eq!(stage.reads_since(mark, "output"), 0, "the checkpoint says that it was written");
    assert_eq!(stage.written(mark).of("configmaps").len(), 0);
}

#[tokio::test]
async fn a_deleted_or_edited_config_map_is_written_again_when_everything_is_asked_for() {
    let stage = Stage::with_config_map_output("cm-repair").await;
    stage.people(TWO).await;
    stage.directory("acme", output(&json!({}))).await;
    stage.ready("acme", "True", "Synced").await;
    stage.patch::<ConfigMap>("output", json!({"data": {"users.json": "[]\n", "mine": "x"}})).await;
    stage.full_sync("acme").await;
    assert_mirrored(&stage, "output").await;
    assert_eq!(stage.api::<ConfigMap>().get("output").await.unwrap().data.unwrap().len(), 3);
    stage.api::<ConfigMap>().delete("output", &DeleteParams::default()).await.unwrap();
    stage.full_sync("acme").await;
    assert_mirrored(&stage, "output").await;
}

//! Large directories: mirrors in slices, the forms and the way between them.

mod auto;
mod commands;
mod config_map;
mod crash;
mod guard;
mod pace;
mod reading;
mod writing;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use directory_sync::api::{DirectorySlice, LABEL_DIRECTORY};
use directory_sync::cluster::mirrors::{Place, ReadError};
use directory_sync::model::Kind;
use kube::ResourceExt;
use kube::api::ListParams;
use serde_json::{Value, json};

use crate::support::cluster::Cluster;
use crate::support::operator::Operator;
use crate::support::proxy::Proxy;
use crate::support::stage::{LIMIT, Stage, csv, with};
use crate::support::wait::eventually;

/// People and groups as an application reads them, in whatever form, by object name.
pub type Entries = BTreeMap<String, Value>;

/// A table of people of these numbers.
pub fn people(numbers: impl IntoIterator<Item = usize>) -> String {
    let mut table = "user_id,first_name,last_name,email\n".to_owned();
    for number in numbers {
        writeln!(table, "{number},Ada,Lovelace {number},ada{number}@a.test").unwrap();
    }
    table
}

/// A table that puts people of these numbers into a group.
pub fn members(group: &str, numbers: impl IntoIterator<Item = usize>) -> String {
    let mut table = "group_name,user_id\n".to_owned();
    for number in numbers {
        writeln!(table, "{group},{number}").unwrap();
    }
    table
}

/// A Directory's spec with an output mode.
pub fn mode(mode: &str) -> Value {
    with(csv(), &json!({"output": {"mode": mode}}))
}

/// A stage with so many people, the first ten of them in a group, in a mode.
async fn stage_with(prefix: &str, count: usize, form: &str) -> Stage {
    stage_of(Stage::new(prefix).await, count, form).await
}

/// The same on a stage of one's own.
async fn stage_of(stage: Stage, count: usize, form: &str) -> Stage {
    stage.tables("people", &people(0..count), &members("admins", 0..10)).await;
    stage.directory("acme", mode(form)).await;
    stage.ready("acme", "True", "Synced").await;
    stage
}

/// A stage whose operator reaches the apiserver through a proxy.
async fn behind(proxy: &Proxy, prefix: &str) -> Stage {
    let cluster = Cluster::get();
    let namespace = cluster.namespace(prefix).await;
    let operator = Operator::setup(cluster, &namespace).through(proxy).start().await;
    Stage { cluster, namespace, operator }
}

/// Everybody, read by the library's own reader.
pub async fn entries(stage: &Stage, directory: &str) -> Entries {
    let client = Cluster::get().client();
    let place = Place { client: &client, namespace: &stage.namespace, directory };
    let mut entries = Entries::new();
    for kind in [Kind::User, Kind::Group] {
        place
            .visit::<ReadError>(kind, |mirrored| {
                entries.insert(mirrored.name, Value::Object(mirrored.spec));
                Ok(())
            })
            .await
            .unwrap();
    }
    entries
}

/// The slices of a Directory by name, each with its resource version.
pub async fn slices(stage: &Stage, directory: &str) -> BTreeMap<String, String> {
    let which = ListParams::default().labels(&format!("{LABEL_DIRECTORY}={directory}"));
    let all = stage.api::<DirectorySlice>().list(&which).await.unwrap().items;
    all.into_iter().map(|slice| (slice.name_any(), slice.resource_version().unwrap())).collect()
}

/// Waits until a Directory has one form, and nothing is left of the other.
pub async fn has_form(stage: &Stage, directory: &str, form: &str) {
    eventually("nothing is left of the other form", LIMIT, async || {
        let (slices, objects) = (slices(stage, directory).await, stage.mirrors(directory).await);
        let manifest = slices.contains_key(&format!("{directory}-s-manifest"));
        let right = match form {
            "Slices" => manifest && objects.is_empty(),
            _ => slices.is_empty() && !objects.is_empty(),
        };
        if right {
            Ok(())
        } else {
            Err(format!("{} slices, {} objects\n{}", slices.len(), objects.len(), stage.operator.log()))
        }
    })
    .await;
}

//! Canaries: words that stand nowhere else are planted in every credential and in people's attributes, syncs succeed
//! and fail, and everything that the operator lets out is searched for them.

mod commands;
mod people;
mod secrets;

use data_encoding::{BASE64, HEXLOWER};
use directory_sync::api::{Directory, DirectoryCheckpoint};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{Event, Secret};
use kube::api::ListParams;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support::stage::Stage;

/// How the chart has the operator log, unless its values say otherwise.
const AS_INSTALLED: &[&str] = &["--log-level", "info", "--log-format", "json"];

/// Where something was let out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The operator's log, of all levels that it writes.
    Log,
    /// The statuses of all Directories.
    Status,
    /// Events.
    Event,
    /// A scrape of all metrics.
    Metrics,
    /// Checkpoints.
    Checkpoint,
    /// What a command writes to standard output or standard error.
    Output,
}

/// Everything that was let out.
struct Evidence(Vec<(Place, String)>);

impl Evidence {
    /// What an operator has let out so far.
    async fn of(stage: &Stage) -> Self {
        let directories = all::<Directory>(stage).await.into_iter().map(|directory| directory.status);
        Self(vec![
            (Place::Log, stage.operator.log()),
            (Place::Status, text(&directories.collect::<Vec<_>>())),
            (Place::Event, text(&all::<Event>(stage).await)),
            (Place::Metrics, stage.operator.metrics().await),
            (Place::Checkpoint, text(&all::<DirectoryCheckpoint>(stage).await)),
        ])
    }

    /// Checks that no canary is in it, but for the places where it may be.
    fn assert_none_of(&self, canaries: &[&str], but: &[Place]) {
        for (place, found) in self.0.iter().filter(|(place, _)| !but.contains(place)) {
            assert!(!found.is_empty(), "nothing was found at {place:?}");
            for canary in canaries {
                for form in forms(canary) {
                    let line = found.lines().find(|line| line.contains(&form));
                    assert!(line.is_none(), "{canary} is let out as {form} at {place:?}: {}", line.unwrap());
                }
            }
        }
    }

    /// Checks that each line of the log is an object of JSON that says when, how grave and what.
    fn assert_log_of_objects(&self) {
        let (_, log) = self.0.iter().find(|(place, _)| *place == Place::Log).expect("there is a log");
        for line in log.lines() {
            let entry: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            for field in ["timestamp", "level", "message"] {
                assert!(entry[field].is_string(), "there is no {field} in {line}");
            }
        }
    }
}

/// A word as it is written, and as bytes are written where nobody thinks of it.
fn forms(canary: &str) -> Vec<String> {
    let bytes = canary.as_bytes();
    let decimal = bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    let mut forms = vec![canary.to_owned(), HEXLOWER.encode(bytes), decimal];
    // In base64 a word looks different by where it begins; at its ends it mixes with its neighbours.
    for before in 0..3 {
        let padded = [&[b'x'; 2][..before], bytes].concat();
        let whole = (bytes.len() + before) / 3 * 3;
        forms.push(BASE64.encode(&padded[..whole])[(before * 4).div_ceil(3)..].to_owned());
    }
    forms
}

async fn all<K>(stage: &Stage) -> Vec<K>
where
    K: kube::Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + std::fmt::Debug,
{
    stage.api::<K>().list(&ListParams::default()).await.unwrap().items
}

fn text(found: &impl Serialize) -> String {
    serde_json::to_string_pretty(found).unwrap()
}

/// Creates a Secret of these keys, which may hold any bytes.
async fn secret(stage: &Stage, name: &str, keys: &[(&str, &[u8])]) {
    stage.create::<Secret>(secret_object(name, keys)).await;
}

fn secret_object(name: &str, keys: &[(&str, &[u8])]) -> Value {
    let data = keys.iter().map(|(key, value)| ((*key).to_owned(), json!(BASE64.encode(value))));
    let data: serde_json::Map<String, Value> = data.collect();
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data})
}

#[test]
fn a_canary_is_known_in_every_form() {
    for (place, written) in [
        ("as it is", "the password is canary-7 today".to_owned()),
        ("in hexadecimal", HEXLOWER.encode(b"the password is canary-7 today")),
        ("as a list of bytes", format!("{:?}", b"the password is canary-7 today")),
        ("in base64", BASE64.encode(b"the password is canary-7 today")),
        ("in base64, one later", BASE64.encode(b"xthe password is canary-7 today")),
        ("in base64, two later", BASE64.encode(b"xxthe password is canary-7 today")),
    ] {
        assert!(forms("canary-7").iter().any(|form| written.contains(form)), "{place}: {written}");
    }
}

//! Tables (CSV) and what is made of their rows, up to people and groups as the cluster gets them.

use futures::executor::block_on;
use serde_json::json;

use crate::api::rules::Scope;
use crate::model::Snapshot;
use crate::normalize::{NormalizeError, Outcome, Rules, normalize};
use crate::source::csv::CsvSpec;
use crate::source::tenant::Expected;
use crate::source::{Material, Provider, Pull, collect};

/// What stands between two tables.
const SEPARATOR: u8 = 0xff;

/// Reads the bytes as three tables: people, memberships, groups. The first byte chooses the
/// character between columns.
///
/// # Panics
/// When a promise is broken: that is what the fuzzer looks for.
pub fn run(data: &[u8]) {
    let Some((&choice, tables)) = data.split_first() else { return };
    let delimiter = ["Comma", "Semicolon", "Tab"][usize::from(choice) % 3];
    let spec = json!({"from": {"configMap": {"name": "tables"}}, "delimiter": delimiter});
    let Ok(spec) = serde_json::from_value::<CsvSpec>(spec) else { return };
    let keys = ["users.csv", "user_groups.csv", "groups.csv"];
    let tables: Vec<&[u8]> = tables.splitn(keys.len(), |&byte| byte == SEPARATOR).collect();
    let mut material = Material::default();
    for reference in spec.references() {
        let tables = keys.iter().zip(&tables).map(|(&key, &table)| (key.to_owned(), table.to_vec()));
        material.insert(reference, tables);
    }
    let Ok(mut source) = spec.source(&material) else { return };
    let mut snapshot = Snapshot::default();
    if block_on(collect(source.as_mut(), Pull::Full, &Expected::default(), &mut snapshot, |_| {})).is_err() {
        return;
    }
    normalized(&snapshot);
}

/// Every record becomes a person or group with clean texts, or is held back with a reason.
fn normalized(snapshot: &Snapshot) {
    let Ok(rules) = Rules::compile("tables", &Scope::default(), &[], None, None) else { return };
    let outcome = normalize::<Failure>(snapshot, &rules, &mut |outcome| {
        let name = match outcome {
            Outcome::User(user) => user.display_name,
            Outcome::Group(group) => Some(group.display_name),
            Outcome::Quarantined { .. } => None,
        };
        let clean = name.is_none_or(|name| !name.is_empty() && !name.chars().any(char::is_control));
        assert!(clean, "a name has no control characters");
        Ok(())
    });
    assert!(outcome.is_ok(), "rows of any content can be decided on");
}

/// Nothing but the normalisation itself fails.
#[derive(Debug)]
struct Failure;

impl From<NormalizeError> for Failure {
    fn from(_: NormalizeError) -> Self {
        Self
    }
}

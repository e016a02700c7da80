//! Every refusal of a Directory that is not derived from the schema, each with its nearest valid neighbour.

mod bounds;
mod config_map;
mod csv_files;
mod forms;
mod lengths;
mod members;
mod relations;

use serde_json::{Value, json};

use super::case::{Case, Keyword};

/// All cases.
pub fn cases() -> Vec<Case> {
    [
        lengths::cases(),
        bounds::cases(),
        members::cases(),
        forms::cases(),
        relations::cases(),
        csv_files::cases(),
        config_map::cases(),
    ]
    .concat()
}

/// A case with what must be there for its field to be all that matters.
fn case(path: &str, keyword: Keyword, refused: Value, accepted: Value, says: &str) -> Case {
    let case = Case::new(path, keyword, refused, accepted, says);
    match path {
        path if path.starts_with("spec.roles.") => {
            case.given("spec.roles.rules", json!([{"role": "admin", "groups": ["admins"]}]))
        }
        path if path.starts_with("spec.mapping[0]") => {
            case.given("spec.mapping", json!([{"attribute": "badge", "value": "raw.badge"}]))
        }
        path if path.starts_with("spec.provider.ldap.groups.") => {
            case.given("spec.provider.ldap.groups.baseDN", json!("ou=groups,dc=acme"))
        }
        path if path.starts_with("spec.provider.csv.from.secret.") => {
            case.given("spec.provider.csv.from.configMap", Value::Null)
        }
        "spec.output.configMap.name" => case,
        path if path.starts_with("spec.output.configMap.") => {
            case.given("spec.output.configMap.name", json!("people"))
        }
        _ => case,
    }
}

fn letters(length: usize) -> String {
    "x".repeat(length)
}

/// The fields that are names of objects.
const OBJECT_NAMES: &[&str] = &[
    "spec.provider.ldap.credentialsSecretRef.name",
    "spec.provider.ldap.caRef.configMap.name",
    "spec.provider.ldap.caRef.secret.name",
    "spec.provider.activeDirectory.credentialsSecretRef.name",
    "spec.provider.activeDirectory.caRef.configMap.name",
    "spec.provider.activeDirectory.caRef.secret.name",
    "spec.provider.csv.from.configMap.name",
    "spec.provider.csv.from.secret.name",
    "spec.provider.csv.from.sftp.credentialsSecretRef.name",
    "spec.provider.csv.from.s3.credentialsSecretRef.name",
    "spec.provider.csv.from.s3.caRef.configMap.name",
    "spec.provider.csv.from.s3.caRef.secret.name",
];

/// The fields that are names of LDAP attributes.
const LDAP_ATTRIBUTES: &[&str] = &[
    "spec.provider.ldap.users.idAttribute",
    "spec.provider.ldap.users.userNameAttribute",
    "spec.provider.ldap.users.attributes[0]",
    "spec.provider.ldap.groups.idAttribute",
    "spec.provider.ldap.groups.nameAttribute",
    "spec.provider.activeDirectory.users.attributes[0]",
    "spec.provider.activeDirectory.groups.nameAttribute",
];

/// The fields that are entries to search below.
const LDAP_BASES: &[&str] = &[
    "spec.provider.ldap.users.baseDN",
    "spec.provider.ldap.groups.baseDN",
    "spec.provider.activeDirectory.users.baseDN",
    "spec.provider.activeDirectory.groups.baseDN",
];

/// The fields that are LDAP filters.
const LDAP_FILTERS: &[&str] = &[
    "spec.provider.ldap.users.filter",
    "spec.provider.ldap.users.inactiveFilter",
    "spec.provider.ldap.groups.filter",
    "spec.provider.activeDirectory.users.filter",
    "spec.provider.activeDirectory.groups.filter",
];

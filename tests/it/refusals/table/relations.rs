//! Fields that are right by themselves and wrong together.

use serde_json::{Value, json};

use super::super::case::Case;
use super::case;

pub fn cases() -> Vec<Case> {
    let plain = "ldap://ldap.acme.example";
    let encrypted = "ldaps://dc1.ad.acme.example";
    [
        encryption(&LDAP, json!(plain)),
        encryption(&ACTIVE_DIRECTORY, json!([plain, "ldap://dc2.ad.acme.example"])),
        vec![case(
            ACTIVE_DIRECTORY.servers,
            "rule",
            json!([encrypted, plain]),
            json!([encrypted, "ldaps://dc2.ad.acme.example"]),
            "all urls must be of one kind, either ldaps:// or ldap://",
        )],
        others(),
    ]
    .concat()
}

/// The fields of a provider's settings that are about encryption.
struct Fields {
    servers: &'static str,
    start_tls: &'static str,
    insecure: &'static str,
    authorities: &'static str,
}

const LDAP: Fields = Fields {
    servers: "spec.provider.ldap.url",
    start_tls: "spec.provider.ldap.startTLS",
    insecure: "spec.provider.ldap.insecure",
    authorities: "spec.provider.ldap.caRef",
};

const ACTIVE_DIRECTORY: Fields = Fields {
    servers: "spec.provider.activeDirectory.urls",
    start_tls: "spec.provider.activeDirectory.startTLS",
    insecure: "spec.provider.activeDirectory.insecure",
    authorities: "spec.provider.activeDirectory.caRef",
};

/// Connections to `plain` servers, and to those of the base, that contradict themselves.
fn encryption(fields: &Fields, plain: Value) -> Vec<Case> {
    let Fields { servers, start_tls, insecure, authorities } = fields;
    let risk = json!("PlaintextPasswordsAndData");
    let contradiction = "insecure contradicts ldaps:// and startTLS";
    vec![
        case(
            insecure,
            "rule",
            Value::Null,
            risk.clone(),
            "a plain ldap:// url sends passwords and people's data readable over the network: use ldaps://",
        )
        .given(servers, plain.clone()),
        case(start_tls, "rule", json!(false), json!(true), "a plain ldap:// url sends passwords")
            .given(servers, plain.clone()),
        case(
            start_tls,
            "rule",
            json!(true),
            json!(false),
            "startTLS is for ldap:// urls; an ldaps:// url is encrypted from its first byte",
        ),
        case(insecure, "rule", risk.clone(), Value::Null, contradiction),
        case(insecure, "rule", risk.clone(), Value::Null, contradiction)
            .given(servers, plain.clone())
            .given(start_tls, json!(true)),
        case(
            authorities,
            "rule",
            json!({"secret": {"name": "ca"}}),
            Value::Null,
            "caRef has no use on a connection that is not encrypted",
        )
        .given(servers, plain)
        .given(insecure, risk),
    ]
}

fn others() -> Vec<Case> {
    let keys = |path: &str, taken: &str, own: &str| {
        case(
            path,
            "rule",
            json!(taken),
            json!(own),
            "users, userGroups and groups each need a key of their own",
        )
    };
    let columns = |path: &str, other: &'static str| {
        let says = "a column says one thing: give each attribute a column of its own";
        case(path, "rule", json!("NUMBER"), json!("Another"), says).given(other, json!("number"))
    };
    vec![
        columns("spec.provider.csv.users.columns{email}", "spec.provider.csv.users.columns{username}"),
        columns(
            "spec.provider.csv.userGroups.columns{user_id}",
            "spec.provider.csv.userGroups.columns{group_name}",
        ),
        columns("spec.provider.csv.groups.columns{group_id}", "spec.provider.csv.groups.columns{group_name}"),
        keys("spec.provider.csv.users.key", "groups.csv", "people.csv"),
        keys("spec.provider.csv.userGroups.key", "users.csv", "memberships.csv"),
        keys("spec.provider.csv.groups.key", "user_groups.csv", "teams.csv"),
        case(
            "spec.output.attributes[0]",
            "rule",
            json!("badge"),
            json!("department"),
            "output.attributes may only list standard attributes, such as email or department, and those that mapping adds",
        ),
        case("spec.output.attributes[0]", "rule", json!("bagde"), json!("badge"), "those that mapping adds")
            .given("spec.mapping", json!([{"attribute": "badge", "value": "raw.badge"}])),
        case(
            "spec.mapping[0].attribute",
            "rule",
            json!("externalId"),
            json!("employeeNumber"),
            "mapping cannot set externalId, state, name",
        )
        .given("spec.mapping", json!([{"attribute": "badge", "value": "raw.badge"}])),
    ]
}

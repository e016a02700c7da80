//! Fields that are right by themselves and wrong together.

use serde_json::{Value, json};

use super::super::case::Case;
use super::case;

pub fn cases() -> Vec<Case> {
    let plain = json!("ldap://ldap.acme.example");
    let risk = json!("PlaintextPasswordsAndData");
    let keys = |path: &str, taken: &str, own: &str| {
        case(
            path,
            "rule",
            json!(taken),
            json!(own),
            "users, userGroups and groups each need a key of their own",
        )
    };
    vec![
        case(
            "spec.provider.ldap.insecure",
            "rule",
            Value::Null,
            risk.clone(),
            "a plain ldap:// url sends passwords and people's data readable over the network: use ldaps://",
        )
        .given("spec.provider.ldap.url", plain.clone()),
        case(
            "spec.provider.ldap.startTLS",
            "rule",
            json!(false),
            json!(true),
            "a plain ldap:// url sends passwords",
        )
        .given("spec.provider.ldap.url", plain.clone()),
        case(
            "spec.provider.ldap.startTLS",
            "rule",
            json!(true),
            json!(false),
            "startTLS is for ldap:// urls; an ldaps:// url is encrypted from its first byte",
        ),
        case(
            "spec.provider.ldap.insecure",
            "rule",
            risk.clone(),
            Value::Null,
            "insecure contradicts ldaps:// and startTLS",
        ),
        case(
            "spec.provider.ldap.insecure",
            "rule",
            risk.clone(),
            Value::Null,
            "insecure contradicts ldaps:// and startTLS",
        )
        .given("spec.provider.ldap.url", plain.clone())
        .given("spec.provider.ldap.startTLS", json!(true)),
        case(
            "spec.provider.ldap.caRef",
            "rule",
            json!({"secret": {"name": "ca"}}),
            Value::Null,
            "caRef has no use on a connection that is not encrypted",
        )
        .given("spec.provider.ldap.url", plain)
        .given("spec.provider.ldap.insecure", risk),
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

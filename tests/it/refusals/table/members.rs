//! Fields that must be there, members of unions, and words of enumerations.

use serde_json::{Value, json};

use super::super::case::Case;
use super::case;

pub fn cases() -> Vec<Case> {
    [required(), unions(), enumerations()].concat()
}

fn required() -> Vec<Case> {
    let of = |path: &str, value: Value| {
        case(path, "required", Value::Null, value, &format!("{path}: Required value"))
    };
    let provider = json!({"csv": {"from": {"configMap": {"name": "people"}}}});
    vec![
        of("spec", json!({"provider": provider})),
        of("spec.provider", provider),
        of("spec.provider.csv.from", json!({"secret": {"name": "people"}})),
        of("spec.provider.csv.from.configMap.name", json!("people")),
        of("spec.provider.csv.from.secret.name", json!("people"))
            .given("spec.provider.csv.from", json!({"secret": {}})),
        of("spec.provider.ldap.url", json!("ldaps://ldap.acme.example")),
        of("spec.provider.ldap.users", json!({"baseDN": "dc=acme"})),
        of("spec.provider.ldap.users.baseDN", json!("dc=acme")),
        of("spec.provider.ldap.groups.baseDN", json!("dc=acme"))
            .given("spec.provider.ldap.groups", json!({})),
        of("spec.provider.ldap.credentialsSecretRef.name", json!("acme-ldap"))
            .given("spec.provider.ldap.credentialsSecretRef", json!({})),
        of("spec.provider.ldap.caRef.configMap.name", json!("acme-ca"))
            .given("spec.provider.ldap.caRef", json!({"configMap": {}})),
        of("spec.provider.ldap.caRef.secret.name", json!("acme-ca"))
            .given("spec.provider.ldap.caRef", json!({"secret": {}})),
        of("spec.mapping[0].attribute", json!("badge"))
            .given("spec.mapping", json!([{"value": "raw.badge"}])),
        of("spec.mapping[0].value", json!("raw.badge"))
            .given("spec.mapping", json!([{"attribute": "badge"}])),
        of("spec.roles.rules", json!([{"role": "admin", "groups": ["admins"]}]))
            .given("spec.roles", json!({})),
        of("spec.roles.rules[0].role", json!("admin"))
            .given("spec.roles.rules", json!([{"groups": ["admins"]}])),
        of("spec.roles.rules[0].groups", json!(["admins"]))
            .given("spec.roles.rules", json!([{"role": "admin"}])),
    ]
}

fn unions() -> Vec<Case> {
    let ldap = json!({"url": "ldaps://ldap.acme.example", "users": {"baseDN": "dc=acme"}});
    let csv = json!({"from": {"configMap": {"name": "people"}}});
    let provider = |refused: Value| {
        case("spec.provider", "rule", refused, json!({"csv": csv}), "exactly one of ldap, csv must be set")
    };
    let mut cases = vec![provider(json!({})), provider(json!({"ldap": ldap, "csv": csv}))];
    for path in ["spec.provider.csv.from", "spec.provider.ldap.caRef"] {
        let of = |refused: Value| {
            case(
                path,
                "rule",
                refused,
                json!({"secret": {"name": "it"}}),
                "exactly one of configMap, secret must be set",
            )
        };
        cases.extend([of(json!({})), of(json!({"configMap": {"name": "it"}, "secret": {"name": "it"}}))]);
    }
    let unknown = |path: &str, right: Value| {
        case(path, "unknown", json!({"okta": {}}), right, &format!("unknown field \"{path}.okta\""))
    };
    cases.extend([
        unknown("spec.provider", json!({"csv": csv})),
        unknown("spec.provider.csv.from", json!({"secret": {"name": "it"}})),
        unknown("spec.provider.ldap.caRef", json!({"secret": {"name": "it"}})),
    ]);
    cases
}

fn enumerations() -> Vec<Case> {
    let of = |path: &str, values: &[&str]| {
        let quoted: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
        let says = format!("Unsupported value: \"Other\": supported values: {}", quoted.join(", "));
        let right = |value: &&str| case(path, "enum", json!("Other"), json!(value), &says);
        values.iter().map(right).collect::<Vec<_>>()
    };
    let risk = of("spec.provider.ldap.insecure", &["PlaintextPasswordsAndData"]);
    [
        of("spec.deletion.missingUsers", &["Delete", "Deactivate"]),
        of("spec.deletion.inactiveUsers", &["Keep", "Delete"]),
        of("spec.deletion.onDirectoryDelete", &["Retain", "Delete"]),
        of("spec.output.mode", &["Objects", "None"]),
        of("spec.provider.csv.delimiter", &["Comma", "Semicolon", "Tab"]),
        of("spec.provider.ldap.changes", &["Auto", "ModifyTimestamp", "None"]),
        of("spec.provider.ldap.preset", &["InetOrgPerson", "RFC2307", "RFC2307bis", "FreeIPA"]),
        of("spec.provider.ldap.users.scope", &["Subtree", "OneLevel"]),
        of("spec.provider.ldap.groups.membership", &["member", "memberUid", "memberOf"]),
        of("spec.provider.ldap.groups.scope", &["Subtree", "OneLevel"]),
        risk.into_iter()
            .map(|case| case.given("spec.provider.ldap.url", json!("ldap://ldap.acme.example")))
            .collect(),
    ]
    .concat()
}

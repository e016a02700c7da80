//! Fields that must be there, members of unions, and words of enumerations.

use serde_json::{Value, json};

use super::super::case::Case;
use super::case;

pub fn cases() -> Vec<Case> {
    [required(), unions(), enumerations()].concat()
}

/// A field that must be there.
pub fn needed(path: &str, value: Value) -> Case {
    case(path, "required", Value::Null, value, &format!("{path}: Required value"))
}

/// A field that has one of a few words.
pub fn words(path: &str, values: &[&str]) -> Vec<Case> {
    let quoted: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
    let says = format!("Unsupported value: \"Other\": supported values: {}", quoted.join(", "));
    let right = |value: &&str| case(path, "enum", json!("Other"), json!(value), &says);
    values.iter().map(right).collect()
}

/// A union of a ConfigMap and a Secret.
pub fn either(path: &str) -> Vec<Case> {
    let of = |refused: Value| {
        let right = json!({"secret": {"name": "it"}});
        case(path, "rule", refused, right, "exactly one of configMap, secret must be set")
    };
    vec![
        of(json!({})),
        of(json!({"configMap": {"name": "it"}, "secret": {"name": "it"}})),
        unknown(path, json!({"secret": {"name": "it"}})),
    ]
}

/// A member that nobody knows.
pub fn unknown(path: &str, right: Value) -> Case {
    case(path, "unknown", json!({"okta": {}}), right, &format!("unknown field \"{path}.okta\""))
}

fn required() -> Vec<Case> {
    let of = needed;
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
        of("spec.provider.activeDirectory.urls", json!(["ldaps://dc1.ad.acme.example"])),
        of("spec.provider.activeDirectory.credentialsSecretRef", json!({"name": "acme-ad"})),
        of("spec.provider.activeDirectory.credentialsSecretRef.name", json!("acme-ad")),
        of("spec.provider.activeDirectory.caRef.configMap.name", json!("acme-ca"))
            .given("spec.provider.activeDirectory.caRef", json!({"configMap": {}})),
        of("spec.provider.activeDirectory.caRef.secret.name", json!("acme-ca"))
            .given("spec.provider.activeDirectory.caRef", json!({"secret": {}})),
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
        let says = "exactly one of ldap, activeDirectory, csv must be set";
        case("spec.provider", "rule", refused, json!({"csv": csv}), says)
    };
    let mut cases = vec![provider(json!({})), provider(json!({"ldap": ldap, "csv": csv}))];
    cases.push(unknown("spec.provider", json!({"csv": csv})));
    cases.extend(either("spec.provider.ldap.caRef"));
    cases.extend(either("spec.provider.activeDirectory.caRef"));
    cases
}

fn enumerations() -> Vec<Case> {
    let of = words;
    let risk = |path: &str, urls: &'static str, plain: Value| {
        let cases = of(path, &["PlaintextPasswordsAndData"]).into_iter();
        cases.map(move |case| case.given(urls, plain.clone())).collect()
    };
    let plain = "ldap://ldap.acme.example";
    [
        of("spec.deletion.missingUsers", &["Delete", "Deactivate"]),
        of("spec.deletion.inactiveUsers", &["Keep", "Delete"]),
        of("spec.deletion.onDirectoryDelete", &["Retain", "Delete"]),
        of("spec.output.mode", &["Auto", "Objects", "Slices", "None"]),
        of("spec.provider.csv.delimiter", &["Comma", "Semicolon", "Tab"]),
        of("spec.provider.ldap.changes", &["Auto", "ModifyTimestamp", "None"]),
        of("spec.provider.ldap.preset", &["InetOrgPerson", "RFC2307", "RFC2307bis", "FreeIPA"]),
        of("spec.provider.ldap.users.scope", &["Subtree", "OneLevel"]),
        of("spec.provider.ldap.groups.membership", &["member", "memberUid", "memberOf"]),
        of("spec.provider.ldap.groups.scope", &["Subtree", "OneLevel"]),
        risk("spec.provider.ldap.insecure", "spec.provider.ldap.url", json!(plain)),
        of("spec.provider.activeDirectory.changes", &["Auto", "UpdateSequenceNumbers", "None"]),
        of("spec.provider.activeDirectory.users.lockout", &["UntilUnlocked", "Any"]),
        of("spec.provider.activeDirectory.users.userNameAttribute", &["userPrincipalName", "sAMAccountName"]),
        risk("spec.provider.activeDirectory.insecure", "spec.provider.activeDirectory.urls", json!([plain])),
    ]
    .concat()
}

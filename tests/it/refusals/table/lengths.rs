//! Texts that are too short or too long by one character.

use serde_json::json;

use super::super::case::Case;
use super::{LDAP_ATTRIBUTES, LDAP_BASES, LDAP_FILTERS, OBJECT_NAMES, case, letters};

pub fn cases() -> Vec<Case> {
    [words(), names(), expressions(), ldap(), durations(), listed_attributes()].concat()
}

/// `fill` makes a text of a length that is valid but for its length.
pub fn lengths(path: &str, least: usize, most: usize, fill: impl Fn(usize) -> String) -> Vec<Case> {
    let says = format!("Too long: may not be more than {most} bytes");
    let mut cases = vec![case(path, "maxLength", json!(fill(most + 1)), json!(fill(most)), &says)];
    if least > 0 {
        let says = format!("should be at least {least} chars long");
        cases.push(case(path, "minLength", json!(fill(least - 1)), json!(fill(least)), &says));
    }
    cases
}

/// The same bounds for several fields.
fn all(paths: &[&str], least: usize, most: usize, fill: fn(usize) -> String) -> Vec<Case> {
    paths.iter().flat_map(|path| lengths(path, least, most, fill)).collect()
}

/// A text that is filled up at its end, or cut.
fn filled(text: &str, with: char, length: usize) -> String {
    text.chars().chain(std::iter::repeat(with)).take(length).collect()
}

fn words() -> Vec<Case> {
    let columns = ["users.columns{email}", "userGroups.columns{user_id}", "groups.columns{group_id}"];
    [
        lengths("spec.displayName", 0, 256, letters),
        lengths("spec.organization", 0, 128, letters),
        lengths("spec.tenant", 1, 256, letters),
        lengths("spec.roles.default", 1, 128, letters),
        lengths("spec.roles.rules[0].role", 1, 128, letters),
        lengths("spec.roles.rules[0].groups[0]", 1, 512, letters),
        lengths("spec.mapping[0].attribute", 1, 64, letters),
        // No hash and no uid is that long: one that is too long by one is refused for both reasons.
        too_long_for_its_form("spec.deletion.guard.approvedPlan", &"0".repeat(16)),
        too_long_for_its_form("spec.deletion.guard.allowEmpty", "7c8f2a1e-4b1d-403f-9a55-0d2f6a3b9c11"),
        columns.map(|column| lengths(&format!("spec.provider.csv.{column}"), 1, 256, letters)).concat(),
    ]
    .concat()
}

fn too_long_for_its_form(path: &str, accepted: &str) -> Vec<Case> {
    let refused = json!("0".repeat(65));
    vec![case(path, "maxLength", refused, json!(accepted), "Too long: may not be more than 64 bytes")]
}

fn names() -> Vec<Case> {
    let keys =
        ["spec.provider.csv.users.key", "spec.provider.csv.userGroups.key", "spec.provider.csv.groups.key"];
    [all(OBJECT_NAMES, 1, 253, letters), all(&keys, 1, 253, letters)].concat()
}

fn expressions() -> Vec<Case> {
    let paths = ["spec.scope.users", "spec.scope.groups", "spec.mapping[0].value"];
    all(&paths, 1, 4_096, |length| filled(if length < 5 { "1" } else { "raw.a" }, ' ', length))
}

fn ldap() -> Vec<Case> {
    let url = |length| filled(if length > 8 { "ldaps://" } else { "ldap://" }, 'x', length);
    let urls = |path, insecure| {
        lengths(path, 8, 512, url).into_iter().map(move |case| match case.keyword {
            "minLength" => case.given(insecure, json!("PlaintextPasswordsAndData")),
            _ => case,
        })
    };
    [
        urls("spec.provider.ldap.url", "spec.provider.ldap.insecure").collect(),
        urls("spec.provider.activeDirectory.urls[0]", "spec.provider.activeDirectory.insecure").collect(),
        all(LDAP_BASES, 3, 1_024, |length| filled("o=", 'x', length)),
        all(LDAP_FILTERS, 3, 2_048, |length| filled("a=b", 'x', length)),
        all(LDAP_ATTRIBUTES, 1, 64, letters),
    ]
    .concat()
}

/// Zeroes make a duration long and keep its value.
fn durations() -> Vec<Case> {
    let zeroes = |length: usize| {
        let (pairs, odd) = ("0s".repeat((length - 3) / 2), if length.is_multiple_of(2) { "0" } else { "" });
        format!("{pairs}{odd}30s")
    };
    all(&["spec.sync.interval", "spec.sync.fullInterval", "spec.deletion.graceTime"], 0, 32, zeroes)
}

/// A listed attribute is added by `mapping`, whose names have the same bounds.
fn listed_attributes() -> Vec<Case> {
    let mapping = json!([{"attribute": letters(64), "value": "raw.a"}, {"attribute": "x", "value": "raw.a"}]);
    let cases = lengths("spec.output.attributes[0]", 1, 64, letters);
    cases.into_iter().map(|case| case.given("spec.mapping", mapping.clone())).collect()
}

//! Texts that are not written as they should be.

use serde_json::json;

use super::super::case::Case;
use super::{LDAP_ATTRIBUTES, LDAP_BASES, LDAP_FILTERS, OBJECT_NAMES, case, letters};

pub fn cases() -> Vec<Case> {
    [
        directory_names(),
        object_names(),
        durations(),
        tables(),
        mapped_attributes(),
        urls(),
        ldap(),
        approvals(),
    ]
    .concat()
}

/// Each field with each pair of a mistake and its nearest valid neighbour.
pub fn forms(paths: &[&str], pairs: &[(&str, &str)], says: &str) -> Vec<Case> {
    let of = |path: &&str| {
        let form =
            |(refused, accepted): &(&str, &str)| case(path, "rule", json!(refused), json!(accepted), says);
        pairs.iter().map(form).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of).collect()
}

fn directory_names() -> Vec<Case> {
    const WORDS: &str = "metadata.name must have at most 63 characters and no dot";
    vec![
        case("metadata.name", "rule", json!(letters(64)), json!(letters(63)), WORDS),
        case("metadata.name", "rule", json!("acme.example"), json!("acme-example"), WORDS),
        case("metadata.name", "name", json!("Acme"), json!("acme"), "a lowercase RFC 1123 subdomain"),
    ]
}

fn object_names() -> Vec<Case> {
    let pairs = [("Acme", "acme"), ("acme..ldap", "acme.ldap"), ("acme-", "a"), ("acme/ldap", "acme-ldap")];
    forms(OBJECT_NAMES, &pairs, "an object's name has lower-case letters, digits, '-' and '.'")
}

fn durations() -> Vec<Case> {
    let of = |name: &str, most: &str| {
        let above = format!("{most}1s");
        let pairs = [
            ("0s", "1s"),
            (&above, most),
            ("1d", "24h"),
            ("5", "5m"),
            ("-5m", "0.5h"),
            ("1 hour", "1h30m"),
            ("", "30s"),
            ("500ms", "1.5s"),
            ("99999h99999h", "1h1m1s"),
        ];
        let says = format!("{name} must be a time from 1s to {most}, written as 30s, 5m or 1h30m");
        forms(&[&format!("spec.sync.{name}")], &pairs, &says)
    };
    let grace = [("-1s", "0s"), ("8760h1s", "8760h"), ("7d", "168h"), ("", "30s"), ("1 hour", "1h30m")];
    let says = "graceTime must be a time from 0s to 8760h, written as 30s, 5m or 1h30m";
    let grace = forms(&["spec.deletion.graceTime"], &grace, says);
    [of("interval", "168h"), of("fullInterval", "8760h"), grace].concat()
}

fn tables() -> Vec<Case> {
    let of = |table: &str, known: &str| {
        let path = format!("spec.provider.csv.{table}");
        let words = "a key has only letters, digits, '-', '_' and '.'";
        let mut cases = forms(&[&format!("{path}.key")], &[("my people.csv", "my-people.csv")], words);
        let words = "on the left and the column's name on the right";
        cases.push(case(
            &format!("{path}.columns"),
            "rule",
            json!({"mail": "Mail"}),
            json!({known: "Mail"}),
            words,
        ));
        cases
    };
    [of("users", "email"), of("userGroups", "group_name"), of("groups", "group_name")].concat()
}

fn mapped_attributes() -> Vec<Case> {
    let pairs = [("cost-center", "cost_center"), ("2fa", "mfa2"), ("straße", "strasse")];
    forms(&["spec.mapping[0].attribute"], &pairs, "an attribute's name begins with a letter")
}

fn urls() -> Vec<Case> {
    let pairs = [
        ("ldap.acme.example", "ldaps://ldap.acme.example"),
        ("https://ldap.acme.example", "ldaps://ldap.acme.example/"),
        ("ldaps://ldap.acme.example/dc=acme", "ldaps://ldap.acme.example:1636"),
        ("ldaps://reader:secret@ldap.acme.example", "ldaps://[2001:db8::1]:636"),
        ("ldaps://ldap.acme.example:65536", "ldaps://ldap.acme.example:65535"),
        ("ldaps://ldap acme", "ldaps://192.0.2.1"),
    ];
    let fields = ["spec.provider.ldap.url", "spec.provider.activeDirectory.urls[0]"];
    let catalogs = [
        ("ldaps://gc.acme.example:3269", "ldaps://gc.acme.example:636"),
        ("ldaps://gc.acme.example:3268/", "ldaps://[2001:db8::3268]/"),
    ];
    [
        forms(&fields, &pairs, "write the url like ldaps://ldap.example.org"),
        forms(&fields[1..], &catalogs, "ports 3268 and 3269 are the Global Catalog"),
    ]
    .concat()
}

fn ldap() -> Vec<Case> {
    let filters = [
        ("(objectClass)", "(objectClass=*)"),
        ("(objectClass=person", "(objectClass=person)"),
        ("(&(a=b)(c=d)))", "(&(a=b)(c=d))"),
    ];
    let written = [("cn;lang-de", "cn"), ("2.5.", "2.5.4.3"), ("my attribute", "my-attribute")];
    let readable = [("userPassword", "uid"), ("USERPASSWORD", "userPasswordHint"), ("jpegPhoto", "photoUrl")];
    let copied = [
        ("memberOf", "member"),
        ("LASTLOGON", "lastLogonTimestamp"),
        ("whenChanged", "whenCreated"),
        ("publicDelegatesBL", "publicDelegates"),
        ("canonicalName", "displayName"),
    ];
    [
        forms(LDAP_BASES, &[("people", "ou=people")], "write the DN of an entry"),
        forms(LDAP_FILTERS, &filters, "write an LDAP filter (RFC 4515) like"),
        forms(LDAP_ATTRIBUTES, &written, "an attribute is written by its name, such as mail"),
        forms(LDAP_ATTRIBUTES, &readable, "secrets, photos and sounds are never read"),
        forms(
            &["spec.provider.activeDirectory.users.attributes[0]"],
            &copied,
            "attributes that are computed, or kept by each domain controller for itself",
        ),
    ]
    .concat()
}

fn approvals() -> Vec<Case> {
    let hashes = [("3f0c5a9d12e4b86G", "3f0c5a9d12e4b867"), ("3f0c5a9d", ""), ("yes", "")];
    let uids = [("yes", "7c8f2a1e-4b1d-403f-9a55-0d2f6a3b9c11"), ("7c8f2a1e-4b1d-403f-9a55-0d2f6a3b9c1", "")];
    [
        forms(
            &["spec.deletion.guard.approvedPlan"],
            &hashes,
            "approvedPlan must be the hash that status.pendingPlan shows",
        ),
        forms(
            &["spec.deletion.guard.allowEmpty"],
            &uids,
            "allowEmpty must be the Directory's own uid, as metadata.uid shows it",
        ),
    ]
    .concat()
}

//! Values that are not what one expects: bytes, photos, giants, referrals, missing ids.

use serde_json::json;

use super::*;
use crate::support::ldap::company::person;

#[tokio::test]
async fn bytes_that_are_not_text_are_left_out_and_the_person_is_kept() {
    // Latin-1 for "Zürich", once alone and once beside a value that is text.
    let slapd = Slapd::builder()
        .ldif(&person("zoe", "audio:: WvxyaWNo\nlabeledURI: https://zoe.example.test"))
        .ldif(&person(
            "max",
            "preferredLanguage: de\nuserSMIMECertificate:: WvxyaWNo\nuserSMIMECertificate: text",
        ))
        .start();
    let attributes = json!({"users": {"attributes": ["userSMIMECertificate", "labeledURI"]}});
    let answer = Directory::of(&slapd).with(&attributes).read().await.unwrap();
    assert_eq!(answer.users.len(), 22);
    let max = answer.user("max");
    assert!(!max.raw.contains_key("userSMIMECertificate"), "{:?}", max.raw);
    assert_eq!(max.raw["preferredLanguage"], json!(["de"]));
    assert_eq!(answer.user("zoe").raw["labeledURI"], json!(["https://zoe.example.test"]));
    assert_eq!(
        answer.end.notes,
        ["The attribute 'userSMIMECertificate' is not text (UTF-8) in 1 entry and was left out there."]
    );
}

#[tokio::test]
async fn a_photo_is_neither_asked_for_nor_kept() {
    let slapd = Slapd::builder().ldif(&person("zoe", "jpegPhoto:: /9j/4AAQ")).start();
    let directory = Directory::of(&slapd);
    let answer = directory.read().await.unwrap();
    assert!(!answer.user("zoe").raw.contains_key("jpegPhoto"));
    assert_eq!(answer.end.notes, [] as [&str; 0]);
    let error = directory.with(&json!({"users": {"attributes": ["jpegPhoto"]}})).read().await.unwrap_err();
    assert_told(
        &error,
        Class::Misconfigured,
        &["spec.provider.ldap.users.attributes[0]", "'jpegPhoto' holds a secret, a photo or a sound"],
    );
}

#[tokio::test]
async fn a_giant_value_is_left_out_and_the_person_is_kept() {
    let lines = format!("description: {}\ndescription: small", "x".repeat(100_000));
    let slapd = Slapd::builder().ldif(&person("zoe", &lines)).start();
    let directory = Directory::of(&slapd).with(&json!({"users": {"attributes": ["description"]}}));
    let answer = directory.read().await.unwrap();
    assert_eq!(answer.user("zoe").raw["description"], json!(["small"]));
    assert_eq!(
        answer.end.notes,
        ["The attribute 'description' has values of more than 64 KiB in 1 entry, which were left out."]
    );
}

#[tokio::test]
async fn an_id_that_is_bytes_is_told_with_its_field() {
    let slapd = Slapd::builder().ldif(&person("zoe", "userSMIMECertificate:: WvxyaWNo")).start();
    let directory = Directory::of(&slapd)
        .with(&json!({"users": {"idAttribute": "userSMIMECertificate", "filter": "(uid=zoe)"}}));
    let error = directory.read().await.unwrap_err();
    assert_told(
        &error,
        Class::Misconfigured,
        &["'userSMIMECertificate'", "spec.provider.ldap.users.idAttribute", "holds bytes", "entryUUID"],
    );
}

#[tokio::test]
async fn people_without_an_id_are_rejected_and_not_named() {
    let slapd = Slapd::builder().ldif(&person("zoe", "employeeType: 1")).start();
    let directory = Directory::of(&slapd).with(&json!({"users": {"idAttribute": "employeeType"}}));
    let answer = directory.read().await.unwrap();
    assert_eq!((answer.user_names().as_slice(), answer.rejected.len()), (&["zoe"][..], 20));
    let rejected = &answer.rejected[0];
    assert_eq!(rejected.id, None);
    assert_eq!(rejected.position, format!("entry 1 below {PEOPLE}"));
    assert!(rejected.reason.contains("spec.provider.ldap.users.idAttribute"), "{rejected:?}");
    let said = format!("{} {}", rejected.position, rejected.reason);
    assert!(!said.contains("user00"), "{said}");
}

#[tokio::test]
async fn referrals_are_noted_and_not_followed() {
    let referral = |name: &str| {
        format!(
            "dn: ou={name},{PEOPLE}\nobjectClass: referral\nobjectClass: extensibleObject\nou: {name}\n\
             ref: ldap://directory.invalid/ou={name},dc=elsewhere"
        )
    };
    let slapd = Slapd::builder().ldif(&referral("asia")).ldif(&referral("africa")).start();
    let directory = Directory::of(&slapd);
    let answer = directory.read().await.unwrap();
    assert_eq!(answer.users.len(), 20);
    assert_eq!(answer.end.notes.len(), 1, "{:?}", answer.end.notes);
    assert!(answer.end.notes[0].contains("other servers in 2 place(s)"), "{:?}", answer.end.notes);
    let base = json!({"users": {"baseDN": format!("ou=asia,{PEOPLE}")}});
    let error = directory.with(&base).read().await.unwrap_err();
    assert_told(&error, Class::Misconfigured, &["refers to another server", "spec.provider.ldap.url"]);
}

#[tokio::test]
async fn a_filter_that_does_not_parse_is_found_without_connecting() {
    let directory = Directory::at("ldaps://directory.invalid").with(&json!({"users": {"filter": "(uid=a"}}));
    let problems = directory.provider().problems();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].field, "spec.provider.ldap.users.filter");
    assert!(problems[0].message.contains("1 '(' are not closed"), "{problems:?}");
    let error = directory.read().await.unwrap_err();
    assert_told(&error, Class::Misconfigured, &["spec.provider.ldap.users.filter", "not closed"]);
}

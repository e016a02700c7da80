//! Entries of an LDAP directory.

use std::fmt::Write as _;

use data_encoding::BASE64;
use directory_sync::api::Directory;
use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::*;
use crate::faults::F25;
use crate::support::ldap::{Slapd, company};
use crate::support::stage::{ldap, with};

const PEOPLE: &str = "ou=people,dc=example,dc=test";
const GROUPS: &str = "ou=groups,dc=example,dc=test";

/// A person with an e-mail address and more lines.
fn person(uid: &str, lines: &str) -> String {
    company::person(uid, &format!("mail: {uid}@hostile.test\n{lines}"))
}

/// A line of LDIF whose value may be any bytes.
fn line(attribute: &str, value: impl AsRef<[u8]>) -> String {
    format!("{attribute}:: {}\n", BASE64.encode(value.as_ref()))
}

#[tokio::test]
async fn f25_values_that_are_too_large_too_many_or_no_text_are_left_out_and_counted_and_the_people_are_kept()
{
    let mut many = String::new();
    for number in 0..10_000 {
        writeln!(many, "mail: many{number}@hostile.test").unwrap();
        writeln!(many, "description: value {number}").unwrap();
    }
    let server = Slapd::builder()
        .ldif(&person("large", &(line("displayName", megabyte()) + &line("title", "x".repeat(60_000)))))
        .ldif(&person("many", &many))
        .ldif(&person("bytes", &line("userSMIMECertificate", b"\xff\xfe\0 no text")))
        .start();
    let stage = Stage::new("hostile").await;
    stage.reader().await;
    let spec = json!({
        "provider": {"ldap": {"users": {"attributes": ["description", "userSMIMECertificate"]}}},
        "mapping": [
            {"attribute": "descriptions", "value": "raw.description"},
            {"attribute": "certificate", "value": "raw.userSMIMECertificate[0]"},
        ],
    });
    stage.directory("acme", with(ldap(&server.url()), &spec)).await;
    stage.ready("acme", "True", "Synced").await;

    F25.is_seen(&stage, "acme").await;
    let large = user(&stage, "large@hostile.test").await;
    assert_eq!((large.display_name.as_deref(), large.title), (Some("large"), None));
    noted(
        &stage,
        "acme",
        "The attribute 'displayName' has values of more than 64 KiB in 1 entry, which were left out.",
    )
    .await;
    noted(&stage, "acme", "1 value is longer than the schema allows, and left out.").await;

    let many = user(&stage, "many@hostile.test").await;
    assert_eq!((many.emails.len(), many.attributes.contains_key("descriptions")), (32, false));
    noted(&stage, "acme", "1 list has more entries than the schema allows, and the rest is left out.").await;
    noted(&stage, "acme", "1 value that spec.mapping gives cannot be an attribute, and left out.").await;

    let bytes = user(&stage, "bytes@hostile.test").await;
    assert!(!bytes.attributes.contains_key("certificate"), "{:?}", bytes.attributes);
    noted(
        &stage,
        "acme",
        "The attribute 'userSMIMECertificate' is not text (UTF-8) in 1 entry and was left out there.",
    )
    .await;
}

#[tokio::test]
async fn f25_characters_that_deceive_or_control_are_taken_out_of_names() {
    let lines = [
        line("displayName", "\u{202e}ecalevoL\u{202c} A\0d\u{7}a\r\n\u{2066}\u{200f}"),
        line("title", "\u{200e}\u{0}\n"),
        line("employeeNumber", "<script>alert(1)</script>'; DROP TABLE users; --"),
    ];
    let server = Slapd::builder().ldif(&person("ada", &lines.concat())).start();
    let stage = Stage::new("hostile").await;
    stage.reader().await;
    stage.directory("acme", ldap(&server.url())).await;
    stage.ready("acme", "True", "Synced").await;
    let ada = user(&stage, "ada@hostile.test").await;
    assert_eq!(ada.display_name.as_deref(), Some("ecalevoL Ada"));
    assert_eq!(ada.title, None, "nothing is left of it");
    // What is only text for others stays as it is: whoever shows it has to escape it.
    assert_eq!(ada.employee_number.as_deref(), Some("<script>alert(1)</script>'; DROP TABLE users; --"));
}

#[tokio::test]
async fn names_that_look_like_filters_or_other_names_are_nobody_else() {
    // In a filter this would find everybody; in a DN it would be a person in another unit.
    let evil = "*)(uid=*";
    let comma = "admin,ou=people";
    let entry = |rdn: &str, uid: &str, mail: &str| {
        format!(
            "dn: uid={rdn},{PEOPLE}\nobjectClass: inetOrgPerson\n{}cn: x\nsn: x\nmail: {mail}@hostile.test",
            line("uid", uid)
        )
    };
    let server = Slapd::builder()
        .ldif(&entry("*)(uid=*", evil, "evil"))
        .ldif(&entry("admin\\2cou\\3dpeople", comma, "comma"))
        .ldif(&entry("admin", "admin", "admin"))
        .ldif(&format!(
            "dn: cn=evils,{GROUPS}\nobjectClass: groupOfNames\ncn: evils\nmember: uid=*\\29(uid\\3d*,{PEOPLE}\n\
             member: uid=admin\\,ou\\=people,{PEOPLE}"
        ))
        .start();
    let stage = Stage::new("hostile").await;
    stage.reader().await;
    // A list of changes by time puts a filter of its own around the settings' one.
    let settings =
        json!({"provider": {"ldap": {"changes": "ModifyTimestamp", "groups": {"filter": "(cn=evils)"}}}});
    stage.directory("acme", with(ldap(&server.url()), &settings)).await;
    stage.ready("acme", "True", "Synced").await;
    let mut expected: Vec<String> = Vec::new();
    for mirror in stage.users().await {
        if ["evil@hostile.test", "comma@hostile.test"]
            .contains(&mirror.spec.user.email.as_deref().unwrap_or(""))
        {
            expected.push(mirror.name_any());
        }
    }
    expected.sort();
    let mut members = stage.group("evils").await.spec.group.members.users;
    members.sort();
    assert_eq!((members.len(), members), (2, expected));
    server.modify(&format!("dn: uid=*)(uid=*,{PEOPLE}\nchangetype: modify\nreplace: title\ntitle: changed"));
    stage.sync("acme").await;
    assert_eq!(user(&stage, "evil@hostile.test").await.title.as_deref(), Some("changed"));
}

/// Waits until a generation of the Directory is told to be invalid because of a field.
async fn refused(stage: &Stage, generation: Option<i64>, field: &str) {
    eventually("the settings are refused", LIMIT, async || {
        let status = stage.status("acme").await;
        let ready = status.conditions.iter().find(|condition| condition.type_ == "Ready");
        match ready.filter(|_| status.observed_generation == generation) {
            Some(ready) if ready.reason == "InvalidSpec" && ready.message.contains(field) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
}

#[tokio::test]
async fn settings_that_reach_out_of_their_filter_are_refused_before_anything_is_sent() {
    let server = Slapd::builder().start();
    let stage = Stage::new("hostile").await;
    stage.reader().await;
    stage.directory("acme", ldap(&server.url())).await;
    stage.ready("acme", "True", "Synced").await;
    server.wait_until("the connection is closed", |seen| seen.closed == 1).await;
    let before = stage.mirrors("acme").await;
    let searches = server.operations().searches_of(PEOPLE);
    for (settings, field) in [
        (json!({"users": {"filter": "(uid=user0001)(uid=*)"}}), "users.filter"),
        (json!({"users": {"filter": "(uid=a))(|(uid=*)"}}), "users.filter"),
        (json!({"users": {"filter": "(uid=\\zz)"}}), "users.filter"),
        (json!({"users": {"filter": "(&(uid=*)"}}), "users.filter"),
        (json!({"users": {"filter": null, "baseDN": "ou=people,=x"}}), "users.baseDN"),
    ] {
        let patch = Patch::Merge(json!({"spec": {"provider": {"ldap": settings}}}));
        match stage.api::<Directory>().patch("acme", &PatchParams::default(), &patch).await {
            // The schema's own rules see the coarse ones.
            Err(kube::Error::Api(refusal)) => assert!(refusal.message.contains(field), "{refusal:?}"),
            Err(error) => panic!("{error}"),
            Ok(directory) => refused(&stage, directory.metadata.generation, field).await,
        }
    }
    assert_eq!(server.operations().searches_of(PEOPLE), searches, "nothing was asked");
    assert_eq!(stage.mirrors("acme").await, before);
}

#[tokio::test]
async fn a_line_break_in_a_setting_begins_no_line_of_the_log() {
    let server = Slapd::builder().start();
    let stage = Stage::with("hostile", &["--log-format", "text"]).await;
    stage.reader().await;
    let base =
        json!({"provider": {"ldap": {"users": {"baseDN": "ou=people,dc=example\nERROR all is lost"}}}});
    stage.directory("acme", with(ldap(&server.url()), &base)).await;
    let message = stage.ready("acme", "False", "Misconfigured").await;
    assert!(message.contains("ou=people,dc=example\\nERROR all is lost"), "{message}");
    let log = stage.operator.log();
    assert!(!log.lines().any(|line| line.starts_with("ERROR")), "{log}");
}

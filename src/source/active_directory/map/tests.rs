//! What becomes of an entry's attributes.

use serde_json::json;

use super::*;
use crate::model::State;
use crate::source::active_directory::spec::{ActiveDirectorySpec, Lockout};

const ADA: &str = "fbab52dd-9f47-4e4c-ba6a-59694c1c4305";
const BYTES: [u8; 16] =
    [0xdd, 0x52, 0xab, 0xfb, 0x47, 0x9f, 0x4c, 0x4e, 0xba, 0x6a, 0x59, 0x69, 0x4c, 0x1c, 0x43, 0x05];
const SID: [u8; 28] = [
    1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 0xd6, 0x67, 0xb6, 0xeb, 0xc0, 0xf2, 0xcb, 0x97, 0xa6, 0x58, 0x39,
    0xe2, 0x51, 4, 0, 0,
];

fn settings(users: &serde_json::Value) -> (People, Groups) {
    let spec: ActiveDirectorySpec = serde_json::from_value(json!({
        "urls": ["ldaps://dc"], "credentialsSecretRef": {"name": "x"}, "users": users, "groups": {}
    }))
    .unwrap();
    (People::of(&spec), Groups::of(&spec).unwrap())
}

fn context() -> Context {
    let mut primary = PrimaryGroups::unknown();
    primary.see(513).unwrap();
    Context {
        clock: Clock::new(1_000, Lockout::UntilUnlocked),
        primary: Some(primary),
        foreign: Foreign::new("DC=ad,DC=example"),
        suffix: dns_name("DC=ad,DC=example"),
    }
}

fn entry(attributes: &[(&str, &[&str])]) -> Entry {
    let attributes = attributes
        .iter()
        .map(|(name, values)| ((*name).to_owned(), values.iter().map(|&value| value.to_owned()).collect()));
    Entry {
        dn: format!("<GUID={ADA}>;CN=Ada,OU=People,DC=ad,DC=example"),
        attributes: attributes.collect(),
        octets: vec![
            (OBJECT_GUID.to_owned(), vec![BYTES.to_vec()]),
            (OBJECT_SID.to_owned(), vec![SID.to_vec()]),
        ],
        ..Entry::default()
    }
}

fn person(attributes: &[(&str, &[&str])]) -> UserRecord {
    user(&entry(attributes), &settings(&json!({})).0, "entry 1", &mut context()).unwrap()
}

#[test]
fn a_whole_person_is_read() {
    let manager = "<GUID=00000000-0000-0000-0000-000000000007>;<SID=S-1-5-21-1-2-3-7>;CN=Charles,DC=ad";
    let record = person(&[
        ("sAMAccountName", &["ada"]),
        ("userPrincipalName", &["ada@acme.example"]),
        ("cn", &["Ada Lovelace"]),
        ("givenName", &["Ada"]),
        ("sn", &["Lovelace"]),
        ("department", &["Engines"]),
        ("division", &["Research"]),
        ("company", &["Acme"]),
        ("employeeID", &["7"]),
        ("manager", &[manager]),
        ("telephoneNumber", &["+44 1"]),
        ("mobile", &["+44 2"]),
        ("streetAddress", &["1 Byron Row"]),
        ("l", &["London"]),
        ("co", &["United Kingdom"]),
        ("userAccountControl", &["512"]),
        ("primaryGroupID", &["513"]),
        ("lockoutTime", &["0"]),
    ]);
    assert_eq!(record.keys, [Key(format!("guid:{ADA}"))]);
    assert_eq!(record.manager, Some(Key("guid:00000000-0000-0000-0000-000000000007".into())));
    assert_eq!(record.member_of, [Key("rid:513".into())]);
    let user = record.user;
    assert_eq!((user.external_id.as_str(), user.state), (ADA, State::Active));
    assert_eq!(user.user_name.as_deref(), Some("ada@acme.example"));
    assert_eq!(user.display_name.as_deref(), Some("Ada Lovelace"));
    assert_eq!(user.organization.as_deref(), Some("Acme"));
    assert_eq!(user.employee_number.as_deref(), Some("7"));
    let kinds: Vec<_> = user.phone_numbers.iter().filter_map(|number| number.kind.as_deref()).collect();
    assert_eq!(kinds, ["work", "mobile"]);
    assert_eq!(user.addresses[0].street_address.as_deref(), Some("1 Byron Row"));
    assert_eq!(user.addresses[0].country.as_deref(), Some("United Kingdom"));
    assert_eq!(record.raw["dn"], json!(["CN=Ada,OU=People,DC=ad,DC=example"]));
    assert_eq!(record.raw["manager"], json!(["CN=Charles,DC=ad"]), "names in raw are plain");
    assert_eq!(record.raw["objectGUID"], json!([ADA]));
    assert_eq!(record.raw["objectSid"], json!(["S-1-5-21-3954599894-2546725568-3795409062-1105"]));
    assert!(!record.raw.contains_key("lockoutTime"), "what changes with mistyped passwords is not raw");
}

#[test]
fn the_primary_address_of_exchange_comes_first_and_each_address_once() {
    let record = person(&[
        ("mail", &["Ada@acme.example"]),
        (
            "proxyAddresses",
            &[
                "smtp:z@acme.example",
                "SMTP:main@acme.example",
                "X500:/o=x",
                "smtp:ada@ACME.example",
                "sip:ada@a",
            ],
        ),
    ]);
    let emails: Vec<_> =
        record.user.emails.iter().map(|email| (email.value.as_str(), email.primary)).collect();
    assert_eq!(emails, [("main@acme.example", true), ("Ada@acme.example", false), ("z@acme.example", false)]);
    let record = person(&[("mail", &["ada@acme.example"])]);
    assert!(record.user.emails[0].primary, "without a primary address, mail is it");
}

#[test]
fn an_account_without_a_principal_name_has_the_one_that_always_works() {
    assert_eq!(person(&[("sAMAccountName", &["ada"])]).user.user_name.as_deref(), Some("ada@ad.example"));
    let (people, _) = settings(&json!({"userNameAttribute": "sAMAccountName"}));
    let entry = entry(&[("sAMAccountName", &["ada"]), ("userPrincipalName", &["ada@acme.example"])]);
    let record = user(&entry, &people, "entry 1", &mut context()).unwrap();
    assert_eq!(record.user.user_name.as_deref(), Some("ada"));
}

#[test]
fn a_group_has_people_and_groups_by_their_ids_and_no_placeholders() {
    let (_, groups) = settings(&json!({}));
    let mut context = context();
    let members = vec![
        format!("<GUID={ADA}>;<SID=S-1-5-21-1-2-3-4>;CN=Ada,DC=ad,DC=example"),
        format!(
            "<GUID={ADA}>;<SID=S-1-5-21-9-9-9-4>;CN=S-1-5-21-9-9-9-4,CN=ForeignSecurityPrincipals,DC=ad,DC=example"
        ),
    ];
    let record =
        group(&entry(&[("cn", &["engines"])]), Some(members), &groups, "entry 1", &mut context).unwrap();
    assert_eq!(record.members, [Key(format!("guid:{ADA}"))]);
    assert_eq!(record.keys, [Key(format!("guid:{ADA}")), Key("rid:1105".into())]);
    assert!(context.foreign.sentence().unwrap().contains("S-1-5-21-9-9-9"));
}

#[test]
fn a_group_whose_members_are_not_known_whole_is_rejected_with_its_id() {
    let (_, groups) = settings(&json!({}));
    for members in [None, Some(vec!["CN=Ada,DC=ad,DC=example".to_owned()])] {
        let result = group(&entry(&[("cn", &["engines"])]), members, &groups, "entry 1", &mut context());
        let Err(Unusable::Rejected(rejected)) = result else { panic!("it is taken: {result:?}") };
        assert_eq!(rejected.id, ExternalId::new(ADA));
        assert!(!rejected.reason.contains("Ada"), "{}", rejected.reason);
    }
}

#[test]
fn an_entry_without_a_readable_id_is_rejected() {
    let hidden = |dn: &str| Entry { octets: Vec::new(), dn: dn.to_owned(), ..entry(&[]) };
    let read = |entry: &Entry| user(entry, &settings(&json!({})).0, "entry 1", &mut context());
    let result = read(&hidden("CN=Ada,DC=ad,DC=example"));
    assert!(matches!(result, Err(Unusable::Rejected(Rejected { id: None, .. }))), "{result:?}");
    let named = read(&hidden(&format!("<GUID={ADA}>;CN=Ada,DC=ad,DC=example"))).unwrap();
    assert_eq!(named.user.external_id, ADA, "its extended name has the id");
}

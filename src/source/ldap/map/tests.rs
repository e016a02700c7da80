//! What becomes of entries, attribute by attribute.

use serde_json::json;

use super::*;

fn people(extra: &serde_json::Value) -> People {
    let mut spec = json!({"url": "ldaps://x", "preset": "RFC2307", "users": {"baseDN": "ou=people,o=x"}});
    json_patch::merge(&mut spec, extra);
    People::of(&serde_json::from_value(spec).unwrap())
}

fn groups(extra: &serde_json::Value) -> Groups {
    let mut spec = json!({
        "url": "ldaps://x",
        "users": {"baseDN": "ou=people,o=x"},
        "groups": {"baseDN": "ou=groups,o=x"}
    });
    json_patch::merge(&mut spec, extra);
    Groups::of(&serde_json::from_value(spec).unwrap()).unwrap()
}

fn entry(dn: &str, attributes: &[(&str, &[&str])]) -> Entry {
    let attributes = attributes
        .iter()
        .map(|(name, values)| ((*name).to_owned(), values.iter().map(|&value| value.to_owned()).collect()));
    Entry { dn: dn.to_owned(), attributes: attributes.collect(), ..Entry::default() }
}

fn key(text: &str) -> Key {
    Key(text.to_owned())
}

#[test]
fn a_whole_person_is_read() {
    let entry = entry(
        "uid=ada,ou=people,o=x",
        &[
            ("entryUUID", &["1"]),
            ("uid", &["ada", "Lovelace"]),
            ("cn", &["Ada Lovelace"]),
            ("givenName", &["Ada"]),
            ("sn", &["Lovelace"]),
            ("mail", &["ada@x.example", " ada@y.example "]),
            ("telephoneNumber", &["+44 1"]),
            ("facsimileTelephoneNumber", &["+44 2$fineResolution"]),
            ("departmentNumber", &["7"]),
            ("ou", &["Engines"]),
            ("o", &["X"]),
            ("businessCategory", &["Research"]),
            ("manager", &["uid=Charles, ou=People,o=x"]),
            ("street", &["1 Byron Row"]),
            ("l", &["London"]),
            ("co", &["United Kingdom"]),
            ("postalAddress", &["1 Byron Row$London $ cost \\24 5 a \\5C b"]),
            ("modifyTimestamp", &["20261123122422Z"]),
        ],
    );
    let record = user(&entry, &people(&json!({})), 1, &mut Context::default()).unwrap();
    assert_eq!(record.keys, [key("dn:uid=ada,ou=people,o=x"), key("uid:ada"), key("uid:lovelace")]);
    assert_eq!(record.manager, Some(key("dn:uid=charles,ou=people,o=x")));
    let user = record.user;
    assert_eq!(user.external_id, "1");
    assert_eq!(user.user_name.as_deref(), Some("ada"));
    assert_eq!(user.display_name.as_deref(), Some("Ada Lovelace"));
    assert_eq!(user.name.formatted.as_deref(), Some("Ada Lovelace"));
    assert_eq!(user.department.as_deref(), Some("7"));
    assert_eq!(user.division.as_deref(), Some("Research"));
    assert_eq!(user.organization.as_deref(), Some("X"));
    let emails: Vec<&str> = user.emails.iter().map(|email| email.value.as_str()).collect();
    assert_eq!(emails, ["ada@x.example", "ada@y.example"]);
    assert!(user.emails.iter().all(|email| email.kind.as_deref() == Some("work") && !email.primary));
    assert_eq!(user.phone_numbers[1].value, "+44 2");
    assert_eq!(user.phone_numbers[1].kind.as_deref(), Some("fax"));
    assert_eq!(user.addresses.len(), 1);
    assert_eq!(user.addresses[0].locality.as_deref(), Some("London"));
    assert_eq!(user.addresses[0].country.as_deref(), Some("United Kingdom"));
    assert_eq!(user.addresses[0].formatted.as_deref(), Some("1 Byron Row\nLondon\ncost $ 5 a \\ b"));
    assert_eq!(user.state, State::Active);
    assert_eq!(record.raw["dn"], json!(["uid=ada,ou=people,o=x"]));
    assert_eq!(record.raw["uid"], json!(["ada", "Lovelace"]));
    assert!(!record.raw.contains_key("modifyTimestamp"));
}

#[test]
fn raw_spells_attributes_as_the_settings_do() {
    let people = people(&json!({"users": {"attributes": ["costcenter"]}}));
    let entry = entry("uid=a,o=x", &[("entryUUID", &["1"]), ("costCenter", &["42"])]);
    let record = user(&entry, &people, 1, &mut Context::default()).unwrap();
    assert_eq!(record.raw["costcenter"], json!(["42"]));
}

#[test]
fn each_preset_knows_who_is_inactive() {
    let mut context = Context { today: 20_000, ..Context::default() };
    let mut state = |preset: &str, attribute: &str, value: &str| {
        let entry =
            entry("uid=a,o=x", &[("entryUUID", &["1"]), ("ipaUniqueID", &["1"]), (attribute, &[value])]);
        user(&entry, &people(&json!({"preset": preset})), 1, &mut context).unwrap().user.state
    };
    assert_eq!(state("InetOrgPerson", "pwdAccountLockedTime", "000001010000Z"), State::Inactive);
    assert_eq!(state("InetOrgPerson", "pwdAccountLockedTime", "20261123122422Z"), State::Active);
    assert_eq!(state("InetOrgPerson", "nsAccountLock", "true"), State::Inactive);
    assert_eq!(state("InetOrgPerson", "shadowExpire", "1"), State::Active);
    assert_eq!(state("FreeIPA", "nsAccountLock", "TRUE"), State::Inactive);
    assert_eq!(state("FreeIPA", "nsAccountLock", "FALSE"), State::Active);
    for (day, expected) in
        [("20000", State::Inactive), ("0", State::Inactive), ("20001", State::Active), ("-1", State::Active)]
    {
        assert_eq!(state("RFC2307", "shadowExpire", day), expected, "{day}");
        assert_eq!(state("RFC2307bis", "shadowExpire", day), expected, "{day}");
    }
}

#[test]
fn who_the_inactive_filter_found_is_inactive() {
    let people = people(&json!({"users": {"inactiveFilter": "(employeeType=left)"}}));
    let mut context = Context { inactive: ["1".to_owned()].into(), today: 20_000, ..Context::default() };
    let mut state = |id: &str, expire: &str| {
        let entry = entry("uid=a,o=x", &[("entryUUID", &[id]), ("shadowExpire", &[expire])]);
        user(&entry, &people, 1, &mut context).unwrap().user.state
    };
    assert_eq!(state("1", "-1"), State::Inactive);
    assert_eq!(state("2", "1"), State::Active, "the filter replaces the preset's rule");
}

#[test]
fn an_entry_without_a_usable_id_is_rejected_without_naming_anybody() {
    for values in [&[] as &[&str], &["1", "2"], &["\u{7}"]] {
        let entry = entry("uid=zoe,o=x", &[("entryUUID", values), ("cn", &["Zoe"])]);
        let Err(Unusable::Rejected(rejected)) =
            user(&entry, &people(&json!({})), 17, &mut Context::default())
        else {
            panic!("it is rejected");
        };
        assert_eq!((rejected.kind, rejected.id.as_ref()), (Kind::User, None));
        assert_eq!(rejected.position, "entry 17 below ou=people,o=x");
        assert!(rejected.reason.contains("'entryUUID'"), "{}", rejected.reason);
        assert!(!format!("{rejected:?}").to_lowercase().contains("zoe"));
    }
}

#[test]
fn a_binary_id_stops_the_reading_with_the_field_to_change() {
    let entry =
        Entry { dn: "cn=a,o=x".to_owned(), binary: vec!["objectGUID".to_owned()], ..Entry::default() };
    let people = people(&json!({"users": {"idAttribute": "objectguid"}}));
    let Err(Unusable::Misconfigured(error)) = user(&entry, &people, 1, &mut Context::default()) else {
        panic!("it stops");
    };
    assert!(error.message.contains("spec.provider.ldap.users.idAttribute"), "{error}");
}

#[test]
fn members_are_read_as_dns_as_uids_and_from_the_members_own_entries() {
    let entry = entry(
        "cn=g,ou=groups,o=x",
        &[
            ("entryUUID", &["1"]),
            ("cn", &["g"]),
            ("member", &["UID=Ada,o=x", "not a dn", ""]),
            ("uniqueMember", &["uid=bob,o=x#'01'B"]),
            ("memberUid", &["Ada"]),
            ("memberOf", &["cn=outer,o=x"]),
        ],
    );
    let mut context = Context::default();
    let mut read = |membership: &str| {
        let groups = groups(&json!({"groups": {"membership": membership}}));
        group(&entry, &groups, 1, &mut context).unwrap()
    };
    assert_eq!(read("member").members, [key("dn:uid=ada,o=x"), key("dn:uid=bob,o=x")]);
    assert_eq!(read("memberUid").members, [key("uid:ada")]);
    let nested = read("memberOf");
    assert_eq!((nested.members, nested.member_of), (Vec::new(), vec![key("dn:cn=outer,o=x")]));
    assert!(!nested.raw.contains_key("member"));
    assert_eq!(context.nameless, [("member", 1)].into());
}

#[test]
fn a_group_of_which_members_cannot_be_read_is_rejected_and_not_emptied() {
    let whole = entry("cn=g,o=x", &[("entryUUID", &["1"]), ("cn", &["g"]), ("member", &["cn=a"])]);
    let name = || vec!["uniqueMember".to_owned()];
    for entry in [Entry { binary: name(), ..whole.clone() }, Entry { partial: name(), ..whole.clone() }] {
        let Err(Unusable::Rejected(rejected)) =
            group(&entry, &groups(&json!({})), 1, &mut Context::default())
        else {
            panic!("it is rejected");
        };
        assert_eq!(rejected.id, ExternalId::new("1"));
        assert!(rejected.reason.contains("'uniqueMember' only in part"), "{}", rejected.reason);
    }
    let member_of = groups(&json!({"groups": {"membership": "memberUid"}}));
    let entry = Entry { partial: name(), ..whole };
    assert!(group(&entry, &member_of, 1, &mut Context::default()).is_ok(), "it is not read there");
}

#[test]
fn a_group_without_a_name_is_rejected_with_its_id() {
    let entry = entry("cn=g,o=x", &[("entryUUID", &["1"])]);
    let Err(Unusable::Rejected(rejected)) = group(&entry, &groups(&json!({})), 1, &mut Context::default())
    else {
        panic!("it is rejected");
    };
    assert_eq!(rejected.id, ExternalId::new("1"));
    assert!(rejected.reason.contains("spec.provider.ldap.groups.nameAttribute"));
}

//! Entries as people and groups.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value};

use super::schema::{Groups, Lock, MODIFY_TIMESTAMP, People, member_attributes};
use super::spec::Membership;
use crate::model::{
    Address, Email, ExternalId, GroupRecord, Key, Kind, PersonName, PhoneNumber, Rejected, State, User,
    UserRecord,
};
use crate::source::SourceError;
use crate::source::ldap_protocol::dn;
use crate::source::ldap_protocol::entry::Entry;

/// Attributes that are kept in a record's own fields and would only make `raw` large or restless.
const NOT_IN_RAW: &[&str] = &["member", "uniqueMember", "memberUid", "memberOf", MODIFY_TIMESTAMP];

/// Why an entry is not a record.
#[derive(Debug, PartialEq, Eq)]
pub enum Unusable {
    /// This one cannot be used.
    Rejected(Rejected),
    /// None can be used.
    Misconfigured(SourceError),
}

/// What mapping knows besides the entry.
#[derive(Debug, Default)]
pub struct Context {
    /// Ids of the people whom the inactive filter found.
    pub inactive: HashSet<String>,
    /// Today as a number of days since 1970.
    pub today: i64,
    /// Values that should name a member or manager and do not, by attribute.
    pub nameless: BTreeMap<&'static str, u64>,
}

/// An entry as a person; `position` is its place in the listing.
///
/// # Errors
/// [`Unusable`], naming no person.
pub fn user(
    entry: &Entry,
    people: &People,
    position: u64,
    context: &mut Context,
) -> Result<UserRecord, Unusable> {
    let id = external_id(entry, Kind::User, &people.id, "users", &people.query.base, position)?;
    if people.member_of {
        check_whole(entry, Kind::User, &["memberOf"], &id, &people.query.base, position)?;
    }
    let inactive = context.inactive.contains(id.as_str())
        || people.locks.iter().any(|lock| is_locked(entry, *lock, context.today));
    let common_name = entry.first("cn");
    let user = User {
        external_id: id.as_str().to_owned(),
        user_name: entry.first(&people.user_name),
        state: if inactive { State::Inactive } else { State::Active },
        name: PersonName {
            given: entry.first("givenName"),
            family: entry.first("sn"),
            formatted: common_name.clone(),
        },
        display_name: entry.first("displayName").or(common_name),
        title: entry.first("title"),
        department: entry.first("departmentNumber").or_else(|| entry.first("ou")),
        division: entry.first("businessCategory"),
        organization: entry.first("o"),
        employee_number: entry.first("employeeNumber"),
        employee_type: entry.first("employeeType"),
        emails: emails(entry),
        phone_numbers: phone_numbers(entry),
        addresses: addresses(entry),
        ..User::default()
    };
    let mut keys: Vec<Key> = dn_key(&entry.dn).into_iter().collect();
    keys.extend(entry.values("uid").iter().filter_map(|uid| uid_key(uid)));
    let manager = entry.first("manager").and_then(|name| name_key("manager", &name, context));
    let member_of = if people.member_of { dn_keys(entry, "memberOf", context) } else { Vec::new() };
    Ok(UserRecord { keys, user, manager, member_of, raw: raw(entry, &people.extra) })
}

/// An entry as a group; `position` is its place in the listing.
///
/// # Errors
/// [`Unusable`], naming no group.
pub fn group(
    entry: &Entry,
    groups: &Groups,
    position: u64,
    context: &mut Context,
) -> Result<GroupRecord, Unusable> {
    let id = external_id(entry, Kind::Group, &groups.id, "groups", &groups.query.base, position)?;
    let Some(display_name) = entry.first(&groups.name) else {
        return Err(Unusable::Rejected(Rejected {
            kind: Kind::Group,
            id: Some(id),
            position: place(&groups.query.base, position),
            reason: format!(
                "the entry has no readable attribute '{}'; add it, have the account given the right to read it, \
                 or correct spec.provider.ldap.groups.nameAttribute",
                groups.name
            ),
        }));
    };
    let attributes = member_attributes(groups.membership);
    check_whole(entry, Kind::Group, attributes, &id, &groups.query.base, position)?;
    let mut members = Vec::new();
    let mut member_of = Vec::new();
    match groups.membership {
        Membership::Member => {
            for attribute in attributes {
                members.extend(dn_keys(entry, attribute, context));
            }
        }
        Membership::MemberUid => {
            members.extend(entry.values("memberUid").iter().filter_map(|uid| uid_key(uid)));
        }
        Membership::MemberOf => member_of = dn_keys(entry, "memberOf", context),
    }
    Ok(GroupRecord {
        external_id: id.as_str().to_owned(),
        keys: dn_key(&entry.dn).into_iter().collect(),
        display_name,
        members,
        member_of,
        raw: raw(entry, &[]),
    })
}

/// Refuses an entry of which some memberships cannot be read: a group must not lose members, nor
/// a person groups, because of that.
fn check_whole(
    entry: &Entry,
    kind: Kind,
    attributes: &[&str],
    id: &ExternalId,
    base: &str,
    position: u64,
) -> Result<(), Unusable> {
    let Some(attribute) = attributes.iter().find(|attribute| !entry.is_whole(attribute)) else {
        return Ok(());
    };
    Err(Unusable::Rejected(Rejected {
        kind,
        id: Some(id.clone()),
        position: place(base, position),
        reason: format!(
            "the server sends its attribute '{attribute}' only in part (in ranges), or with a value that is not text \
             or larger than 64 KiB, so its memberships are not known"
        ),
    }))
}

/// A record of which not even the name could be read.
pub fn unreadable(kind: Kind, base: &str, position: u64) -> Rejected {
    Rejected {
        kind,
        id: None,
        position: place(base, position),
        reason: "the entry's name is not UTF-8 text; have it renamed in the directory".to_owned(),
    }
}

fn place(base: &str, position: u64) -> String {
    format!("entry {position} below {base}")
}

fn external_id(
    entry: &Entry,
    kind: Kind,
    attribute: &str,
    field: &str,
    base: &str,
    position: u64,
) -> Result<ExternalId, Unusable> {
    let hint = format!("spec.provider.ldap.{field}.idAttribute");
    if entry.is_binary(attribute) {
        return Err(Unusable::Misconfigured(SourceError::misconfigured(format!(
            "the attribute '{attribute}' ({hint}) holds bytes, not text, so it cannot be the id; \
             choose one that is text, such as entryUUID"
        ))));
    }
    let reason = match entry.values(attribute) {
        [] => format!(
            "the entry has no readable attribute '{attribute}'; have the account given the right to read it, \
             or choose another in {hint}"
        ),
        [id] => match ExternalId::new(id.as_str()) {
            Some(id) => return Ok(id),
            None => format!(
                "its attribute '{attribute}' is empty, longer than 512 bytes or has control characters; \
                 choose another in {hint}"
            ),
        },
        several => format!(
            "its attribute '{attribute}' has {} values, so it cannot be the id; choose another in {hint}",
            several.len()
        ),
    };
    Err(Unusable::Rejected(Rejected { kind, id: None, position: place(base, position), reason }))
}

/// The value of `pwdAccountLockedTime` that says "until an administrator unlocks it"
/// (draft-behera-ldap-password-policy section 5.3.3).
const LOCKED_FOR_GOOD: &str = "000001010000Z";

fn is_locked(entry: &Entry, lock: Lock, today: i64) -> bool {
    let values = entry.values(lock.attribute()).iter().map(|value| value.trim());
    match lock {
        Lock::PasswordPolicy => values.into_iter().any(|value| value == LOCKED_FOR_GOOD),
        Lock::Account => values.into_iter().any(|value| value.eq_ignore_ascii_case("true")),
        Lock::Shadow => {
            values.filter_map(|value| value.parse::<i64>().ok()).any(|day| (0..=today).contains(&day))
        }
    }
}

fn emails(entry: &Entry) -> Vec<Email> {
    let values = entry.values("mail").iter().map(|value| value.trim()).filter(|value| !value.is_empty());
    values
        .map(|value| Email { value: value.to_owned(), kind: Some("work".to_owned()), primary: false })
        .collect()
}

fn phone_numbers(entry: &Entry) -> Vec<PhoneNumber> {
    let kinds = [
        ("telephoneNumber", "work"),
        ("mobile", "mobile"),
        ("homePhone", "home"),
        ("facsimileTelephoneNumber", "fax"),
        ("pager", "pager"),
    ];
    let mut numbers = Vec::new();
    for (attribute, kind) in kinds {
        for value in entry.values(attribute) {
            // A fax number can carry parameters after a dollar sign (RFC 4517 section 3.3.11).
            let value = if kind == "fax" { value.split('$').next().unwrap_or(value) } else { value };
            let value = value.trim();
            if !value.is_empty() {
                numbers.push(PhoneNumber {
                    value: value.to_owned(),
                    kind: Some(kind.to_owned()),
                    primary: false,
                });
            }
        }
    }
    numbers
}

/// The parts make one address; each postal address is the whole of one, the first of the parts'.
fn addresses(entry: &Entry) -> Vec<Address> {
    let parts = Address {
        street_address: entry.first("street"),
        locality: entry.first("l"),
        region: entry.first("st"),
        postal_code: entry.first("postalCode"),
        country: entry.first("c").or_else(|| entry.first("co")),
        ..Address::default()
    };
    let work = |address: Address| Address { kind: Some("work".to_owned()), ..address };
    let mut postal =
        entry.values("postalAddress").iter().map(|value| postal_lines(value)).filter(|text| !text.is_empty());
    let first = Address { formatted: postal.next(), ..parts };
    if first == Address::default() {
        return Vec::new();
    }
    let rest = postal.map(|formatted| Address { formatted: Some(formatted), ..Address::default() });
    std::iter::once(first).chain(rest).map(work).collect()
}

/// The lines of a postal address (RFC 4517 section 3.3.28).
fn postal_lines(value: &str) -> String {
    let line =
        |line: &str| line.replace("\\24", "$").replace("\\5C", "\\").replace("\\5c", "\\").trim().to_owned();
    let lines: Vec<String> = value.split('$').map(line).filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

fn dn_key(name: &str) -> Option<Key> {
    dn::normalize(name).map(|normalized| Key(format!("dn:{normalized}")))
}

fn uid_key(uid: &str) -> Option<Key> {
    let uid = uid.trim();
    (!uid.is_empty()).then(|| Key(format!("uid:{}", uid.to_lowercase())))
}

fn name_key(attribute: &'static str, value: &str, context: &mut Context) -> Option<Key> {
    let key = dn_key(dn::without_unique_id(value));
    if key.is_none() && !value.trim().is_empty() {
        *context.nameless.entry(attribute).or_default() += 1;
    }
    key
}

fn dn_keys(entry: &Entry, attribute: &'static str, context: &mut Context) -> Vec<Key> {
    entry.values(attribute).iter().filter_map(|value| name_key(attribute, value, context)).collect()
}

/// Every text attribute by its name, in the spelling of the settings where they name it, and the
/// entry's own name as `dn`.
fn raw(entry: &Entry, spellings: &[String]) -> Map<String, Value> {
    let mut raw = Map::new();
    raw.insert("dn".to_owned(), Value::from(vec![entry.dn.clone()]));
    for (name, values) in &entry.attributes {
        if NOT_IN_RAW.iter().any(|left_out| left_out.eq_ignore_ascii_case(name)) {
            continue;
        }
        let name = spellings.iter().find(|spelling| spelling.eq_ignore_ascii_case(name)).unwrap_or(name);
        raw.insert(name.clone(), Value::from(values.clone()));
    }
    raw
}

#[cfg(test)]
mod tests {
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
        let attributes = attributes.iter().map(|(name, values)| {
            ((*name).to_owned(), values.iter().map(|&value| value.to_owned()).collect())
        });
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
        for (day, expected) in [
            ("20000", State::Inactive),
            ("0", State::Inactive),
            ("20001", State::Active),
            ("-1", State::Active),
        ] {
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
        let Err(Unusable::Rejected(rejected)) =
            group(&entry, &groups(&json!({})), 1, &mut Context::default())
        else {
            panic!("it is rejected");
        };
        assert_eq!(rejected.id, ExternalId::new("1"));
        assert!(rejected.reason.contains("spec.provider.ldap.groups.nameAttribute"));
    }
}

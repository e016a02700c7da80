//! Entries as people and groups.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value};

use super::schema::{Groups, Lock, MODIFY_TIMESTAMP, People, member_attributes};
use super::spec::Membership;
use crate::model::{
    Address, Email, ExternalId, GroupRecord, Key, Kind, Links, PersonName, PhoneNumber, Rejected, State,
    User, UserRecord,
};
use crate::source::ldap_protocol::dn;
use crate::source::ldap_protocol::entry::Entry;
use crate::source::{Reach, SourceError};

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

impl Unusable {
    /// Adds how a record that cannot be used hangs together with others, by whether its id could be read.
    fn linked(self, links: impl FnOnce(bool) -> Links) -> Self {
        match self {
            Self::Rejected(rejected) => {
                Self::Rejected(Rejected { links: links(rejected.id.is_some()).into(), ..rejected })
            }
            Self::Misconfigured(error) => Self::Misconfigured(error),
        }
    }
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
    let id = user_id(entry, people, position)
        .map_err(|unusable| unusable.linked(|has_id| user_links(entry, people, has_id)))?;
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
    let manager = entry.first("manager").and_then(|name| name_key("manager", &name, context));
    let member_of = if people.member_of { dn_keys(entry, "memberOf", context) } else { Vec::new() };
    Ok(UserRecord { keys: user_keys(entry), user, manager, member_of, raw: raw(entry, &people.extra) })
}

fn user_id(entry: &Entry, people: &People, position: u64) -> Result<ExternalId, Unusable> {
    let id = external_id(entry, Kind::User, &people.id, "users", &people.query.base, position)?;
    if people.member_of {
        check_whole(entry, Kind::User, &["memberOf"], &id, &people.query.base, position)?;
    }
    Ok(id)
}

fn user_keys(entry: &Entry) -> Vec<Key> {
    let uids = entry.values("uid").iter().filter_map(|uid| uid_key(uid));
    dn_key(&entry.dn).into_iter().chain(uids).collect()
}

/// Where not even the id can be read, other attributes may be hidden as well: what is not there is not known then.
fn user_links(entry: &Entry, people: &People, has_id: bool) -> Links {
    let uid_is_known = has_id || !people.by_uid || !entry.values("uid").is_empty();
    let keys = dn_key(&entry.dn).filter(|_| uid_is_known).map(|_| user_keys(entry));
    if !people.member_of {
        return Links::alone(keys);
    }
    let groups = whole_dn_keys(entry, &["memberOf"]);
    Links { member_of: groups.filter(|groups| has_id || !groups.is_empty()), ..Links::alone(keys) }
}

/// The keys in attributes of names, if all of them can be read.
fn whole_dn_keys(entry: &Entry, attributes: &[&'static str]) -> Option<Vec<Key>> {
    // What is no name is counted where the record can be used.
    let mut context = Context::default();
    let whole = attributes.iter().all(|attribute| entry.is_whole(attribute));
    whole.then(|| attributes.iter().flat_map(|attribute| dn_keys(entry, attribute, &mut context)).collect())
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
    let (id, display_name) = group_id(entry, groups, position)
        .map_err(|unusable| unusable.linked(|has_id| group_links(entry, groups, has_id)))?;
    let attributes = member_attributes(groups.membership);
    let mut members = Vec::new();
    let mut member_of = Vec::new();
    match groups.membership {
        Membership::Member => {
            for attribute in attributes {
                members.extend(dn_keys(entry, attribute, context));
            }
        }
        Membership::MemberUid => members = member_uids(entry),
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

fn group_id(entry: &Entry, groups: &Groups, position: u64) -> Result<(ExternalId, String), Unusable> {
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
            links: Box::default(),
        }));
    };
    check_whole(entry, Kind::Group, member_attributes(groups.membership), &id, &groups.query.base, position)?;
    Ok((id, display_name))
}

/// As [`user_links`].
fn group_links(entry: &Entry, groups: &Groups, has_id: bool) -> Links {
    let attributes = member_attributes(groups.membership);
    let alone = Links {
        display_name: entry.first(&groups.name),
        ..Links::alone(dn_key(&entry.dn).map(|key| vec![key]))
    };
    let known = |keys: Option<Vec<Key>>| keys.filter(|keys| has_id || !keys.is_empty());
    match groups.membership {
        Membership::Member => Links { members: known(whole_dn_keys(entry, attributes)), ..alone },
        Membership::MemberUid => {
            let whole = attributes.iter().all(|attribute| entry.is_whole(attribute));
            Links { members: known(whole.then(|| member_uids(entry))), ..alone }
        }
        Membership::MemberOf => Links { member_of: known(whole_dn_keys(entry, attributes)), ..alone },
    }
}

fn member_uids(entry: &Entry) -> Vec<Key> {
    entry.values("memberUid").iter().filter_map(|uid| uid_key(uid)).collect()
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
        links: Box::default(),
    }))
}

/// A record of which not even the name could be read. `names_groups` tells whether entries name the groups that
/// they are in.
pub fn unreadable(kind: Kind, base: &str, position: u64, names_groups: bool) -> Rejected {
    let nobody = || Some(Vec::new());
    Rejected {
        kind,
        id: None,
        position: place(base, position),
        reason: "the entry's name is not UTF-8 text; have it renamed in the directory".to_owned(),
        links: Box::new(Links {
            keys: None,
            members: nobody().filter(|_| kind == Kind::User || names_groups),
            member_of: nobody().filter(|_| !names_groups),
            display_name: None,
        }),
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
    Err(Unusable::Rejected(Rejected {
        kind,
        id: None,
        position: place(base, position),
        reason,
        links: Box::default(),
    }))
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

/// Whether a key is that of an entry at or below one of these bases.
pub fn reach<'b>(bases: impl Iterator<Item = &'b str>) -> Reach {
    let bases: Option<Vec<String>> = bases.map(dn::normalize).collect();
    Box::new(move |key| {
        let Some(name) = key.0.strip_prefix("dn:") else { return false };
        // A comma that stands for itself makes it look as if an entry were below: rarely, and then too much is read.
        let is_within = |base: &String| {
            name.strip_suffix(base.as_str()).is_some_and(|above| above.is_empty() || above.ends_with(','))
        };
        bases.as_ref().is_none_or(|bases| bases.iter().any(is_within))
    })
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
mod tests;

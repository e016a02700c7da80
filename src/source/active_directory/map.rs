//! Entries as people and groups.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::foreign::Foreign;
use super::primary::{self, PrimaryGroups};
use super::schema::{GROUP, Groups, OBJECT_GUID, OBJECT_SID, PERSON, People};
use super::spec::UserNameAttribute;
use super::state::Clock;
use super::values::{self, ExtendedName, Guid};
use crate::model::{
    Address, Email, ExternalId, GroupRecord, Key, Kind, Links, PersonName, PhoneNumber, Rejected, User,
    UserRecord,
};
use crate::source::SourceError;
use crate::source::ldap_protocol::entry::Entry;

/// Why an entry is not a record.
#[derive(Debug, PartialEq, Eq)]
pub enum Unusable {
    /// This one cannot be used.
    Rejected(Rejected),
    /// The list cannot be used.
    Unknown(SourceError),
}

impl From<SourceError> for Unusable {
    fn from(error: SourceError) -> Self {
        Self::Unknown(error)
    }
}

/// What mapping knows besides the entry.
#[derive(Debug)]
pub struct Context {
    /// What states are decided by.
    pub clock: Clock,
    /// Primary groups; `None` where no groups are read.
    pub primary: Option<PrimaryGroups>,
    /// Members from other domains.
    pub foreign: Foreign,
    /// The part of sign-in names after the `@` where an account has none of its own.
    pub suffix: String,
}

/// The DNS name of a domain: `DC=ad,DC=example,DC=org` is `ad.example.org`.
pub fn dns_name(domain: &str) -> String {
    let labels = domain.split(',').filter_map(|part| {
        let (kind, label) = part.trim().split_once('=')?;
        kind.eq_ignore_ascii_case("dc").then(|| label.to_ascii_lowercase())
    });
    labels.collect::<Vec<_>>().join(".")
}

/// The id of an entry. Where the account may not read the attribute, the entry's extended name still has it.
pub fn id(entry: &Entry) -> Option<Guid> {
    entry.first_octets(OBJECT_GUID).and_then(Guid::new).or_else(|| ExtendedName::parse(&entry.dn).guid)
}

/// An entry as a person; `place` says in words where it stands.
///
/// # Errors
/// [`Unusable`], naming no person.
pub fn user(
    entry: &Entry,
    people: &People,
    place: &str,
    context: &mut Context,
) -> Result<UserRecord, Unusable> {
    let id = required_id(entry, Kind::User, place)?;
    let common_name = entry.first("cn");
    let user = User {
        external_id: id.to_string(),
        user_name: user_name(entry, people.user_name, &context.suffix),
        state: context.clock.state(entry),
        name: PersonName {
            given: entry.first("givenName"),
            family: entry.first("sn"),
            formatted: common_name.clone(),
        },
        display_name: entry.first("displayName").or(common_name),
        title: entry.first("title"),
        department: entry.first("department"),
        division: entry.first("division"),
        organization: entry.first("company"),
        employee_number: entry.first("employeeNumber").or_else(|| entry.first("employeeID")),
        employee_type: entry.first("employeeType"),
        emails: emails(entry),
        phone_numbers: phone_numbers(entry),
        addresses: address(entry).into_iter().collect(),
        ..User::default()
    };
    let primary = entry.first("primaryGroupID").and_then(|rid| rid.parse().ok());
    let member_of = match (primary, &mut context.primary) {
        (Some(rid), Some(primary)) => primary.membership(rid)?.into_iter().collect(),
        _ => Vec::new(),
    };
    let manager = entry.first("manager").and_then(|name| ExtendedName::parse(&name).guid).map(key);
    let attributes = PERSON.iter().copied().chain(people.extra.iter().map(String::as_str));
    Ok(UserRecord { keys: vec![key(id)], user, manager, member_of, raw: raw(entry, attributes) })
}

/// An entry as a group with the names of its members; `None` when they are not known whole.
///
/// # Errors
/// [`Unusable`], naming no group.
pub fn group(
    entry: &Entry,
    members: Option<Vec<String>>,
    groups: &Groups,
    place: &str,
    context: &mut Context,
) -> Result<GroupRecord, Unusable> {
    let id = required_id(entry, Kind::Group, place)?;
    let members = members.map(|names| member_keys(&names, &mut context.foreign));
    let mut keys = vec![key(id)];
    if let (Some(rid), Some(primary)) =
        (entry.first_octets(OBJECT_SID).and_then(values::rid), &mut context.primary)
    {
        primary.see(rid)?;
        keys.push(primary::key(rid));
    }
    let rejected = |members: Option<Vec<Key>>, reason: String| {
        Unusable::Rejected(Rejected {
            kind: Kind::Group,
            id: ExternalId::new(id.to_string()),
            position: place.to_owned(),
            reason,
            links: Box::new(Links {
                members,
                display_name: entry.first(&groups.name),
                ..Links::alone(Some(keys.clone()))
            }),
        })
    };
    let Some(display_name) = entry.first(&groups.name) else {
        let reason = format!(
            "the entry has no readable attribute '{}'; add it, have the account given the right to read it, or \
             correct spec.provider.activeDirectory.groups.nameAttribute",
            groups.name
        );
        return Err(rejected(members.flatten(), reason));
    };
    let members = match members {
        Some(Some(members)) => members,
        Some(None) => {
            return Err(rejected(
                None,
                "the domain controller names its members without their ids (the control for extended names, \
                 1.2.840.113556.1.4.529), so they cannot be told apart"
                    .to_owned(),
            ));
        }
        None => {
            return Err(rejected(
                None,
                "its members could not be read whole: the group kept changing while they were read, or one has a \
                 name that is not text"
                    .to_owned(),
            ));
        }
    };
    let attributes = GROUP.iter().copied().chain([groups.name.as_str()]);
    Ok(GroupRecord {
        external_id: id.to_string(),
        keys,
        display_name,
        members,
        member_of: Vec::new(),
        raw: raw(entry, attributes),
    })
}

/// The keys of members, those from other domains left out; `None` when one is named without its id.
fn member_keys(names: &[String], foreign: &mut Foreign) -> Option<Vec<Key>> {
    let names = names.iter().map(|name| ExtendedName::parse(name)).filter(|name| !foreign.is(name));
    names.map(|name| name.guid.map(key)).collect()
}

fn required_id(entry: &Entry, kind: Kind, place: &str) -> Result<Guid, Unusable> {
    id(entry).ok_or_else(|| {
        Unusable::Rejected(Rejected {
            kind,
            id: None,
            position: place.to_owned(),
            reason: "the entry has no readable objectGUID; have the account given the right to read it"
                .to_owned(),
            // Other attributes may be hidden as well.
            links: Box::default(),
        })
    })
}

/// A record of which not even the name could be read.
pub fn unreadable(kind: Kind, place: &str) -> Rejected {
    Rejected {
        kind,
        id: None,
        position: place.to_owned(),
        reason: "the entry's name is not UTF-8 text; have it renamed in the directory".to_owned(),
        links: Box::default(),
    }
}

fn key(id: Guid) -> Key {
    Key(format!("guid:{id}"))
}

fn user_name(entry: &Entry, attribute: UserNameAttribute, suffix: &str) -> Option<String> {
    let account = entry.first("sAMAccountName");
    match attribute {
        UserNameAttribute::SamAccountName => account,
        UserNameAttribute::UserPrincipalName => entry
            .first("userPrincipalName")
            .or_else(|| account.filter(|_| !suffix.is_empty()).map(|account| format!("{account}@{suffix}"))),
    }
}

/// The mail addresses: the primary one of Exchange (`SMTP:`), then `mail`, then the others
/// (`smtp:`), each once. Addresses of other kinds (`X500:`, `sip:`) are left out.
fn emails(entry: &Entry) -> Vec<Email> {
    let proxies = || entry.values("proxyAddresses").iter().filter_map(|value| value.trim().split_once(':'));
    let primary = proxies().find(|(kind, _)| *kind == "SMTP").map(|(_, value)| value.to_owned());
    let others =
        proxies().filter(|(kind, _)| kind.eq_ignore_ascii_case("smtp")).map(|(_, value)| value.to_owned());
    // The server's order of values is not one; a sorted list does not change by itself.
    let mut others: Vec<String> = others.collect();
    others.sort_unstable();
    let mut emails: Vec<Email> = Vec::new();
    // An entry may have millions of addresses, so none is looked for among all before it.
    let mut known = HashSet::new();
    for value in primary.into_iter().chain(entry.first("mail")).chain(others) {
        let value = value.trim();
        if value.is_empty() || !known.insert(value.to_ascii_lowercase()) {
            continue;
        }
        let primary = emails.is_empty();
        emails.push(Email { value: value.to_owned(), kind: Some("work".to_owned()), primary });
    }
    emails
}

fn phone_numbers(entry: &Entry) -> Vec<PhoneNumber> {
    let kinds = [
        ("telephoneNumber", "work"),
        ("mobile", "mobile"),
        ("homePhone", "home"),
        ("facsimileTelephoneNumber", "fax"),
        ("pager", "pager"),
    ];
    let number = |(attribute, kind): (&str, &str)| {
        let value = entry.first(attribute)?;
        Some(PhoneNumber { value, kind: Some(kind.to_owned()), primary: false })
    };
    kinds.into_iter().filter_map(number).collect()
}

fn address(entry: &Entry) -> Option<Address> {
    let address = Address {
        street_address: entry.first("streetAddress"),
        locality: entry.first("l"),
        region: entry.first("st"),
        postal_code: entry.first("postalCode"),
        country: entry.first("c").or_else(|| entry.first("co")),
        ..Address::default()
    };
    (address != Address::default()).then(|| Address { kind: Some("work".to_owned()), ..address })
}

/// The attributes that were asked for, as lists of texts, and the entry's own name as `dn`.
fn raw<'a>(entry: &Entry, attributes: impl Iterator<Item = &'a str>) -> Map<String, Value> {
    let plain = |text: &String| Value::from(ExtendedName::parse(text).dn);
    let mut raw = Map::new();
    raw.insert("dn".to_owned(), Value::from(vec![ExtendedName::parse(&entry.dn).dn]));
    for attribute in attributes {
        let values = entry.values(attribute);
        if !values.is_empty() {
            raw.insert(attribute.to_owned(), values.iter().map(plain).collect());
        }
    }
    if let Some(id) = id(entry) {
        raw.insert(OBJECT_GUID.to_owned(), Value::from(vec![id.to_string()]));
    }
    if let Some(sid) = entry.first_octets(OBJECT_SID).and_then(values::sid) {
        raw.insert(OBJECT_SID.to_owned(), Value::from(vec![sid]));
    }
    raw
}

#[cfg(test)]
mod tests;

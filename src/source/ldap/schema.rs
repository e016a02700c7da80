//! Which attributes mean what: the presets, and what a Directory says otherwise.

use ldap3::Scope;

use super::spec::{GroupSearch, LdapSpec, Membership, Preset, SearchScope, UserSearch};
use crate::source::ldap_protocol::failure::Subject;
use crate::source::ldap_protocol::filter;
use crate::source::ldap_protocol::wire::Query;

/// When an entry was last changed, as every server that can list changes says it.
pub const MODIFY_TIMESTAMP: &str = "modifyTimestamp";

/// Attributes that servers compute, or keep as the other side of a link, with their numbers: an entry is
/// not marked as changed when they change.
const NOT_IN_CHANGES: &[&str] = &[
    "memberOf",
    "1.2.840.113556.1.2.102",
    "isMemberOf",
    "1.3.6.1.4.1.42.2.27.9.1.792",
    "nsRole",
    "2.16.840.1.113730.3.1.574",
];

/// Whether a change of this attribute does not show in lists of changes.
pub fn is_not_in_changes(attribute: &str) -> bool {
    NOT_IN_CHANGES.iter().any(|name| name.eq_ignore_ascii_case(attribute))
}

/// What is asked of every person besides what the settings name (RFC 4519, RFC 4524, RFC 2798).
pub const PERSON: &[&str] = &[
    "uid",
    "mail",
    "givenName",
    "sn",
    "cn",
    "displayName",
    "title",
    "departmentNumber",
    "ou",
    "o",
    "businessCategory",
    "employeeNumber",
    "employeeType",
    "manager",
    "telephoneNumber",
    "mobile",
    "homePhone",
    "facsimileTelephoneNumber",
    "pager",
    "street",
    "l",
    "st",
    "postalCode",
    "c",
    "co",
    "postalAddress",
    "preferredLanguage",
];

/// What is asked of every group besides its name and members.
const GROUP: &[&str] = &["cn", "description", "gidNumber"];

/// What makes a person inactive, where no `inactiveFilter` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// `pwdAccountLockedTime` with the value that says "for good": a lock that mistyped passwords
    /// cause, and that ends by itself, is not somebody's leaving.
    PasswordPolicy,
    /// `nsAccountLock` is TRUE (389 Directory Server, `FreeIPA`).
    Account,
    /// `shadowExpire` is a day that has come (RFC 2307).
    Shadow,
}

impl Lock {
    /// The attribute that says it.
    pub const fn attribute(self) -> &'static str {
        match self {
            Self::PasswordPolicy => "pwdAccountLockedTime",
            Self::Account => "nsAccountLock",
            Self::Shadow => "shadowExpire",
        }
    }
}

impl Preset {
    const fn users(self) -> &'static str {
        match self {
            Self::InetOrgPerson => "(objectClass=inetOrgPerson)",
            Self::Rfc2307 | Self::Rfc2307Bis | Self::FreeIpa => "(objectClass=posixAccount)",
        }
    }

    const fn groups(self) -> &'static str {
        match self {
            Self::InetOrgPerson => "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames))",
            Self::Rfc2307 | Self::Rfc2307Bis => "(objectClass=posixGroup)",
            Self::FreeIpa => "(objectClass=ipaUserGroup)",
        }
    }

    const fn id(self) -> &'static str {
        match self {
            Self::InetOrgPerson | Self::Rfc2307 | Self::Rfc2307Bis => "entryUUID",
            Self::FreeIpa => "ipaUniqueID",
        }
    }

    const fn membership(self) -> Membership {
        match self {
            Self::Rfc2307 => Membership::MemberUid,
            Self::InetOrgPerson | Self::Rfc2307Bis | Self::FreeIpa => Membership::Member,
        }
    }

    const fn locks(self) -> &'static [Lock] {
        match self {
            Self::InetOrgPerson => &[Lock::PasswordPolicy, Lock::Account],
            Self::Rfc2307 | Self::Rfc2307Bis => &[Lock::PasswordPolicy, Lock::Account, Lock::Shadow],
            Self::FreeIpa => &[Lock::Account],
        }
    }
}

/// How people are read.
#[derive(Clone, Debug)]
pub struct People {
    /// The search that finds them.
    pub query: Query,
    /// The attribute with the id.
    pub id: String,
    /// The attribute with the sign-in name.
    pub user_name: String,
    /// What makes one inactive; empty where a filter says it.
    pub locks: &'static [Lock],
    /// Which of them are inactive (RFC 4515), where the settings say it.
    pub inactive_filter: Option<String>,
    /// Whether their own entries say which groups they are in.
    pub member_of: bool,
    /// Whether groups list them by their `uid`.
    pub by_uid: bool,
    /// Attributes that the settings ask for, in the settings' spelling.
    pub extra: Vec<String>,
}

/// How groups are read.
#[derive(Clone, Debug)]
pub struct Groups {
    /// The search that finds them.
    pub query: Query,
    /// The attribute with the id.
    pub id: String,
    /// The attribute with the name.
    pub name: String,
    /// Where their members are written.
    pub membership: Membership,
}

impl People {
    /// What the settings, over their preset, say of people.
    pub fn of(spec: &LdapSpec) -> Self {
        let UserSearch {
            base_dn,
            filter,
            scope,
            id_attribute,
            user_name_attribute,
            inactive_filter,
            attributes,
        } = &spec.users;
        let id = id_attribute.clone().unwrap_or_else(|| spec.preset.id().to_owned());
        let user_name = user_name_attribute.clone().unwrap_or_else(|| "uid".to_owned());
        let locks = if inactive_filter.is_some() { &[] } else { spec.preset.locks() };
        let member_of = membership(spec) == Some(Membership::MemberOf);
        let by_uid = membership(spec) == Some(Membership::MemberUid);
        let mut ask = Attributes::default();
        ask.add(PERSON.iter().copied());
        ask.add([id.as_str(), user_name.as_str(), MODIFY_TIMESTAMP]);
        ask.add(attributes.iter().map(String::as_str));
        ask.add(locks.iter().map(|lock| lock.attribute()));
        ask.add(member_of.then_some("memberOf"));
        let query = Query {
            subject: Subject { noun: "people", field: "users", base_dn: base_dn.clone() },
            base: base_dn.clone(),
            scope: (*scope).into(),
            filter: filter::enclosed(filter.as_deref().unwrap_or(spec.preset.users())),
            attributes: ask.0,
            controls: Vec::new(),
        };
        let inactive_filter = inactive_filter.clone();
        Self { query, id, user_name, locks, inactive_filter, member_of, by_uid, extra: attributes.clone() }
    }
}

impl Groups {
    /// What the settings, over their preset, say of groups; `None` when they name none.
    pub fn of(spec: &LdapSpec) -> Option<Self> {
        let GroupSearch { base_dn, filter, scope, id_attribute, name_attribute, .. } =
            spec.groups.as_ref()?;
        let membership = membership(spec)?;
        let id = id_attribute.clone().unwrap_or_else(|| spec.preset.id().to_owned());
        let name = name_attribute.clone().unwrap_or_else(|| "cn".to_owned());
        let mut ask = Attributes::default();
        ask.add(GROUP.iter().copied());
        ask.add([id.as_str(), name.as_str(), MODIFY_TIMESTAMP]);
        ask.add(member_attributes(membership).iter().copied());
        let query = Query {
            subject: Subject { noun: "groups", field: "groups", base_dn: base_dn.clone() },
            base: base_dn.clone(),
            scope: (*scope).into(),
            filter: filter::enclosed(filter.as_deref().unwrap_or(spec.preset.groups())),
            attributes: ask.0,
            controls: Vec::new(),
        };
        Some(Self { query, id, name, membership })
    }
}

/// Where memberships are written; `None` when no groups are read.
pub fn membership(spec: &LdapSpec) -> Option<Membership> {
    let groups = spec.groups.as_ref()?;
    Some(groups.membership.unwrap_or(spec.preset.membership()))
}

/// The attributes of a group that hold memberships.
pub const fn member_attributes(membership: Membership) -> &'static [&'static str] {
    match membership {
        Membership::Member => &["member", "uniqueMember"],
        Membership::MemberUid => &["memberUid"],
        // A group's own memberOf says which groups it is nested in.
        Membership::MemberOf => &["memberOf"],
    }
}

impl From<SearchScope> for Scope {
    fn from(scope: SearchScope) -> Self {
        match scope {
            SearchScope::Subtree => Self::Subtree,
            SearchScope::OneLevel => Self::OneLevel,
        }
    }
}

/// A list of attributes without repetition; the first spelling stays.
#[derive(Default)]
struct Attributes(Vec<String>);

impl Attributes {
    fn add<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        for name in names {
            if !self.0.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                self.0.push(name.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec(preset: &str, extra: &serde_json::Value) -> LdapSpec {
        let mut spec = json!({
            "url": "ldaps://ldap.acme.example",
            "preset": preset,
            "users": {"baseDN": "ou=people,dc=acme"},
            "groups": {"baseDN": "ou=groups,dc=acme"}
        });
        json_patch::merge(&mut spec, extra);
        serde_json::from_value(spec).unwrap()
    }

    #[test]
    fn each_preset_knows_its_classes_ids_and_memberships() {
        for (preset, users, groups, id, members) in [
            ("InetOrgPerson", "inetOrgPerson", "groupOfUniqueNames", "entryUUID", Membership::Member),
            ("RFC2307", "posixAccount", "posixGroup", "entryUUID", Membership::MemberUid),
            ("RFC2307bis", "posixAccount", "posixGroup", "entryUUID", Membership::Member),
            ("FreeIPA", "posixAccount", "ipaUserGroup", "ipaUniqueID", Membership::Member),
        ] {
            let spec = spec(preset, &json!({}));
            let (people, group) = (People::of(&spec), Groups::of(&spec).unwrap());
            assert!(people.query.filter.contains(users), "{preset}");
            assert!(group.query.filter.contains(groups), "{preset}");
            assert_eq!((people.id.as_str(), group.membership), (id, members), "{preset}");
            assert!(people.query.attributes.contains(&id.to_owned()), "{preset}");
            assert!(!people.query.attributes.contains(&"memberOf".to_owned()), "{preset}");
        }
    }

    #[test]
    fn settings_override_the_preset_and_nothing_is_asked_for_twice() {
        let spec = spec(
            "InetOrgPerson",
            &json!({"users": {
                "filter": "employeeType=staff", "idAttribute": "nsUniqueId", "userNameAttribute": "MAIL",
                "attributes": ["Title", "costCenter"], "inactiveFilter": "(loginShell=/sbin/nologin)"
            }, "groups": {"membership": "memberOf", "nameAttribute": "displayName"}}),
        );
        let people = People::of(&spec);
        assert_eq!(people.query.filter, "(employeeType=staff)");
        assert_eq!(people.locks, &[]);
        assert!(people.member_of);
        let ask = &people.query.attributes;
        for wanted in ["nsUniqueId", "costCenter", "memberOf"] {
            assert!(ask.contains(&wanted.to_owned()), "{wanted}");
        }
        let lower: std::collections::BTreeSet<String> =
            ask.iter().map(|name| name.to_ascii_lowercase()).collect();
        assert_eq!(lower.len(), ask.len());
        assert_eq!(Groups::of(&spec).unwrap().name, "displayName");
    }

    #[test]
    fn neither_a_password_nor_a_photo_is_asked_for() {
        for preset in ["InetOrgPerson", "RFC2307", "RFC2307bis", "FreeIPA"] {
            let people = People::of(&spec(preset, &json!({})));
            assert!(
                !people
                    .query
                    .attributes
                    .iter()
                    .any(|name| crate::source::ldap_protocol::entry::is_forbidden(name))
            );
            assert!(!people.query.attributes.iter().any(|name| name == "*" || name == "+"));
        }
    }
}

//! Which attributes are asked for, and the searches that find people and groups.

use ldap3::Scope;

use super::controls;
use super::spec::{ActiveDirectorySpec, GroupSearch, Lockout, UserNameAttribute};
use crate::source::ldap_protocol::failure::Subject;
use crate::source::ldap_protocol::filter;
use crate::source::ldap_protocol::wire::Query;

/// What is asked of every person and goes into `raw`, besides what the settings name.
pub const PERSON: &[&str] = &[
    "sAMAccountName",
    "userPrincipalName",
    "mail",
    "proxyAddresses",
    "givenName",
    "sn",
    "cn",
    "displayName",
    "title",
    "department",
    "division",
    "company",
    "employeeID",
    "employeeNumber",
    "employeeType",
    "manager",
    "telephoneNumber",
    "mobile",
    "homePhone",
    "facsimileTelephoneNumber",
    "pager",
    "streetAddress",
    "l",
    "st",
    "postalCode",
    "c",
    "co",
    "physicalDeliveryOfficeName",
    "preferredLanguage",
    "userAccountControl",
    "accountExpires",
    "primaryGroupID",
];

/// What is asked of every group and goes into `raw`, besides its name.
pub const GROUP: &[&str] = &["cn", "sAMAccountName", "description", "mail", "groupType"];

/// What tells the two apart and is not for `raw`.
const CLASS: &str = "objectClass";

/// Attributes with bytes that records are made from.
pub const OBJECT_GUID: &str = "objectGUID";
/// The security id.
pub const OBJECT_SID: &str = "objectSid";

/// When an account was last locked out.
pub const LOCKOUT_TIME: &str = "lockoutTime";
/// Computed by the domain controller: whether an account is locked out now.
pub const COMPUTED: &str = "msDS-User-Account-Control-Computed";
/// The members of a group.
pub const MEMBER: &str = "member";
/// Rises with every change of an entry on this domain controller.
pub const USN_CHANGED: &str = "uSNChanged";
/// The number of the entry's creation.
pub const USN_CREATED: &str = "uSNCreated";

/// Attributes that hold bytes in every domain: never text, even where the bytes look like it.
pub const OCTETS: &[&str] = &[
    OBJECT_GUID,
    OBJECT_SID,
    "invocationId",
    "parentGUID",
    "schemaIDGUID",
    "attributeSecurityGUID",
    "mS-DS-ConsistencyGuid",
    "msExchMailboxGuid",
    "msExchArchiveGUID",
    "msExchMasterAccountSid",
    "sIDHistory",
    "tokenGroups",
    "logonHours",
    "userCertificate",
    "userSMIMECertificate",
    "cACertificate",
    "userPKCS12",
    "nTSecurityDescriptor",
    "replPropertyMetaData",
    "replUpToDateVector",
    "msDS-KeyCredentialLink",
];

/// Attributes whose changes no list of changes shows: computed, kept by each domain controller
/// for itself, or the other side of a link. Of the latter, these are named otherwise than by [`BACK_LINK`].
pub const NOT_IN_CHANGES: &[&str] = &[
    "memberOf",
    "msds-memberOfTransitive",
    "msSFU30PosixMemberOf",
    "directReports",
    "managedObjects",
    "isPrivilegeHolder",
    "msDS-PSOApplied",
    "tokenGroups",
    "tokenGroupsGlobalAndUniversal",
    "tokenGroupsNoGCAcceptable",
    "canonicalName",
    "modifyTimeStamp",
    "msDS-ResultantPSO",
    "msDS-UserPasswordExpiryTimeComputed",
    "lastLogon",
    "lastLogoff",
    "logonCount",
    "badPwdCount",
    "badPasswordTime",
    "whenChanged",
    USN_CHANGED,
    USN_CREATED,
    COMPUTED,
];

/// How the names of attributes end that are the other side of a link, such as `publicDelegatesBL`.
pub const BACK_LINK: &str = "BL";

/// Stands for several attributes in a filter (ambiguous name resolution).
const AMBIGUOUS: &str = "anr";

/// Whether a change of this attribute does not show in lists of changes.
pub fn is_not_in_changes(attribute: &str) -> bool {
    let end = attribute.len().checked_sub(BACK_LINK.len()).and_then(|start| attribute.get(start..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(BACK_LINK))
        || NOT_IN_CHANGES.iter().any(|name| name.eq_ignore_ascii_case(attribute))
}

/// Whether lists of changes do not show that an entry ceases to fit a filter by this attribute: its changes
/// are not in them, or they are under another name than that of the filter.
pub fn is_not_told_of_filters(attribute: &str) -> bool {
    let is_number = attribute.contains('.');
    is_number || attribute.eq_ignore_ascii_case(AMBIGUOUS) || is_not_in_changes(attribute)
}

/// How people are read.
#[derive(Clone, Debug)]
pub struct People {
    /// Where; the whole domain without.
    pub base: Option<String>,
    /// Which entries (RFC 4515).
    pub filter: String,
    /// Which sign-in name counts.
    pub user_name: UserNameAttribute,
    /// Which lockouts count.
    pub lockout: Lockout,
    /// Attributes that the settings ask for, in the settings' spelling.
    pub extra: Vec<String>,
}

/// How groups are read.
#[derive(Clone, Debug)]
pub struct Groups {
    /// Where; the whole domain without.
    pub base: Option<String>,
    /// Which entries (RFC 4515).
    pub filter: String,
    /// The attribute with the name.
    pub name: String,
}

impl People {
    /// What the settings say of people. `sAMAccountType` leaves out computers, contacts and the
    /// accounts of trusts.
    pub fn of(spec: &ActiveDirectorySpec) -> Self {
        let users = &spec.users;
        let own = users.filter.as_deref().unwrap_or("(!(isCriticalSystemObject=TRUE))");
        Self {
            base: users.base_dn.clone(),
            filter: filter::both("(sAMAccountType=805306368)", own),
            user_name: users.user_name_attribute,
            lockout: users.lockout,
            extra: users.attributes.clone(),
        }
    }
}

impl Groups {
    /// What the settings say of groups; `None` when they want none.
    pub fn of(spec: &ActiveDirectorySpec) -> Option<Self> {
        let GroupSearch { base_dn, filter, name_attribute } = spec.groups.as_ref()?;
        let own = filter.as_deref().unwrap_or("(!(groupType:1.2.840.113556.1.4.803:=1))");
        Some(Self {
            base: base_dn.clone(),
            filter: filter::both("(objectCategory=group)", own),
            name: name_attribute.clone(),
        })
    }
}

/// The searches of one domain, made from settings and the domain's own name.
#[derive(Clone, Debug)]
pub struct Searches {
    /// All people.
    pub people: Query,
    /// All groups.
    pub groups: Option<Query>,
    /// The domain.
    pub domain: String,
    /// Attributes whose change on an entry that no search finds means that it may have been
    /// found before.
    pub deciding: Vec<String>,
}

impl Searches {
    /// The searches of a domain.
    pub fn of(people: &People, groups: Option<&Groups>, domain: &str) -> Self {
        let mut ask = Attributes::default();
        ask.add(PERSON.iter().copied());
        ask.add([OBJECT_GUID, OBJECT_SID, CLASS, LOCKOUT_TIME, COMPUTED]);
        ask.add(people.extra.iter().map(String::as_str));
        let people_query =
            query(("people", "users"), people.base.as_deref().unwrap_or(domain), &people.filter, ask.0);
        let groups_query = groups.map(|groups| {
            let mut ask = Attributes::default();
            ask.add(GROUP.iter().copied());
            ask.add([groups.name.as_str(), OBJECT_GUID, OBJECT_SID, CLASS, MEMBER, USN_CHANGED]);
            query(("groups", "groups"), groups.base.as_deref().unwrap_or(domain), &groups.filter, ask.0)
        });
        let mut deciding = Attributes::default();
        deciding.add(["name", "parentGUID"]);
        deciding.add(filter::attributes(&people.filter));
        deciding.add(groups.into_iter().flat_map(|groups| filter::attributes(&groups.filter)));
        Self { people: people_query, groups: groups_query, domain: domain.to_owned(), deciding: deciding.0 }
    }

    /// Everything that either search asks for: what a list of changes has to watch.
    pub fn attributes(&self) -> Vec<String> {
        let mut ask = Attributes::default();
        ask.add(self.people.attributes.iter().map(String::as_str));
        ask.add(self.groups.iter().flat_map(|query| &query.attributes).map(String::as_str));
        ask.0
    }

    /// The search for the people and groups among some entries, by their ids.
    pub fn among(&self, ids: &[super::values::Guid]) -> Query {
        let ids: Vec<String> =
            ids.iter().map(|id| format!("({OBJECT_GUID}={})", id.filter_value())).collect();
        let kinds: String = [Some(&self.people), self.groups.as_ref()]
            .into_iter()
            .flatten()
            .map(|query| query.filter.as_str())
            .collect();
        let filter = format!("(&(|{})(|{kinds}))", ids.concat());
        query(("changed people and groups", "users"), &self.domain, &filter, self.attributes())
    }
}

/// A search below an entry, with names that have ids.
fn query(
    (noun, field): (&'static str, &'static str),
    base: &str,
    filter: &str,
    attributes: Vec<String>,
) -> Query {
    Query {
        subject: Subject { noun, field, base_dn: base.to_owned() },
        base: base.to_owned(),
        scope: Scope::Subtree,
        filter: filter.to_owned(),
        attributes,
        controls: vec![controls::extended_names(), controls::domain_scope()],
    }
}

/// A search for one entry by its name, without names that have ids.
pub fn entry_query(name: &str, attributes: &[&str]) -> Query {
    Query {
        subject: Subject { noun: "the domain's own settings", field: "users", base_dn: name.to_owned() },
        base: name.to_owned(),
        scope: Scope::Base,
        filter: "(objectClass=*)".to_owned(),
        attributes: attributes.iter().map(|&attribute| attribute.to_owned()).collect(),
        controls: Vec::new(),
    }
}

/// A list of attributes without repetition; the first spelling stays.
#[derive(Default)]
pub struct Attributes(pub Vec<String>);

impl Attributes {
    /// Adds those that are not in the list.
    pub fn add<S: AsRef<str>>(&mut self, names: impl IntoIterator<Item = S>) {
        for name in names {
            let name = name.as_ref();
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
    use crate::source::ldap_protocol::entry::is_forbidden;

    fn searches(extra: &serde_json::Value) -> Searches {
        let mut spec = json!({"urls": ["ldaps://dc"], "credentialsSecretRef": {"name": "x"}, "groups": {}});
        json_patch::merge(&mut spec, extra);
        let spec: ActiveDirectorySpec = serde_json::from_value(spec).unwrap();
        Searches::of(&People::of(&spec), Groups::of(&spec).as_ref(), "DC=ad,DC=example")
    }

    #[test]
    fn people_are_user_accounts_that_the_own_filter_finds_below_the_domain() {
        let searches = searches(&json!({"users": {"filter": "department=R*"}}));
        assert_eq!(searches.people.filter, "(&(sAMAccountType=805306368)(department=R*))");
        assert_eq!(searches.people.base, "DC=ad,DC=example");
        assert!(searches.deciding.contains(&"department".to_owned()), "{:?}", searches.deciding);
    }

    #[test]
    fn the_groups_of_the_system_itself_are_left_out_unless_a_filter_says_otherwise() {
        let by_default = searches(&json!({})).groups.unwrap();
        assert!(by_default.filter.contains("(!(groupType:1.2.840.113556.1.4.803:=1))"));
        let own =
            searches(&json!({"groups": {"filter": "(cn=app-*)", "baseDN": "OU=Apps,DC=ad,DC=example"}}));
        let own = own.groups.unwrap();
        assert_eq!(
            (own.filter.as_str(), own.base.as_str()),
            ("(&(objectCategory=group)(cn=app-*))", "OU=Apps,DC=ad,DC=example")
        );
    }

    #[test]
    fn what_is_computed_or_the_other_side_of_a_link_is_not_in_changes() {
        for name in
            ["MEMBEROF", "publicDelegatesBL", "msds-membersforazrolebl", "canonicalName", "modifyTimestamp"]
        {
            assert!(is_not_in_changes(name), "{name}");
        }
        for name in ["member", "publicDelegates", "L", "", "BLock", "whenCreated", "anr"] {
            assert!(!is_not_in_changes(name), "{name}");
        }
    }

    #[test]
    fn neither_a_password_nor_a_photo_is_asked_for() {
        let attributes = searches(&json!({})).attributes();
        assert!(!attributes.iter().any(|name| is_forbidden(name) || name == "*" || name == "+"));
    }
}

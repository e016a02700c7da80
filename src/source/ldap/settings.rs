//! Checks a Directory's settings without connecting, and resolves them for reading.

use std::time::Duration;

use super::pull::Reader;
use super::schema::{Groups, People, is_not_in_changes, membership};
use super::spec::{Changes, LdapSpec, Membership};
use crate::model::ContentHash;
use crate::source::ldap_protocol::connection::{self, Encryption};
use crate::source::ldap_protocol::filter;
use crate::source::ldap_protocol::problems::Problems;
use crate::source::ldap_protocol::wire::{Credentials, Endpoint, Wording};
use crate::source::{Material, Problem, SourceError};

/// Where the provider's settings stand in a Directory.
pub const PATH: &str = "spec.provider.ldap";

/// What the settings call what messages speak of.
static WORDING: Wording = Wording { path: PATH, url: "spec.provider.ldap.url", account: "bindDN" };

/// What is wrong with the settings, as far as that shows without connecting.
pub fn problems(spec: &LdapSpec) -> Vec<Problem> {
    let mut problems = Problems::new(PATH);
    if let Err(message) = connection::endpoint(&spec.url, &WORDING) {
        problems.add("url", message);
    }
    let users = &spec.users;
    problems.check_dn("users.baseDN", &users.base_dn);
    problems.check_filter("users.filter", users.filter.as_deref());
    problems.check_filter("users.inactiveFilter", users.inactive_filter.as_deref());
    problems.check_attribute("users.idAttribute", users.id_attribute.as_deref());
    problems.check_attribute("users.userNameAttribute", users.user_name_attribute.as_deref());
    for (index, attribute) in users.attributes.iter().enumerate() {
        problems.check_attribute(&format!("users.attributes[{index}]"), Some(attribute));
    }
    if let Some(groups) = &spec.groups {
        problems.check_dn("groups.baseDN", &groups.base_dn);
        problems.check_filter("groups.filter", groups.filter.as_deref());
        problems.check_attribute("groups.idAttribute", groups.id_attribute.as_deref());
        problems.check_attribute("groups.nameAttribute", groups.name_attribute.as_deref());
    }
    problems.into_vec()
}

/// Resolves settings and the material that they name.
///
/// # Errors
/// [`crate::source::Class::Misconfigured`] that names the field, or the object and its key.
pub fn reader(spec: &LdapSpec, material: &Material) -> Result<Reader, SourceError> {
    if let Some(problem) = problems(spec).into_iter().next() {
        return Err(SourceError::misconfigured(format!("{}: {}", problem.field, problem.message)));
    }
    let endpoint = connection::endpoint(&spec.url, &WORDING)
        .map_err(|message| SourceError::misconfigured(format!("{PATH}.url: {message}")))?;
    let endpoint = Endpoint { egress: material.egress().clone(), ..endpoint };
    let credentials = credentials(spec, material)?;
    let bind_dn = credentials.as_ref().map(|credentials| credentials.name.as_str());
    let encryption = Encryption {
        direct: connection::is_direct(&spec.url),
        start_tls: spec.start_tls,
        insecure: spec.insecure,
        ca_ref: spec.ca_ref.as_ref(),
    };
    Ok(Reader {
        security: connection::security(encryption, material, &WORDING)?,
        settings: fingerprint(spec, bind_dn)?,
        people: People::of(spec),
        groups: Groups::of(spec),
        page_size: spec.page_size.clamp(1, 10_000),
        timeout: Duration::from_secs(u64::try_from(spec.timeout_seconds).unwrap_or(0).clamp(1, 600)),
        endpoint,
        credentials,
        changes: changes(spec),
    })
}

/// How changes are found: not at all where the settings look at attributes that servers do not mark
/// entries as changed for, so that no list of changes could be trusted.
fn changes(spec: &LdapSpec) -> Changes {
    let users = [&spec.users.filter, &spec.users.inactive_filter];
    let groups = spec.groups.iter().map(|groups| &groups.filter);
    let mut filters = users.into_iter().chain(groups).flatten();
    let looked_at = filters.any(|text| filter::attributes(text).any(is_not_in_changes))
        || spec.users.attributes.iter().any(|attribute| is_not_in_changes(attribute))
        || membership(spec) == Some(Membership::MemberOf);
    if looked_at { Changes::None } else { spec.changes }
}

fn credentials(spec: &LdapSpec, material: &Material) -> Result<Option<Credentials>, SourceError> {
    let Some(secret) = &spec.credentials_secret_ref else { return Ok(None) };
    let without = ", or remove credentialsSecretRef to read the directory anonymously";
    connection::credentials(secret, material, &WORDING, without).map(Some)
}

/// The hash of the settings that decide who is read and with whose rights.
fn fingerprint(spec: &LdapSpec, bind_dn: Option<&str>) -> Result<String, SourceError> {
    let who = (&spec.url, spec.preset, &spec.users, &spec.groups, changes(spec), bind_dn);
    ContentHash::of(&who)
        .map(|hash| hash.to_string())
        .map_err(|_| SourceError::misconfigured("the settings of the searches cannot be written as JSON"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec(extra: &serde_json::Value) -> LdapSpec {
        let mut spec = json!({"url": "ldaps://ldap.acme.example", "users": {"baseDN": "ou=people,dc=acme"}});
        json_patch::merge(&mut spec, extra);
        serde_json::from_value(spec).unwrap()
    }

    #[test]
    fn each_problem_names_its_field() {
        let spec = spec(&json!({
            "url": "ldap://x:99999",
            "users": {
                "baseDN": "people", "filter": "(a=b", "inactiveFilter": "a", "idAttribute": "userPassword",
                "userNameAttribute": "jpegphoto", "attributes": ["title", "thumbnailPhoto"]
            },
            "groups": {"baseDN": "dc", "filter": ")", "nameAttribute": "unicodePwd"}
        }));
        let fields: Vec<String> = problems(&spec).into_iter().map(|problem| problem.field).collect();
        let expected = [
            "url",
            "users.baseDN",
            "users.filter",
            "users.inactiveFilter",
            "users.idAttribute",
            "users.userNameAttribute",
            "users.attributes[1]",
            "groups.baseDN",
            "groups.filter",
            "groups.nameAttribute",
        ];
        let expected: Vec<String> =
            expected.iter().map(|field| format!("spec.provider.ldap.{field}")).collect();
        assert_eq!(fields, expected);
    }

    #[test]
    fn good_settings_have_no_problems() {
        let spec = spec(&json!({
            "users": {"filter": "(objectClass=person)", "idAttribute": "nsUniqueId"},
            "groups": {"baseDN": "ou=Forschung\\, Lehre,dc=acme"}
        }));
        assert_eq!(problems(&spec), []);
    }

    #[test]
    fn settings_that_look_at_whose_groups_somebody_is_in_have_no_list_of_changes() {
        let of = |extra: serde_json::Value| changes(&spec(&extra));
        assert_eq!(of(json!({"users": {"filter": "(ou=R)"}, "groups": {"baseDN": "ou=g"}})), Changes::Auto);
        for users in [
            json!({"filter": "(&(ou=R)(memberof=cn=staff,ou=g))"}),
            json!({"inactiveFilter": "(!(isMemberOf=cn=staff,ou=g))"}),
            json!({"filter": "(1.2.840.113556.1.2.102=cn=staff,ou=g)"}),
            json!({"attributes": ["title", "nsRole"]}),
        ] {
            assert_eq!(of(json!({"users": users})), Changes::None, "{users}");
        }
        let groups = json!({"baseDN": "ou=g", "filter": "(memberOf=cn=apps,ou=g)"});
        assert_eq!(of(json!({"groups": groups})), Changes::None);
    }

    #[test]
    fn an_empty_password_is_refused_before_anything_is_sent() {
        let spec = spec(&json!({"credentialsSecretRef": {"name": "acme-ldap"}}));
        let secret = spec.credentials_secret_ref.clone().unwrap().reference();
        let mut material = Material::default();
        let data = [("bindDN", "cn=reader"), ("password", "\n")];
        material.insert(secret, data.map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec())));
        let error = reader(&spec, &material).unwrap_err();
        assert!(error.message.starts_with("Secret acme-ldap key 'password' is empty"), "{error}");
    }

    #[test]
    fn other_settings_have_another_fingerprint_and_a_new_password_does_not() {
        let of = |extra: serde_json::Value, bind_dn| fingerprint(&spec(&extra), bind_dn).unwrap();
        let plain = of(json!({}), Some("cn=a"));
        assert_eq!(plain, of(json!({"timeoutSeconds": 7, "pageSize": 9}), Some("cn=a")));
        assert_ne!(plain, of(json!({}), Some("cn=b")));
        assert_ne!(plain, of(json!({"users": {"filter": "(a=b)"}}), Some("cn=a")));
        assert_ne!(plain, of(json!({"groups": {"baseDN": "ou=g"}}), Some("cn=a")));
    }

    #[test]
    fn a_bundle_without_a_usable_certificate_is_refused_with_the_objects_name() {
        let spec = spec(&json!({"caRef": {"configMap": {"name": "acme-ca"}}}));
        let from = spec.ca_ref.clone().unwrap().reference();
        for (text, why) in [
            ("", "holds no certificate"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "is not a certificate"),
            ("-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n", "not well-formed PEM"),
        ] {
            let mut material = Material::default();
            material.insert(from.clone(), [("ca.crt".to_owned(), text.as_bytes().to_vec())]);
            let error = reader(&spec, &material).unwrap_err();
            assert!(error.message.contains("ConfigMap acme-ca key 'ca.crt'"), "{error}");
            assert!(error.message.contains(why), "{error}");
        }
    }
}

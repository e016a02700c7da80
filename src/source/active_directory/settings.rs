//! Checks a Directory's settings without connecting, and resolves them for reading.

use std::time::Duration;

use super::pull::Reader;
use super::schema::{Groups, People, is_not_in_changes, is_not_told_of_filters};
use super::spec::{ActiveDirectorySpec, Changes};
use crate::model::ContentHash;
use crate::source::ldap_protocol::connection::{self, Encryption};
use crate::source::ldap_protocol::filter;
use crate::source::ldap_protocol::problems::Problems;
use crate::source::ldap_protocol::wire::{Endpoint, Wording};
use crate::source::{Material, Problem, SourceError};

/// Where the provider's settings stand in a Directory.
pub const PATH: &str = "spec.provider.activeDirectory";

/// What the settings call what messages speak of.
static WORDING: Wording =
    Wording { path: PATH, url: "spec.provider.activeDirectory.urls", account: "username" };

/// The ports of the Global Catalog, without and with TLS.
const GLOBAL_CATALOG: [u16; 2] = [3268, 3269];

/// What is wrong with the settings, as far as that shows without connecting.
pub fn problems(spec: &ActiveDirectorySpec) -> Vec<Problem> {
    let mut problems = Problems::new(PATH);
    if spec.urls.is_empty() {
        problems.add("urls", "it is empty; name a domain controller, ldaps://dc1.ad.example.org");
    }
    for (index, url) in spec.urls.iter().enumerate() {
        if let Err(message) = endpoint(url) {
            problems.add(&format!("urls[{index}]"), message);
        }
    }
    let direct = spec.urls.iter().filter(|url| connection::is_direct(url)).count();
    if direct != 0 && direct != spec.urls.len() {
        problems.add("urls", "they are of two kinds; write either ldaps:// or ldap:// in all of them");
    }
    let users = &spec.users;
    if let Some(base) = &users.base_dn {
        problems.check_dn("users.baseDN", base);
    }
    problems.check_filter("users.filter", users.filter.as_deref());
    for (index, attribute) in users.attributes.iter().enumerate() {
        let field = format!("users.attributes[{index}]");
        problems.check_attribute(&field, Some(attribute));
        if is_not_in_changes(attribute) {
            problems.add(&field, format!(
                "'{attribute}' is computed, kept by each domain controller for itself, or the other side of a link, so a \
                 copy of it would be untrue; remove it"
            ));
        }
    }
    if let Some(groups) = &spec.groups {
        if let Some(base) = &groups.base_dn {
            problems.check_dn("groups.baseDN", base);
        }
        problems.check_filter("groups.filter", groups.filter.as_deref());
        problems.check_attribute("groups.nameAttribute", Some(&groups.name_attribute));
    }
    problems.into_vec()
}

/// Resolves settings and the material that they name.
///
/// # Errors
/// [`crate::source::Class::Misconfigured`] that names the field, or the object and its key.
pub fn reader(spec: &ActiveDirectorySpec, material: &Material) -> Result<Reader, SourceError> {
    if let Some(problem) = problems(spec).into_iter().next() {
        return Err(SourceError::misconfigured(format!("{}: {}", problem.field, problem.message)));
    }
    let through = |endpoint| Endpoint { egress: material.egress().clone(), ..endpoint };
    let endpoints = spec.urls.iter().map(|url| endpoint(url).map(through));
    let endpoints: Vec<Endpoint> = endpoints
        .collect::<Result<_, _>>()
        .map_err(|message| SourceError::misconfigured(format!("{PATH}.urls: {message}")))?;
    let credentials = connection::credentials(&spec.credentials_secret_ref, material, &WORDING, "")?;
    let encryption = Encryption {
        direct: spec.urls.iter().all(|url| connection::is_direct(url)),
        start_tls: spec.start_tls,
        insecure: spec.insecure,
        ca_ref: spec.ca_ref.as_ref(),
    };
    Ok(Reader {
        security: connection::security(encryption, material, &WORDING)?,
        settings: fingerprint(spec, &credentials.name)?,
        people: People::of(spec),
        groups: Groups::of(spec),
        page_size: spec.page_size.clamp(1, 1_000),
        timeout: Duration::from_secs(u64::try_from(spec.timeout_seconds).unwrap_or(0).clamp(1, 600)),
        endpoints,
        credentials,
        changes: changes(spec),
    })
}

/// How changes are found: not at all where the filters look at what no list of changes tells.
fn changes(spec: &ActiveDirectorySpec) -> Changes {
    let own = std::iter::once(&spec.users.filter).chain(spec.groups.iter().map(|groups| &groups.filter));
    let mut attributes = own.flatten().flat_map(|text| filter::attributes(text));
    if attributes.any(is_not_told_of_filters) { Changes::None } else { spec.changes }
}

/// The domain controller of a url.
fn endpoint(url: &str) -> Result<Endpoint, String> {
    let endpoint = connection::endpoint(url, &WORDING)?;
    if GLOBAL_CATALOG.contains(&endpoint.port) {
        return Err(format!(
            "port {} is the Global Catalog, which has only a part of each person's attributes and of groups' \
             members; use 636 or 389, or leave the port out",
            endpoint.port
        ));
    }
    Ok(endpoint)
}

/// The hash of the settings that decide who is read, how, and with whose rights. Not the urls:
/// which domain controller a place belongs to is remembered by its own id.
fn fingerprint(spec: &ActiveDirectorySpec, account: &str) -> Result<String, SourceError> {
    ContentHash::of(&(&spec.users, &spec.groups, changes(spec), account))
        .map(|hash| hash.to_string())
        .map_err(|_| SourceError::misconfigured("the settings of the searches cannot be written as JSON"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec(extra: &serde_json::Value) -> ActiveDirectorySpec {
        let mut spec = json!({"urls": ["ldaps://dc1.ad.example"], "credentialsSecretRef": {"name": "ad"}});
        json_patch::merge(&mut spec, extra);
        serde_json::from_value(spec).unwrap()
    }

    fn read(extra: &serde_json::Value) -> Result<Reader, SourceError> {
        let spec = spec(extra);
        let mut material = Material::default();
        let data = [("username", "reader@ad.example"), ("password", "x")];
        let data = data.map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec()));
        material.insert(spec.credentials_secret_ref.reference(), data);
        reader(&spec, &material)
    }

    #[test]
    fn each_problem_names_its_field() {
        let spec = spec(&json!({
            "urls": ["ldaps://dc1.ad.example:3269", "ldap://dc2.ad.example"],
            "users": {"baseDN": "people", "filter": "(a=b", "attributes": ["info", "thumbnailPhoto", "lastLogon"]},
            "groups": {"baseDN": "dc", "filter": ")", "nameAttribute": "unicodePwd"}
        }));
        let fields: Vec<String> = problems(&spec).into_iter().map(|problem| problem.field).collect();
        let expected = [
            "urls[0]",
            "urls",
            "users.baseDN",
            "users.filter",
            "users.attributes[1]",
            "users.attributes[2]",
            "groups.baseDN",
            "groups.filter",
            "groups.nameAttribute",
        ];
        assert_eq!(fields, expected.map(|field| format!("{PATH}.{field}")));
    }

    #[test]
    fn the_global_catalog_is_refused_with_a_sentence() {
        for url in ["ldap://gc.ad.example:3268", "ldaps://gc.ad.example:3269/"] {
            let error = endpoint(url).unwrap_err();
            assert!(error.contains("Global Catalog") && error.contains("636"), "{error}");
        }
    }

    #[test]
    fn a_plain_url_is_refused_unless_the_risk_is_named() {
        let error = read(&json!({"urls": ["ldap://dc1.ad.example"]})).unwrap_err();
        assert!(error.message.starts_with("spec.provider.activeDirectory.urls: a plain ldap://"), "{error}");
        let taken = json!({"urls": ["ldap://dc1.ad.example"], "insecure": "PlaintextPasswordsAndData"});
        read(&taken).unwrap();
    }

    #[test]
    fn a_filter_of_which_changes_do_not_tell_has_no_list_of_them() {
        let of = |filter: &str| read(&json!({"users": {"filter": filter}, "groups": {}})).unwrap().changes;
        for filter in ["(department=R)", "(userAccountControl:1.2.840.113556.1.4.803:=2)"] {
            assert_eq!(of(filter), Changes::Auto, "{filter}");
        }
        for filter in [
            "(memberOf:1.2.840.113556.1.4.1941:=CN=staff,DC=ad)",
            "(!(publicDelegatesBL=*))",
            "(|(anr=ada)(department=R))",
            "(&(department=R)(2.5.4.11=R))",
        ] {
            assert_eq!(of(filter), Changes::None, "{filter}");
        }
        let groups = json!({"groups": {"filter": "(ANR=app)"}});
        assert_eq!(read(&groups).unwrap().changes, Changes::None);
    }

    #[test]
    fn an_empty_password_is_refused_before_anything_is_sent() {
        let spec = spec(&json!({}));
        let mut material = Material::default();
        let data = [("username", "reader@ad.example"), ("password", "\n")];
        let data = data.map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec()));
        material.insert(spec.credentials_secret_ref.reference(), data);
        let error = reader(&spec, &material).unwrap_err();
        assert_eq!(error.message, "Secret ad key 'password' is empty; write the account's password there");
    }

    #[test]
    fn other_settings_have_another_fingerprint_and_other_domain_controllers_do_not() {
        let of = |extra: serde_json::Value, account: &str| fingerprint(&spec(&extra), account).unwrap();
        let plain = of(json!({}), "a");
        assert_eq!(plain, of(json!({"urls": ["ldaps://dc2.ad.example"], "pageSize": 9}), "a"));
        assert_ne!(plain, of(json!({}), "b"));
        assert_ne!(plain, of(json!({"users": {"lockout": "Any"}}), "a"));
        assert_ne!(plain, of(json!({"groups": {}}), "a"));
    }
}

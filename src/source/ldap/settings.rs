//! Checks a Directory's settings without connecting, and resolves them for reading.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use url::{Host, Url};

use super::pull::Reader;
use super::schema::{Groups, People, membership};
use super::spec::{Changes, LdapSpec, Membership};
use super::wire::{Credentials, Endpoint, Security, Trust};
use super::{dn, entry, filter};
use crate::model::ContentHash;
use crate::source::{Material, Problem, SourceError};

/// Where a provider's settings stand in a Directory.
const PATH: &str = "spec.provider.ldap";

/// Key of the Secret with the account's DN.
const BIND_DN: &str = "bindDN";
/// Key of the Secret with the account's password.
const PASSWORD: &str = "password";
/// Key of the ConfigMap or Secret with the authorities' certificates.
const CA: &str = "ca.crt";

/// What is wrong with the settings, as far as that shows without connecting.
pub fn problems(spec: &LdapSpec) -> Vec<Problem> {
    let mut problems = Problems::default();
    if let Err(message) = endpoint(&spec.url) {
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
    problems.0
}

#[derive(Default)]
struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(Problem { field: format!("{PATH}.{field}"), message: message.into() });
    }

    fn check_dn(&mut self, field: &str, value: &str) {
        if dn::normalize(value).is_none() {
            self.add(field, "it is not a DN (RFC 4514); write it like ou=people,dc=example,dc=org, with a backslash before a comma in a value");
        }
    }

    fn check_filter(&mut self, field: &str, value: Option<&str>) {
        if let Some(problem) = value.and_then(filter::problem) {
            self.add(field, problem);
        }
    }

    fn check_attribute(&mut self, field: &str, value: Option<&str>) {
        if let Some(attribute) = value.filter(|attribute| entry::is_forbidden(attribute)) {
            self.add(
                field,
                format!("'{attribute}' holds a secret, a photo or a sound, which is never read; remove it"),
            );
        }
    }
}

/// Resolves settings and the material that they name.
///
/// # Errors
/// [`crate::source::Class::Misconfigured`] that names the field, or the object and its key.
pub fn reader(spec: &LdapSpec, material: &Material) -> Result<Reader, SourceError> {
    if let Some(problem) = problems(spec).into_iter().next() {
        return Err(SourceError::misconfigured(format!("{}: {}", problem.field, problem.message)));
    }
    let endpoint = endpoint(&spec.url)
        .map_err(|message| SourceError::misconfigured(format!("{PATH}.url: {message}")))?;
    let credentials = credentials(spec, material)?;
    let bind_dn = credentials.as_ref().map(|credentials| credentials.bind_dn.as_str());
    // OpenLDAP does not mark a person as changed when their memberOf changes, so no list of
    // changes could be trusted.
    let member_of = membership(spec) == Some(Membership::MemberOf);
    let changes = if member_of { Changes::None } else { spec.changes };
    Ok(Reader {
        security: security(spec, material)?,
        settings: fingerprint(spec, bind_dn)?,
        people: People::of(spec),
        groups: Groups::of(spec),
        page_size: spec.page_size.clamp(1, 10_000),
        timeout: Duration::from_secs(u64::try_from(spec.timeout_seconds).unwrap_or(0).clamp(1, 600)),
        endpoint,
        credentials,
        changes,
    })
}

/// The server of an url.
fn endpoint(url: &str) -> Result<Endpoint, String> {
    let form = "write it like ldaps://ldap.example.org or ldap://ldap.example.org:389";
    let parsed = Url::parse(url).map_err(|error| format!("it is not a url ({error}); {form}"))?;
    let port = match parsed.scheme() {
        "ldap" => 389,
        "ldaps" => 636,
        _ => return Err(format!("it begins with neither ldaps:// nor ldap://; {form}")),
    };
    let host = match parsed.host() {
        Some(Host::Domain(name)) if !name.is_empty() => name.to_ascii_lowercase(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        _ => return Err(format!("it names no host; {form}")),
    };
    let extra = !matches!(parsed.path(), "" | "/") || parsed.query().is_some() || parsed.fragment().is_some();
    if extra || !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(format!("it may have a host and a port and nothing else; {form}"));
    }
    Ok(Endpoint { host, port: parsed.port().unwrap_or(port) })
}

fn credentials(spec: &LdapSpec, material: &Material) -> Result<Option<Credentials>, SourceError> {
    let Some(secret) = &spec.credentials_secret_ref else { return Ok(None) };
    let from = secret.reference();
    let bind_dn = material.require_text(&from, BIND_DN)?.trim();
    let password = material.require_text(&from, PASSWORD)?;
    for (key, value) in [(BIND_DN, bind_dn), (PASSWORD, password)] {
        if value.is_empty() {
            // RFC 4513 section 5.1.2: servers take an empty password for an anonymous bind.
            return Err(SourceError::misconfigured(format!(
                "{from} key '{key}' is empty; write the account's {key} there, or remove credentialsSecretRef to \
                 read the directory anonymously"
            )));
        }
    }
    Ok(Some(Credentials {
        bind_dn: bind_dn.to_owned(),
        password: SecretString::from(password.to_owned()),
        from,
    }))
}

fn security(spec: &LdapSpec, material: &Material) -> Result<Security, SourceError> {
    let direct = spec.url.to_ascii_lowercase().starts_with("ldaps://");
    if !direct && !spec.start_tls {
        // The schema refuses this, too; a manifest checked offline comes without the schema.
        return match spec.insecure {
            Some(_) => Ok(Security::Plain),
            None => Err(SourceError::misconfigured(format!(
                "{PATH}.url: a plain ldap:// url sends passwords and people's data readable over the network; use \
                 ldaps:// or set startTLS: true"
            ))),
        };
    }
    let trust = match &spec.ca_ref {
        None => Trust::system()?,
        Some(object) => {
            let from = object.reference();
            Trust::bundle(material.require(&from, CA)?, from.clone(), Timestamp::now())?
        }
    };
    Ok(if direct { Security::Tls(trust) } else { Security::StartTls(trust) })
}

/// The hash of the settings that decide who is read and with whose rights.
fn fingerprint(spec: &LdapSpec, bind_dn: Option<&str>) -> Result<String, SourceError> {
    let who = (&spec.url, spec.preset, &spec.users, &spec.groups, spec.changes, bind_dn);
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
    fn urls_give_host_and_port() {
        let of = |url: &str| endpoint(url).map(|endpoint| endpoint.to_string());
        assert_eq!(of("ldaps://LDAP.acme.example").as_deref(), Ok("ldap.acme.example:636"));
        assert_eq!(of("ldap://ldap.acme.example:1389/").as_deref(), Ok("ldap.acme.example:1389"));
        assert_eq!(of("ldap://[::1]").as_deref(), Ok("[::1]:389"));
        for url in
            ["ldap://", "http://x", "ldap://x:99999", "ldap://u:p@x", "ldap://x/dc=acme", "ldap.acme.example"]
        {
            assert!(of(url).is_err(), "{url}");
        }
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

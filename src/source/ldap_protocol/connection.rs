//! From settings to a connection: the server of a url, the account, the encryption.

use jiff::Timestamp;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::wire::{Credentials, Endpoint, Security, Trust, Wording};
use crate::source::material::{SecretRef, TextRef};
use crate::source::{Egress, Material, SourceError};

/// Key of the Secret with the account's password.
const PASSWORD: &str = "password";
/// Key of the ConfigMap or Secret with the authorities' certificates.
const CA: &str = "ca.crt";

/// The risk that an unencrypted connection takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Insecure {
    /// The bind password and everybody's data can be read and changed on the network.
    PlaintextPasswordsAndData,
}

/// How settings want connections to be encrypted.
#[derive(Clone, Copy, Debug)]
pub struct Encryption<'a> {
    /// Whether the url is an `ldaps://` url.
    pub direct: bool,
    /// Whether StartTLS comes before anything else.
    pub start_tls: bool,
    /// The risk that is taken where there is no encryption.
    pub insecure: Option<Insecure>,
    /// The object with the authorities' certificates.
    pub ca_ref: Option<&'a TextRef>,
}

/// Whether a url is for connections that are encrypted from their first byte.
pub fn is_direct(url: &str) -> bool {
    url.to_ascii_lowercase().starts_with("ldaps://")
}

/// The server of a url.
///
/// # Errors
/// What is wrong with the url and how to write it.
pub fn endpoint(url: &str, wording: &'static Wording) -> Result<Endpoint, String> {
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
    Ok(Endpoint { host, port: parsed.port().unwrap_or(port), wording, egress: Egress::anywhere() })
}

/// The account of a Secret.
///
/// # Errors
/// [`crate::source::Class::Misconfigured`] when a key is missing or empty; `without` says what
/// else can be done about an empty one.
pub fn credentials(
    secret: &SecretRef,
    material: &Material,
    wording: &Wording,
    without: &str,
) -> Result<Credentials, SourceError> {
    let from = secret.reference();
    let name = material.require_text(&from, wording.account)?.trim();
    let password = material.require_text(&from, PASSWORD)?;
    for (key, value) in [(wording.account, name), (PASSWORD, password)] {
        if value.is_empty() {
            // RFC 4513 section 5.1.2: servers take an empty password for an anonymous bind.
            return Err(SourceError::misconfigured(format!(
                "{from} key '{key}' is empty; write the account's {key} there{without}"
            )));
        }
    }
    Ok(Credentials { name: name.to_owned(), password: SecretString::from(password.to_owned()), from })
}

/// How a connection is protected.
///
/// # Errors
/// [`crate::source::Class::Misconfigured`] when nothing protects it and nobody took that risk, or
/// when the authorities' certificates cannot be used.
pub fn security(
    encryption: Encryption<'_>,
    material: &Material,
    wording: &Wording,
) -> Result<Security, SourceError> {
    if !encryption.direct && !encryption.start_tls {
        // The schema refuses this, too; a manifest checked offline comes without the schema.
        return match encryption.insecure {
            Some(Insecure::PlaintextPasswordsAndData) => Ok(Security::Plain),
            None => Err(SourceError::misconfigured(format!(
                "{}: a plain ldap:// url sends passwords and people's data readable over the network; use \
                 ldaps:// or set startTLS: true",
                wording.url
            ))),
        };
    }
    let trust = match encryption.ca_ref {
        None => Trust::system(),
        Some(object) => {
            let from = object.reference();
            Trust::bundle(material.require(&from, CA)?, from.clone(), Timestamp::now())?
        }
    };
    Ok(if encryption.direct { Security::Tls(trust) } else { Security::StartTls(trust) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDING: Wording =
        Wording { path: "spec.provider.ldap", url: "spec.provider.ldap.url", account: "bindDN" };

    #[test]
    fn urls_give_host_and_port() {
        let of = |url: &str| endpoint(url, &WORDING).map(|endpoint| endpoint.to_string());
        assert_eq!(of("ldaps://LDAP.acme.example").as_deref(), Ok("ldap.acme.example:636"));
        assert_eq!(of("ldap://ldap.acme.example:1389/").as_deref(), Ok("ldap.acme.example:1389"));
        assert_eq!(of("ldap://[::1]").as_deref(), Ok("[::1]:389"));
        for url in
            ["ldap://", "http://x", "ldap://x:99999", "ldap://u:p@x", "ldap://x/dc=acme", "ldap.acme.example"]
        {
            assert!(of(url).is_err(), "{url}");
        }
    }
}

//! Whose certificates are trusted, and what a person is told when one is not.

use std::io;
use std::sync::Arc;

use jiff::Timestamp;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, RootCertStore};

use super::certificate;
use super::connect::Endpoint;
use crate::source::{Reference, SourceError};

/// The authorities that may sign a server's certificate.
#[derive(Clone, Debug)]
pub struct Trust {
    /// What the TLS library is told; `None` until a connection needs the system's authorities.
    config: Option<Arc<ClientConfig>>,
    /// Where the authorities come from; `None` for those of the system.
    from: Option<Reference>,
    /// When one of the given authorities expired, if one has. It is not trusted any more; the
    /// library itself would not look at an authority's dates.
    expired: Option<Timestamp>,
}

impl Trust {
    /// Trusts the system's authorities, as they are when a connection is made.
    #[must_use]
    pub const fn system() -> Self {
        Self { config: None, from: None, expired: None }
    }

    /// Trusts the authorities of a bundle (PEM), which `from` holds under the key `ca.crt`.
    ///
    /// # Errors
    /// [`crate::source::Class::Misconfigured`] when the bundle has no usable certificate.
    pub fn bundle(pem: &[u8], from: Reference, now: Timestamp) -> Result<Self, SourceError> {
        let unusable = |why: &str| {
            SourceError::misconfigured(format!(
                "{from} key 'ca.crt' {why}; put the PEM certificates of the directory's authorities there"
            ))
        };
        let mut roots = RootCertStore::empty();
        let mut expired = None;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| unusable("is not well-formed PEM"))?;
            if let Some(end) = certificate::not_after(&certificate).filter(|end| *end < now) {
                expired = Some(end);
                continue;
            }
            roots.add(certificate).map_err(|_| unusable("holds something that is not a certificate"))?;
        }
        match expired {
            Some(end) if roots.is_empty() => {
                return Err(SourceError::misconfigured(expired_authority(&from, end)));
            }
            None if roots.is_empty() => return Err(unusable("holds no certificate")),
            _ => {}
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = rustls::client::WebPkiServerVerifier::builder_with_provider(
            Arc::new(roots),
            Arc::clone(&provider),
        )
        .build()
        .map_err(|_| unusable("holds no usable certificate"))?;
        Ok(Self { config: Some(client_config(provider, verifier)?), from: Some(from), expired })
    }

    /// What the TLS library is told. The system's authorities are read now, which is why it takes a
    /// thread of its own.
    ///
    /// # Errors
    /// [`crate::source::Class::Misconfigured`] when the system has none.
    pub async fn config(&self) -> Result<Arc<ClientConfig>, SourceError> {
        match &self.config {
            Some(config) => Ok(Arc::clone(config)),
            None => {
                tokio::task::spawn_blocking(system_config).await.unwrap_or_else(|_| Err(no_authorities()))
            }
        }
    }

    /// What went wrong in a handshake, for a person.
    pub fn explain(&self, error: &io::Error, endpoint: &Endpoint) -> SourceError {
        let url = endpoint.wording.url;
        let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match cause {
            Some(rustls::Error::InvalidCertificate(cause)) => self.explain_certificate(cause, endpoint),
            Some(rustls::Error::InvalidMessage(_) | rustls::Error::InappropriateHandshakeMessage { .. }) => {
                SourceError::misconfigured(format!(
                    "{endpoint} does not speak TLS on this port; check the port of {url}, \
                     or use an ldap:// url with startTLS: true"
                ))
            }
            Some(rustls::Error::AlertReceived(_) | rustls::Error::PeerIncompatible(_)) => {
                SourceError::misconfigured(format!(
                    "{endpoint} and the operator have no TLS version or cipher in common; \
                     allow TLS 1.2 or newer on the server"
                ))
            }
            _ => SourceError::transient(format!(
                "{endpoint} ended the connection during the TLS handshake; \
                 check that the port of {url} is the one for TLS"
            )),
        }
    }

    fn explain_certificate(&self, cause: &CertificateError, endpoint: &Endpoint) -> SourceError {
        let from = match &self.from {
            Some(from) => format!("the authorities in {from} (caRef)"),
            None => "the system's authorities".to_owned(),
        };
        let unsigned = matches!(cause, CertificateError::UnknownIssuer | CertificateError::BadSignature);
        if let (true, Some(end), Some(from)) = (unsigned, self.expired, &self.from) {
            return SourceError::misconfigured(expired_authority(from, end));
        }
        let message = match cause {
            CertificateError::UnknownIssuer => format!(
                "the certificate of {endpoint} is not signed by {from}; \
                 put the certificate (PEM) of the authority that signed it under 'ca.crt' in the object that caRef names"
            ),
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                format!("the certificate of {endpoint} has expired; have it renewed on the server")
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => format!(
                "the certificate of {endpoint} is not valid yet; check the clocks of the server and of this node"
            ),
            CertificateError::NotValidForNameContext { presented, .. } => {
                other_name(endpoint, &names(presented))
            }
            CertificateError::NotValidForName => other_name(endpoint, ""),
            CertificateError::Revoked => {
                format!("the certificate of {endpoint} has been revoked; have it replaced on the server")
            }
            CertificateError::BadSignature => format!(
                "the certificate of {endpoint} is not signed with the key of {from}; \
                 put the authority's current certificate under 'ca.crt' in the object that caRef names"
            ),
            CertificateError::Other(_) => format!(
                "the certificate of {endpoint} cannot be verified: it may be an authority's own certificate \
                 used as a server's; give the server one that an authority signed for it"
            ),
            _ => format!("the certificate of {endpoint} cannot be verified; have it replaced on the server"),
        };
        SourceError::misconfigured(message)
    }
}

fn system_config() -> Result<Arc<ClientConfig>, SourceError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier =
        rustls_platform_verifier::Verifier::new(Arc::clone(&provider)).map_err(|_| no_authorities())?;
    client_config(provider, Arc::new(verifier))
}

fn no_authorities() -> SourceError {
    SourceError::misconfigured(
        "the operator's image has no certificate authorities; name the directory's own in caRef",
    )
}

fn client_config(
    provider: Arc<rustls::crypto::CryptoProvider>,
    verifier: Arc<dyn ServerCertVerifier>,
) -> Result<Arc<ClientConfig>, SourceError> {
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| SourceError::misconfigured("this build of the operator offers no TLS version"))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn other_name(endpoint: &Endpoint, names: &str) -> String {
    let has = if names.is_empty() { String::new() } else { format!(" but for {names}") };
    format!(
        "the certificate of {endpoint} is not for the name '{}'{has}; use a name that the certificate has in \
         {}, or have this name added to its subjectAltName",
        endpoint.host, endpoint.wording.url
    )
}

/// The first few names that a certificate has, as the library shows them: `DnsName("a.example")`.
/// They are the server's own words, so only what can be a host's name is repeated.
fn names(presented: &[String]) -> String {
    let decent = |name: &&str| {
        name.len() <= 253 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.*:".contains(&byte))
    };
    let quoted = presented.iter().filter_map(|name| name.split('"').nth(1)).filter(decent);
    quoted.take(3).map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")
}

fn expired_authority(from: &Reference, end: Timestamp) -> String {
    format!(
        "a certificate of an authority in {from} key 'ca.crt' expired on {}; \
         put the authority's current certificate there",
        end.strftime("%Y-%m-%d")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_certificates_names_only_those_are_repeated_that_can_be_a_hosts() {
        let presented = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        assert_eq!(
            names(&presented(&["DnsName(\"*.a.example\")", "DnsName(\"<script>\")", "IpAddress(10.0.0.1)"])),
            "'*.a.example'"
        );
        assert_eq!(names(&presented(&["DnsName(\"a\")"; 9])), "'a', 'a', 'a'");
    }
}

//! What is known of a connection while it lasts, and why it does not last.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ldap3::LdapError;

use super::connect::Endpoint;
use super::guard::{Ending, Flow, MAX_MESSAGE_BYTES};
use crate::source::ldap_protocol::failure::{Subject, result_name};
use crate::source::{Class, SourceError};

/// What all searches of a connection share.
#[derive(Debug)]
pub struct Link {
    /// The server.
    pub endpoint: Endpoint,
    /// Whether nobody signed in.
    pub anonymous: bool,
    /// How long an answer may take.
    pub timeout: Duration,
    /// What is between the network and the library.
    pub flow: Flow,
    /// People and groups that have come.
    pub received: AtomicU64,
}

impl Link {
    /// Why the connection does not work any more.
    pub fn lost(&self, error: &LdapError, subject: Option<&Subject>) -> SourceError {
        let Self { endpoint, timeout, .. } = self;
        let received = self.received.load(Ordering::Relaxed);
        let class = if received > 0 { Class::Incomplete } else { Class::Transient };
        let during = subject.map_or_else(
            || "while signing in".to_owned(),
            |subject| format!("during the search for {}, after {received} entries", subject.noun),
        );
        if let LdapError::FilterParsing = error {
            let field = subject.map_or("users", |subject| subject.field);
            return SourceError::misconfigured(format!(
                "{}.{field}.filter is not an LDAP filter (RFC 4515)",
                endpoint.wording.path
            ));
        }
        let message = match (error, self.flow.ending()) {
            (LdapError::Timeout { .. }, None) => format!(
                "{endpoint} was silent for {} s {during}; it is asked again later ({}.timeoutSeconds is how long it \
                 may be silent)",
                timeout.as_secs(),
                endpoint.wording.path
            ),
            (_, Some(Ending::Announced(result))) => format!(
                "{endpoint} ended the connection {during} ({}); it is asked again later",
                result_name(result)
            ),
            (_, Some(Ending::TooLarge)) => {
                return SourceError::incomplete(format!(
                    "{endpoint} sent a single entry of more than {} MiB {during}; narrow the search so that it \
                     leaves this entry out, or split the group",
                    MAX_MESSAGE_BYTES / (1024 * 1024)
                ));
            }
            (_, Some(Ending::Malformed)) => {
                return SourceError::misconfigured(format!(
                    "{endpoint} sent something that is not LDAP {during}; check that {} \
                     names an LDAP server, its port, and ldaps:// against ldap://",
                    endpoint.wording.url
                ));
            }
            (_, Some(Ending::Closed | Ending::Network(_)) | None) => {
                format!(
                    "{endpoint} closed the connection {during}; it is asked again later, and if that does not help, \
                     its log says why"
                )
            }
        };
        SourceError::new(class, message)
    }
}

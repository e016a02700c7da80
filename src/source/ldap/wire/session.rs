//! One connection with one bind: searches are asked for and answered here, and every wait has an
//! end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lber::structure::{PL, StructureTag};
use ldap3::controls::{Control, RawControl};
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, Scope, SearchStream, StdStream};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::UnixStream;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use super::connect::{Endpoint, Security, connect};
use super::guard::{self, Ending, Flow, MAX_MESSAGE_BYTES};
use super::messages::{self, EntryId, Info, State};
use crate::source::ldap::failure::{Progress, Subject, code, encryption_required, result_name};
use crate::source::{Class, Reference, SourceError};

/// With whose rights a directory is read.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The account's DN.
    pub bind_dn: String,
    /// The account's password, never empty.
    pub password: SecretString,
    /// The Secret that both come from.
    pub from: Reference,
}

/// What a search asks for.
#[derive(Clone, Debug)]
pub struct Query {
    /// For messages.
    pub subject: Subject,
    /// The entry at or below which to look.
    pub base: String,
    /// How deep to look.
    pub scope: Scope,
    /// Which entries (RFC 4515).
    pub filter: String,
    /// Which of their attributes.
    pub attributes: Vec<String>,
}

/// What all searches of a connection share.
#[derive(Debug)]
struct Link {
    endpoint: Endpoint,
    anonymous: bool,
    timeout: Duration,
    flow: Flow,
    received: AtomicU64,
}

/// A connection to a server, bound. Dropping it closes it.
pub struct Session {
    ldap: Ldap,
    link: Arc<Link>,
    carrier: AbortOnDropHandle<()>,
    _driver: AbortOnDropHandle<()>,
}

impl Session {
    /// Connects, encrypts and binds.
    ///
    /// # Errors
    /// As [`connect`], and [`Class::Unauthorized`] when the credentials are refused.
    pub async fn open(
        endpoint: Endpoint,
        security: &Security,
        credentials: Option<&Credentials>,
        timeout: Duration,
    ) -> Result<Self, SourceError> {
        let wire = connect(&endpoint, security, timeout).await?;
        let link = Arc::new(Link {
            endpoint,
            anonymous: credentials.is_none(),
            timeout,
            flow: Flow::default(),
            received: AtomicU64::new(0),
        });
        let broken =
            |_| SourceError::transient("the operator cannot open a local socket; it tries again later");
        let (library, ours) = UnixStream::pair().map_err(broken)?;
        let library = library.into_std().map_err(broken)?;
        let settings = LdapConnSettings::new().set_std_stream(StdStream::Unix(library));
        let (connection, ldap) = LdapConnAsync::from_url_with_settings(settings, &local_url()?)
            .await
            .map_err(|error| link.lost(&error, None))?;
        let shared = Arc::clone(&link);
        let carrier = tokio::spawn(async move { guard::carry(wire, ours, &shared.flow).await });
        let driver = tokio::spawn(async move {
            // Why a connection ended is known from the carrier.
            let _ = connection.drive().await;
        });
        let mut session = Self {
            ldap,
            link,
            carrier: AbortOnDropHandle::new(carrier),
            _driver: AbortOnDropHandle::new(driver),
        };
        if let Some(credentials) = credentials {
            session.bind(credentials).await?;
        }
        Ok(session)
    }

    async fn bind(&mut self, credentials: &Credentials) -> Result<(), SourceError> {
        let Credentials { bind_dn, password, from } = credentials;
        let answer =
            self.ldap.with_timeout(self.link.timeout).simple_bind(bind_dn, password.expose_secret()).await;
        self.link.flow.taken();
        let answer = answer.map_err(|error| self.link.lost(&error, None))?;
        let endpoint = &self.link.endpoint;
        let result = result_name(answer.rc);
        Err(match answer.rc {
            code::SUCCESS => return Ok(()),
            code::INVALID_CREDENTIALS | code::INSUFFICIENT_ACCESS_RIGHTS => {
                SourceError::unauthorized(format!(
                    "{endpoint} refuses the account in {from} ({result}); correct its keys 'bindDN' and 'password'"
                ))
            }
            code::NO_SUCH_OBJECT | code::INVALID_DN_SYNTAX => SourceError::misconfigured(format!(
                "{endpoint} does not take the key 'bindDN' of {from} for an account ({result}); correct it"
            )),
            code::INAPPROPRIATE_AUTHENTICATION | code::AUTH_METHOD_NOT_SUPPORTED => {
                SourceError::misconfigured(format!(
                    "{endpoint} does not let the account in {from} sign in with a password ({result}); \
                     use an account that may"
                ))
            }
            code::STRONGER_AUTH_REQUIRED | code::CONFIDENTIALITY_REQUIRED => {
                encryption_required(endpoint, answer.rc)
            }
            code::BUSY | code::UNAVAILABLE => SourceError::transient(format!(
                "{endpoint} is busy or unavailable ({result}); it is asked again later"
            )),
            _ => SourceError::unauthorized(format!(
                "{endpoint} refuses to let the account in {from} sign in ({result}); the server's log says why"
            )),
        })
    }

    /// Starts a search.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn search(&mut self, query: &Query, controls: Vec<RawControl>) -> Result<Answer, SourceError> {
        let stream = self
            .ldap
            .with_timeout(self.link.timeout)
            .with_controls(controls)
            .streaming_search(&query.base, query.scope, &query.filter, query.attributes.clone())
            .await
            .map_err(|error| self.link.lost(&error, Some(&query.subject)))?;
        let (link, subject) = (Arc::clone(&self.link), query.subject.clone());
        Ok(Answer { stream, link, subject, listing: query.scope != Scope::Base, received: 0 })
    }

    /// The server's name, for messages.
    pub fn endpoint(&self) -> &Endpoint {
        &self.link.endpoint
    }

    /// Says good-bye and waits until the connection is closed, but not for long.
    pub async fn close(mut self) {
        let farewell = async {
            // A server that is gone needs no good-bye.
            let _ = self.ldap.unbind().await;
            drop(self.ldap);
            let _ = self.carrier.await;
        };
        let _ = tokio::time::timeout(self.link.timeout.min(Duration::from_secs(5)), farewell).await;
    }
}

/// The address by which the library finds the socket that it is handed.
fn local_url() -> Result<Url, SourceError> {
    Url::parse("ldapi:///").map_err(|_| SourceError::transient("the local address does not parse"))
}

/// An entry or message of an answer.
#[derive(Debug)]
pub enum Reply {
    /// An entry, still encoded, and what a list of changes says of it.
    Entry(StructureTag, Option<(State, EntryId)>),
    /// Entries are elsewhere; where, is not followed.
    Reference,
    /// A message between the entries of a list of changes.
    Info(Info),
}

/// What a server answers to a search, piece by piece.
pub struct Answer {
    stream: SearchStream<'static, String, Vec<String>>,
    link: Arc<Link>,
    subject: Subject,
    /// Whether its entries are people or groups, not the server's own.
    listing: bool,
    received: u64,
}

impl Answer {
    /// The next piece; `None` when the server says that there is no more.
    ///
    /// # Errors
    /// When the connection is lost or the server is silent for too long.
    pub async fn next(&mut self) -> Result<Option<Reply>, SourceError> {
        loop {
            let item =
                self.stream.next().await.map_err(|error| self.link.lost(&error, Some(&self.subject)))?;
            self.link.flow.taken();
            let Some(item) = item else { return Ok(None) };
            if item.is_ref() {
                return Ok(Some(Reply::Reference));
            }
            if item.is_intermediate() {
                if let Some(info) = intermediate(item.0) {
                    return Ok(Some(Reply::Info(info)));
                }
                continue;
            }
            self.received += 1;
            self.link.received.fetch_add(u64::from(self.listing), Ordering::Relaxed);
            let state = messages::sync_state(&item.1);
            return Ok(Some(Reply::Entry(item.0, state)));
        }
    }

    /// How the search ended, once [`Answer::next`] has said that there is no more.
    pub async fn finish(mut self) -> Finished {
        let result = self.stream.finish().await;
        if result.rc != code::SUCCESS {
            // What servers write here can quote the names of people.
            tracing::debug!(server = %self.link.endpoint, result = result.rc, text = %result.text, "search ended");
        }
        Finished {
            result: result.rc,
            controls: result.ctrls,
            received: self.received,
            subject: self.subject,
            link: self.link,
        }
    }
}

/// How a search ended.
pub struct Finished {
    /// The result code.
    pub result: u32,
    /// The controls of the result.
    pub controls: Vec<Control>,
    /// How many entries the answer had.
    pub received: u64,
    subject: Subject,
    link: Arc<Link>,
}

impl Finished {
    /// Why the search did not succeed; `before` are entries of earlier pages.
    pub fn failure(&self, before: u64) -> SourceError {
        let Link { endpoint, anonymous, .. } = &*self.link;
        let progress = Progress { endpoint, anonymous: *anonymous, received: before + self.received };
        self.subject.failure(self.result, progress)
    }
}

/// Reads an intermediate response (RFC 4511 section 4.13).
fn intermediate(tag: StructureTag) -> Option<Info> {
    let PL::C(parts) = tag.payload else { return None };
    let mut name = Vec::new();
    let mut value = Vec::new();
    for part in parts {
        match (part.id, part.payload) {
            (0, PL::P(bytes)) => name = bytes,
            (1, PL::P(bytes)) => value = bytes,
            _ => {}
        }
    }
    messages::sync_info(&name, &value)
}

impl Link {
    /// Why the connection does not work any more.
    fn lost(&self, error: &LdapError, subject: Option<&Subject>) -> SourceError {
        let Self { endpoint, timeout, .. } = self;
        let received = self.received.load(Ordering::Relaxed);
        let class = if received > 0 { Class::Incomplete } else { Class::Transient };
        let during = subject.map_or_else(
            || "while signing in".to_owned(),
            |subject| format!("during the search for {} (after {received} entries)", subject.noun),
        );
        if let LdapError::FilterParsing = error {
            let field = subject.map_or("users", |subject| subject.field);
            return SourceError::misconfigured(format!(
                "spec.provider.ldap.{field}.filter is not an LDAP filter (RFC 4515)"
            ));
        }
        let message = match (error, self.flow.ending()) {
            (LdapError::Timeout { .. }, None) => format!(
                "{endpoint} was silent for {} s {during} (spec.provider.ldap.timeoutSeconds); it is asked again later",
                timeout.as_secs()
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
                    "{endpoint} sent something that is not LDAP {during}; check that spec.provider.ldap.url \
                     names an LDAP server, its port, and ldaps:// against ldap://"
                ));
            }
            (_, Some(Ending::Closed | Ending::Network(_)) | None) => {
                format!("{endpoint} closed the connection {during}; it is asked again later")
            }
        };
        SourceError::new(class, message)
    }
}

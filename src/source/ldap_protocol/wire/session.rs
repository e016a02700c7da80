//! One connection with one bind: searches are asked for here, and every wait has an end.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use ldap3::controls::RawControl;
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, Scope, StdStream};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::UnixStream;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use super::answer::Answer;
use super::connect::{Endpoint, Security, Wire, connect};
use super::guard::{self, Flow};
use super::link::Link;
use crate::source::ldap_protocol::failure::{self, Refusal, Subject, code, encryption_required, result_name};
use crate::source::{Reference, SourceError};

/// With whose rights a directory is read.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The account's DN, or another name that the server takes in a simple bind.
    pub name: String,
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
    /// Controls that each search of it carries, besides those of paging or of changes.
    pub controls: Vec<RawControl>,
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
    /// As [`connect`], and [`crate::source::Class::Unauthorized`] when the credentials are refused.
    pub async fn open(
        endpoint: Endpoint,
        security: &Security,
        credentials: Option<&Credentials>,
        timeout: Duration,
    ) -> Result<Self, SourceError> {
        let wire = connect(&endpoint, security, timeout).await?;
        Self::over(wire, endpoint, credentials, timeout).await
    }

    /// Binds on a connection that is there.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub async fn over(
        wire: impl Wire + 'static,
        endpoint: Endpoint,
        credentials: Option<&Credentials>,
        timeout: Duration,
    ) -> Result<Self, SourceError> {
        let link = Arc::new(Link {
            endpoint,
            anonymous: credentials.is_none(),
            timeout,
            flow: Flow::new(credentials.is_some()),
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
        let Credentials { name, password, from } = credentials;
        let answer =
            self.ldap.with_timeout(self.link.timeout).simple_bind(name, password.expose_secret()).await;
        self.link.flow.taken();
        let answer = answer.map_err(|error| self.link.lost(&error, None))?;
        let endpoint = &self.link.endpoint;
        let key = endpoint.wording.account;
        let result = result_name(answer.rc);
        let correct = format!("correct its keys '{key}' and 'password'");
        let (result, remedy) = match failure::refusal(&answer.text) {
            Some(Refusal { code, reason, remedy }) => {
                (format!("{result}, data {code}: {reason}"), remedy.map_or(correct, str::to_owned))
            }
            None => (result, correct),
        };
        Err(match answer.rc {
            code::SUCCESS => return Ok(()),
            code::INVALID_CREDENTIALS | code::INSUFFICIENT_ACCESS_RIGHTS => SourceError::unauthorized(
                format!("{endpoint} refuses the account in {from} ({result}); {remedy}"),
            ),
            code::NO_SUCH_OBJECT | code::INVALID_DN_SYNTAX => SourceError::misconfigured(format!(
                "{endpoint} does not take the key '{key}' of {from} for an account ({result}); correct it"
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
        let controls: Vec<RawControl> = query.controls.iter().cloned().chain(controls).collect();
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

//! Reaches a server over TCP and encrypts the connection before anything else is sent.

use std::fmt;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::guard::result_code;
use super::tls::Trust;
use super::{ber, ber::tag};
use crate::source::egress::Unreached;
use crate::source::ldap_protocol::failure::result_name;
use crate::source::{Egress, SourceError};

/// The server of an LDAP url.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Host name or address, without the brackets of an IPv6 address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// What the settings call the things that a message about this server may tell to change.
    pub wording: &'static Wording,
    /// Where connections may lead.
    pub egress: Egress,
}

/// What a provider's settings call the things that messages tell people to change.
#[derive(Debug, PartialEq, Eq)]
pub struct Wording {
    /// Where the settings stand in a Directory: `spec.provider.ldap`.
    pub path: &'static str,
    /// The field with the server's address: `spec.provider.ldap.url`.
    pub url: &'static str,
    /// The key of the Secret with the account's name: `bindDN`.
    pub account: &'static str,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// How a connection is protected.
#[derive(Clone, Debug)]
pub enum Security {
    /// Not at all.
    Plain,
    /// By StartTLS (RFC 4511 section 4.14), before anything else is sent.
    StartTls(Trust),
    /// From the first byte.
    Tls(Trust),
}

/// A connection that carries LDAP messages.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Connects and encrypts; each of the steps may take as long as `timeout`.
///
/// # Errors
/// [`crate::source::Class::Transient`] when the server is not reached,
/// [`crate::source::Class::Misconfigured`] when its certificate is not acceptable.
pub async fn connect(
    endpoint: &Endpoint,
    security: &Security,
    timeout: Duration,
) -> Result<Box<dyn Wire>, SourceError> {
    let (trust, start) = match security {
        Security::Plain => return Ok(Box::new(reach(endpoint, timeout).await?)),
        Security::StartTls(trust) => (trust, true),
        Security::Tls(trust) => (trust, false),
    };
    let name = ServerName::try_from(endpoint.host.clone()).map_err(|_| {
        SourceError::misconfigured(format!(
            "'{}' in {} is neither a DNS name nor an address",
            endpoint.host, endpoint.wording.url
        ))
    })?;
    let config = trust.config().await?;
    let mut stream = reach(endpoint, timeout).await?;
    if start {
        within(timeout, endpoint, "StartTLS", start_tls(&mut stream, endpoint)).await??;
    }
    let handshake = TlsConnector::from(config).connect(name, stream);
    match within(timeout, endpoint, "the TLS handshake", handshake).await? {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => Err(trust.explain(&error, endpoint)),
    }
}

/// Opens a TCP connection to the first address that answers.
async fn reach(endpoint: &Endpoint, timeout: Duration) -> Result<TcpStream, SourceError> {
    let unreached = |error: Unreached| match error.why() {
        Ok(why) => SourceError::transient(format!(
            "{endpoint} cannot be reached: {why}; check {}, the server and network policies",
            endpoint.wording.url
        )),
        Err(refused) => refused.into(),
    };
    let connection = endpoint.egress.connect(&endpoint.host, endpoint.port);
    let stream = within(timeout, endpoint, "a connection attempt", connection).await?.map_err(unreached)?;
    // Requests are small and wait for answers.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

async fn within<F: Future>(
    timeout: Duration,
    endpoint: &Endpoint,
    what: &str,
    work: F,
) -> Result<F::Output, SourceError> {
    tokio::time::timeout(timeout, work).await.map_err(|_| {
        SourceError::transient(format!(
            "{endpoint} did not answer {what} within {} s ({}.timeoutSeconds)",
            timeout.as_secs(),
            endpoint.wording.path
        ))
    })
}

/// Message 1: an extended request with the name of StartTLS, 1.3.6.1.4.1.1466.20037.
const START_TLS: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";

/// The longest answer to StartTLS that is read.
const MAX_START_TLS_ANSWER: usize = 4096;

/// Asks the server to begin TLS. Not a byte beyond its answer is read: what follows is TLS, and
/// nothing that was sent in the clear may be taken for it.
async fn start_tls(stream: &mut TcpStream, endpoint: &Endpoint) -> Result<(), SourceError> {
    let lost =
        |_| SourceError::transient(format!("{endpoint} ended the connection when it was asked for StartTLS"));
    stream.write_all(START_TLS).await.map_err(lost)?;
    let mut answer = vec![0; 2];
    stream.read_exact(&mut answer).await.map_err(lost)?;
    let header = loop {
        match ber::header(&answer) {
            Ok(header) if header.tag == tag::SEQUENCE && header.total() <= MAX_START_TLS_ANSWER => {
                break header;
            }
            Err(ber::Flaw::Short) => answer.push(stream.read_u8().await.map_err(lost)?),
            Ok(_) | Err(ber::Flaw::Malformed) => {
                return Err(SourceError::misconfigured(format!(
                    "{endpoint} does not speak LDAP on this port; check the port of {}",
                    endpoint.wording.url
                )));
            }
        }
    };
    let start = answer.len();
    answer.resize(header.total(), 0);
    stream.read_exact(&mut answer[start..]).await.map_err(lost)?;
    let code = ber::expect(&answer[header.own..], tag::INTEGER).and_then(|(_, rest)| result_code(rest));
    match code {
        Some(0) => Ok(()),
        Some(code @ (51 | 52)) => Err(SourceError::transient(format!(
            "{endpoint} cannot begin StartTLS now ({})",
            result_name(code)
        ))),
        Some(code) => Err(SourceError::misconfigured(format!(
            "{endpoint} refuses StartTLS ({}); have TLS set up on the server, or use an ldaps:// url",
            result_name(code)
        ))),
        None => Err(SourceError::misconfigured(format!(
            "{endpoint} answers StartTLS with something that is not LDAP; check the port of {}",
            endpoint.wording.url
        ))),
    }
}

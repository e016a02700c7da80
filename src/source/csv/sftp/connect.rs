//! The way to an SFTP server: the connection, its host key, the account.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use russh::client::{self, AuthResult, Handle};
use russh::keys::{Algorithm, HashAlg, PrivateKeyWithHashAlg, PublicKeyOrCertificate};
use russh_sftp::client::RawSftpSession;
use secrecy::ExposeSecret;

use super::credentials::Credentials;
use super::folder::SftpSession;
use super::host_key::HostKey;
use super::spec::SftpFolder;
use crate::source::csv::files::{Folder, Place};
use crate::source::egress::Unreached;
use crate::source::{Egress, Material, Reference, SourceError};

/// The largest packet of the protocol that is taken, in bytes: what OpenSSH sends at most.
const MAX_PACKET: u32 = 256 * 1024;

/// A server, the account, and the directory that is read.
pub struct Server {
    host: String,
    port: u16,
    user: String,
    directory: String,
    host_keys: Vec<HostKey>,
    credentials: Credentials,
    /// The Secret with the credentials.
    from: Reference,
    timeout: Duration,
    egress: Egress,
    endpoint: String,
    name: String,
}

impl Server {
    /// Takes settings and credentials together.
    ///
    /// # Errors
    /// [`crate::source::Class::Misconfigured`] that names the field, or the Secret and its key.
    pub fn new(spec: &SftpFolder, material: &Material, timeout: Duration) -> Result<Self, SourceError> {
        let from = spec.credentials_secret_ref.reference();
        let host_keys = spec.host_keys.iter().map(|key| HostKey::parse(key)).collect::<Result<_, _>>();
        let endpoint = if spec.host.contains(':') {
            format!("[{}]:{}", spec.host, spec.port)
        } else {
            format!("{}:{}", spec.host, spec.port)
        };
        Ok(Self {
            host: spec.host.clone(),
            port: u16::try_from(spec.port).unwrap_or(22),
            user: spec.user.clone(),
            directory: spec.directory.clone(),
            host_keys: host_keys.map_err(|error| {
                SourceError::misconfigured(format!("spec.provider.csv.from.sftp.hostKeys: {error}"))
            })?,
            credentials: Credentials::of(&from, material)?,
            from,
            timeout,
            egress: material.egress().clone(),
            name: format!("directory {} of {endpoint}", spec.directory),
            endpoint,
        })
    }

    async fn session(&self) -> Result<SftpSession, SourceError> {
        let stream = self.within("a connection", self.egress.connect(&self.host, self.port)).await?;
        let stream = stream.map_err(|error| self.unreached(error))?;
        // Requests are small and wait for answers.
        let _ = stream.set_nodelay(true);
        let offered = Arc::new(Mutex::new(None));
        let known = Pinned { keys: self.host_keys.clone(), offered: Arc::clone(&offered) };
        let config = Arc::new(self.config());
        let connection =
            self.within("as an SSH server", client::connect_stream(config, stream, known)).await?;
        let offered = || offered.lock().ok().and_then(|offered| offered.clone());
        let mut handle = connection.map_err(|error| self.no_ssh(&error, offered()))?;
        self.sign_in(&mut handle).await?;
        let sftp = self.within("when SFTP was asked for", self.subsystem(&handle)).await??;
        SftpSession::begin(handle, sftp, self.directory.clone(), self.endpoint.clone(), &self.user).await
    }

    fn config(&self) -> client::Config {
        let mut config = client::Config { nodelay: true, ..client::Config::default() };
        // A server shows one of its keys; ask for one of a kind that is pinned.
        let kinds: Option<Vec<Algorithm>> =
            self.host_keys.iter().map(|key| Algorithm::new(key.algorithm()?).ok()).collect();
        if let Some(kinds) = kinds {
            config.preferred.key = kinds.into();
        }
        config
    }

    async fn sign_in(&self, handle: &mut Handle<Pinned>) -> Result<(), SourceError> {
        let user = self.user.clone();
        let (way, answer) = match &self.credentials {
            Credentials::Password(password) => {
                let password = password.expose_secret().to_owned();
                let answer = handle.authenticate_password(user, password);
                ("password", self.within("when the account signed in", answer).await?)
            }
            Credentials::Key(key) => {
                let key = PrivateKeyWithHashAlg::new(Arc::clone(key), None);
                let answer = handle.authenticate_publickey(user, key);
                ("key", self.within("when the account signed in", answer).await?)
            }
        };
        let (endpoint, user, from) = (&self.endpoint, &self.user, &self.from);
        match answer.map_err(|error| self.lost(&error))? {
            AuthResult::Success => Ok(()),
            AuthResult::Failure { partial_success: true, .. } => Err(SourceError::unauthorized(format!(
                "{endpoint} asks user {user} for a second proof besides the {way}; have the account allowed to sign in \
                 with one"
            ))),
            AuthResult::Failure { remaining_methods, .. } => {
                let methods: Vec<&str> = remaining_methods.iter().map(Into::into).collect();
                Err(SourceError::unauthorized(format!(
                    "{endpoint} refuses the {way} of user {user} (it takes: {}); correct it in {from}, or have the \
                     account allowed on the server",
                    methods.join(", ")
                )))
            }
        }
    }

    async fn subsystem(&self, handle: &Handle<Pinned>) -> Result<RawSftpSession, SourceError> {
        let refused = |error: russh::Error| match error {
            russh::Error::ChannelOpenFailure(_) | russh::Error::RequestDenied => {
                SourceError::misconfigured(format!(
                    "{} lets user {} in but offers no SFTP; have it allowed for the account",
                    self.endpoint, self.user
                ))
            }
            other => self.lost(&other),
        };
        let channel = handle.channel_open_session().await.map_err(refused)?;
        channel.request_subsystem(true, "sftp").await.map_err(refused)?;
        let config = russh_sftp::client::Config {
            max_packet_len: MAX_PACKET,
            request_timeout_secs: self.timeout.as_secs(),
            ..russh_sftp::client::Config::default()
        };
        Ok(RawSftpSession::new_with_config(channel.into_stream(), config))
    }

    async fn within<F: Future>(&self, what: &str, work: F) -> Result<F::Output, SourceError> {
        tokio::time::timeout(self.timeout, work).await.map_err(|_| {
            SourceError::transient(format!(
                "{} did not answer {what} within {} s (spec.provider.csv.from.sftp.timeoutSeconds)",
                self.endpoint,
                self.timeout.as_secs()
            ))
        })
    }

    fn unreached(&self, error: Unreached) -> SourceError {
        let endpoint = &self.endpoint;
        match error.why() {
            Ok(why) => SourceError::transient(format!(
                "{endpoint} cannot be reached: {why}; check spec.provider.csv.from.sftp.host and port, and the network between"
            )),
            Err(refused) => refused.into(),
        }
    }

    fn no_ssh(&self, error: &russh::Error, offered: Option<String>) -> SourceError {
        let endpoint = &self.endpoint;
        match error {
            russh::Error::UnknownKey => SourceError::misconfigured(format!(
                "{endpoint} shows the host key {}, which is not among spec.provider.csv.from.sftp.hostKeys: either the \
                 server has a new key or somebody stands between; ask its administrator before you add it",
                offered.unwrap_or_else(|| "(unreadable)".to_owned())
            )),
            russh::Error::NoCommonAlgo { kind, theirs, .. } => SourceError::misconfigured(format!(
                "{endpoint} and this client have no {} in common (the server has: {}); RSA host keys are not \
                 supported, an Ed25519 or ECDSA key must be pinned in spec.provider.csv.from.sftp.hostKeys",
                format!("{kind:?}").to_lowercase(),
                listed(theirs)
            )),
            russh::Error::Version | russh::Error::PacketSize(_) => SourceError::misconfigured(format!(
                "{endpoint} does not speak SSH on this port; check spec.provider.csv.from.sftp.port"
            )),
            other => self.lost(other),
        }
    }

    fn lost(&self, error: &russh::Error) -> SourceError {
        let why = match error {
            russh::Error::Disconnect | russh::Error::HUP | russh::Error::SendError => {
                "the server ended it".to_owned()
            }
            russh::Error::IO(error) => error.kind().to_string(),
            other => other.to_string(),
        };
        SourceError::transient(format!("the connection to {} broke: {why}; it is tried again", self.endpoint))
    }
}

/// A few of the names that a server has sent, cut to what names are made of.
fn listed(names: &[String]) -> String {
    let plain = |name: &String| -> String {
        name.chars().filter(|c| c.is_ascii_alphanumeric() || "-@._".contains(*c)).take(64).collect()
    };
    names.iter().take(8).map(plain).collect::<Vec<_>>().join(", ")
}

impl Place for Server {
    fn connect(&self) -> BoxFuture<'_, Result<Box<dyn Folder>, SourceError>> {
        async move { Ok(Box::new(self.session().await?) as Box<dyn Folder>) }.boxed()
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// Accepts a server by its key alone.
pub struct Pinned {
    keys: Vec<HostKey>,
    /// The key that the server has shown, for messages.
    offered: Arc<Mutex<Option<String>>>,
}

impl client::Handler for Pinned {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        // Certificates are not asked for, so none is taken.
        let PublicKeyOrCertificate::PublicKey { key, .. } = shown else { return Ok(false) };
        let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
        let blob = key.to_bytes()?;
        let known = self.keys.iter().any(|known| known.is(&blob, &fingerprint));
        if let Ok(mut offered) = self.offered.lock() {
            *offered = Some(format!("{} {fingerprint}", key.algorithm()));
        }
        Ok(known)
    }
}

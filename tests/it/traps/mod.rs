//! What a person reads on a Directory when its source goes wrong, an LDAP server or a domain above all, and that
//! the mirrors of better days stay as they were.

mod changes;
mod domains;
mod files;
mod limits;
mod security;
mod tables;
mod tenant;
mod values;

use directory_sync::api::Directory;
use directory_sync::api::status::SyncKind;
use serde_json::{Value, json};

use crate::support::ldap::{Builder, PASSWORD, Slapd};
use crate::support::samba;
use crate::support::stage::{Mirrors, Stage, ldap, with};

/// The base of people.
const PEOPLE: &str = "ou=people,dc=example,dc=test";

/// A server, and a Directory `acme` that was synced from it while all was well.
pub struct Scene<Server = Slapd> {
    pub stage: Stage,
    pub server: Server,
    /// The mirrors of better days.
    pub before: Mirrors,
}

impl Scene {
    /// Starts a server and syncs from it, with changes (RFC 7396) to the provider's settings.
    pub async fn new(server: Builder, settings: &Value) -> Self {
        let server = server.start();
        let spec = with(ldap(&server.url()), &json!({"provider": {"ldap": settings}}));
        let stage = Stage::new("trap").await;
        stage.reader().await;
        Self::of(stage, server, spec).await
    }

    /// Changes the provider's settings.
    pub async fn set(&self, settings: &Value) {
        let patch = json!({"spec": {"provider": {"ldap": settings}}});
        self.stage.patch::<Directory>("acme", patch).await;
    }
}

impl<Server> Scene<Server> {
    /// Syncs from a server for the first time.
    pub async fn of(stage: Stage, server: Server, spec: Value) -> Self {
        stage.directory("acme", spec).await;
        stage.ready("acme", "True", "Synced").await;
        let before = stage.mirrors("acme").await;
        assert!(before.len() > 20, "{before:?}");
        Self { stage, server, before }
    }

    /// Waits until the Directory says that its source is not ready, and why; checks that a person
    /// finds the same in the summary, that nobody's secrets or names are told, and that no mirror
    /// has been touched.
    pub async fn fails(&self, reason: &str, parts: &[&str]) {
        let message = self.stage.told("acme", "SourceReady", "False", reason).await;
        for part in parts {
            assert!(message.contains(part), "'{part}' is missing in: {message}");
        }
        let reassured = message.ends_with(". Nobody is taken for missing: the mirrors stay as they are");
        assert_eq!(reassured, reason == "Incomplete", "{message}");
        let ready = self.stage.condition("acme", "Ready").await.unwrap();
        assert_eq!(
            (ready.status.as_str(), ready.reason.as_str(), ready.message),
            ("False", reason, message.clone())
        );
        let status = self.stage.status("acme").await;
        assert!(status.failures.is_some() && status.retry_time.is_some(), "{status:?}");
        let log = self.stage.operator.log();
        for private in [
            PASSWORD,
            samba::PASSWORD,
            "canary-",
            "PRIVATE KEY",
            "secret-of-",
            "user0001",
            "User Number",
            "p0010",
        ] {
            assert!(!message.contains(private), "'{private}' is told in: {message}");
            assert!(!log.contains(private), "'{private}' is told in: {log}");
        }
        assert_eq!(self.stage.mirrors("acme").await, self.before);
    }

    /// Syncs, and checks that the operator did not trust the list of changes, and why.
    pub async fn is_read_in_full(&self, reason: &str) {
        self.stage.sync("acme").await;
        let log = self.stage.operator.log();
        let told = log.lines().find(|line| line.contains("reading everything instead of changes"));
        assert!(told.is_some_and(|line| line.contains(reason)), "{log}");
        self.stage.ready("acme", "True", "Synced").await;
        assert_eq!(self.stage.status("acme").await.last_sync.unwrap().kind, SyncKind::Full);
    }

    /// Reads everything and checks that all is well and as it was in the beginning.
    pub async fn recovers(&self) {
        self.stage.full_sync("acme").await;
        self.stage.told("acme", "SourceReady", "True", "Synced").await;
        self.stage.ready("acme", "True", "Synced").await;
        let status = self.stage.status("acme").await;
        assert_eq!((status.failures, status.retry_time), (None, None));
        assert_eq!(self.stage.mirrors("acme").await, self.before);
    }
}

//! Credentials: never anywhere, whatever the operator logs, and whatever a server answers.

use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::support::ldap::certificates::Authority;
use crate::support::ldap::proxy::{Listener, saying};
use crate::support::ldap::{PASSWORD, READER, Slapd};
use crate::support::sftp::Sshd;
use crate::support::stage::{TWO, ldap, with};

/// What a Directory is to say of the credentials that it was given.
struct Case {
    name: &'static str,
    /// Its Secret.
    keys: Vec<(&'static str, Vec<u8>)>,
    /// Its provider's settings, which name the Secret `account-NAME`.
    provider: Value,
    /// The reason of its Ready condition.
    reason: &'static str,
}

impl Case {
    fn new(
        name: &'static str,
        keys: &[(&'static str, &[u8])],
        provider: Value,
        reason: &'static str,
    ) -> Self {
        let keys = keys.iter().map(|(key, value)| (*key, value.to_vec())).collect();
        Self { name, keys, provider, reason }
    }
}

/// The settings of an LDAP server, with the account of a case.
fn server(url: &str, case: &str) -> Value {
    let account =
        json!({"provider": {"ldap": {"credentialsSecretRef": {"name": format!("account-{case}")}}}});
    with(ldap(url), &account)["provider"].clone()
}

/// The same with the authorities of a case.
fn encrypted(url: &str, case: &str) -> Value {
    let mut provider = server(url, case);
    provider["ldap"]["caRef"] = json!({"secret": {"name": format!("account-{case}")}});
    provider
}

/// The settings of files on an SFTP server, with the account of a case.
fn files(sshd: &Sshd, case: &str) -> Value {
    let mut from = sshd.from();
    from["credentialsSecretRef"]["name"] = json!(format!("account-{case}"));
    json!({"csv": {"from": {"sftp": from}}})
}

/// An LDAP server that refuses everybody, with a text of its own.
async fn refusing(text: &[u8]) -> Listener {
    let length = |bytes: usize| u8::try_from(bytes).unwrap();
    let head = [0x0a, 1, 49, 4, 0, 4, length(text.len())];
    let operation = [&[0x61, length(head.len() + text.len())], &head[..], text].concat();
    saying([&[0x30, length(operation.len() + 3), 2, 1, 1], &operation[..]].concat()).await
}

/// An object store that answers every request with the request itself, which is no answer of a store.
async fn echoing() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut request = vec![0; 8192];
            let length = client.read(&mut request).await.unwrap_or_default();
            let body = String::from_utf8_lossy(&request[..length]).into_owned();
            let head = format!(
                "HTTP/1.1 403 Forbidden\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = client.write_all(format!("{head}{body}").as_bytes()).await;
        }
    });
    port
}

/// Everything that is planted below.
const CANARIES: &[&str] = &[
    PASSWORD,
    "canary-unused-key",
    "canary-authoritys-key",
    "canary-before-the-bundle",
    "canary-wrong-password",
    "canary-first-line",
    "canary-second-line",
    "canary-after-nul",
    "canary-no-name",
    "canary-misspelt-key",
    "canary-not-text",
    "canary-no-bundle",
    "canarybrokenbundle",
    "canarykeyinsteadofbundle",
    "canary-told-by-the-server",
    "canary-told-as-bytes",
    "canary-domain-account",
    "canary-domain-password",
    "canary-sftp-password",
    "canarybrokenkey",
    "canary-passphrase",
    "canary-access-key-id",
    "canary-access-key-itself",
    "canary-session-token",
    "canary-csv-cell",
];

/// The PEM of something.
fn pem(what: &str, body: &str) -> Vec<u8> {
    format!("-----BEGIN {what}-----\n{body}\n-----END {what}-----\n").into_bytes()
}

/// The name of an LDAP account that may read.
const NAME: (&str, &[u8]) = ("bindDN", READER.as_bytes());

const fn password(password: &'static str) -> (&'static str, &'static [u8]) {
    ("password", password.as_bytes())
}

/// What credentials are given to, and what answers.
struct Servers {
    authority: Authority,
    slapd: Slapd,
    sshd: Sshd,
    /// Refuses everybody with a text.
    told: Listener,
    /// Refuses everybody with bytes that are no text.
    told_as_bytes: Listener,
    /// The port of an object store that echoes.
    store: u16,
}

impl Servers {
    async fn start() -> Self {
        let authority = Authority::new();
        let slapd = Slapd::builder().tls(&authority.certificate()).start();
        let sshd = Sshd::start();
        sshd.put("users.csv", TWO);
        let told = refusing(b"canary-told-by-the-server").await;
        let told_as_bytes = refusing(b"\xffcanary-told-as-bytes").await;
        Self { authority, slapd, sshd, told, told_as_bytes, store: echoing().await }
    }

    fn cases(&self) -> Vec<Case> {
        let cases = [self.accounts(), self.bundles(), self.answers(), self.files(), self.other_sources()];
        cases.into_iter().flatten().collect()
    }

    /// Accounts of an LDAP server.
    fn accounts(&self) -> Vec<Case> {
        let bundle = format!("canary-before-the-bundle\n{}", self.authority.pem);
        vec![
            Case::new(
                "good",
                &[
                    NAME,
                    password(PASSWORD),
                    ("unused", b"canary-unused-key"),
                    ("ca.crt", bundle.as_bytes()),
                    ("ca.key", b"canary-authoritys-key"),
                ],
                encrypted(&self.slapd.tls_url(), "good"),
                "Synced",
            ),
            Case::new(
                "wrong",
                &[NAME, password("canary-wrong-password")],
                server(&self.slapd.url(), "wrong"),
                "Unauthorized",
            ),
            Case::new(
                "lines",
                &[NAME, password("canary-first-line\ncanary-second-line\0canary-after-nul\n")],
                server(&self.slapd.url(), "lines"),
                "Unauthorized",
            ),
            Case::new(
                "no-name",
                &[("bindDN", b"canary-no-name"), password(PASSWORD)],
                server(&self.slapd.url(), "no-name"),
                "Misconfigured",
            ),
            Case::new(
                "misspelt",
                &[NAME, ("pasword", b"canary-misspelt-key")],
                server(&self.slapd.url(), "misspelt"),
                "Misconfigured",
            ),
            Case::new(
                "not-text",
                &[NAME, ("password", b"\xffcanary-not-text")],
                server(&self.slapd.url(), "not-text"),
                "Misconfigured",
            ),
        ]
    }

    /// What is no bundle of authorities.
    fn bundles(&self) -> Vec<Case> {
        let ca = |ca: &'static str| ("ca.crt", ca.as_bytes());
        let broken_bundle = pem("CERTIFICATE", "canarybrokenbundle");
        let key_for_bundle = pem("PRIVATE KEY", "canarykeyinsteadofbundle");
        vec![
            Case::new(
                "no-bundle",
                &[NAME, password(PASSWORD), ca("canary-no-bundle")],
                encrypted(&self.slapd.tls_url(), "no-bundle"),
                "Misconfigured",
            ),
            Case::new(
                "broken-bundle",
                &[NAME, password(PASSWORD), ("ca.crt", &broken_bundle)],
                encrypted(&self.slapd.tls_url(), "broken-bundle"),
                "Misconfigured",
            ),
            Case::new(
                "key-for-bundle",
                &[NAME, password(PASSWORD), ("ca.crt", &key_for_bundle)],
                encrypted(&self.slapd.tls_url(), "key-for-bundle"),
                "Misconfigured",
            ),
        ]
    }

    /// Servers that repeat a secret in their answer.
    fn answers(&self) -> Vec<Case> {
        let at = |listener: &Listener| format!("ldap://127.0.0.1:{}", listener.port);
        vec![
            Case::new("told", &[NAME, password(PASSWORD)], server(&at(&self.told), "told"), "Unauthorized"),
            Case::new(
                "told-as-bytes",
                &[NAME, password(PASSWORD)],
                server(&at(&self.told_as_bytes), "told-as-bytes"),
                "Misconfigured",
            ),
        ]
    }

    /// Accounts of an SFTP server.
    fn files(&self) -> Vec<Case> {
        let (private_key, broken_key) =
            (self.sshd.private_key(), pem("OPENSSH PRIVATE KEY", "canarybrokenkey"));
        vec![
            Case::new(
                "files",
                &[("privateKey", private_key.as_bytes()), ("unused", b"canary-unused-key")],
                files(&self.sshd, "files"),
                "Synced",
            ),
            Case::new(
                "files-wrong",
                &[password("canary-sftp-password")],
                files(&self.sshd, "files-wrong"),
                "Unauthorized",
            ),
            Case::new(
                "files-broken-key",
                &[("privateKey", &broken_key), ("passphrase", b"canary-passphrase")],
                files(&self.sshd, "files-broken-key"),
                "Misconfigured",
            ),
        ]
    }

    /// A domain, a bucket, and tables that are a Secret themselves.
    fn other_sources(&self) -> Vec<Case> {
        let domain = json!({"activeDirectory": {
            "urls": [self.slapd.url()], "insecure": "PlaintextPasswordsAndData",
            "credentialsSecretRef": {"name": "account-domain"},
        }});
        let bucket = json!({"csv": {"from": {"s3": {
            "bucket": "people", "endpoint": format!("http://127.0.0.1:{}", self.store), "insecure": "PlaintextData",
            "credentialsSecretRef": {"name": "account-bucket"},
        }}}});
        vec![
            Case::new(
                "domain",
                &[("username", b"canary-domain-account"), password("canary-domain-password")],
                domain,
                "Misconfigured",
            ),
            Case::new(
                "bucket",
                &[
                    ("accessKeyID", b"canary-access-key-id"),
                    ("secretAccessKey", b"canary-access-key-itself"),
                    ("sessionToken", b"canary-session-token"),
                ],
                bucket,
                "Unreachable",
            ),
            Case::new(
                "tables",
                &[("users.csv", b"user_id,first_name,last_name,email\n1,A,B,a@a.test,canary-csv-cell\n2,b\n3,\"canary-csv-cell\n")],
                json!({"csv": {"from": {"secret": {"name": "account-tables"}}}}),
                "Incomplete",
            ),
        ]
    }
}

async fn credentials_are_let_out_nowhere(log: &[&str]) -> Evidence {
    let servers = Servers::start().await;
    let cases = servers.cases();
    let stage = Stage::with("canary", &[log, &["--max-concurrent-syncs", "20"]].concat()).await;
    for case in &cases {
        let keys: Vec<(&str, &[u8])> =
            case.keys.iter().map(|(key, value)| (*key, value.as_slice())).collect();
        secret(&stage, &format!("account-{}", case.name), &keys).await;
        stage.directory(case.name, json!({"provider": case.provider})).await;
    }
    for case in &cases {
        let status = if case.reason == "Synced" { "True" } else { "False" };
        stage.ready(case.name, status, case.reason).await;
    }
    // What is read of a key is as secret as the key.
    let private_key = servers.sshd.private_key();
    let lines = private_key.lines().filter(|line| line.len() > 40 && !line.starts_with("-----"));
    let canaries: Vec<&str> = CANARIES.iter().copied().chain(lines).collect();
    let evidence = Evidence::of(&stage).await;
    evidence.assert_none_of(&canaries, &[]);
    evidence
}

#[tokio::test]
async fn no_credential_is_let_out_by_an_operator_that_logs_as_the_chart_has_it() {
    credentials_are_let_out_nowhere(AS_INSTALLED).await.assert_log_of_objects();
}

#[tokio::test]
async fn no_credential_is_let_out_by_an_operator_that_logs_for_finding_faults() {
    credentials_are_let_out_nowhere(&["--log-level", "debug"]).await;
}

#[tokio::test]
async fn no_credential_is_let_out_by_an_operator_that_logs_everything_it_can() {
    credentials_are_let_out_nowhere(&["--log-level", "trace"]).await;
}

#[tokio::test]
async fn a_config_map_that_should_be_a_secret_is_let_out_no_more_than_one() {
    let stage = Stage::with("canary", &["--log-level", "debug"]).await;
    let server = Slapd::builder().tls(&Authority::new().certificate()).start();
    stage.reader().await;
    let data = json!({"ca.crt": "canary-in-a-config-map", "password": "canary-in-a-config-map"});
    stage.create::<ConfigMap>(json!({"metadata": {"name": "authorities"}, "data": data})).await;
    let trust = json!({"provider": {"ldap": {"caRef": {"configMap": {"name": "authorities"}}}}});
    stage.directory("acme", with(ldap(&server.tls_url()), &trust)).await;
    stage.ready("acme", "False", "Misconfigured").await;
    let evidence = Evidence::of(&stage).await;
    evidence.assert_none_of(&["canary-in-a-config-map"], &[]);
}

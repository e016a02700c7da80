//! `check` and `preview`: they are given Secrets, fail, and let nothing of them out.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::*;
use crate::support::ldap::{READER, Slapd};
use crate::support::stage::ldap;

/// What a command says of a Directory and its Secret.
fn said(arguments: &[&str], directory: &Value, secret: &Value) -> Evidence {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, object: &Value| {
        let path = folder.path().join(name);
        std::fs::write(&path, object.to_string()).unwrap();
        path.display().to_string()
    };
    let files = [write("directory.json", directory), write("secret.json", secret)];
    let output = Command::new(env!("CARGO_BIN_EXE_directory-sync"))
        .args(arguments)
        .args(["-f", &files[0], "-f", &files[1]])
        .env_remove("KUBECONFIG")
        .env("HOME", Path::new("/nonexistent"))
        .env("RUST_LOG", "trace")
        .output()
        .unwrap();
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let text = [output.stdout, output.stderr].concat();
    Evidence(vec![(Place::Output, String::from_utf8_lossy(&text).into_owned())])
}

#[test]
fn neither_check_nor_preview_tells_a_credential_when_it_fails() {
    let server = Slapd::builder().start();
    let mut provider = ldap(&server.url())["provider"].clone();
    provider["ldap"]["caRef"] = json!({"secret": {"name": "ldap"}});
    let directory = |provider: &Value| {
        json!({
            "apiVersion": "directory-sync.io/v1alpha1", "kind": "Directory", "metadata": {"name": "acme"},
            "spec": {"provider": provider},
        })
    };
    let reader = ("bindDN", READER.as_bytes());
    for (name, keys) in [
        ("a wrong password", &[reader, ("password", &b"canary-1"[..]), ("ca.crt", b"canary-1")][..]),
        (
            "a name that is none",
            &[("bindDN", b"canary-1"), ("password", b"canary-1"), ("ca.crt", b"canary-1")],
        ),
        ("a key that is misspelt", &[reader, ("pasword", b"canary-1"), ("ca.crt", b"canary-1")]),
        ("bytes", &[reader, ("password", b"\xffcanary-1"), ("ca.crt", b"\xffcanary-1")]),
        (
            "an empty password",
            &[reader, ("password", b"\n"), ("other", b"canary-1"), ("ca.crt", b"canary-1")],
        ),
    ] {
        let secret = secret_object("ldap", keys);
        let mut encrypted = provider.clone();
        encrypted["ldap"]["url"] = json!(server.url().replace("ldap://", "ldaps://"));
        if let Some(settings) = encrypted["ldap"].as_object_mut() {
            settings.remove("insecure");
        }
        said(&["check"], &directory(&encrypted), &secret).assert_none_of(&["canary-1"], &[]);
        said(&["preview"], &directory(&encrypted), &secret).assert_none_of(&["canary-1"], &[]);
        let mut plain = provider.clone();
        if let Some(settings) = plain["ldap"].as_object_mut() {
            settings.remove("caRef");
        }
        let previewed = said(&["preview"], &directory(&plain), &secret);
        previewed.assert_none_of(&["canary-1"], &[]);
        assert!(previewed.0[0].1.contains("directory-sync: "), "{name}: {}", previewed.0[0].1);
    }
}

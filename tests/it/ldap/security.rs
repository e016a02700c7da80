//! Who is trusted, who signs in, and what a person is told when that fails.

use serde_json::json;

use super::*;
use crate::support::ldap::certificates::Authority;
use crate::support::ldap::proxy::saying;

#[tokio::test]
async fn ldaps_and_start_tls_with_the_right_authority_read_everything() {
    let authority = Authority::new();
    let slapd = Slapd::builder().tls(&authority.certificate()).directive("security ssf=128").start();
    let direct = Directory::at(&slapd.tls_url()).authority(&authority.pem);
    assert_eq!(direct.read().await.unwrap().users.len(), 20);
    let upgraded =
        Directory::of(&slapd).authority(&authority.pem).with(&json!({"startTLS": true, "insecure": null}));
    assert_eq!(upgraded.read().await.unwrap().users.len(), 20);
    let seen = slapd.wait_until("the connections are closed", |seen| seen.closed == 2).await;
    assert_eq!((seen.connections, seen.binds, seen.unbinds), (2, 2, 2));
}

#[tokio::test]
async fn a_server_that_insists_on_encryption_is_told_as_such() {
    let slapd = Slapd::builder().tls(&Authority::new().certificate()).directive("security ssf=128").start();
    let error = Directory::of(&slapd).read().await.unwrap_err();
    assert_told(
        &error,
        Class::Misconfigured,
        &["takes only encrypted connections", "ldaps://", "startTLS: true"],
    );
}

#[tokio::test]
async fn an_unknown_authority_is_told_with_the_object_to_change() {
    let slapd = Slapd::builder().tls(&Authority::new().certificate()).start();
    let stranger = Authority::new();
    for directory in [
        Directory::at(&slapd.tls_url()),
        Directory::of(&slapd).with(&json!({"startTLS": true, "insecure": null})),
    ] {
        let error = directory.authority(&stranger.pem).read().await.unwrap_err();
        assert_told(
            &error,
            Class::Misconfigured,
            &["certificate of localhost:", "ConfigMap company-ca (caRef)", "'ca.crt'"],
        );
        assert!(error.message.contains("is not signed"), "{error}");
    }
    assert_eq!(slapd.operations().binds, 0, "nobody signs in to a stranger");
}

#[tokio::test]
async fn the_systems_authorities_do_not_know_a_companys_own() {
    let slapd = Slapd::builder().tls(&Authority::new().certificate()).start();
    let error = Directory::at(&slapd.tls_url()).read().await.unwrap_err();
    assert_eq!(error.class, Class::Misconfigured, "{error}");
    assert!(error.message.contains("caRef"), "{error}");
}

#[tokio::test]
async fn an_expired_certificate_of_the_server_is_told_as_such() {
    let authority = Authority::new();
    let slapd = Slapd::builder().tls(&authority.expired_certificate()).start();
    let error = Directory::at(&slapd.tls_url()).authority(&authority.pem).read().await.unwrap_err();
    assert_told(
        &error,
        Class::Misconfigured,
        &["the certificate of localhost:", "has expired", "renewed on the server"],
    );
}

#[tokio::test]
async fn an_expired_authority_is_told_with_the_day_and_the_object() {
    let authority = Authority::expired();
    let slapd = Slapd::builder().tls(&authority.certificate()).start();
    let error = Directory::at(&slapd.tls_url()).authority(&authority.pem).read().await.unwrap_err();
    assert_told(&error, Class::Misconfigured, &["ConfigMap company-ca key 'ca.crt' expired on 2021-01-01"]);
    // Beside a good one it is not trusted either, and does the good one no harm.
    let good = Authority::new();
    let both = format!("{}{}", authority.pem, good.pem);
    let error = Directory::at(&slapd.tls_url()).authority(&both).read().await.unwrap_err();
    assert_told(&error, Class::Misconfigured, &["expired on 2021-01-01"]);
    let renewed = Slapd::builder().tls(&good.certificate()).start();
    assert_eq!(Directory::at(&renewed.tls_url()).authority(&both).read().await.unwrap().users.len(), 20);
}

#[tokio::test]
async fn a_certificate_for_another_name_is_told_with_the_name_that_is_needed() {
    let authority = Authority::new();
    let slapd = Slapd::builder().tls(&authority.certificate_for("ldap.elsewhere.test")).start();
    for directory in [
        Directory::at(&slapd.tls_url()),
        Directory::of(&slapd).with(&json!({"startTLS": true, "insecure": null})),
    ] {
        let error = directory.authority(&authority.pem).read().await.unwrap_err();
        assert_told(
            &error,
            Class::Misconfigured,
            &["is not for the name 'localhost'", "spec.provider.ldap.url"],
        );
    }
}

#[tokio::test]
async fn a_server_without_tls_on_this_port_is_told_as_such() {
    let slapd = Slapd::builder().start();
    let url = slapd.url().replace("ldap://", "ldaps://");
    let error = Directory::at(&url).authority(&Authority::new().pem).read().await.unwrap_err();
    assert!(error.message.contains("check"), "{error}");
    assert!(error.message.contains("the port of spec.provider.ldap.url"), "{error}");
}

#[tokio::test]
async fn a_server_without_start_tls_is_told_as_such() {
    let slapd = Slapd::builder().start();
    let directory = Directory::of(&slapd)
        .authority(&Authority::new().pem)
        .with(&json!({"startTLS": true, "insecure": null}));
    let error = directory.read().await.unwrap_err();
    assert_told(&error, Class::Misconfigured, &["refuses StartTLS", "result 2 protocolError"]);
    assert_eq!(slapd.operations().binds, 0);
}

#[tokio::test]
async fn what_is_sent_in_the_clear_after_start_tls_is_not_taken_for_an_answer() {
    // A success, and behind it, still in the clear, an answer to the bind that is to come.
    let mut answers = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00".to_vec();
    answers.extend(b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00");
    let server = saying(answers).await;
    let directory = Directory::at(&local(server.port))
        .authority(&Authority::new().pem)
        .with(&json!({"startTLS": true, "insecure": null}));
    let error = directory.read().await.unwrap_err();
    assert_told(&error, Class::Misconfigured, &["does not speak TLS"]);
}

#[tokio::test]
async fn a_wrong_password_is_told_with_the_secret_and_its_keys() {
    let slapd = Slapd::builder().start();
    let error = Directory::of(&slapd).account(READER, "wrong").read().await.unwrap_err();
    assert_told(
        &error,
        Class::Unauthorized,
        &["refuses the account in Secret reader", "result 49 invalidCredentials", "'bindDN' and 'password'"],
    );
    assert!(!error.message.contains("wrong"), "{error}");
    slapd.wait_until("the connection is closed", |seen| seen.closed == 1).await;
}

#[tokio::test]
async fn an_account_that_is_not_a_dn_is_told_with_the_secret_and_the_key() {
    let slapd = Slapd::builder().start();
    let error = Directory::of(&slapd).account("reader", PASSWORD).read().await.unwrap_err();
    assert_told(&error, Class::Misconfigured, &["'bindDN' of Secret reader", "result 34 invalidDNSyntax"]);
}

#[tokio::test]
async fn an_empty_password_never_reaches_the_server() {
    let slapd = Slapd::builder().anonymous().start();
    for empty in ["", "\n"] {
        let error = Directory::of(&slapd).account(READER, empty).read().await.unwrap_err();
        assert_told(&error, Class::Misconfigured, &["Secret reader key 'password' is empty"]);
    }
    assert_eq!(slapd.operations().connections, 0);
}

#[tokio::test]
async fn a_missing_key_is_told_with_the_keys_that_are_there() {
    let mut directory = Directory::at("ldaps://localhost");
    let secret = Reference { kind: ReferenceKind::Secret, name: "reader".to_owned() };
    directory.material.insert(secret, [("username".to_owned(), b"x".to_vec())]);
    let error = directory.read().await.unwrap_err();
    assert_told(&error, Class::Misconfigured, &["Secret reader has no key 'bindDN'", "username"]);
}

#[tokio::test]
async fn a_base_that_does_not_exist_is_told_with_its_field() {
    let slapd = Slapd::builder().start();
    let directory =
        Directory::of(&slapd).with(&json!({"groups": {"baseDN": "ou=nowhere,dc=example,dc=test"}}));
    let error = directory.read().await.unwrap_err();
    assert_told(
        &error,
        Class::Misconfigured,
        &["knows no entry 'ou=nowhere,dc=example,dc=test'", "spec.provider.ldap.groups.baseDN"],
    );
}

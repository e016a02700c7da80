//! Certificates that cannot be trusted, and accounts that are refused.

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use serde_json::json;

use super::*;
use crate::faults::{F11, F51};
use crate::support::ldap::certificates::Authority;

/// A scene on an ldaps connection whose authority is in the ConfigMap `company-ca`.
async fn encrypted(authority: &Authority) -> Scene {
    let stage = Stage::new("trap").await;
    let server = Slapd::builder().tls(&authority.certificate()).start();
    stage.reader().await;
    let map = json!({"metadata": {"name": "company-ca"}, "data": {"ca.crt": authority.pem}});
    stage.create::<ConfigMap>(map).await;
    let trust = json!({"provider": {"ldap": {"caRef": {"configMap": {"name": "company-ca"}}}}});
    let spec = with(ldap(&server.tls_url()), &trust);
    Scene::of(stage, server, spec).await
}

async fn trust(scene: &Scene, pem: &str) {
    scene.stage.patch::<ConfigMap>("company-ca", json!({"data": {"ca.crt": pem}})).await;
}

#[tokio::test]
async fn f11_a_wrong_password_is_told_with_its_secret_and_deletes_nobody() {
    let scene = Scene::new(Slapd::builder(), &json!({})).await;
    let password = async |password: &str| {
        scene.stage.patch::<Secret>("ldap", json!({"stringData": {"password": password}})).await;
    };
    // Nobody has to ask for a sync: the change of the Secret is noticed.
    password("canary-wrong").await;
    scene
        .fails(
            "Unauthorized",
            &[
                "refuses the account in Secret ldap (result 49 invalidCredentials)",
                "correct its keys 'bindDN' and 'password'",
            ],
        )
        .await;
    F11.is_seen(&scene.stage, "acme").await;
    password(PASSWORD).await;
    scene.recovers().await;
}

#[tokio::test]
async fn f51_an_authority_that_has_expired_is_told_with_its_key_and_deletes_nobody() {
    let authority = Authority::new();
    let scene = encrypted(&authority).await;
    trust(&scene, &Authority::expired().pem).await;
    scene
        .fails(
            "Misconfigured",
            &[
                "a certificate of an authority in ConfigMap company-ca key 'ca.crt' expired on 2021-01-01",
                "put the authority's current certificate there",
            ],
        )
        .await;
    F51.case("an authority has expired").is_seen(&scene.stage, "acme").await;
    trust(&scene, &authority.pem).await;
    scene.recovers().await;
}

#[tokio::test]
async fn f51_an_authority_that_did_not_sign_the_servers_certificate_is_not_trusted_and_is_named() {
    let scene = encrypted(&Authority::new()).await;
    trust(&scene, &Authority::new().pem).await;
    scene
        .fails(
            "Misconfigured",
            &["is not signed by the authorities in ConfigMap company-ca (caRef)", "under 'ca.crt'"],
        )
        .await;
    F51.case("another authority has signed").is_seen(&scene.stage, "acme").await;
}

#[tokio::test]
async fn f51_a_certificate_for_another_name_is_not_trusted_and_both_names_are_told() {
    let authority = Authority::new();
    let mut scene = encrypted(&authority).await;
    let other = authority.certificate_for("ldap.elsewhere.test");
    scene.server.reconfigure(&Slapd::builder().tls(&other));
    scene.stage.sync("acme").await;
    scene
        .fails(
            "Misconfigured",
            &[
                "is not for the name 'localhost' but for 'ldap.elsewhere.test'",
                "spec.provider.ldap.url",
                "subjectAltName",
            ],
        )
        .await;
    F51.case("it is for another name").is_seen(&scene.stage, "acme").await;
    scene.server.reconfigure(&Slapd::builder().tls(&authority.certificate()));
    scene.recovers().await;
}

#[tokio::test]
async fn f51_a_servers_certificate_that_has_expired_is_not_trusted_and_deletes_nobody() {
    let authority = Authority::new();
    let mut scene = encrypted(&authority).await;
    scene.server.reconfigure(&Slapd::builder().tls(&authority.expired_certificate()));
    scene.stage.sync("acme").await;
    scene.fails("Misconfigured", &["has expired", "have it renewed on the server"]).await;
    F51.case("it has expired").is_seen(&scene.stage, "acme").await;
}

#[tokio::test]
async fn a_server_that_takes_only_encrypted_connections_is_told_with_the_setting_that_encrypts() {
    let certificate = Authority::new().certificate();
    let mut scene = Scene::new(Slapd::builder().tls(&certificate), &json!({})).await;
    scene.server.reconfigure(&Slapd::builder().tls(&certificate).directive("security ssf=128"));
    scene.stage.sync("acme").await;
    scene
        .fails(
            "Misconfigured",
            &["takes only encrypted connections (result 13 confidentialityRequired)", "startTLS: true"],
        )
        .await;
}

//! Accounts of Active Directory that may not sign in or see too little, and domain controllers that cannot be read.

use k8s_openapi::api::core::v1::Secret;
use serde_json::json;

use super::*;
use crate::support::ldap;
use crate::support::ports::free_port;
use crate::support::samba::company::{GROUPS, PEOPLE};
use crate::support::samba::{CLERK, DOMAIN, READER, Samba};
use crate::support::stage::active_directory;

/// Where the settings of the account are.
const ACCOUNT: &str = "CN=reader,CN=Users,DC=ad,DC=example,DC=test";

/// A Directory `acme` that was synced from a domain: twenty people of the sample company, and its groups.
async fn domain() -> Scene<Samba> {
    let (stage, server) = (Stage::new("trap").await, Samba::start());
    stage.domain(&server).await;
    let few = json!({"provider": {"activeDirectory": {
        "users": {"filter": "(|(sAMAccountName=p001*)(sAMAccountName=p002*))"},
        "groups": {"baseDN": GROUPS},
    }}});
    let spec = with(active_directory(&server, PEOPLE), &few);
    Scene::of(stage, server, spec).await
}

impl Scene<Samba> {
    /// Changes a value of an entry.
    fn replace(&self, dn: &str, attribute: &str, value: &str) {
        let change = format!("dn: {dn}\nchangetype: modify\nreplace: {attribute}\n{attribute}: {value}\n");
        self.server.modify(&change);
    }

    /// Writes another account into the Secret.
    async fn account(&self, name: &str, password: &str) {
        let account = json!({"stringData": {"username": name, "password": password}});
        self.stage.patch::<Secret>("domain", account).await;
    }

    /// Changes the urls of domain controllers.
    async fn urls(&self, urls: &[&str]) {
        let patch = json!({"spec": {"provider": {"activeDirectory": {"urls": urls}}}});
        self.stage.patch::<Directory>("acme", patch).await;
    }
}

#[tokio::test]
async fn a_wrong_password_of_a_domains_account_is_told_with_the_keys_to_correct() {
    let scene = domain().await;
    scene.account(READER, "canary-wrong").await;
    scene
        .fails(
            "Unauthorized",
            &[
                "refuses the account in Secret domain (result 49 invalidCredentials, data 52e: wrong name or password)",
                "correct its keys 'username' and 'password'",
            ],
        )
        .await;
    scene.account(READER, samba::PASSWORD).await;
    scene.recovers().await;
}

#[tokio::test]
async fn an_account_that_is_disabled_expired_or_must_change_its_password_is_told_apart_from_a_wrong_password()
{
    let scene = domain().await;
    for (attribute, value, code, remedy) in [
        ("userAccountControl", "546", "data 533: the account is disabled", "have it enabled"),
        (
            "accountExpires",
            "116444736000000000",
            "data 701: the account has expired",
            "have its date of expiry moved",
        ),
        (
            "pwdLastSet",
            "0",
            "data 773: the account's password must be changed before its first use",
            "have a password set that need not be changed",
        ),
    ] {
        scene.replace(ACCOUNT, attribute, value);
        scene.stage.sync("acme").await;
        scene.fails("Unauthorized", &["refuses the account in Secret domain", code, remedy]).await;
        let before = [("userAccountControl", "544"), ("accountExpires", "0"), ("pwdLastSet", "-1")];
        let (_, value) = before.into_iter().find(|(known, _)| *known == attribute).unwrap();
        scene.replace(ACCOUNT, attribute, value);
    }
    scene.recovers().await;
}

#[tokio::test]
async fn an_account_that_is_locked_out_by_wrong_passwords_is_told_as_locked_out() {
    let scene = domain().await;
    scene.replace(DOMAIN, "lockoutThreshold", "1");
    scene.account(READER, "canary-wrong").await;
    scene.fails("Unauthorized", &["wrong name or password"]).await;
    // The right password comes too late.
    scene.account(READER, samba::PASSWORD).await;
    scene.stage.sync("acme").await;
    scene
        .fails(
            "Unauthorized",
            &["data 775: the account is locked out", "have it unlocked", "find out who else"],
        )
        .await;
    scene.replace(ACCOUNT, "lockoutTime", "0");
    scene.recovers().await;
}

#[tokio::test]
async fn an_account_that_may_not_see_deleted_objects_is_noted_with_what_it_means() {
    let scene = domain().await;
    let notes = async || scene.stage.status("acme").await.notes.join("\n");
    assert!(!notes().await.contains("Deleted Objects"));
    scene.account(CLERK, samba::PASSWORD).await;
    scene.stage.full_sync("acme").await;
    scene.stage.ready("acme", "True", "Synced").await;
    let notes = notes().await;
    for part in ["Deleted Objects", "spec.sync.fullInterval", "docs/providers/active-directory.md"] {
        assert!(notes.contains(part), "'{part}' is missing in: {notes}");
    }
    assert_eq!(scene.stage.mirrors("acme").await, scene.before);
}

#[tokio::test]
async fn domain_controllers_that_are_not_there_or_are_none_are_told_one_by_one() {
    let scene = domain().await;
    let silent = [free_port(), free_port()].map(|port| format!("ldaps://127.0.0.1:{port}"));
    scene.urls(&[&silent[0], &silent[1]]).await;
    scene
        .fails(
            "Unreachable",
            &[
                "none of 2 domain controllers can be used",
                &format!("{} cannot be reached: nothing listens there", &silent[0][8..]),
                &format!("{} cannot be reached: nothing listens there", &silent[1][8..]),
                "check spec.provider.activeDirectory.urls",
            ],
        )
        .await;
    let patch = json!({"caRef": null, "insecure": "PlaintextPasswordsAndData"});
    let slapd = Slapd::builder().start();
    let patch = with(patch, &json!({"urls": [slapd.url()]}));
    scene.account(ldap::READER, PASSWORD).await;
    scene.stage.patch::<Directory>("acme", json!({"spec": {"provider": {"activeDirectory": patch}}})).await;
    let parts =
        ["is not a domain controller of Active Directory", "for another directory use spec.provider.ldap"];
    scene.fails("Misconfigured", &parts).await;
}

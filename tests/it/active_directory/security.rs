//! Who is trusted, who signs in, which domain controller is read, and what a person is told when
//! that fails.

use super::*;
use crate::support::company::Company;
use crate::support::ldap::certificates::Authority;
use crate::support::ports::free_port;
use crate::support::samba::company::{LAB, PEOPLE, ldif};

#[tokio::test]
async fn an_account_signs_in_by_its_principal_name_or_its_dn_over_ldaps_and_start_tls() {
    let samba = Samba::start();
    let dn = format!("CN=reader,CN=Users,{DOMAIN}");
    let upgraded =
        || Directory::at(&[&samba.plain_url()]).authority(samba.authority()).with(&json!({"startTLS": true}));
    for directory in [
        Directory::of(&samba),
        Directory::of(&samba).account(&dn, PASSWORD),
        upgraded(),
        upgraded().account(&dn, PASSWORD),
    ] {
        let answer = directory.below("CN=Users,DC=ad,DC=example,DC=test").read().await.unwrap();
        assert_eq!(answer.accounts(), ["clerk", "reader"]);
    }
}

#[tokio::test]
async fn a_domain_controller_that_insists_on_encryption_is_told_as_such() {
    let samba = Samba::start();
    let error = Directory::plain(&[&samba.plain_url()]).read().await.unwrap_err();
    assert_told(
        &error,
        Class::Misconfigured,
        &["takes only encrypted connections", "spec.provider.activeDirectory.startTLS: true"],
    );
}

#[tokio::test]
async fn a_plain_connection_is_read_where_the_risk_is_named_and_the_domain_controller_takes_it() {
    let samba = Samba::unprotected(&ldif());
    let answer = Directory::plain(&[&samba.plain_url()]).below(PEOPLE).read().await.unwrap();
    assert_eq!(answer.users.len(), Company::sample().people.len());
}

#[tokio::test]
async fn a_wrong_password_and_a_disabled_account_are_told_apart() {
    let samba = Samba::start();
    let error = Directory::of(&samba).account(READER, "wrong").read().await.unwrap_err();
    assert_told(
        &error,
        Class::Unauthorized,
        &["refuses the account in Secret reader", "wrong name or password", "'username' and 'password'"],
    );
    let reader = format!("CN=reader,CN=Users,{DOMAIN}");
    samba.modify(&replace(&reader, "userAccountControl", "546"));
    let error = Directory::of(&samba).read().await.unwrap_err();
    assert_told(&error, Class::Unauthorized, &["the account is disabled"]);
}

#[tokio::test]
async fn a_certificate_of_a_stranger_stops_the_sync_even_where_another_domain_controller_would_do() {
    let (samba, stranger) = (Samba::start(), Samba::start());
    let directory = Directory::at(&[&stranger.url(), &samba.url()]).authority(samba.authority());
    let error = directory.read().await.unwrap_err();
    assert_told(
        &error,
        Class::Misconfigured,
        &["is not signed by the authorities in ConfigMap company-ca (caRef)", &stranger.url()[8..]],
    );
}

#[tokio::test]
async fn the_next_domain_controller_is_read_when_one_cannot_be_reached() {
    let (mut first, second) = (Samba::start(), Samba::start_another());
    let both = format!("{}{}", first.authority(), second.authority());
    let directory = Directory::at(&[&first.url(), &second.url()]).authority(&both).below(LAB);
    let cursor = directory.read().await.unwrap().cursor();
    assert_eq!(directory.changes(&cursor).await.unwrap().end.notes, Vec::<String>::new());
    first.stop();
    // The other one's list of changes is another one.
    let error = directory.changes(&cursor).await.unwrap_err();
    assert_told(&error, Class::ChangesUnknown, &["another domain controller answers"]);
    let answer = directory.read().await.unwrap();
    let notes = answer.notes();
    assert!(notes.contains("was passed over") && notes.contains(&first.url()[8..]), "{notes}");
    directory.changes(&answer.cursor()).await.unwrap();
}

#[tokio::test]
async fn when_none_can_be_reached_all_are_named() {
    let ports = [free_port(), free_port()];
    let urls = ports.map(|port| format!("ldap://127.0.0.1:{port}"));
    let error = Directory::plain(&[&urls[0], &urls[1]]).read().await.unwrap_err();
    let named = ports.map(|port| format!("127.0.0.1:{port} cannot be reached"));
    assert_told(&error, Class::Transient, &["none of 2 domain controllers", &named[0], &named[1]]);
}

#[tokio::test]
async fn no_other_domain_controller_is_asked_after_one_has_refused_the_account() {
    let samba = Samba::start();
    // Nothing listens at the second: were it asked, its failure would be told.
    let silent = format!("ldaps://127.0.0.1:{}", free_port());
    let directory = Directory::at(&[&samba.url(), &silent]).authority(samba.authority());
    let error = directory.account(READER, "wrong").read().await.unwrap_err();
    assert_eq!(error.class, Class::Unauthorized, "{error}");
}

#[tokio::test]
async fn a_base_of_another_domain_is_told_with_its_field() {
    let samba = Samba::start();
    let error = Directory::of(&samba).below("OU=People,DC=other,DC=test").read().await.unwrap_err();
    assert_told(
        &error,
        Class::Misconfigured,
        &["spec.provider.activeDirectory.users.baseDN", "is not in 'DC=ad,DC=example,DC=test'"],
    );
}

#[tokio::test]
async fn the_global_catalog_is_refused_before_anybody_connects() {
    let error = Directory::plain(&["ldap://127.0.0.1:3268"]).read().await.unwrap_err();
    assert_told(&error, Class::Misconfigured, &["Global Catalog", "636"]);
    let authority = Authority::new();
    let error =
        Directory::at(&["ldaps://127.0.0.1:3269"]).authority(&authority.pem).read().await.unwrap_err();
    assert_told(&error, Class::Misconfigured, &["Global Catalog"]);
}

//! Another organisation's directory at the same address, with the same account.

use serde_json::json;

use super::*;
use crate::faults::F53;
use crate::support::ldap::Company;
use crate::support::samba::DOMAIN;
use crate::support::stub_controller::{Entry, Found, Search, StubController, root, sid};

/// Puts another server's data under this one: other ids everywhere, the same names and passwords.
fn exchange(slapd: &mut Slapd) {
    let mut other = Slapd::builder().company(Company::of(18, 3)).start();
    let data = other.back_up();
    slapd.restore(&data);
}

#[tokio::test]
async fn f53_another_directory_at_the_same_address_is_not_read_until_the_spec_names_it() {
    let mut scene = Scene::new(Slapd::builder(), &json!({})).await;
    let before = scene.stage.status("acme").await.tenant.unwrap();
    assert!(before.starts_with("entryUUID="), "{before}");
    let ours = scene.server.back_up();
    exchange(&mut scene.server);
    scene.stage.sync("acme").await;
    scene.fails("TenantChanged", &["set spec.tenant to entryUUID=", &before, "Nothing is written"]).await;
    F53.is_seen(&scene.stage, "acme").await;
    // A restart and a change of the rules do not make it forget whose directory it was.
    scene.stage.operator.restart().await;
    scene.stage.respecify("acme", json!({"scope": {"users": "user.state == 'Active'"}})).await;
    scene.stage.full_sync("acme").await;
    scene.fails("TenantChanged", &[&before]).await;

    let message = scene.stage.condition("acme", "SourceReady").await.unwrap().message;
    let found = message.split("set spec.tenant to ").nth(1).and_then(|rest| rest.split('.').next()).unwrap();
    scene.stage.respecify("acme", json!({"tenant": found})).await;
    // It is meant: everybody has another id, so all who were there would go, and that is held.
    scene.stage.ready("acme", "False", "PlanHeld").await;
    let status = scene.stage.status("acme").await;
    assert_eq!(status.tenant.as_deref(), Some(found));
    assert_eq!(status.pending_plan.unwrap().delete, 20);
    assert_eq!(scene.stage.user_names().await.len(), 20 + 18);

    // What stays in the spec is no licence for yet another one.
    scene.server.restore(&ours);
    scene.stage.full_sync("acme").await;
    let message = scene.stage.told("acme", "SourceReady", "False", "TenantChanged").await;
    assert!(message.contains(&format!("spec.tenant names {found}")), "{message}");
}

#[tokio::test]
async fn another_base_of_the_same_server_is_no_other_directory() {
    let scene = Scene::new(Slapd::builder(), &json!({})).await;
    scene
        .set(&json!({"users": {"baseDN": "dc=example,dc=test", "filter": "(objectClass=inetOrgPerson)"}}))
        .await;
    scene.recovers().await;
}

#[tokio::test]
async fn a_server_that_hides_its_ids_is_read_unless_one_is_named() {
    let server = Slapd::builder()
        .directive("access to dn.exact=\"ou=people,dc=example,dc=test\" attrs=entryUUID by * none");
    let scene = Scene::new(server, &json!({})).await;
    assert_eq!(scene.stage.status("acme").await.tenant, None);
    scene.stage.respecify("acme", json!({"tenant": "entryUUID=1"})).await;
    scene.fails("TenantChanged", &["does not say whose it is", "leave spec.tenant out"]).await;
    scene.stage.respecify("acme", json!({"tenant": null})).await;
    scene.recovers().await;
}

/// People of a domain, the same in every domain.
fn people(search: &Search) -> Found {
    let person = |number: u8| {
        Entry::new(&format!("<GUID=00000000-0000-0000-0000-0000000000{number:02x}>;CN=p{number},{DOMAIN}"))
            .with("objectClass", &["top", "person", "user"])
            .with("sAMAccountName", &[&format!("p{number}")])
            .with_bytes("objectGUID", &[number; 16])
    };
    if search.base == DOMAIN { Found::of((1..=25).map(person).collect()) } else { Found::default() }
}

#[tokio::test]
async fn f53_another_domain_with_the_same_name_and_account_is_not_read_until_the_spec_names_it() {
    let (ours, theirs) = (
        StubController::start(root(10), people).await,
        StubController::of_domain(sid(9), root(10), people).await,
    );
    let stage = Stage::new("trap").await;
    stage.secret("domain", json!({"username": "reader@ad.example", "password": PASSWORD})).await;
    let spec = json!({"provider": {"activeDirectory": {
        "urls": [ours.url()],
        "credentialsSecretRef": {"name": "domain"},
        "insecure": "PlaintextPasswordsAndData",
        "changes": "None",
        "users": {"baseDN": DOMAIN},
    }}});
    let scene = Scene::of(stage, ours, spec).await;
    let before = scene.stage.status("acme").await.tenant.unwrap();
    assert_eq!(before, "objectSid=S-1-5-21-1-2-3");
    let lead_to = async |stub: &StubController| {
        let urls = json!({"provider": {"activeDirectory": {"urls": [stub.url()]}}});
        scene.stage.respecify("acme", urls).await;
    };
    lead_to(&theirs).await;
    let found = "objectSid=S-1-5-21-9-2-3";
    let parts =
        ["the domain has the id", &before, &format!("set spec.tenant to {found}"), "Nothing is written"];
    scene.fails("TenantChanged", &parts).await;
    F53.is_seen(&scene.stage, "acme").await;
    lead_to(&scene.server).await;
    scene.recovers().await;

    lead_to(&theirs).await;
    scene.fails("TenantChanged", &parts).await;
    scene.stage.respecify("acme", json!({"tenant": found})).await;
    scene.stage.ready("acme", "True", "Synced").await;
    assert_eq!(scene.stage.status("acme").await.tenant.as_deref(), Some(found));
}

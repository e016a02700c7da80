//! Servers that allow less than a listing needs, or that stop in the middle of one.

use serde_json::json;

use super::*;
use crate::faults::F03;
use crate::support::ldap::Company;
use crate::support::ldap::proxy::{Fault, faulty};

/// Pages of fifty entries, and as many of them as one likes.
const FIFTY: &str = "size.soft=50 size.hard=50 size.pr=50 size.prtotal=unlimited";

#[tokio::test]
async fn a_size_limit_below_the_number_of_people_is_told_as_incomplete_and_deletes_nobody() {
    let company = || Slapd::builder().company(Company::of(120, 3));
    let mut scene = Scene::new(company(), &json!({"pageSize": 50})).await;
    scene
        .server
        .reconfigure(&company().reader_limits("size.soft=50 size.hard=50 size.pr=50 size.prtotal=hard"));
    scene.stage.full_sync("acme").await;
    scene
        .fails(
            "Incomplete",
            &[
                "stopped after 50 people (result 4 sizeLimitExceeded)",
                "its size limit for the bind account is below the number of people",
                "ask the directory's administrator to lift it",
                "size.prtotal=unlimited",
            ],
        )
        .await;
    scene.server.reconfigure(&company());
    scene.recovers().await;
}

#[tokio::test]
async fn a_page_size_that_the_server_refuses_is_lowered_until_everybody_is_read_and_that_is_noted() {
    let server = Slapd::builder().company(Company::of(120, 3)).reader_limits(FIFTY);
    let scene = Scene::new(server, &json!({"pageSize": 400})).await;
    assert_eq!(scene.before.len(), 123);
    let notes = scene.stage.status("acme").await.notes;
    assert_eq!(
        notes,
        [
            "The server refuses pages of 400 entries and takes 50; spec.provider.ldap.pageSize: 50 spares it the \
          refused searches."
        ]
    );
}

#[tokio::test]
async fn a_server_that_refuses_pages_of_every_size_is_told_as_incomplete_and_deletes_nobody() {
    let mut scene = Scene::new(Slapd::builder(), &json!({})).await;
    scene.server.reconfigure(&Slapd::builder().reader_limits("size.prtotal=disabled"));
    scene.stage.full_sync("acme").await;
    scene
        .fails(
            "Incomplete",
            &["stopped after 0 people (result 11 adminLimitExceeded)", "ask the directory's administrator"],
        )
        .await;
}

#[tokio::test]
async fn f03_a_server_that_stops_in_the_middle_is_told_as_incomplete_and_deletes_nobody() {
    let scene = Scene::new(Slapd::builder().company(Company::of(500, 3)), &json!({"pageSize": 50})).await;
    let proxy = faulty(scene.server.port(), Fault::Cut(100_000)).await;
    scene.set(&json!({"url": format!("ldap://localhost:{}", proxy.port)})).await;
    scene
        .fails(
            "Incomplete",
            &[
                "closed the connection during the search for people, after ",
                "it is asked again later",
                "its log says why",
            ],
        )
        .await;
    F03.case("the connection breaks").is_seen(&scene.stage, "acme").await;
    scene.set(&json!({"url": scene.server.url()})).await;
    scene.recovers().await;
}

#[tokio::test]
async fn a_server_that_falls_silent_in_the_middle_is_told_as_incomplete_and_deletes_nobody() {
    let scene = Scene::new(Slapd::builder().company(Company::of(500, 3)), &json!({})).await;
    let proxy = faulty(scene.server.port(), Fault::Silence(100_000)).await;
    scene.set(&json!({"url": format!("ldap://localhost:{}", proxy.port), "timeoutSeconds": 1})).await;
    scene
        .fails(
            "Incomplete",
            &["was silent for 1 s", "spec.provider.ldap.timeoutSeconds", "it is asked again later"],
        )
        .await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_with_its_url_and_deletes_nobody() {
    let mut scene = Scene::new(Slapd::builder(), &json!({})).await;
    scene.server.stop();
    scene.stage.sync("acme").await;
    scene
        .fails("Unreachable", &["cannot be reached: nothing listens there", "check spec.provider.ldap.url"])
        .await;
}

/// Makes the first eighty people bosses.
fn promote_eighty(slapd: &Slapd) {
    let promote = |number: usize| {
        format!("dn: uid=user{number:04},{PEOPLE}\nchangetype: modify\nreplace: title\ntitle: Boss\n\n")
    };
    slapd.modify(&(0..80).map(promote).collect::<String>());
}

/// How many people there are, and how many of them are bosses.
async fn people_and_bosses(stage: &Stage) -> (usize, usize) {
    let users = stage.users().await;
    let bosses = users.iter().filter(|user| user.spec.user.title.as_deref() == Some("Boss")).count();
    (users.len(), bosses)
}

#[tokio::test]
async fn more_changes_than_the_size_limit_allows_are_read_in_pages_and_nobody_is_lost() {
    // A list of changes cannot come in pages, so the limit cuts it; every page of a listing fits.
    let server = Slapd::builder().company(Company::of(120, 3)).reader_limits(FIFTY);
    let scene = Scene::new(server, &json!({"pageSize": 50})).await;
    promote_eighty(&scene.server);
    scene.is_read_in_full("ended its list of changed people early (result 4 sizeLimitExceeded)").await;
    assert_eq!(people_and_bosses(&scene.stage).await, (120, 80));
}

#[tokio::test]
async fn more_changes_than_a_page_holds_come_in_one_list_and_nobody_is_lost() {
    // Asked for changes in pages, this server sends the first page and calls it complete.
    let scene = Scene::new(Slapd::builder().company(Company::of(120, 3)), &json!({"pageSize": 50})).await;
    promote_eighty(&scene.server);
    scene.stage.sync("acme").await;
    assert_eq!(people_and_bosses(&scene.stage).await, (120, 80));
    assert_eq!(scene.stage.status("acme").await.last_sync.unwrap().kind, SyncKind::Delta);
}

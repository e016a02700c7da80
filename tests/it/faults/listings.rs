//! A server that lies about its listing: its pages are empty, repeat, break off or lack their end.

use std::sync::{Arc, Mutex};

use serde_json::json;

use super::*;
use crate::support::stage::{Stage, ldap, with};
use crate::support::stub_controller::{Entry, Found, Next, Search, StubController};
use crate::traps::Scene;

const PEOPLE: &str = "ou=people,dc=example,dc=test";

/// Result codes (RFC 4511).
const BUSY: u8 = 51;
const UNWILLING_TO_PERFORM: u8 = 53;

/// A Directory of 24 people from a server whose pages a test chooses.
struct Listing {
    scene: Scene<StubController>,
    pages: Arc<Mutex<Vec<Found>>>,
}

impl Listing {
    /// A Directory that was synced while the server told the truth.
    async fn new() -> Self {
        let pages = Arc::new(Mutex::new(honest()));
        let told = Arc::clone(&pages);
        let server = StubController::of_any_kind(move |search| answer(&told.lock().unwrap(), search)).await;
        let stage = Stage::new("listing").await;
        stage.reader().await;
        let settings = json!({
            "provider": {"ldap": {"groups": null, "changes": "None", "pageSize": 8}},
            "deletion": {"graceTime": "1h"},
        });
        let spec = with(ldap(&server.url()), &settings);
        Self { scene: Scene::of(stage, server, spec).await, pages }
    }

    /// Reads everything in these pages.
    async fn read(&self, pages: Vec<Found>) {
        *self.pages.lock().unwrap() = pages;
        self.scene.stage.full_sync("acme").await;
    }

    /// Reads these pages, and checks that nobody was touched, and that the truth is believed again.
    async fn fails(&self, pages: Vec<Found>, case: &fault::Case) {
        self.read(pages).await;
        case.is_seen(&self.scene.stage, "acme").await;
        self.scene.fails("Incomplete", &[]).await;
        *self.pages.lock().unwrap() = honest();
        self.scene.recovers().await;
    }
}

/// What is asked for of people, page by page; nothing else is there.
fn answer(pages: &[Found], search: &Search) -> Found {
    let cookie = search.page().filter(|_| search.base == PEOPLE);
    let Some(cookie) = cookie else { return Found::default() };
    let number = String::from_utf8(cookie).unwrap().parse().unwrap_or(0);
    pages.get::<usize>(number).cloned().unwrap_or_default()
}

fn person(number: usize) -> Entry {
    let name = format!("person{number:02}");
    Entry::new(&format!("uid={name},{PEOPLE}"))
        .with("objectClass", &["inetOrgPerson"])
        .with("uid", &[&name])
        .with("cn", &[&name])
        .with("sn", &[&name])
        .with("mail", &[&format!("{name}@example.test")])
        .with("entryUUID", &[&format!("00000000-0000-4000-8000-0000000000{number:02}")])
}

/// A page of these people.
fn page(numbers: std::ops::Range<usize>) -> Found {
    Found::of(numbers.map(person).collect())
}

/// Pages in a row, of which all but the last say how to ask for the next one.
fn in_a_row(mut pages: Vec<Found>) -> Vec<Found> {
    let last = pages.len() - 1;
    for (number, page) in pages.iter_mut().enumerate().take(last) {
        page.next = Next::Page((number + 1).to_string().into_bytes());
    }
    pages
}

/// Everybody.
fn honest() -> Vec<Found> {
    in_a_row(vec![page(0..8), page(8..16), page(16..24)])
}

/// As [`honest`], with another result of the second page.
fn second_page_ends_with(result: u8) -> Vec<Found> {
    let mut pages = honest();
    pages[1] = Found { result, ..Found::default() };
    pages
}

#[tokio::test]
async fn f03_a_server_that_is_busy_in_the_middle_is_read_again_later() {
    Listing::new().await.fails(second_page_ends_with(BUSY), F03.case("the server is busy")).await;
}

#[tokio::test]
async fn f04_an_empty_page_is_not_the_end() {
    let Listing { scene, pages } = Listing::new().await;
    *pages.lock().unwrap() =
        in_a_row(vec![page(0..8), Found::default(), page(8..16), Found::default(), page(16..24)]);
    let asked = scene.server.searches().len();
    scene.recovers().await;
    F04.is_seen(&scene.stage, "acme").await;
    let paged = scene.server.searches().split_off(asked).into_iter().filter(|search| search.page().is_some());
    assert_eq!(paged.count(), 5);
}

#[tokio::test]
async fn f05_a_page_that_does_not_say_whether_there_are_more_is_not_the_last() {
    let mut pages = honest();
    pages[1].next = Next::Unsaid;
    Listing::new().await.fails(pages, F05.case("the end mark of a page is missing")).await;
}

#[tokio::test]
async fn f07_a_listing_whose_place_has_expired_is_read_again_later() {
    let listing = Listing::new().await;
    listing.fails(second_page_ends_with(UNWILLING_TO_PERFORM), F07.case("")).await;
}

#[tokio::test]
async fn f08_whoever_comes_twice_is_one_and_whoever_is_passed_over_stays() {
    let listing = Listing::new().await;
    // Number 7 comes on both pages, and number 15 on none.
    listing.read(in_a_row(vec![page(0..8), page(7..15), page(16..24)])).await;
    let stage = &listing.scene.stage;
    F08.is_seen(stage, "acme").await;
    assert_eq!(stage.status("acme").await.users.unwrap().active, 23);
    assert_eq!(stage.mirrors("acme").await, listing.scene.before);
    listing.read(honest()).await;
    listing.scene.recovers().await;
    assert_eq!(stage.status("acme").await.missing, None);
}

//! What Windows Server does and Samba does not, against a stub that imitates it.

use std::sync::atomic::{AtomicU64, Ordering};

use directory_sync::model::Kind;

use super::*;
use crate::support::stub_controller::{DIRSYNC, Entry, Found, Next, Search, StubController, root};

/// An id as its bytes, whose text ends with the number.
fn id(number: u16) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[14..].copy_from_slice(&number.to_be_bytes());
    bytes
}

/// A name with ids, as the control for extended names has it.
fn member(number: u16) -> String {
    format!("<GUID=00000000-0000-0000-0000-00000000{number:04x}>;CN=p{number},{DOMAIN}")
}

/// The entry of a group, without members.
fn staff(usn: u64) -> Entry {
    Entry::new(&format!("<GUID=00000000-0000-0000-0000-00000000ffff>;CN=staff,{DOMAIN}"))
        .with("objectClass", &["top", "group"])
        .with("cn", &["staff"])
        .with("uSNChanged", &[&usn.to_string()])
        .with_bytes("objectGUID", &id(0xffff))
}

/// The entry of a person.
fn ada(title: &str) -> Entry {
    Entry::new(&member(1))
        .with("objectClass", &["top", "person", "user"])
        .with("sAMAccountName", &["ada"])
        .with("title", &[title])
        .with_bytes("objectGUID", &id(1))
}

/// Members from a place on, 1,500 at most, as Windows sends them, beside an attribute that is
/// empty.
fn in_ranges(entry: Entry, members: u16, from: usize) -> Entry {
    let names: Vec<String> = (1..=members).map(member).skip(from).take(1_500).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let last = from + names.len();
    let range = if last == usize::from(members) { "*".to_owned() } else { (last - 1).to_string() };
    entry.with("member", &[]).with(&format!("member;range={from}-{range}"), &names)
}

fn asks_for_groups(search: &Search) -> bool {
    search.filter.contains("objectCategory")
}

#[tokio::test]
async fn f27_a_group_that_the_stub_sends_in_ranges_of_1500_is_read_whole() {
    let stub = StubController::start(root(10), |search| match search.range() {
        Some(from) => Found::of(vec![in_ranges(staff(5), 3_700, from)]),
        None if asks_for_groups(search) => Found::of(vec![in_ranges(staff(5), 3_700, 0)]),
        None => Found::default(),
    })
    .await;
    let directory = Directory::plain(&[&stub.url()]).with(&json!({"changes": "None"}));
    let answer = directory.read().await.unwrap();
    let members = &answer.group("staff").members;
    let distinct: std::collections::BTreeSet<_> = members.iter().collect();
    assert_eq!((members.len(), distinct.len()), (3_700, 3_700));
    let ranges: Vec<usize> = stub.searches().iter().filter_map(Search::range).collect();
    assert_eq!(ranges, [1_500, 3_000]);
}

#[tokio::test]
async fn a_group_in_ranges_is_read_whole_before_groups_that_are_larger_than_what_may_wait() {
    // What is left out of these is more than 32 MiB, which nobody takes while the ranges are asked for.
    let large = "x".repeat(200 * 1024);
    let groups = move |number: u16| match number {
        0 => in_ranges(staff(5), 2_000, 0),
        _ => Entry::new(&member(number))
            .with("objectClass", &["top", "group"])
            .with("cn", &[&format!("group-{number}")])
            .with("description", &[if number < 501 { "small" } else { &large }])
            .with_bytes("objectGUID", &id(number)),
    };
    let stub = StubController::start(root(10), move |search| match search.range() {
        Some(from) => Found::of(vec![in_ranges(staff(5), 2_000, from)]),
        None if asks_for_groups(search) => {
            let from = search.page().unwrap().first().map_or(0, |&page| u16::from(page) * 100);
            let to = 700.min(from + u16::try_from(search.page_size().unwrap()).unwrap());
            let next =
                if to < 700 { Next::Page(vec![u8::try_from(to / 100).unwrap()]) } else { Next::Nothing };
            Found { next, ..Found::of((from..to).map(&groups).collect()) }
        }
        None => Found::default(),
    })
    .await;
    for page_size in [500, 1_000] {
        let settings = json!({"changes": "None", "pageSize": page_size});
        let answer = Directory::plain(&[&stub.url()]).with(&settings).read().await.unwrap();
        assert_eq!((answer.groups.len(), answer.group("staff").members.len()), (700, 2_000), "{page_size}");
    }
}

#[tokio::test]
async fn a_group_that_changes_while_the_stub_sends_it_in_ranges_is_read_again_from_its_beginning() {
    let stub = StubController::start(root(10), |search| match search.range() {
        // Since the listing somebody has left, and the number of the change says so.
        Some(from) => Found::of(vec![in_ranges(staff(6), 1_999, from)]),
        None if asks_for_groups(search) => Found::of(vec![in_ranges(staff(5), 2_000, 0)]),
        None => Found::default(),
    })
    .await;
    let directory = Directory::plain(&[&stub.url()]).with(&json!({"changes": "None"}));
    let answer = directory.read().await.unwrap();
    assert_eq!(answer.group("staff").members.len(), 1_999);
    let ranges: Vec<usize> = stub.searches().iter().filter_map(Search::range).collect();
    assert_eq!(ranges, [1_500, 0, 1_500]);
}

#[tokio::test]
async fn a_group_that_never_stays_the_same_in_the_stub_is_rejected_and_keeps_its_id() {
    let usn = AtomicU64::new(5);
    let stub = StubController::start(root(10), move |search| {
        let staff = staff(usn.fetch_add(1, Ordering::Relaxed));
        match search.range() {
            Some(from) => Found::of(vec![in_ranges(staff, 2_000, from)]),
            None if asks_for_groups(search) => Found::of(vec![in_ranges(staff, 2_000, 0)]),
            None => Found::default(),
        }
    })
    .await;
    let answer = Directory::plain(&[&stub.url()]).with(&json!({"changes": "None"})).read().await.unwrap();
    assert_eq!(answer.groups, []);
    let [rejected] = answer.rejected.as_slice() else { panic!("{:?}", answer.rejected) };
    assert_eq!(rejected.kind, Kind::Group);
    assert!(rejected.id.is_some() && rejected.reason.contains("kept changing"), "{rejected:?}");
}

#[tokio::test]
async fn a_list_of_changes_that_the_stub_sends_in_several_answers_is_followed_to_its_end() {
    let stub = StubController::start(root(10), |search| {
        let changed = |number| {
            Entry::new(&member(number)).with("title", &["Countess"]).with_bytes("objectGUID", &id(number))
        };
        match search.control(DIRSYNC) {
            // Whoever asks for nothing wants to know where the list stands.
            Some(_) if !search.filter.contains("group") => Found::changes(Vec::new(), false, b"first"),
            Some(value) if value.ends_with(b"first") => Found::changes(vec![changed(9)], true, b"second"),
            Some(value) if value.ends_with(b"second") => Found::changes(Vec::new(), true, b"third"),
            Some(value) if value.ends_with(b"third") => Found::changes(vec![changed(1)], false, b"fourth"),
            Some(value) => panic!("another cookie: {value:?}"),
            // The list names two entries; the searches find one, and the other was none of ours.
            None if search.filter.contains("objectGUID") => Found::of(vec![ada("Countess")]),
            None => Found::default(),
        }
    })
    .await;
    let directory = Directory::plain(&[&stub.url()]);
    let cursor = directory.read().await.unwrap().cursor();
    let changes = directory.changes(&cursor).await.unwrap();
    assert_eq!(changes.user("ada").user.title.as_deref(), Some("Countess"));
    let cookie = data_encoding::BASE64.encode(b"fourth");
    assert!(changes.cursor().0.contains(&cookie), "{:?}", changes.cursor());
}

#[tokio::test]
async fn an_account_to_which_the_stub_refuses_dirsync_learns_of_changes_by_their_numbers() {
    let stub = StubController::start(root(10), |search| match search.control(DIRSYNC) {
        Some(_) => Found { result: 50, ..Found::default() },
        None if search.filter.contains("uSNChanged") => Found::of(vec![ada("x").with("uSNCreated", &["3"])]),
        None if search.filter.contains("objectGUID") => Found::of(vec![ada("Countess")]),
        None => Found::default(),
    })
    .await;
    let directory = Directory::plain(&[&stub.url()]);
    let cursor = directory.read().await.unwrap().cursor();
    let changes = directory.changes(&cursor).await.unwrap();
    assert_eq!(changes.accounts(), ["ada"]);
    let asked = stub.searches();
    assert!(asked.iter().any(|search| search.filter.contains("uSNChanged\u{4}\u{2}11")), "{asked:?}");
}

#[tokio::test]
async fn a_stub_whose_first_replication_is_not_done_is_passed_over() {
    let mut starting = root(10);
    starting.attributes.retain(|(name, _)| name != "isSynchronized");
    let starting = starting.with("isSynchronized", &["FALSE"]);
    let unready = StubController::start(starting, |_| Found::default()).await;
    let ready = StubController::start(root(10), |_| Found::default()).await;
    let answer = Directory::plain(&[&unready.url(), &ready.url()]).read().await.unwrap();
    assert!(answer.notes().contains("has not finished its first replication"), "{}", answer.notes());
}

#[tokio::test]
async fn a_stub_that_is_no_domain_controller_is_told_as_such() {
    let stub =
        StubController::start(Entry::new("").with("vendorName", &["Another"]), |_| Found::default()).await;
    let error = Directory::plain(&[&stub.url()]).read().await.unwrap_err();
    assert_told(&error, Class::Misconfigured, &["is not a domain controller", "spec.provider.ldap"]);
}

#[tokio::test]
async fn a_stub_whose_database_is_older_than_at_the_last_sync_makes_the_list_unknown() {
    let newer = StubController::start(root(10), |_| Found::changes(Vec::new(), false, b"c")).await;
    let older = StubController::start(root(9), |_| Found::changes(Vec::new(), false, b"c")).await;
    let cursor = Directory::plain(&[&newer.url()]).read().await.unwrap().cursor();
    let error = Directory::plain(&[&older.url()]).changes(&cursor).await.unwrap_err();
    assert_told(&error, Class::ChangesUnknown, &["database is older"]);
}

#[tokio::test]
async fn a_sync_without_a_change_needs_four_searches_of_the_stub() {
    let stub = StubController::start(root(10), |_| Found::changes(Vec::new(), false, b"c")).await;
    let directory = Directory::plain(&[&stub.url()]);
    let cursor = directory.read().await.unwrap().cursor();
    let before = stub.searches().len();
    let changes = directory.changes(&cursor).await.unwrap();
    assert_eq!(changes.cursor(), cursor, "nothing is to be remembered anew");
    let asked: Vec<String> = stub.searches().drain(before..).map(|search| search.base).collect();
    assert_eq!(asked, ["", "CN=NTDS Settings,CN=DC9,CN=Configuration", DOMAIN, DOMAIN]);
}

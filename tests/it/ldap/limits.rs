//! Servers that allow less than a listing needs, or that stop in the middle of one.

use serde_json::json;

use super::*;
use crate::support::ldap::Company;
use crate::support::ldap::proxy::{Fault, faulty, saying, saying_in_turn};

#[tokio::test]
async fn a_size_limit_below_the_number_of_people_is_told_as_incomplete_with_what_to_ask_for() {
    let slapd = Slapd::builder()
        .company(Company::of(120, 3))
        .reader_limits("size.soft=50 size.hard=50 size.pr=50 size.prtotal=hard")
        .start();
    let error = Directory::of(&slapd).with(&json!({"pageSize": 50})).read().await.unwrap_err();
    assert_told(
        &error,
        Class::Incomplete,
        &[
            "stopped after 50 people",
            "result 4 sizeLimitExceeded",
            "ask the directory's administrator",
            "size.prtotal",
        ],
    );
    slapd.wait_until("the connection is closed", |seen| seen.closed == 1).await;
}

/// The end of a search by its number on an anonymous connection, with a result code below 128.
fn search_done(number: u8, result: u8) -> Vec<u8> {
    vec![0x30, 0x0c, 0x02, 0x01, number, 0x65, 0x07, 0x0a, 0x01, result, 0x04, 0x00, 0x04, 0x00]
}

#[tokio::test]
async fn what_a_server_answers_instead_of_a_listing_is_told_by_its_kind() {
    for (result, class, parts) in [
        (1, Class::Unauthorized, &["does not answer anonymous searches", "credentialsSecretRef"][..]),
        (3, Class::Incomplete, &["timeLimitExceeded", "ask the directory's administrator", "users.filter"]),
        (4, Class::Incomplete, &["sizeLimitExceeded"]),
        (8, Class::Misconfigured, &["takes only encrypted connections"]),
        (11, Class::Incomplete, &["adminLimitExceeded", "size.unchecked", "nsslapd-lookthroughlimit"]),
        (12, Class::Misconfigured, &["does not offer paged results"]),
        (34, Class::Misconfigured, &["spec.provider.ldap.users.baseDN"]),
        (51, Class::Transient, &["busy or unavailable", "asked again later"]),
        (52, Class::Transient, &["busy or unavailable"]),
        (53, Class::Incomplete, &["unwillingToPerform"]),
        (80, Class::Transient, &["result 80 other"]),
        // A success without the word of RFC 2696 that there is no more.
        (0, Class::Incomplete, &["did not say whether there are more people"]),
    ] {
        // Whose directory it is cannot be told; then people are listed.
        let server = saying_in_turn(vec![search_done(1, 32), search_done(2, result)]).await;
        let directory = Directory::at(&local(server.port))
            .with(&json!({"credentialsSecretRef": null, "changes": "None", "pageSize": 1}));
        let error = directory.read().await.unwrap_err();
        assert_told(&error, class, parts);
    }
}

#[tokio::test]
async fn a_page_size_that_the_server_refuses_is_halved_until_it_fits_and_that_is_noted() {
    let slapd = Slapd::builder()
        .company(Company::of(120, 3))
        .reader_limits("size.soft=50 size.hard=50 size.pr=50 size.prtotal=unlimited")
        .start();
    let answer = Directory::of(&slapd).with(&json!({"pageSize": 400})).read().await.unwrap();
    assert_eq!((answer.users.len(), answer.groups.len()), (120, 3));
    assert_eq!(answer.end.notes.len(), 1, "{:?}", answer.end.notes);
    assert!(
        answer.end.notes[0].contains("refuses pages of 400 entries and takes 50"),
        "{:?}",
        answer.end.notes
    );
    assert!(answer.end.notes[0].contains("spec.provider.ldap.pageSize: 50"));
    let seen = slapd.operations();
    assert_eq!(seen.searches_of(PEOPLE), 1 + 3 + 3, "400, 200 and 100 are refused, then three pages");
    assert_eq!(seen.searches_of(GROUPS), 1, "what the server takes is remembered");
}

#[tokio::test]
async fn a_server_that_refuses_paging_at_every_size_is_told_as_incomplete() {
    let slapd = Slapd::builder().reader_limits("size.prtotal=disabled").start();
    let error = Directory::of(&slapd).read().await.unwrap_err();
    assert_told(
        &error,
        Class::Incomplete,
        &["stopped after 0 people", "result 11 adminLimitExceeded", "size.prtotal"],
    );
}

#[tokio::test]
async fn a_server_that_stops_in_the_middle_of_a_listing_is_told_as_incomplete() {
    let slapd = Slapd::builder().company(Company::of(1000, 3)).start();
    let proxy = faulty(slapd.port(), Fault::Cut(100_000)).await;
    let directory = Directory::at(&local(proxy.port)).with(&json!({"pageSize": 50}));
    let error = directory.read().await.unwrap_err();
    assert_told(
        &error,
        Class::Incomplete,
        &["closed the connection during the search for people", "entries"],
    );
    slapd.wait_until("the connection is closed", |seen| seen.closed == 1).await;
}

#[tokio::test]
async fn a_server_that_falls_silent_is_waited_for_no_longer_than_the_settings_say() {
    let slapd = Slapd::builder().company(Company::of(1000, 3)).start();
    let proxy = faulty(slapd.port(), Fault::Silence(100_000)).await;
    let directory = Directory::at(&local(proxy.port)).with(&json!({"timeoutSeconds": 1}));
    let error = directory.read().await.unwrap_err();
    assert_told(&error, Class::Incomplete, &["was silent for 1 s", "spec.provider.ldap.timeoutSeconds"]);
    slapd.wait_until("the connection is closed", |seen| seen.closed == 1).await;
}

#[tokio::test]
async fn a_server_that_stops_while_one_signs_in_is_told_as_unreachable() {
    let slapd = Slapd::builder().start();
    let proxy = faulty(slapd.port(), Fault::Cut(3)).await;
    let error = Directory::at(&local(proxy.port)).read().await.unwrap_err();
    assert_told(&error, Class::Transient, &["closed the connection while signing in"]);
}

#[tokio::test]
async fn nobody_listening_is_told_with_host_and_port() {
    let mut slapd = Slapd::builder().start();
    let directory = Directory::of(&slapd);
    slapd.stop();
    let error = directory.read().await.unwrap_err();
    let address = format!("localhost:{} cannot be reached: nothing listens there", slapd.port());
    assert_told(&error, Class::Transient, &[&address]);
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_told_as_such() {
    let error = Directory::at("ldap://directory.invalid").read().await.unwrap_err();
    assert_told(&error, Class::Transient, &["directory.invalid:389", "its name cannot be resolved"]);
}

#[tokio::test]
async fn a_message_that_nests_without_end_harms_nobody() {
    let mut message = Vec::new();
    for _ in 0..200_000 {
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        let header = [&[0x30, 0x84][..], &length].concat();
        // Built from the inside out, reversed at the end, for speed.
        message.extend(header.iter().rev());
    }
    message.reverse();
    let server = saying(message).await;
    let error = Directory::at(&local(server.port)).read().await.unwrap_err();
    assert_told(&error, Class::Misconfigured, &["sent something that is not LDAP while signing in"]);
}

#[tokio::test]
async fn messages_that_answer_nothing_or_lack_their_parts_are_told_as_no_ldap() {
    for message in [
        // Only an id; a result without its texts; an entry for who signs in; a text that is none.
        vec![0x30, 3, 2, 1, 1],
        vec![0x30, 8, 2, 1, 1, 0x61, 3, 0x0a, 1, 0],
        vec![0x30, 9, 2, 1, 1, 0x64, 4, 4, 0, 0x30, 0],
        vec![0x30, 13, 2, 1, 1, 0x61, 8, 0x0a, 1, 49, 4, 0, 4, 1, 0xff],
    ] {
        let server = saying(message.clone()).await;
        let error = Directory::at(&local(server.port)).read().await.unwrap_err();
        assert_told(&error, Class::Misconfigured, &["sent something that is not LDAP while signing in"]);
    }
}

#[tokio::test]
async fn a_message_that_announces_gigabytes_is_not_waited_for() {
    let server = saying(vec![0x30, 0x84, 0x7f, 0xff, 0xff, 0xff]).await;
    let error = Directory::at(&local(server.port)).read().await.unwrap_err();
    assert_told(&error, Class::Incomplete, &["a single entry of more than 32 MiB"]);
}

#[tokio::test]
async fn a_server_of_another_protocol_is_told_as_such() {
    let server = saying(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()).await;
    let error = Directory::at(&local(server.port)).read().await.unwrap_err();
    assert_told(&error, Class::Misconfigured, &["sent something that is not LDAP", "spec.provider.ldap.url"]);
}

#[tokio::test]
async fn a_server_that_announces_its_end_is_told_with_its_reason() {
    let mut notice = b"\x30\x24\x02\x01\x00\x78\x1f\x0a\x01\x34\x04\x00\x04\x00\x8a\x16".to_vec();
    notice.extend(b"1.3.6.1.4.1.1466.20036");
    let server = saying(notice).await;
    let error = Directory::at(&local(server.port)).read().await.unwrap_err();
    assert_told(&error, Class::Transient, &["ended the connection while signing in (result 52 unavailable)"]);
}

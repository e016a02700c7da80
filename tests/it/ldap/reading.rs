//! Full readings: everything, in pages, over one connection.

use futures::StreamExt;
use serde_json::json;

use super::*;
use crate::support::ldap::Company;

#[tokio::test]
async fn a_company_is_read_whole_over_one_connection_with_one_bind_and_a_search_per_page() {
    let slapd = Slapd::builder().company(Company::of(1100, 30)).start();
    let answer = Directory::of(&slapd).read().await.unwrap();
    assert_eq!((answer.users.len(), answer.groups.len()), (1100, 30));
    assert_eq!(answer.rejected, []);
    assert_eq!(answer.end.notes, [] as [&str; 0]);
    let seen = slapd.wait_until("the connection is closed", |seen| seen.closed == 1).await;
    assert_eq!((seen.connections, seen.binds, seen.unbinds), (1, 1, 1));
    assert_eq!(seen.searches_of(PEOPLE), 3 + 1, "1100 people in pages of 500, and whose directory it is");
    assert_eq!(seen.searches_of(GROUPS), 1);
    // Besides: what the server can do, and where its list of changes stands, for each base.
    assert_eq!(seen.searches.len(), 3 + 1 + 1 + 1 + 2);
}

#[tokio::test]
async fn searches_grow_with_pages_and_not_with_people() {
    let slapd = Slapd::builder().company(Company::of(300, 3)).start();
    let answer = Directory::of(&slapd).with(&json!({"pageSize": 100})).read().await.unwrap();
    assert_eq!(answer.users.len(), 300);
    let seen = slapd.operations();
    assert!((4..=5).contains(&seen.searches_of(PEOPLE)), "{seen:?}");
}

#[tokio::test]
async fn a_person_comes_with_standard_attributes_keys_and_manager() {
    let slapd = Slapd::builder().start();
    let answer =
        Directory::of(&slapd).with(&json!({"users": {"attributes": ["uidNumber"]}})).read().await.unwrap();
    let person = answer.user("user0007");
    assert_eq!(person.user.external_id.len(), 36, "an entryUUID");
    assert_eq!(person.user.display_name.as_deref(), Some("User Number 7"));
    assert_eq!(person.user.name.given.as_deref(), Some("User"));
    assert_eq!(person.user.emails[0].value, "user0007@example.test");
    assert_eq!(person.user.title.as_deref(), Some("Worker"));
    assert_eq!(person.user.employee_number.as_deref(), Some("7"));
    assert_eq!(person.user.phone_numbers[0].value, "+44 20 0007");
    assert_eq!(person.raw["uidNumber"], json!(["10007"]));
    assert!(!person.raw.contains_key("homeDirectory"), "only what is asked for is read");
    assert!(!serde_json::to_string(person).unwrap().contains("secret-of-"));
    assert!(answer.user("user0000").keys.contains(person.manager.as_ref().unwrap()));
}

#[tokio::test]
async fn an_anonymous_reading_binds_to_nothing() {
    let slapd = Slapd::builder().anonymous().start();
    let directory = Directory::of(&slapd).with(&json!({"credentialsSecretRef": null}));
    assert_eq!(directory.read().await.unwrap().users.len(), 20);
    assert_eq!(slapd.operations().binds, 0);
}

#[tokio::test]
async fn an_anonymous_reading_that_the_server_does_not_allow_is_told_as_such() {
    let slapd = Slapd::builder().start();
    let directory = Directory::of(&slapd).with(&json!({"credentialsSecretRef": null}));
    let error = directory.read().await.unwrap_err();
    assert_told(&error, Class::Unauthorized, &["anonymous access", "result 50 insufficientAccessRights"]);
}

#[tokio::test]
async fn one_level_leaves_out_what_is_deeper() {
    let deeper = "dn: ou=guests,ou=people,dc=example,dc=test\nobjectClass: organizationalUnit\nou: guests\n\n\
                  dn: uid=guest,ou=guests,ou=people,dc=example,dc=test\nobjectClass: inetOrgPerson\n\
                  uid: guest\ncn: Guest\nsn: Guest";
    let slapd = Slapd::builder().ldif(deeper).start();
    let directory = Directory::of(&slapd);
    assert_eq!(directory.read().await.unwrap().users.len(), 21);
    let directory = directory.with(&json!({"users": {"scope": "OneLevel"}}));
    assert_eq!(directory.read().await.unwrap().users.len(), 20);
}

#[tokio::test]
async fn who_the_inactive_filter_finds_is_inactive() {
    let slapd = Slapd::builder().start();
    let filter = json!({"users": {"inactiveFilter": "(|(uid=user0003)(employeeNumber=5))"}});
    let answer = Directory::of(&slapd).with(&filter).read().await.unwrap();
    let inactive: Vec<&str> = answer
        .user_names()
        .into_iter()
        .filter(|name| answer.user(name).user.state == directory_sync::model::State::Inactive)
        .collect();
    assert_eq!(inactive, ["user0003", "user0005"]);
}

#[tokio::test]
async fn an_account_locked_for_good_is_inactive_and_one_locked_for_minutes_is_not() {
    let locked = |uid: &str, time: &str| {
        format!(
            "dn: uid={uid},{PEOPLE}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\nsn: {uid}\n\
             pwdAccountLockedTime: {time}"
        )
    };
    let slapd = Slapd::builder()
        .overlay("ppolicy")
        .ldif(&locked("left", "000001010000Z"))
        .ldif(&locked("mistyped", "20261123122422Z"))
        .start();
    let answer = Directory::of(&slapd).read().await.unwrap();
    assert_eq!(answer.user("left").user.state, directory_sync::model::State::Inactive);
    assert_eq!(answer.user("mistyped").user.state, directory_sync::model::State::Active);
}

#[tokio::test]
async fn a_stream_that_is_dropped_halfway_closes_its_connection() {
    let slapd = Slapd::builder().company(Company::of(1000, 3)).start();
    let directory = Directory::of(&slapd).with(&json!({"pageSize": 50}));
    let mut source = directory.provider().source(&directory.material).unwrap();
    let mut pages = source.pull(Pull::Full);
    assert!(matches!(pages.next().await, Some(Ok(Page::Tenant(_)))));
    assert!(matches!(pages.next().await, Some(Ok(Page::Users(_)))));
    drop(pages);
    let seen = slapd.wait_until("the connection is closed", |seen| seen.closed == 1).await;
    assert_eq!(seen.connections, 1);
    assert!(seen.searches_of(PEOPLE) < 20, "reading stopped: {seen:?}");
}

#[tokio::test]
async fn a_source_does_nothing_before_it_is_read() {
    let slapd = Slapd::builder().start();
    let directory = Directory::of(&slapd);
    let mut source = directory.provider().source(&directory.material).unwrap();
    drop(source.pull(Pull::Full));
    assert_eq!(directory.read().await.unwrap().users.len(), 20);
    assert_eq!(slapd.operations().connections, 1, "only the reading connected");
}

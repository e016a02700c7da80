//! Changes between full readings.

use directory_sync::model::{Snapshot, State};
use directory_sync::source::{Expected, collect};
use serde_json::json;

use super::*;
use crate::support::ldap::Company;
use crate::support::ldap::company::{dismiss, group_dn, retitle, user_dn};

/// Hires somebody.
fn hire(uid: &str) -> String {
    format!(
        "dn: uid={uid},{PEOPLE}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\nsn: {uid}\n"
    )
}

#[tokio::test]
async fn where_nothing_changed_nothing_comes_and_each_base_is_asked_once() {
    let slapd = Slapd::builder().company(Company::of(1100, 30)).start();
    let directory = Directory::of(&slapd);
    let full = directory.read().await.unwrap();
    let before = slapd.operations();
    let changes = directory.changes(&full.cursor()).await.unwrap();
    assert_eq!((changes.users.len(), changes.groups.len()), (0, 0));
    assert_eq!(changes.cursor(), full.cursor());
    let after = slapd.wait_until("both connections are closed", |seen| seen.closed == 2).await;
    assert_eq!(after.searches.len() - before.searches.len(), 2 + 1, "the third asks whose directory it is");
    assert_eq!((after.connections, after.binds), (2, 2));
}

#[tokio::test]
async fn people_and_groups_that_are_new_or_changed_come_and_only_they() {
    let slapd = Slapd::builder().start();
    let directory = Directory::of(&slapd);
    let full = directory.read().await.unwrap();
    slapd.modify(&retitle(3, "Countess"));
    slapd.modify(&hire("zoe"));
    slapd
        .modify(&format!("dn: {}\nchangetype: modify\nadd: member\nmember: uid=zoe,{PEOPLE}\n", group_dn(1)));
    let changes = directory.changes(&full.cursor()).await.unwrap();
    assert_eq!(changes.user_names(), ["user0003", "zoe"]);
    assert_eq!(changes.user("user0003").user.title.as_deref(), Some("Countess"));
    assert_eq!(changes.user("user0003").user.external_id, full.user("user0003").user.external_id);
    assert_eq!(changes.groups.len(), 1);
    assert_eq!(changes.group("group01").members.len(), 6, "a changed group comes whole");
    let next = directory.changes(&changes.cursor()).await.unwrap();
    assert_eq!((next.users.len(), next.groups.len()), (0, 0));
}

#[tokio::test]
async fn what_changes_while_a_full_reading_is_under_way_is_in_the_next_list() {
    let slapd = Slapd::builder().company(Company::of(200, 1)).start();
    let directory = Directory::of(&slapd).with(&json!({"pageSize": 50}));
    let mut source = directory.provider().source(&directory.material).unwrap();
    let mut pages = source.pull(Pull::Full);
    assert!(matches!(pages.next().await, Some(Ok(Page::Tenant(_)))));
    assert!(matches!(pages.next().await, Some(Ok(Page::Users(_)))));
    // The first page has been read, with the old title.
    slapd.modify(&retitle(0, "Countess"));
    let mut cursor = None;
    while let Some(page) = pages.next().await {
        if let Page::End(end) = page.unwrap() {
            cursor = end.cursor;
        }
    }
    let changes = directory.changes(&cursor.unwrap()).await.unwrap();
    assert_eq!(changes.user("user0000").user.title.as_deref(), Some("Countess"));
}

#[tokio::test]
async fn somebody_who_is_gone_makes_the_list_unknown() {
    let slapd = Slapd::builder().start();
    let directory = Directory::of(&slapd);
    let cursor = directory.read().await.unwrap().cursor();
    slapd.modify(&dismiss(3));
    let error = directory.changes(&cursor).await.unwrap_err();
    assert_told(&error, Class::ChangesUnknown, &["some people or groups", "are gone"]);
    assert_eq!(directory.read().await.unwrap().users.len(), 19);
}

#[tokio::test]
async fn somebody_whom_the_filter_does_not_find_any_more_makes_the_list_unknown() {
    let slapd = Slapd::builder().start();
    let directory = Directory::of(&slapd).with(&json!({"users": {"filter": "(title=Worker)"}}));
    let cursor = directory.read().await.unwrap().cursor();
    slapd.modify(&retitle(3, "Countess"));
    let error = directory.changes(&cursor).await.unwrap_err();
    assert_told(&error, Class::ChangesUnknown, &["not found by the filters any more"]);
}

#[tokio::test]
async fn somebody_who_moves_out_of_the_base_makes_the_list_unknown() {
    let slapd = Slapd::builder().start();
    let directory = Directory::of(&slapd);
    let cursor = directory.read().await.unwrap().cursor();
    let moved =
        "changetype: modrdn\nnewrdn: uid=user0003\ndeleteoldrdn: 0\nnewsuperior: ou=posix,dc=example,dc=test";
    slapd.modify(&format!("dn: {}\n{moved}\n", user_dn(3)));
    assert_eq!(directory.changes(&cursor).await.unwrap_err().class, Class::ChangesUnknown);
    assert_eq!(directory.read().await.unwrap().users.len(), 19);
}

#[tokio::test]
async fn a_renamed_person_comes_with_the_old_id_and_the_new_name() {
    let slapd = Slapd::builder().start();
    let directory = Directory::of(&slapd);
    let full = directory.read().await.unwrap();
    slapd.modify(&format!("dn: {}\nchangetype: modrdn\nnewrdn: uid=countess\ndeleteoldrdn: 1\n", user_dn(3)));
    let changes = directory.changes(&full.cursor()).await.unwrap();
    let (before, after) = (full.user("user0003"), changes.user("countess"));
    assert_eq!(before.user.external_id, after.user.external_id);
    assert_ne!(before.keys, after.keys);
}

#[tokio::test]
async fn after_a_restart_the_server_cannot_say_who_is_gone_and_the_list_is_unknown() {
    let mut slapd = Slapd::builder().start();
    let directory = Directory::of(&slapd);
    let cursor = directory.read().await.unwrap().cursor();
    slapd.modify(&retitle(3, "Countess"));
    slapd.modify(&dismiss(4));
    slapd.restart();
    let error = directory.changes(&cursor).await.unwrap_err();
    assert_told(&error, Class::ChangesUnknown, &["does not remember far enough back", "restart"]);
    assert_eq!(directory.read().await.unwrap().users.len(), 19);
}

#[tokio::test]
async fn a_server_without_a_memory_of_who_is_gone_has_no_list_once_something_changed() {
    let slapd = Slapd::builder().without_session_log().start();
    let directory = Directory::of(&slapd);
    let cursor = directory.read().await.unwrap().cursor();
    assert_eq!(directory.changes(&cursor).await.unwrap().users.len(), 0);
    slapd.modify(&retitle(3, "Countess"));
    let error = directory.changes(&cursor).await.unwrap_err();
    assert_told(&error, Class::ChangesUnknown, &["session log"]);
}

#[tokio::test]
async fn a_place_that_the_server_has_not_come_to_makes_the_list_unknown() {
    let slapd = Slapd::builder().start();
    let older = Slapd::builder().start();
    let directory = Directory::of(&slapd);
    // As after a restore from a backup: the same settings, an older server.
    slapd.modify(&retitle(3, "Countess"));
    let newer = directory.read().await.unwrap().cursor();
    let stale = Directory::of(&older).read().await.unwrap().cursor();
    let (mut newer, stale): (Value, Value) =
        (serde_json::from_str(&newer.0).unwrap(), serde_json::from_str(&stale.0).unwrap());
    newer["settings"] = stale["settings"].clone();
    let error = Directory::of(&older).changes(&Cursor(newer.to_string())).await.unwrap_err();
    assert_told(&error, Class::ChangesUnknown, &["does not know the stored place", "result 53", "backup"]);
}

#[tokio::test]
async fn a_place_that_is_garbage_makes_the_list_unknown() {
    let slapd = Slapd::builder().start();
    let directory = Directory::of(&slapd);
    let cursor = directory.read().await.unwrap().cursor();
    let mut garbled: Value = serde_json::from_str(&cursor.0).unwrap();
    garbled["users"] = json!("Z2FyYmFnZQ==");
    for garbage in [garbled.to_string(), "{}".to_owned(), String::new()] {
        let error = directory.changes(&Cursor(garbage.clone())).await.unwrap_err();
        assert_eq!(error.class, Class::ChangesUnknown, "{garbage}: {error}");
    }
}

#[tokio::test]
async fn other_settings_make_the_list_unknown_before_anybody_connects() {
    let slapd = Slapd::builder().start();
    let cursor = Directory::of(&slapd).read().await.unwrap().cursor();
    let before = slapd.operations().connections;
    let other = Directory::of(&slapd).with(&json!({"users": {"filter": "(uid=*)"}}));
    let error = other.changes(&cursor).await.unwrap_err();
    assert_told(&error, Class::ChangesUnknown, &["the settings of the searches have changed"]);
    assert_eq!(slapd.operations().connections, before);
}

#[tokio::test]
async fn more_changes_than_the_size_limit_allows_make_the_list_unknown() {
    let slapd = Slapd::builder()
        .company(Company::of(120, 3))
        .reader_limits("size.soft=50 size.hard=50 size.pr=50 size.prtotal=unlimited")
        .start();
    let directory = Directory::of(&slapd).with(&json!({"pageSize": 50}));
    let cursor = directory.read().await.unwrap().cursor();
    slapd.modify(&(0..40).map(|number| retitle(number, "Boss")).collect::<String>());
    assert_eq!(directory.changes(&cursor).await.unwrap().users.len(), 40);
    slapd.modify(&(40..80).map(|number| retitle(number, "Boss")).collect::<String>());
    let error = directory.changes(&cursor).await.unwrap_err();
    assert_told(
        &error,
        Class::ChangesUnknown,
        &["ended its list of changed people early", "sizeLimitExceeded"],
    );
}

#[tokio::test]
async fn a_server_without_content_synchronisation_lists_changes_by_their_time() {
    let slapd = Slapd::builder().without_sync().start();
    let directory = Directory::of(&slapd);
    let full = directory.read().await.unwrap();
    let quiet = directory.changes(&full.cursor()).await.unwrap();
    assert!(
        quiet.users.len() <= 1,
        "of 20 people, an hour apart, five minutes reach back to one: {}",
        quiet.users.len()
    );
    slapd.modify(&retitle(3, "Countess"));
    slapd.modify(&hire("zoe"));
    slapd
        .modify(&format!("dn: {}\nchangetype: modify\nadd: member\nmember: uid=zoe,{PEOPLE}\n", group_dn(0)));
    let changes = directory.changes(&quiet.cursor()).await.unwrap();
    assert_eq!(changes.user("user0003").user.title.as_deref(), Some("Countess"));
    assert!(changes.user_names().contains(&"zoe"));
    assert!(!changes.user_names().contains(&"user0005"), "{:?}", changes.user_names());
    assert_eq!(changes.group("group00").members.len(), 6);
    assert!(changes.groups.iter().all(|group| group.display_name != "group01"));
    let again = directory.changes(&changes.cursor()).await.unwrap();
    assert_eq!(again.user("user0003").user.title.as_deref(), Some("Countess"), "what is recent comes again");
}

#[tokio::test]
async fn an_entry_with_a_time_to_come_does_not_hide_the_changes_of_others() {
    let future = "dn: uid=ada,ou=people,dc=example,dc=test\nobjectClass: inetOrgPerson\nuid: ada\ncn: ada\n\
                  sn: ada\nmodifyTimestamp: 20990101000000Z";
    let slapd = Slapd::builder().ldif(future).start();
    let directory = Directory::of(&slapd).with(&json!({"changes": "ModifyTimestamp"}));
    let full = directory.read().await.unwrap();
    slapd.modify(&retitle(3, "Countess"));
    let changes = directory.changes(&full.cursor()).await.unwrap();
    assert_eq!(changes.user("user0003").user.title.as_deref(), Some("Countess"));
    assert!(!changes.user_names().contains(&"user0005"), "{:?}", changes.user_names());
}

#[tokio::test]
async fn changes_by_their_time_can_be_asked_for_and_the_server_is_not_asked_what_else_it_can() {
    let slapd = Slapd::builder().start();
    let directory = Directory::of(&slapd).with(&json!({"changes": "ModifyTimestamp"}));
    let full = directory.read().await.unwrap();
    assert_eq!(slapd.operations().searches_of(""), 0);
    slapd.modify(&retitle(3, "Countess"));
    let changes = directory.changes(&full.cursor()).await.unwrap();
    assert_eq!(changes.user("user0003").user.title.as_deref(), Some("Countess"));
}

#[tokio::test]
async fn a_server_that_hides_the_time_of_changes_has_no_list() {
    let slapd =
        Slapd::builder().without_sync().directive("access to attrs=modifyTimestamp by * none").start();
    let answer = Directory::of(&slapd).read().await.unwrap();
    assert_eq!((answer.users.len(), answer.end.cursor), (20, None));
}

#[tokio::test]
async fn without_changes_there_is_no_cursor() {
    let slapd = Slapd::builder().start();
    let answer = Directory::of(&slapd).with(&json!({"changes": "None"})).read().await.unwrap();
    assert_eq!(answer.end.cursor, None);
    assert_eq!(slapd.operations().searches.len(), 2 + 1, "the third asks whose directory it is");
}

#[tokio::test]
async fn a_member_who_is_deleted_leaves_a_group_that_does_not_show_as_changed() {
    // Referential integrity takes the member out without marking the group as changed: it is the
    // person's own end that makes the list unknown.
    let slapd = Slapd::builder().overlay("refint").start();
    let directory = Directory::of(&slapd);
    let cursor = directory.read().await.unwrap().cursor();
    slapd.modify(&dismiss(6));
    let error = directory.changes(&cursor).await.unwrap_err();
    assert_eq!(error.class, Class::ChangesUnknown);
    assert_eq!(directory.read().await.unwrap().members("group01").len(), 4);
}

#[tokio::test]
async fn somebody_becomes_inactive_between_full_readings() {
    let slapd = Slapd::builder().start();
    let directory = Directory::of(&slapd).with(&json!({"users": {"inactiveFilter": "(title=Left)"}}));
    let cursor = directory.read().await.unwrap().cursor();
    slapd.modify(&retitle(3, "Left"));
    let changes = directory.changes(&cursor).await.unwrap();
    assert_eq!(changes.user("user0003").user.state, State::Inactive);
}

#[tokio::test]
async fn somebody_who_comes_into_the_group_of_a_filter_by_member_of_is_seen_at_the_next_sync() {
    // The server changes memberOf without marking the person as changed.
    let slapd = Slapd::builder()
        .overlay("memberof")
        .company(Company { member_of: true, ..Company::default() })
        .start();
    let in_group = format!("(memberOf={})", group_dn(1));
    let found = Directory::of(&slapd).with(&json!({"users": {"filter": in_group}}));
    let inactive = Directory::of(&slapd).with(&json!({"users": {"inactiveFilter": in_group}}));
    let first = [found.read().await.unwrap(), inactive.read().await.unwrap()];
    assert!(!first[0].user_names().contains(&"user0001"));
    assert_eq!(first[1].user("user0001").user.state, State::Active);
    let join = format!("changetype: modify\nadd: member\nmember: {}\n", user_dn(1));
    slapd.modify(&format!("dn: {}\n{join}", group_dn(1)));
    let joined = found.next(&first[0]).await.unwrap();
    assert!(joined.user_names().contains(&"user0001"), "{:?}", joined.user_names());
    assert_eq!(inactive.next(&first[1]).await.unwrap().user("user0001").user.state, State::Inactive);
}

/// Somebody below an organizational unit among the people, changed before everybody else.
const SALES: &str = "dn: ou=sales,ou=people,dc=example,dc=test\nobjectClass: organizationalUnit\nou: sales\n\n\
                     dn: uid=ada,ou=sales,ou=people,dc=example,dc=test\nobjectClass: inetOrgPerson\nuid: ada\n\
                     cn: ada\nsn: ada\nmodifyTimestamp: 20190101000000Z";

/// LDIF that puts a member into a group.
fn put(member: &str, group: usize) -> String {
    format!("dn: {}\nchangetype: modify\nadd: member\nmember: {member}\n\n", group_dn(group))
}

#[tokio::test]
async fn a_member_by_a_name_that_nobody_has_makes_a_list_by_time_unknown_once() {
    let slapd = Slapd::builder().ldif(SALES).start();
    let directory = Directory::of(&slapd).with(&json!({"changes": "ModifyTimestamp"}));
    let mut reading = Reading::of(&directory).await;
    // Everybody below it has another name now, and nobody is marked as changed.
    slapd.modify(&format!("dn: ou=sales,{PEOPLE}\nchangetype: modrdn\nnewrdn: ou=trade\ndeleteoldrdn: 1\n"));
    assert_eq!(reading.go_on(&directory).await, Ok(0));
    slapd.modify(&put(&format!("uid=ada,ou=trade,{PEOPLE}"), 0));
    let error = reading.go_on(&directory).await.unwrap_err();
    assert_told(&error, Class::ChangesUnknown, &["names somebody who was not read"]);
    let mut reading = Reading::of(&directory).await;
    assert_eq!(reading.go_on(&directory).await, Ok(0));
    // Somebody who is read, as most are who come into a group.
    slapd.modify(&put(&user_dn(9), 0));
    assert_eq!(reading.go_on(&directory).await, Ok(1));
}

#[tokio::test]
async fn a_member_who_is_never_read_does_not_make_every_list_by_time_unknown() {
    let slapd = Slapd::builder().start();
    let directory = Directory::of(&slapd).with(&json!({"changes": "ModifyTimestamp"}));
    let mut reading = Reading::of(&directory).await;
    slapd.modify(&put("cn=robot,ou=machines,dc=example,dc=test", 0));
    assert_eq!(reading.go_on(&directory).await, Ok(1), "nobody outside of the bases is read");
    slapd.modify(&put(&format!("uid=gone,{PEOPLE}"), 0));
    let error = reading.go_on(&directory).await.unwrap_err();
    assert_eq!(error.class, Class::ChangesUnknown);
    let mut reading = Reading::of(&directory).await;
    assert_eq!(reading.go_on(&directory).await, Ok(0));
    slapd.modify(&put(&user_dn(9), 0));
    assert_eq!(reading.go_on(&directory).await, Ok(1));
    // A group that is new, with somebody who is new.
    slapd.modify(&hire("zoe"));
    slapd.modify(&format!(
        "dn: cn=new,{GROUPS}\nchangetype: add\nobjectClass: groupOfNames\ncn: new\nmember: uid=zoe,{PEOPLE}\n"
    ));
    assert_eq!(reading.go_on(&directory).await, Ok(2));
}

/// What is known of a directory, as the operator keeps it between syncs.
struct Reading {
    snapshot: Snapshot,
    cursor: Cursor,
}

impl Reading {
    /// Reads everything.
    async fn of(directory: &Directory) -> Self {
        let mut reading = Self { snapshot: Snapshot::default(), cursor: Cursor(String::new()) };
        reading.pull(directory, Pull::Full).await.unwrap();
        reading
    }

    /// Reads what changed since, and says how many records differ.
    async fn go_on(&mut self, directory: &Directory) -> Result<usize, SourceError> {
        self.pull(directory, Pull::Changes(self.cursor.clone())).await
    }

    async fn pull(&mut self, directory: &Directory, request: Pull) -> Result<usize, SourceError> {
        let mut source = directory.provider().source(&directory.material)?;
        let collected =
            collect(&mut *source, request, &Expected::default(), &mut self.snapshot, |_| {}).await?;
        self.cursor = collected.end.cursor.expect("there is a cursor");
        Ok(collected.changed)
    }
}

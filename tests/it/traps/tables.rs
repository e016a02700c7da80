//! Tables (CSV) that are not what one expects: what a person reads, with the line where it is.

use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::json;

use crate::faults::F05;
use crate::support::stage::{Stage, TWO, csv, with};

const HEADER: &str = "user_id,first_name,last_name,email\n";

async fn two_people() -> Stage {
    let stage = Stage::new("tables").await;
    stage.people(TWO).await;
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    stage
}

#[tokio::test]
async fn f05_a_table_that_cannot_be_read_to_its_end_is_told_with_its_line_and_changes_nothing() {
    let stage = two_people().await;
    let before = stage.mirrors("acme").await;
    for (what, users, reason, part) in [
        (
            "a quote that is not closed",
            format!("{HEADER}1,Ada,Lovelace,ada@a.test\n2,\"Grace,Hopper,grace@a.test\n"),
            "Incomplete",
            "ConfigMap people key 'users.csv' ends inside a quoted cell of the row that begins on line 3",
        ),
        (
            "a column that is missing",
            "user_id,first_name,last_name\n1,Ada,Lovelace\n".to_owned(),
            "Misconfigured",
            "ConfigMap people key 'users.csv' line 1 lacks the column 'email'",
        ),
    ] {
        stage.rewrite("people", json!({"users.csv": users})).await;
        stage.sync("acme").await;
        let message = stage.told("acme", "SourceReady", "False", reason).await;
        assert!(message.contains(part), "{what}: {message}");
        assert!(!message.contains("Grace") && !message.contains("a.test"), "{what}: {message}");
        if reason == "Incomplete" {
            F05.case("a table ends in the middle of a row").is_seen(&stage, "acme").await;
        }
        assert_eq!(stage.mirrors("acme").await, before, "{what}");
    }
    stage.patch::<ConfigMap>("people", json!({"data": {"users.csv": null}})).await;
    stage.sync("acme").await;
    let message = stage.told("acme", "SourceReady", "False", "Misconfigured").await;
    assert_eq!(
        message,
        "ConfigMap people has no key 'users.csv' (it has only user_groups.csv); add it, or correct users.key"
    );
    assert_eq!(stage.mirrors("acme").await, before);
}

#[tokio::test]
async fn tables_of_other_programs_are_read_and_single_rows_that_cannot_be_are_told_with_their_line() {
    let stage = two_people().await;
    let before = stage.mirrors("acme").await;
    // As spreadsheets write it: with a byte order mark and CRLF, and a row twice.
    let exported = format!("\u{feff}{}", TWO.replace('\n', "\r\n"));
    stage.rewrite("people", json!({"users.csv": format!("{exported}1,Ada,Byron,byron@a.test\r\n")})).await;
    stage.sync("acme").await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(stage.mirrors("acme").await, before, "the same people are the same mirrors");
    let notes = stage.status("acme").await.notes;
    let told = "users.csv: line 4 has the user_id of an earlier row and does not count";
    assert!(notes.iter().any(|note| note == told), "{notes:?}");

    // Latin-1 in the second row.
    let latin = [HEADER.as_bytes(), b"1,Ada,Lovelace,ada@a.test\n2,Gr\xE4ce,Hopper,new@a.test\n"].concat();
    let latin = data_encoding::BASE64.encode(&latin);
    let patch = json!({"data": {"users.csv": null}, "binaryData": {"users.csv": latin}});
    stage.patch::<ConfigMap>("people", patch).await;
    stage.sync("acme").await;
    let quarantined = stage.status("acme").await.quarantined;
    assert_eq!(
        (quarantined.len(), quarantined[0].reason.as_str(), quarantined[0].count),
        (1, "UnreadableRecord", 1)
    );
    let example = &quarantined[0].example;
    assert!(
        example.starts_with("users.csv line 3: the cell in column 'first_name' is not UTF-8 text"),
        "{example}"
    );
    assert_eq!(stage.mirrors("acme").await, before, "the mirror of a row that cannot be read stays");
}

#[tokio::test]
async fn who_is_in_a_row_that_cannot_be_read_keeps_groups_and_roles() {
    let stage = Stage::new("rows").await;
    let memberships = "group_name,user_id\nadmins,1\nadmins,2\nstaff,1\n";
    stage.tables("people", TWO, memberships).await;
    let roles = json!({"roles": {"rules": [{"role": "admin", "groups": ["admins"]}]}});
    stage.directory("acme", with(csv(), &roles)).await;
    stage.ready("acme", "True", "Synced").await;
    let before = stage.mirrors("acme").await;
    let broken = |line: &str| format!("{HEADER}1,Ada,Lovelace,ada@a.test\n{line}\n");
    let header = "user_id,first_name,last_name,email,state\n1,Ada,Lovelace,ada@a.test,\n";
    for (what, users, user_groups, reasons) in [
        (
            "a state that is not known",
            format!("{header}2,Grace,Hopper,grace@a.test,on leave\n"),
            memberships,
            vec!["UnreadableRecord"],
        ),
        (
            "a row that does not say whose it is",
            broken("2,Grace"),
            memberships,
            vec!["MembersUnknown", "UnreadableRecord"],
        ),
        (
            "a membership that does not say whose it is",
            TWO.to_owned(),
            "group_name,user_id\nadmins,\nadmins,1\nadmins,2\nstaff,1\n",
            vec!["MembershipUnknown", "UnreadableRecord"],
        ),
    ] {
        stage.rewrite("people", json!({"users.csv": users, "user_groups.csv": user_groups})).await;
        stage.sync("acme").await;
        let quarantined = stage.status("acme").await.quarantined;
        let seen: Vec<&str> = quarantined.iter().map(|held| held.reason.as_str()).collect();
        assert_eq!(seen, reasons, "{what}: {quarantined:?}");
        assert_eq!(stage.mirrors("acme").await, before, "{what}");
    }
}

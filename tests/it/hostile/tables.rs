//! Tables (CSV).

use std::fs;

use k8s_openapi::api::core::v1::Secret;
use serde_json::json;

use super::*;
use crate::support::sftp::{SECRET, Sshd};

const HEADER: &str = "user_id,first_name,last_name,email,display_name,job_title\n";

/// A Directory `acme` on files of a server.
async fn stage(sshd: &Sshd) -> Stage {
    let stage = Stage::new("hostile").await;
    let data = json!({"privateKey": sshd.private_key()});
    stage.create::<Secret>(json!({"metadata": {"name": SECRET}, "stringData": data})).await;
    stage.directory("acme", json!({"provider": {"csv": {"from": {"sftp": sshd.from()}}}})).await;
    stage
}

#[tokio::test]
async fn cells_that_are_too_large_deceive_or_are_no_text_harm_their_own_row_alone() {
    let sshd = Sshd::start();
    let mut table = HEADER.as_bytes().to_vec();
    table.extend(format!("1,A,B,large@hostile.test,Large,{}\n", "x".repeat(900_000)).as_bytes());
    table.extend("2,A,B,names@hostile.test,\u{202e}ecalevoL\u{202c} A\u{7}da\u{2066},\u{200e}\n".as_bytes());
    table.extend(b"3,Zo\xeb,B,latin@hostile.test,Zoe,Analyst\n");
    for number in 0..10_000 {
        table.extend(format!("4,A,B,many{number}@hostile.test,Many,\n").as_bytes());
    }
    fs::write(sshd.files().join("users.csv"), table).unwrap();
    let stage = stage(&sshd).await;

    let large = user(&stage, "large@hostile.test").await;
    assert_eq!((large.display_name.as_deref(), large.title), (Some("Large"), None));
    let names = user(&stage, "names@hostile.test").await;
    assert_eq!((names.display_name.as_deref(), names.title), (Some("ecalevoL Ada"), None));
    user(&stage, "many0@hostile.test").await;
    assert_eq!(stage.users().await.len(), 3);
    noted(&stage, "acme", "1 value is longer than the schema allows, and left out.").await;
    noted(
        &stage,
        "acme",
        "users.csv: 9999 rows have the user_id of an earlier row and do not count (lines 6, 7, 8, 9, 10, 11, 12, 13, \
         14, 15 …)",
    )
    .await;
    let held = stage.status("acme").await.quarantined;
    let latin = held.iter().find(|held| held.reason == "UnreadableRecord").expect("the row is held back");
    assert!(latin.example.contains("line 4") && latin.example.contains("UTF-8"), "{latin:?}");
}

#[tokio::test]
async fn a_table_with_zero_bytes_or_a_row_without_end_is_refused_whole_and_nobody_is_missed() {
    let sshd = Sshd::start();
    sshd.put("users.csv", &format!("{HEADER}1,Ada,B,ada@hostile.test,Ada,\n"));
    let stage = stage(&sshd).await;
    stage.ready("acme", "True", "Synced").await;
    let before = stage.mirrors("acme").await;
    for (table, reason, part) in [
        (format!("{HEADER}1,A\0da,B,ada@hostile.test,Ada,\n"), "Misconfigured", "has zero bytes"),
        (
            format!("{HEADER}1,Ada,B,ada@hostile.test,\"Ada,{}\n", megabyte()),
            "Incomplete",
            "begins on line 2",
        ),
    ] {
        sshd.put("users.csv", &table);
        stage.full_sync("acme").await;
        let message = stage.ready("acme", "False", reason).await;
        assert!(message.contains(part), "{message}");
        assert_eq!(stage.mirrors("acme").await, before);
    }
}

#[tokio::test]
async fn zero_characters_of_utf_16_are_taken_out_as_others_are() {
    let sshd = Sshd::start();
    let text = format!("\u{feff}{HEADER}1,Ada,B,ada@hostile.test,A\0d\u{202e}a,\n");
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(sshd.files().join("users.csv"), bytes).unwrap();
    let stage = stage(&sshd).await;
    assert_eq!(user(&stage, "ada@hostile.test").await.display_name.as_deref(), Some("Ada"));
}

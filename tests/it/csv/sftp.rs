//! Files on a real OpenSSH server.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use directory_sync::source::{Class, Material, Pull, SourceError};
use serde_json::{Value, json};

use super::{Answer, GROUPS, MEMBERS, ONE, TWO};
use crate::support::ldap::proxy;
use crate::support::ports::free_port;
use crate::support::sftp::{Sshd, account};

/// Reads with the account's key.
async fn ask(sshd: &Sshd, settings: &Value, request: Pull) -> Result<Answer, SourceError> {
    ask_as(sshd, settings, &account(&[("privateKey", &sshd.private_key())]), request).await
}

async fn ask_as(
    sshd: &Sshd,
    settings: &Value,
    material: &Material,
    request: Pull,
) -> Result<Answer, SourceError> {
    let mut from = sshd.from();
    json_patch::merge(&mut from, settings);
    super::pull(super::source(&json!({"sftp": from}), material)?.as_mut(), request).await
}

async fn full(sshd: &Sshd, settings: Value) -> Result<Answer, SourceError> {
    ask(sshd, &settings, Pull::Full).await
}

#[track_caller]
fn refused(answer: Result<Answer, SourceError>, class: Class, words: &[&str]) {
    let error = answer.expect_err("it is refused");
    assert_eq!(error.class, class, "{error}");
    for word in words {
        assert!(error.message.contains(word), "{word:?} is not in: {error}");
    }
}

#[tokio::test]
async fn the_three_files_are_read_with_a_key_that_may_be_encrypted() {
    let sshd = Sshd::start();
    sshd.put("users.csv", TWO);
    sshd.put("user_groups.csv", MEMBERS);
    sshd.put("groups.csv", GROUPS);
    let answer = full(&sshd, json!({})).await.unwrap();
    assert_eq!(answer.emails(), ["ada@a.test", "grace@a.test"]);
    assert_eq!((answer.groups[0].external_id.as_str(), answer.groups[0].members.len()), ("g-1", 1));

    let key = sshd.encrypted_key("correct horse");
    let with = account(&[("privateKey", &key), ("passphrase", "correct horse")]);
    assert_eq!(ask_as(&sshd, &json!({}), &with, Pull::Full).await.unwrap().users.len(), 2);
    for wrong in [account(&[("privateKey", &key), ("passphrase", "x")]), account(&[("privateKey", &key)])] {
        refused(
            ask_as(&sshd, &json!({}), &wrong, Pull::Full).await,
            Class::Misconfigured,
            &["Secret sftp-account key 'privateKey'", "passphrase"],
        );
    }
}

#[tokio::test]
async fn a_server_with_a_host_key_that_is_not_pinned_gets_no_credentials() {
    let mut sshd = Sshd::start();
    sshd.put("users.csv", ONE);
    let good = sshd.host_key();
    sshd.restart_with_another_host_key();
    let material = account(&[("password", "canary-password")]);
    let answer = ask_as(&sshd, &json!({}), &material, Pull::Full).await;
    refused(
        answer,
        Class::Misconfigured,
        &["shows the host key ssh-ed25519 SHA256:", "hostKeys", "ask its administrator"],
    );
    let fingerprint = format!("SHA256:{}", "A".repeat(43));
    let answer = full(&sshd, json!({"hostKeys": [fingerprint, good]})).await;
    refused(answer, Class::Misconfigured, &["not among"]);
}

#[tokio::test]
async fn a_host_key_may_be_pinned_by_its_fingerprint() {
    let sshd = Sshd::start();
    sshd.put("users.csv", ONE);
    let answer = full(&sshd, json!({"hostKeys": [sshd.fingerprint()]})).await.unwrap();
    assert_eq!(answer.emails(), ["ada@a.test"]);
}

#[tokio::test]
async fn a_password_signs_in_at_a_server_of_another_make() {
    let mut sshd = Sshd::start();
    sshd.put("users.csv", TWO);
    sshd.put("groups-1.csv", GROUPS);
    sshd.restart_with_password("hr", "correct horse");
    let settings = json!({"user": "hr", "directory": "/"});
    let password = account(&[("password", "correct horse\n")]);
    let answer = ask_as(&sshd, &settings, &password, Pull::Full).await.unwrap();
    assert_eq!(answer.emails(), ["ada@a.test", "grace@a.test"]);
    let pattern = json!({"user": "hr", "directory": ".", "files": {"users": "*ers.csv"}});
    assert_eq!(ask_as(&sshd, &pattern, &password, Pull::Full).await.unwrap().users.len(), 2);
    let wrong = ask_as(&sshd, &settings, &account(&[("password", "wrong")]), Pull::Full).await;
    refused(wrong, Class::Unauthorized, &["refuses the password of user hr", "Secret sftp-account"]);
    let key = ask(&sshd, &settings, Pull::Full).await;
    refused(key, Class::Unauthorized, &["refuses the key of user hr (it takes:", "password"]);
}

#[tokio::test]
async fn a_wrong_password_and_a_key_that_is_not_allowed_are_told_with_the_secret() {
    let sshd = Sshd::start();
    sshd.put("users.csv", ONE);
    let answer = ask_as(&sshd, &json!({}), &account(&[("password", "canary-password")]), Pull::Full).await;
    refused(answer, Class::Unauthorized, &["refuses the password of user", "Secret sftp-account"]);
    let other = Sshd::start();
    let answer =
        ask_as(&sshd, &json!({}), &account(&[("privateKey", &other.private_key())]), Pull::Full).await;
    refused(answer, Class::Unauthorized, &["refuses the key of user"]);
    let both = account(&[("password", "x"), ("privateKey", &sshd.private_key())]);
    refused(
        ask_as(&sshd, &json!({}), &both, Pull::Full).await,
        Class::Misconfigured,
        &["both 'password' and 'privateKey'"],
    );
    refused(ask_as(&sshd, &json!({}), &account(&[]), Pull::Full).await, Class::Misconfigured, &["neither"]);
}

#[tokio::test]
async fn what_is_missing_or_may_not_be_read_is_named() {
    let mut sshd = Sshd::start();
    refused(full(&sshd, json!({})).await, Class::Incomplete, &["has no file users.csv", "waited for"]);
    refused(
        full(&sshd, json!({"directory": "/nowhere"})).await,
        Class::Misconfigured,
        &["directory /nowhere of 127.0.0.1:", "is not there"],
    );
    let pattern = json!({"files": {"users": "users-*.csv"}});
    refused(full(&sshd, pattern.clone()).await, Class::Incomplete, &["has no file users-*.csv"]);
    sshd.put("users.csv", ONE);
    sshd.restart_refusing("open");
    refused(
        full(&sshd, json!({})).await,
        Class::Unauthorized,
        &["users.csv in directory . of", "may not be read by user"],
    );
    sshd.restart_refusing("opendir");
    refused(full(&sshd, pattern).await, Class::Unauthorized, &["directory . of", "may not be read by user"]);
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_or_speaks_something_else_is_named() {
    let sshd = Sshd::start();
    let closed = full(&sshd, json!({"port": free_port()})).await;
    refused(closed, Class::Transient, &["cannot be reached: nothing listens there"]);
    let unknown = full(&sshd, json!({"host": "no-such-host.invalid"})).await;
    refused(unknown, Class::Transient, &["no-such-host.invalid:", "its name cannot be resolved"]);
    let web = proxy::saying(b"HTTP/1.1 400 Bad Request\r\n\r\n".repeat(20)).await;
    let answer = full(&sshd, json!({"port": web.port, "timeoutSeconds": 2})).await;
    let error = answer.expect_err("it is no SSH");
    assert!(error.message.contains(&format!("127.0.0.1:{}", web.port)), "{error}");
    let silent = proxy::faulty(sshd.port(), proxy::Fault::Silence(0)).await;
    let answer = full(&sshd, json!({"port": silent.port, "timeoutSeconds": 1})).await;
    refused(answer, Class::Transient, &["did not answer as an SSH server within 1 s"]);
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_middle_is_no_end() {
    let sshd = Sshd::start();
    let rows: Vec<String> = (0..20_000).map(|n| format!("{n},a,b,{n}@a.test\n")).collect();
    sshd.put("users.csv", &format!("user_id,first_name,last_name,email\n{}", rows.concat()));
    let cut = proxy::faulty(sshd.port(), proxy::Fault::Cut(200_000)).await;
    refused(full(&sshd, json!({"port": cut.port})).await, Class::Transient, &["broke", "tried again"]);
}

#[tokio::test]
async fn unchanged_files_are_not_opened_again() {
    let mut sshd = Sshd::start();
    sshd.put("users.csv", TWO);
    sshd.put("user_groups.csv", MEMBERS);
    let cursor = full(&sshd, json!({})).await.unwrap().cursor();
    sshd.restart_refusing("open");
    let answer = ask(&sshd, &json!({}), Pull::Changes(cursor.clone())).await.unwrap();
    assert!(answer.users.is_empty() && answer.groups.is_empty());
    assert_eq!(answer.cursor(), cursor);
    sshd.put("user_groups.csv", "group_name,user_id\nadmins,2\n");
    sshd.set_modified("user_groups.csv", 1_000_000_000);
    refused(ask(&sshd, &json!({}), Pull::Changes(cursor)).await, Class::ChangesUnknown, &[]);
}

#[tokio::test]
async fn a_file_that_is_being_written_is_waited_for() {
    let sshd = Sshd::start();
    sshd.put("users.csv", ONE);
    let path = sshd.files().join("users.csv");
    let done = AtomicBool::new(false);
    let upload = async {
        let mut number = 2;
        while !done.load(Ordering::Relaxed) {
            let mut file = std::fs::File::options().append(true).open(&path).unwrap();
            writeln!(file, "{number},A,B,{number}@a.test").unwrap();
            number += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let reading = async {
        let answer = full(&sshd, json!({})).await;
        done.store(true, Ordering::Relaxed);
        answer
    };
    let (answer, ()) = tokio::join!(reading, upload);
    refused(answer, Class::Incomplete, &["users.csv in directory . of", "is being written", "waited for"]);
    assert!(full(&sshd, json!({})).await.unwrap().users.len() > 1);
}

#[tokio::test]
async fn a_file_that_breaks_off_is_waited_for() {
    let sshd = Sshd::start();
    for cut in ["", "user_id,first", "user_id,first_name,last_name,email\n1,Ada,Lovelace,ada@a.te"] {
        sshd.put("users.csv", cut);
        refused(full(&sshd, json!({})).await, Class::Incomplete, &["users.csv in directory", "waited for"]);
    }
    sshd.put("users.csv", ONE.trim_end());
    refused(full(&sshd, json!({})).await, Class::Incomplete, &["breaks off in line 2", "ending: WholeRow"]);
    let answer = full(&sshd, json!({"files": {"ending": "WholeRow"}})).await.unwrap();
    assert_eq!(answer.emails(), ["ada@a.test"]);
}

#[tokio::test]
async fn users_without_the_memberships_that_were_there_before_are_waited_for() {
    let sshd = Sshd::start();
    sshd.put("users.csv", TWO);
    sshd.put("user_groups.csv", MEMBERS);
    sshd.put("groups.csv", GROUPS);
    let cursor = full(&sshd, json!({})).await.unwrap().cursor();
    sshd.put("users.csv", ONE);
    for (name, words) in
        [("groups.csv", "no table for groups any more"), ("user_groups.csv", "no table for userGroups")]
    {
        sshd.remove(name);
        let answer = ask(&sshd, &json!({}), Pull::Changes(cursor.clone())).await;
        refused(
            answer,
            Class::Incomplete,
            &[words, "waited for", "directory-sync.io/full-sync-requested-at"],
        );
    }
    sshd.put("groups.csv", GROUPS);
    refused(
        full(&sshd, json!({})).await,
        Class::Incomplete,
        &["it has users.csv and groups.csv, but not user_groups.csv"],
    );
    sshd.remove("users.csv");
    let answer = ask(&sshd, &json!({}), Pull::Changes(cursor)).await;
    refused(answer, Class::Incomplete, &["users.csv", "waited for"]);
}

#[tokio::test]
async fn the_newest_complete_set_of_a_pattern_wins() {
    let sshd = Sshd::start();
    let settings = json!({"files": {"users": "users-*.csv", "userGroups": "user_groups-*.csv"}});
    for (stamp, time, users) in [("20260101", 1_700_000_000, TWO), ("20260102", 1_700_000_100, ONE)] {
        for (name, text) in [("users", users), ("user_groups", MEMBERS)] {
            let name = format!("{name}-{stamp}.csv");
            sshd.put(&name, text);
            sshd.set_modified(&name, time);
        }
    }
    let answer = full(&sshd, settings.clone()).await.unwrap();
    assert_eq!(answer.emails(), ["ada@a.test"]);
    assert_eq!(answer.end.notes, Vec::<String>::new());

    // A set may be links, as where one link is moved to publish an export.
    sshd.put("export", TWO);
    std::os::unix::fs::symlink("export", sshd.files().join("users-20260103.csv")).unwrap();
    let unchanged = ask(&sshd, &settings, Pull::Changes(answer.cursor())).await.unwrap();
    assert_eq!(unchanged.cursor(), answer.cursor());
    let answer = full(&sshd, settings.clone()).await.unwrap();
    assert_eq!(answer.emails(), ["ada@a.test"]);
    assert!(
        answer.end.notes[0].contains("it has users-20260103.csv, but not user_groups-20260103.csv"),
        "{:?}",
        answer.end.notes
    );

    sshd.put("user_groups-20260103.csv", MEMBERS);
    let changed = ask(&sshd, &settings, Pull::Changes(answer.cursor())).await;
    refused(changed, Class::ChangesUnknown, &[]);
    assert_eq!(full(&sshd, settings).await.unwrap().users.len(), 2);
}

//! That a source of files holds rows while they pass, and not the file.

use std::fmt::Write as _;
use std::process::Command;

use directory_sync::source::{Page, Pull};
use futures::StreamExt;
use serde_json::{Value, json};

use crate::support::sftp::{Sshd, account};

const ROWS: usize = 1_000_000;
/// The whole process: tests' binary, SSH, and the rows at hand.
const LIMIT_KILOBYTES: u64 = 300 * 1024;

/// Tells the child, which is this same test in a process of its own, what to read.
const TASK: &str = "DIRECTORY_SYNC_TEST_MEMORY";

#[tokio::test]
async fn a_million_people_and_memberships_pass_through_in_bounded_memory() {
    if let Ok(task) = std::env::var(TASK) {
        let task: Value = serde_json::from_str(&task).unwrap();
        println!("peak {} kB", read(&task).await);
        return;
    }
    let sshd = Sshd::start();
    let mut users = "user_id,first_name,last_name,email,job_title\n".to_owned();
    let mut members = "group_name,user_id\n".to_owned();
    for number in 0..ROWS {
        writeln!(users, "{number},Given{number},Family{number},person{number}@acme.example,Analyst").unwrap();
        writeln!(members, "team-{},{number}", number % 1_000).unwrap();
    }
    sshd.put("users.csv", &users);
    sshd.put("user_groups.csv", &members);
    drop((users, members));
    let task = json!({"from": {"sftp": sshd.from()}, "key": sshd.private_key()});
    let name = "csv::memory::a_million_people_and_memberships_pass_through_in_bounded_memory";
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(TASK, task.to_string())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{said}{}", String::from_utf8_lossy(&child.stderr));
    let peak = said.split("peak ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok());
    let peak = peak.unwrap_or_else(|| panic!("no figure in {said}"));
    eprintln!("{ROWS} people and {ROWS} memberships: {} MB at the peak", peak / 1024);
    assert!(peak < LIMIT_KILOBYTES, "{peak} kB at the peak");
}

/// Reads everything, keeps nothing, and returns the most memory that the process has had.
async fn read(task: &Value) -> u64 {
    let material = account(&[("privateKey", task["key"].as_str().unwrap())]);
    let mut source = super::source(&task["from"], &material).unwrap();
    let mut pages = source.pull(Pull::Full);
    let (mut people, mut members) = (0, 0);
    while let Some(page) = pages.next().await {
        match page.unwrap() {
            Page::Users(users) => people += users.len(),
            Page::Groups(groups) => members += groups.iter().map(|group| group.members.len()).sum::<usize>(),
            Page::Rejected(rejected) => panic!("{rejected:?}"),
            Page::Tenant(_) | Page::End(_) => {}
        }
    }
    assert_eq!((people, members), (ROWS, ROWS));
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}

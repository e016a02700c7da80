//! Reading very large tables from an SFTP server: rows pass, and the files are not held. Runs in a
//! process of its own, so that its memory can be told.

use std::fmt::Write as _;
use std::process::Command;

use directory_sync::source::csv::CsvSpec;
use directory_sync::source::{Page, Provider, Pull};
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::process::Process;
use crate::row::{Bound, Row};
use crate::scale::{Scale, grouped};
use crate::support::sftp::{Sshd, account};

/// The argument that makes this program read tables and print what it cost.
const ARGUMENT: &str = "--tables";
/// How many groups the memberships are of.
const GROUPS: usize = 1_000;

/// What the process is to read.
#[derive(Debug, Serialize, Deserialize)]
pub struct Task {
    from: Value,
    key: String,
}

/// What the process prints.
#[derive(Debug, Serialize, Deserialize)]
struct Measured {
    people: usize,
    memberships: usize,
    cpu: f64,
    peak: f64,
}

/// The rows, measured in a process of its own.
pub fn rows(scale: &Scale) -> Vec<Row> {
    let people = scale.table_people;
    let sshd = Sshd::start();
    write(&sshd, people);
    let task = Task { from: json!({"sftp": sshd.from()}), key: sshd.private_key() };
    let output = Command::new(std::env::current_exe().unwrap())
        .args([ARGUMENT, &serde_json::to_string(&task).unwrap()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let measured: Measured = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((measured.people, measured.memberships), (people, people), "everything was read");
    let what = format!("CSV by SFTP, {} people and as many memberships", grouped(people));
    vec![
        Row::new(format!("{what}: CPU of reading"), measured.cpu, "s"),
        Row::new(format!("{what}: peak memory"), measured.peak, "MB").bound(Bound::Below(300.0)),
    ]
}

/// Puts tables of so many people and as many memberships on a server.
pub fn write(sshd: &Sshd, people: usize) {
    let mut users = "user_id,first_name,last_name,email,job_title\n".to_owned();
    let mut memberships = "group_name,user_id\n".to_owned();
    for number in 0..people {
        writeln!(users, "{number},Given{number},Family{number},person{number}@acme.example,Analyst").unwrap();
        writeln!(memberships, "team-{},{number}", number % GROUPS).unwrap();
    }
    sshd.put("users.csv", &users);
    sshd.put("user_groups.csv", &memberships);
}

/// What this process is to read, if that is what it is for.
pub fn asked_for() -> Option<Task> {
    let arguments: Vec<String> = std::env::args().collect();
    let place = arguments.iter().position(|argument| argument == ARGUMENT)?;
    serde_json::from_str(arguments.get(place + 1)?).ok()
}

/// Reads everything, keeps nothing, and prints what it cost.
pub async fn measure(task: Task) {
    let spec: CsvSpec = serde_json::from_value(json!({"from": task.from})).unwrap();
    let mut source = spec.source(&account(&[("privateKey", &task.key)])).unwrap();
    let mut pages = source.pull(Pull::Full);
    let (mut people, mut memberships) = (0, 0);
    while let Some(page) = pages.next().await {
        match page.unwrap() {
            Page::Users(users) => people += users.len(),
            Page::Groups(groups) => {
                memberships += groups.iter().map(|group| group.members.len()).sum::<usize>();
            }
            Page::Rejected(rejected) => panic!("{rejected:?}"),
            Page::Tenant(_) | Page::End(_) => {}
        }
    }
    let process = Process::this();
    let measured = Measured { people, memberships, cpu: process.cpu(), peak: process.peak_megabytes() };
    println!("{}", serde_json::to_string(&measured).unwrap());
}

//! The computation alone, without a cluster: a large directory is read again, normalised and
//! compared with an index of all its mirrors. Runs in a process of its own, so that its memory can
//! be told.

use std::process::Command;

use directory_sync::api::rules::Scope;
use directory_sync::model::snapshot::SnapshotError;
use directory_sync::model::{
    ContentHash, Email, GroupRecord, Key, Kind, MirrorName, PersonName, PhoneNumber, Snapshot, User,
    UserRecord,
};
use directory_sync::normalize::{self, NormalizeError, Outcome, Rules};
use directory_sync::plan::{Completeness, Index, Observed, Plan, Planner};
use directory_sync::source::{End, Expected, Page, Pull, Source, SourceError, collect};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::process::Process;
use crate::row::{Bound, Row};
use crate::scale::{Scale, grouped};

/// The argument that makes this program measure the computation and print it.
const ARGUMENT: &str = "--core";
/// How many records a page has.
const PAGE: usize = 500;
/// How many people there are for each group.
const PEOPLE_PER_GROUP: usize = 20;
/// The Directory and its uid, which only have to be the same everywhere.
const DIRECTORY: &str = "acme";
const OWNER: u128 = 7;

/// What the process prints.
#[derive(Debug, Serialize, Deserialize)]
struct Measured {
    writes: usize,
    unchanged: usize,
    cpu: f64,
    source_cpu: f64,
    peak: f64,
}

/// The rows, measured in a process of its own.
pub fn rows(scale: &Scale) -> Vec<Row> {
    let people = scale.core_people;
    let output = Command::new(std::env::current_exe().unwrap())
        .args([ARGUMENT, &people.to_string()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let measured: Measured = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(measured.unchanged, people + people / PEOPLE_PER_GROUP, "everybody was compared");
    let what = format!("second sync, the computation alone, {} people", grouped(people));
    let beyond = (measured.cpu - measured.source_cpu).max(0.0);
    vec![
        Row::count(format!("{what}: writes planned"), measured.writes, "").bound(Bound::Exactly(0.0)),
        Row::new(format!("{what}: CPU beyond the source"), beyond, "s")
            .floor(measured.source_cpu)
            .bound(Bound::Below(2.0)),
        Row::new(format!("{what}: peak memory"), measured.peak, "MB").bound(Bound::Below(200.0)),
    ]
}

/// How many people this process is to measure the computation with, if that is what it is for.
pub fn asked_for() -> Option<usize> {
    let arguments: Vec<String> = std::env::args().collect();
    let place = arguments.iter().position(|argument| argument == ARGUMENT)?;
    arguments.get(place + 1)?.parse().ok()
}

/// Measures, and prints what came of it.
pub async fn measure(people: usize) {
    let process = Process::this();
    let begun = process.cpu();
    let mut pages = std::pin::pin!(pages(people));
    while pages.try_next().await.unwrap().is_some() {}
    let source_cpu = process.cpu() - begun;

    let rules = Rules::compile(DIRECTORY, &Scope::default(), &[], None, None).unwrap();
    // The reading before stays until the new one is whole, as it does in the operator.
    let before = read(people).await;
    let index = mirrors(&before, &rules);
    let begun = process.cpu();
    let plan = compare(&read(people).await, &rules, &index.clone());
    let cpu = process.cpu() - begun;
    drop(before);
    let (writes, unchanged) = (plan.writes(), plan.unchanged);
    let measured = Measured { writes, unchanged, cpu, source_cpu, peak: process.peak_megabytes() };
    println!("{}", serde_json::to_string(&measured).unwrap());
}

/// A directory that makes its records up.
struct MadeUp(usize);

impl Source for MadeUp {
    fn pull(&mut self, _: Pull) -> BoxStream<'_, Result<Page, SourceError>> {
        pages(self.0).boxed()
    }
}

async fn read(people: usize) -> Snapshot {
    let mut snapshot = Snapshot::default();
    collect(&mut MadeUp(people), Pull::Full, &Expected::default(), &mut snapshot, |_| {}).await.unwrap();
    snapshot
}

/// The index as it is once everybody is in the cluster.
fn mirrors(snapshot: &Snapshot, rules: &Rules) -> Index {
    let mut index = Index::default();
    let mut version = 0;
    normalize::normalize::<Failure>(snapshot, rules, &mut |outcome| {
        let (name, hash, state) = match outcome {
            Outcome::User(user) => {
                (MirrorName::new(Kind::User, &user.external_id), ContentHash::of(&user)?, Some(user.state))
            }
            Outcome::Group(group) => {
                (MirrorName::new(Kind::Group, &group.external_id), ContentHash::of(&group)?, None)
            }
            Outcome::Quarantined { message, .. } => panic!("held back: {message}"),
        };
        version += 1;
        let hash = Some(hash);
        let observed = Observed {
            hash,
            state,
            members: 0,
            uid: name.id,
            owner: OWNER,
            generation: 1,
            resource_version: version,
        };
        index.insert(name, observed);
        Ok(())
    })
    .unwrap();
    index
}

fn compare(snapshot: &Snapshot, rules: &Rules, index: &Index) -> Plan {
    let mut planner = Planner::new(index, OWNER);
    normalize::normalize::<Failure>(snapshot, rules, &mut |outcome| {
        match outcome {
            Outcome::User(user) => planner.want_user(&user)?,
            Outcome::Group(group) => planner.want_group(&group)?,
            Outcome::Quarantined { name, .. } => planner.hold(name),
        }
        Ok(())
    })
    .unwrap();
    planner.finish(Completeness::default())
}

/// What can go wrong here; nothing should.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Normalize(#[from] NormalizeError),
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// People and groups as an LDAP server of that size answers.
fn pages(people: usize) -> impl futures::Stream<Item = Result<Page, SourceError>> + Send {
    let groups = people / PEOPLE_PER_GROUP;
    let chunk = |all: usize| move |start: usize| start..(start + PAGE).min(all);
    let users =
        (0..people).step_by(PAGE).map(chunk(people)).map(|numbers| Page::Users(numbers.map(user).collect()));
    let groups = (0..groups)
        .step_by(PAGE)
        .map(chunk(groups))
        .map(|numbers| Page::Groups(numbers.map(group).collect()));
    stream::iter(users.chain(groups).chain([Page::End(End::default())]).map(Ok))
}

fn uuid(space: u32, number: usize) -> String {
    format!("{space:08x}-7c1b-103f-9a54-{number:012x}")
}

fn user_key(number: usize) -> Key {
    Key(format!("dn:uid=user{number:06},ou=people,dc=example,dc=test"))
}

fn user(number: usize) -> UserRecord {
    let (login, display) = (format!("user{number:06}"), format!("User Number {number}"));
    let mail = format!("{login}@example.test");
    let phone = format!("+44 20 {number:06}");
    let raw = json!({
        "dn": [format!("uid={login},ou=people,dc=example,dc=test")], "entryUUID": [uuid(1, number)],
        "uid": [login], "cn": [display], "sn": [number.to_string()], "givenName": ["User"], "displayName": [display],
        "mail": [mail], "title": ["Worker"], "departmentNumber": [(number % 7).to_string()],
        "employeeNumber": [number.to_string()], "telephoneNumber": [phone],
        "manager": ["uid=user000000,ou=people,dc=example,dc=test"],
    });
    let Value::Object(raw) = raw else { unreachable!("it is written as an object") };
    UserRecord {
        keys: vec![user_key(number), Key(format!("uid:{login}"))],
        user: User {
            external_id: uuid(1, number),
            user_name: Some(login),
            name: PersonName {
                given: Some("User".into()),
                family: Some(number.to_string()),
                formatted: Some(display.clone()),
            },
            display_name: Some(display),
            title: Some("Worker".into()),
            department: Some((number % 7).to_string()),
            employee_number: Some(number.to_string()),
            emails: vec![Email { value: mail, ..Email::default() }],
            phone_numbers: vec![PhoneNumber { value: phone, ..PhoneNumber::default() }],
            ..User::default()
        },
        manager: (number > 0).then(|| user_key(0)),
        member_of: Vec::new(),
        raw,
    }
}

fn group(number: usize) -> GroupRecord {
    let name = format!("group{number:05}");
    GroupRecord {
        external_id: uuid(2, number),
        keys: vec![Key(format!("dn:cn={name},ou=groups,dc=example,dc=test"))],
        display_name: name,
        members: (0..PEOPLE_PER_GROUP).map(|member| user_key(number * PEOPLE_PER_GROUP + member)).collect(),
        member_of: Vec::new(),
        raw: Map::new(),
    }
}

//! One person changes: one write, and how soon an application hears of it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use directory_sync::api::DirectoryUser;
use kube::ResourceExt;
use kube::api::{Api, ListParams, Patch, PatchParams};
use serde_json::json;

use crate::first_sync::FirstSync;
use crate::floor;
use crate::row::{Bound, Row, median, number};
use crate::scale::{Scale, size};
use crate::stage;
use crate::support::cluster::Cluster;
use crate::support::ldap::{Slapd, company};
use crate::watching::{Arrival, Watching};

/// What one change led to.
struct Change {
    mirrors: usize,
    bookkeeping: usize,
    events: usize,
    milliseconds: f64,
}

/// Changes one person after the other, each noticed by the sync that comes by its schedule.
pub async fn rows(scale: &Scale, first: &FirstSync) -> Vec<Row> {
    let floor = median(bare(first, scale.changes).await);
    let mut changes = Vec::new();
    for number in 0..scale.changes {
        changes.push(change(first, number).await);
    }
    let of = size(&scale.company);
    let most = |count: fn(&Change) -> usize| changes.iter().map(count).max().unwrap_or(0);
    let slowest = changes.iter().map(|change| change.milliseconds).fold(0.0, f64::max);
    vec![
        Row::count(
            format!("one person changed, {of}: writes of people and groups"),
            most(|change| change.mirrors),
            "",
        )
        .bound(Bound::Exactly(1.0)),
        Row::count(
            format!("one person changed, {of}: writes of checkpoint, status and event"),
            most(|change| change.bookkeeping),
            "",
        ),
        Row::count(format!("one person changed, {of}: watch events"), most(|change| change.events), "")
            .bound(Bound::Exactly(1.0)),
        Row::new(format!("one person changed, {of}: from LDAP's answer to the watch event"), slowest, "ms")
            .floor(floor)
            .bound(Bound::Below(1_000.0)),
    ]
}

async fn change(first: &FirstSync, number: usize) -> Change {
    let stage = &first.stage;
    let users = Watching::start::<DirectoryUser>(&stage.namespace).await;
    stage.next("Delta").await;
    let mark = Cluster::get().audit_mark();
    first.slapd.modify(&format!(
        "dn: {}\nchangetype: modify\nreplace: title\ntitle: Changed {number}\n",
        company::user_dn(number + 1)
    ));
    let arrival = users.arrival(1).await;
    // The sync that wrote it goes on to the checkpoint and the status; the one after it writes nothing.
    stage.next("Delta").await;
    let writes = stage.requests_since(mark).writes();
    let mirrors = writes
        .clone()
        .filter(|event| {
            event.object_ref.resource == "directoryusers" || event.object_ref.resource == "directorygroups"
        })
        .len();
    Change {
        mirrors,
        bookkeeping: writes.len() - mirrors,
        events: users.count(),
        milliseconds: since_answer(&first.slapd, arrival).as_secs_f64() * 1_000.0,
    }
}

/// How long before the arrival the directory server ended its last answer to a search.
pub fn since_answer(slapd: &Slapd, arrival: Arrival) -> Duration {
    let log = slapd.log();
    let answers = log.lines().filter(|line| line.contains(" SEARCH RESULT ")).filter_map(logged_at);
    let last =
        answers.filter(|time| *time <= arrival.time).max().expect("there was a search before the write");
    arrival.time.duration_since(last).unwrap_or_default()
}

/// The time at the start of a line of slapd's log: seconds and nanoseconds, hexadecimal.
fn logged_at(line: &str) -> Option<SystemTime> {
    let (seconds, rest) = line.split_once('.')?;
    let nanoseconds = u32::from_str_radix(rest.get(..8)?, 16).ok()?;
    let seconds = u64::from_str_radix(seconds, 16).ok()?;
    Some(UNIX_EPOCH + Duration::new(seconds, nanoseconds))
}

/// The floor: patches one object, and waits for the watch event; in milliseconds.
async fn bare(first: &FirstSync, times: usize) -> Vec<f64> {
    let namespace = stage::namespace().await;
    floor::create(&first.bodies[..1], &namespace).await;
    let users = Api::<DirectoryUser>::namespaced(Cluster::get().client(), &namespace);
    let name = users.list(&ListParams::default()).await.unwrap().items[0].name_any();
    let watching = Watching::start::<DirectoryUser>(&namespace).await;
    let mut took = Vec::new();
    for time in 1..=times {
        let begun = Instant::now();
        let patch = Patch::Merge(json!({"spec": {"title": format!("Changed {time}")}}));
        users.patch(&name, &PatchParams::default(), &patch).await.unwrap();
        took.push((watching.arrival(time).await.instant - begun).as_secs_f64() * number(1_000));
    }
    took
}

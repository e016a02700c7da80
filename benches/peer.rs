//! The workload with which the nearest peer was measured, and its figures beside ours.
//!
//! The peer writes groups alone, with their members as text. We write an object for every person
//! as well, and groups before people. So two times are taken: until all groups are there, which is
//! the work that the peer does, and until everybody is. As slices, which is the default for so many
//! people, groups and people come together, and one time is taken.

use directory_sync::api::DirectoryGroup;
use serde_json::{Value, json};

use crate::first_sync::bare;
use crate::floor::{self, Body};
use crate::reading;
use crate::report::{Table, figure};
use crate::rest;
use crate::row::{Bound, Row, median};
use crate::scale::{Scale, grouped, size};
use crate::second_sync::{self, Quiet};
use crate::stage::Stage;
use crate::support::ldap::{Company, Slapd};
use crate::watching::Watching;

/// redhat-cop/group-sync-operator at f39330d8, measured on 2026-11-23 on two cores with OpenLDAP
/// 2.5 and kube-apiserver 1.35; each figure with its schemas rfc2307 (groupOfNames, as here) and
/// augmentedAD (memberOf). Where two runs differed, the faster one.
struct PeerFigures {
    first: [f64; 2],
    unchanged: [f64; 2],
    requests: usize,
    events: usize,
    searches: [usize; 2],
    cpu: [f64; 2],
    peak: [u32; 2],
}

/// 1,000 groups of 100 members, 10,000 people.
const PEER: PeerFigures = PeerFigures {
    first: [11.6, 6.3],
    unchanged: [12.3, 6.7],
    requests: 2_002,
    events: 1_000,
    searches: [10_001, 1_001],
    cpu: [5.0, 1.9],
    peak: [467, 269],
};

/// 100 groups of 50 members, 1,000 people.
const PEER_SMALL: PeerFigures = PeerFigures {
    first: [1.3, 0.7],
    unchanged: [1.2, 0.7],
    requests: 202,
    events: 100,
    searches: [1_001, 101],
    cpu: [0.5, 0.2],
    peak: [132, 83],
};

/// The rows, and the table of both.
pub struct Comparison {
    /// The rows.
    pub rows: Vec<Row>,
    /// Ours beside theirs.
    pub comparison: Table,
}

/// All that is measured of ours.
struct Ours {
    first: Times,
    floor: Times,
    /// Of a first sync as slices, in seconds.
    slices: f64,
    delta: Quiet,
    full: Quiet,
    searches: usize,
}

/// From the beginning of a first sync, in seconds.
#[derive(Clone, Copy, Debug)]
struct Times {
    /// Until all groups are there.
    groups: f64,
    /// Until everybody is.
    everybody: f64,
}

/// Measures the workload.
pub async fn measure(scale: &Scale) -> Comparison {
    let peer = if scale.quick { &PEER_SMALL } else { &PEER };
    let company = &scale.peer;
    let slapd = Slapd::builder().company(company.clone()).start();
    let ours = ours(scale, &slapd).await;
    // The bound is for the large workload. At the small one connecting and waking up are most of our time.
    let fifth = (!scale.quick).then_some(Bound::AtMost(peer.first[0] / 5.0));
    Comparison { rows: rows(company, &ours, fifth), comparison: beside(company, &ours, peer) }
}

async fn ours(scale: &Scale, slapd: &Slapd) -> Ours {
    let settings = reading::settings(slapd);
    let (mut stage, first) = sync(&settings, scale.peer.groups).await;
    let searches = slapd.wait_until("the connection is closed", |done| done.closed == 1).await.searches.len();
    let groups = floor::bodies_of_groups(&stage.namespace).await;
    let everybody = floor::bodies(&stage.namespace).await;

    let (mut rounds, mut floors, mut slices) = (vec![first], Vec::new(), Vec::new());
    while rounds.len() < scale.peer_rounds {
        stage.clear().await;
        floors.push(bare_times(&groups, &everybody).await);
        slices.push(sync_as_slices(&settings).await);
        let (next, times) = sync(&settings, scale.peer.groups).await;
        stage = next;
        rounds.push(times);
    }

    stage.patch(json!({"sync": {"interval": "2s"}})).await;
    let delta = second_sync::observe(&stage, "Delta").await;
    stage.patch(json!({"sync": {"fullInterval": "1s"}})).await;
    let full = second_sync::observe(&stage, "Full").await;
    stage.clear().await;
    floors.push(bare_times(&groups, &everybody).await);
    slices.push(sync_as_slices(&settings).await);

    let seconds = |rounds: &[Times]| {
        rounds.iter().map(|times| format!("{:.2} s", times.groups)).collect::<Vec<_>>().join(", ")
    };
    eprintln!("        rounds: {}; floors: {}", seconds(&rounds), seconds(&floors));
    let (first, floor, slices) = (Times::median(&rounds), Times::median(&floors), median(slices));
    Ours { first, floor, slices, delta, full, searches }
}

/// A first sync in a namespace of its own.
async fn sync(settings: &Value, groups: usize) -> (Stage, Times) {
    let stage = Stage::new().await;
    let watching = Watching::start::<DirectoryGroup>(&stage.namespace).await;
    rest::at_rest().await;
    let begun = stage.apply(settings, "24h").await;
    let groups = watching.arrival(groups).await.instant - begun;
    let everybody = stage.ready().await - begun;
    (stage, Times { groups: groups.as_secs_f64(), everybody: everybody.as_secs_f64() })
}

/// A first sync as slices, until all groups and everybody are there, in seconds.
async fn sync_as_slices(settings: &Value) -> f64 {
    let stage = Stage::new().await;
    rest::at_rest().await;
    let begun = stage.apply_as(&json!({"ldap": settings}), "24h", "Slices").await;
    let seconds = (stage.ready().await - begun).as_secs_f64();
    stage.clear().await;
    seconds
}

/// The floor of both times.
async fn bare_times(groups: &[Body], everybody: &[Body]) -> Times {
    rest::at_rest().await;
    let groups = bare(groups).await.seconds;
    rest::at_rest().await;
    Times { groups, everybody: bare(everybody).await.seconds }
}

impl Times {
    fn median(rounds: &[Self]) -> Self {
        let of = |time: fn(&Self) -> f64| median(rounds.iter().map(time).collect());
        Self { groups: of(|times| times.groups), everybody: of(|times| times.everybody) }
    }
}

fn rows(company: &Company, ours: &Ours, fifth: Option<Bound>) -> Vec<Row> {
    let of = workload(company);
    let mut rows = vec![
        Row::new(format!("{of}: first sync, until all groups are there"), ours.first.groups, "s")
            .floor(ours.floor.groups)
            .bound(fifth),
        Row::new(format!("{of}: first sync, until everybody is there, too"), ours.first.everybody, "s")
            .floor(ours.floor.everybody),
        Row::new(
            format!("{of}: first sync as slices, until all groups and everybody are there"),
            ours.slices,
            "s",
        )
        .bound(fifth),
    ];
    for (kind, quiet) in [("by changes", &ours.delta), ("by a full reading", &ours.full)] {
        rows.push(
            Row::new(format!("{of}: sync {kind} without a change"), quiet.seconds, "s")
                .bound(Bound::Below(1.0)),
        );
        rows.push(
            Row::count(format!("{of}: sync {kind} without a change, writes"), quiet.writes, "")
                .bound(Bound::Exactly(0.0)),
        );
        rows.push(
            Row::count(format!("{of}: sync {kind} without a change, watch events"), quiet.events, "")
                .bound(Bound::Exactly(0.0)),
        );
    }
    rows
}

fn beside(company: &Company, ours: &Ours, peer: &PeerFigures) -> Table {
    let seconds = |[one, other]: [f64; 2]| format!("{one} s / {other} s");
    let line = |what: &str, theirs: String, ours: String| vec![what.to_owned(), theirs, ours];
    let both = |value: fn(&Quiet) -> f64| (figure(value(&ours.delta)), figure(value(&ours.full)));
    let (delta, full) = both(|quiet| quiet.seconds);
    let (delta_cpu, full_cpu) = both(|quiet| quiet.cpu);
    let (delta_peak, full_peak) = both(|quiet| quiet.peak);
    let [cpu, other_cpu] = peer.cpu;
    let [peak, other_peak] = peer.peak;
    let [searches, other_searches] = peer.searches;
    let rows = vec![
        line("", "group-sync-operator, rfc2307 / augmentedAD".into(), "directory-sync".into()),
        line(
            "first sync",
            format!("{}, groups alone", seconds(peer.first)),
            format!(
                "groups in {} s, {} people besides in {} s; as slices all in {} s",
                figure(ours.first.groups),
                grouped(company.users),
                figure(ours.first.everybody),
                figure(ours.slices)
            ),
        ),
        line(
            "sync without a change",
            seconds(peer.unchanged),
            format!("{delta} s by changes / {full} s by a full reading"),
        ),
        line(
            "its requests to the apiserver",
            peer.requests.to_string(),
            format!(
                "{} / {}, of them {} / {} writes",
                ours.delta.requests, ours.full.requests, ours.delta.writes, ours.full.writes
            ),
        ),
        line(
            "its watch events",
            peer.events.to_string(),
            format!("{} / {}", ours.delta.events, ours.full.events),
        ),
        line(
            "its CPU and peak memory",
            format!("{cpu} s, {peak} MB / {other_cpu} s, {other_peak} MB"),
            format!("{delta_cpu} s, {delta_peak} MB / {full_cpu} s, {full_peak} MB"),
        ),
        line(
            "LDAP searches of a full reading",
            format!("{searches} / {other_searches}, a connection each, never closed"),
            format!("{}, on one connection, closed", ours.searches),
        ),
    ];
    let title = format!(
        "Beside the nearest peer: {}. group-sync-operator at f39330d8, measured on 2026-11-23 on two cores.",
        workload(company)
    );
    Table { title, rows }
}

fn workload(company: &Company) -> String {
    format!("{} of {} members", size(company), company.members)
}

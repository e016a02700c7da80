//! The first sync of a directory: objects per second, beside a bare loop that creates the same
//! objects.

use serde_json::Value;

use crate::floor::{self, Body};
use crate::process::{self, Process};
use crate::reading;
use crate::row::{Bound, Row, median, number};
use crate::scale::{Scale, size};
use crate::stage::{self, Stage};
use crate::support::ldap::{Operations, Slapd};

/// What came of it, and what the next families go on with.
pub struct FirstSync {
    /// The rows.
    pub rows: Vec<Row>,
    /// The directory server.
    pub slapd: Slapd,
    /// How it is read.
    pub settings: Value,
    /// The last round's namespace, with everybody in it, synced every two seconds.
    pub stage: Stage,
    /// The objects as they were sent.
    pub bodies: Vec<Body>,
    /// What the first round asked of the directory server.
    pub operations: Operations,
}

/// One first sync.
struct Round {
    stage: Stage,
    cost: Cost,
    /// Processor time of the operator alone, in seconds.
    cpu: f64,
    peak: f64,
}

/// What creating all objects once took.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Time in seconds.
    pub seconds: f64,
    /// Processor time of the control plane and of whoever created the objects, in seconds.
    cpu: f64,
}

/// Measures as often as the scale says, in turn with the floor, so that a busy minute hits both.
pub async fn measure(scale: &Scale) -> FirstSync {
    let slapd = Slapd::builder().company(scale.company.clone()).start();
    let settings = reading::settings(&slapd);
    let (mut ours, mut floors) = (Vec::new(), Vec::new());

    let first = sync(&settings, "24h").await;
    let operations = slapd.wait_until("the connection is closed", |done| done.closed == 1).await;
    let bodies = floor::bodies(&first.stage.namespace).await;
    assert_eq!(bodies.len(), scale.company.users + scale.company.groups, "everybody is there");
    ours.push(first.cost);
    first.stage.clear().await;
    floors.push(bare(&bodies).await);

    // The floor first from now on: the last round stays.
    for _ in 2..scale.rounds {
        floors.push(bare(&bodies).await);
        let round = sync(&settings, "24h").await;
        ours.push(round.cost);
        round.stage.clear().await;
    }
    floors.push(bare(&bodies).await);
    let last = sync(&settings, "2s").await;
    ours.push(last.cost);

    // Rounds that differ much tell of a busy machine.
    eprintln!("        rounds: {}; floors: {}", seconds(&ours), seconds(&floors));
    let objects = number(bodies.len());
    let rate = |costs: &[Cost]| objects / median(costs.iter().map(|cost| cost.seconds).collect());
    let cpu = |costs: &[Cost]| 1_000.0 * median(costs.iter().map(|cost| cost.cpu).collect()) / objects;
    let of = size(&scale.company);
    let rows = vec![
        Row::new(format!("first sync, {of}: objects created"), rate(&ours), "1/s")
            .floor(rate(&floors))
            .bound(Bound::ShareOfFloor(0.8)),
        Row::new(format!("first sync, {of}: CPU an object, control plane and operator"), cpu(&ours), "ms")
            .floor(cpu(&floors)),
        Row::new(format!("first sync, {of}: CPU of the operator"), last.cpu, "s"),
        Row::new(format!("first sync, {of}: peak memory of the operator"), last.peak, "MB"),
    ];
    FirstSync { rows, slapd, settings, stage: last.stage, bodies, operations }
}

async fn sync(settings: &Value, interval: &str) -> Round {
    let stage = Stage::new().await;
    let process = stage.process();
    let (cpu, control_plane) = (process.cpu(), control_plane_cpu());
    let begun = stage.apply(settings, interval).await;
    let seconds = (stage.ready().await - begun).as_secs_f64();
    let cpu = process.cpu() - cpu;
    let cost = Cost { seconds, cpu: cpu + control_plane_cpu() - control_plane };
    Round { stage, cost, cpu, peak: process.peak_megabytes() }
}

/// The floor: the same objects in a namespace of their own, removed afterwards.
pub async fn bare(bodies: &[Body]) -> Cost {
    let namespace = stage::namespace().await;
    let begun = Process::this().cpu() + control_plane_cpu();
    let seconds = floor::create(bodies, &namespace).await.as_secs_f64();
    let cpu = Process::this().cpu() + control_plane_cpu() - begun;
    floor::clear(&namespace).await;
    Cost { seconds, cpu }
}

fn seconds(costs: &[Cost]) -> String {
    costs.iter().map(|cost| format!("{:.1} s", cost.seconds)).collect::<Vec<_>>().join(", ")
}

fn control_plane_cpu() -> f64 {
    process::cpu_of(&["etcd", "kube-apiserver"])
}

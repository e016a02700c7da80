//! The first sync of a directory: objects per second, beside a bare loop that creates the same
//! objects.

use std::time::Duration;

use serde_json::Value;

use crate::floor::{self, Body};
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
    seconds: f64,
    cpu: f64,
    peak: f64,
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
    ours.push(first.seconds);
    first.stage.clear().await;
    floors.push(bare(&bodies).await.as_secs_f64());

    // The floor first from now on: the last round stays.
    for _ in 2..scale.rounds {
        floors.push(bare(&bodies).await.as_secs_f64());
        let round = sync(&settings, "24h").await;
        ours.push(round.seconds);
        round.stage.clear().await;
    }
    floors.push(bare(&bodies).await.as_secs_f64());
    let last = sync(&settings, "2s").await;
    ours.push(last.seconds);

    let rate = |seconds: Vec<f64>| number(bodies.len()) / median(seconds);
    let of = size(&scale.company);
    let rows = vec![
        Row::new(format!("first sync, {of}: objects created"), rate(ours), "1/s")
            .floor(rate(floors))
            .bound(Bound::ShareOfFloor(0.8)),
        Row::new(format!("first sync, {of}: CPU of the operator"), last.cpu, "s"),
        Row::new(format!("first sync, {of}: peak memory of the operator"), last.peak, "MB"),
    ];
    FirstSync { rows, slapd, settings, stage: last.stage, bodies, operations }
}

async fn sync(settings: &Value, interval: &str) -> Round {
    let stage = Stage::new().await;
    let cpu = stage.process().cpu();
    let begun = stage.apply(settings, interval).await;
    let seconds = (stage.ready().await - begun).as_secs_f64();
    let process = stage.process();
    Round { cpu: process.cpu() - cpu, peak: process.peak_megabytes(), seconds, stage }
}

/// The floor: the same objects in a namespace of their own, removed afterwards.
pub async fn bare(bodies: &[Body]) -> Duration {
    let namespace = stage::namespace().await;
    let took = floor::create(bodies, &namespace).await;
    floor::clear(&namespace).await;
    took
}

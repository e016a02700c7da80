//! Two hundred Directories for five minutes, a tenth of which have sources that hang, refuse or take their
//! time: how late the others are, and what it takes of memory.

use std::collections::BTreeMap;
use std::time::Duration;

use directory_sync::api::Directory;
use directory_sync::controller::schedule::jittered;
use jiff::Timestamp;
use serde_json::Value;

use crate::process::Process;
use crate::row::{Bound, Row};
use crate::scale::Scale;
use crate::support::neighbours::{INTERVAL_SECONDS, Neighbours};

/// How late a healthy Directory may be: as long as a turn of all that wait may take.
const LATEST: f64 = 5.0;
/// As after a sync of a large directory.
const MOST_MEMORY: f64 = 200.0;

/// Rows of the whole time.
pub async fn rows(scale: &Scale) -> Vec<Row> {
    let (good, bad, seconds) = if scale.quick { (36, 4, 15) } else { (180, 20, 300) };
    let mut neighbours = Neighbours::bad("bench", &["--log-format=json"], bad).await;
    let process = Process::of(neighbours.stage.operator.id());
    neighbours.add_good(good).await;
    neighbours.good_are_synced(2).await;
    let from = Timestamp::now();
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let lateness = lateness(&neighbours, from).await;
    assert_eq!(lateness.len(), good, "everybody was synced twice");
    let worst = lateness.iter().copied().fold(0.0, f64::max);
    let what = format!("{good} Directories beside {bad} that hang, refuse or trickle, for {seconds} s");
    vec![
        Row::new(format!("{what}: worst lateness of a healthy one"), worst, "s").bound(Bound::Below(LATEST)),
        Row::new(format!("{what}: peak memory"), process.peak_megabytes(), "MB")
            .bound(Bound::Below(MOST_MEMORY)),
    ]
}

/// By how many seconds each good one was ever late since a time, from the start of one sync to the start
/// of the next.
async fn lateness(neighbours: &Neighbours, from: Timestamp) -> Vec<f64> {
    let starts = starts(&neighbours.stage.operator.log());
    let directories =
        neighbours.stage.api::<Directory>().list(&kube::api::ListParams::default()).await.unwrap();
    let good = directories.items.into_iter().filter_map(|directory| {
        let name = directory.metadata.name?;
        neighbours.good.contains(&name).then_some((name, directory.metadata.uid?))
    });
    let worst = |(name, uid): (String, String)| {
        let interval = jittered(Duration::from_secs(INTERVAL_SECONDS), &uid).as_secs_f64();
        let mut own = starts.get(&name)?.clone();
        own.sort_unstable();
        let gaps = own.windows(2).filter(|pair| pair[1] >= from);
        let late = gaps.map(|pair| pair[1].duration_since(pair[0]).as_secs_f64() - interval);
        late.reduce(f64::max)
    };
    good.filter_map(worst).collect()
}

/// When each sync began, by the operator's log, which says when it ended and how long it took.
fn starts(log: &str) -> BTreeMap<String, Vec<Timestamp>> {
    let mut starts: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    for line in lines.filter(|line| line["message"] == "synced") {
        let ended: Timestamp = line["timestamp"].as_str().unwrap().parse().unwrap();
        let took = Duration::from_millis(line["duration_ms"].as_u64().unwrap());
        let name = line["directory"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        starts.entry(name).or_default().push(ended - took);
    }
    starts
}

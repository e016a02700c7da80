//! The operator is killed at random points while it changes the form and while it splits, and ends in
//! the same state as a fresh sync.

use std::time::{Duration, Instant};

use serde_json::json;

use super::*;
use crate::support::audit::AuditMark;

/// Without a Lease, for whose end a successor would have to wait.
const ALONE: &[&str] = &["--leader-elect=false"];

/// Numbers that look random and are the same for the same seed (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit).unwrap()
    }
}

/// Kills the operator when it has made so many writes of mirrors since a mark, or has come to its end.
async fn kill_after(stage: &mut Stage, mark: AuditMark, writes: usize, done: &str) {
    let deadline = Instant::now() + LIMIT;
    loop {
        let made = stage.written(mark).filter(|event| event.object_ref.resource != "directories").len();
        let finished = !stage.written(mark).of("directories/status").is_empty();
        if made >= writes || finished {
            eprintln!("{done}: killed after {made} writes of {writes}");
            break;
        }
        assert!(Instant::now() < deadline, "{done}: {made} writes of {writes} within {LIMIT:?}, and no end");
        // Shorter than other waits: the kill is to hit any point of a change that takes a second.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    stage.operator.kill();
}

/// The entries that a fresh Directory on the same source has.
async fn fresh(stage: &Stage) -> Vec<Value> {
    stage.directory("fresh", mode("Slices")).await;
    stage.ready("fresh", "True", "Synced").await;
    told(&entries(stage, "fresh").await, "fresh")
}

/// Entries without what says which Directory they are of.
fn told(entries: &Entries, directory: &str) -> Vec<Value> {
    let all: Vec<Value> = entries.values().cloned().collect();
    let text = serde_json::to_string(&all).unwrap().replace(&format!("\"{directory}-"), "\"");
    serde_json::from_str(&text.replace(&format!("\"directory\":\"{directory}\""), "\"directory\":\"\""))
        .unwrap()
}

#[tokio::test]
async fn a_kill_at_any_point_of_a_change_of_form_ends_as_a_fresh_sync_does() {
    let mut stage = stage_of(Stage::with("crash-form", ALONE).await, 400, "Objects").await;
    let expected = fresh(&stage).await;
    for seed in [11, 12, 13] {
        let mut random = Random(seed);
        for form in ["Slices", "Objects"] {
            stage.respecify("acme", json!({"output": {"mode": form}})).await;
            for _ in 0..3 {
                let (mark, writes) = (Cluster::get().audit_mark(), random.below(300));
                kill_after(&mut stage, mark, writes, &format!("seed {seed}, to {form}")).await;
                stage.operator.restart().await;
                stage.patch::<directory_sync::api::Directory>(
                    "acme",
                    json!({"metadata": {"annotations": {"directory-sync.io/sync-requested-at": format!("{seed}-{writes}-{form}")}}}),
                )
                .await;
            }
            has_form(&stage, "acme", form).await;
            stage.full_sync("acme").await;
            stage.ready("acme", "True", "Synced").await;
            has_form(&stage, "acme", form).await;
            assert_eq!(told(&entries(&stage, "acme").await, "acme"), expected, "seed {seed}");
        }
    }
}

#[tokio::test]
async fn a_kill_at_any_point_of_splits_ends_as_a_fresh_sync_does() {
    let mut stage = stage_of(Stage::with("crash-split", ALONE).await, 100, "Slices").await;
    for (seed, count) in [(21, 900), (22, 1_800), (23, 3_600)] {
        let mut random = Random(seed);
        let mark = Cluster::get().audit_mark();
        stage.rewrite("people", json!({"users.csv": people(0..count)})).await;
        let token = format!("{seed}");
        let request = json!({"metadata": {"annotations": {"directory-sync.io/sync-requested-at": token}}});
        stage.patch::<directory_sync::api::Directory>("acme", request).await;
        kill_after(&mut stage, mark, random.below(20), &format!("seed {seed}, splits")).await;
        stage.operator.restart().await;
        stage.full_sync("acme").await;
        stage.ready("acme", "True", "Synced").await;
        has_form(&stage, "acme", "Slices").await;
        assert_eq!(entries(&stage, "acme").await.len(), count + 1, "seed {seed}");
    }
    let expected = fresh(&stage).await;
    assert_eq!(told(&entries(&stage, "acme").await, "acme"), expected);
}

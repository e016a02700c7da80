//! What the engine promises whatever the provider is: when it syncs, what it writes, what it says.

mod adoption;
mod events;
mod output;
mod plans;
mod restart;
mod rules;
mod running;
mod schedule;

use crate::support::stage::{LIMIT, Stage};
use crate::support::wait::eventually;

/// Waits until the operator has read a ConfigMap so many times since a mark.
async fn reads(stage: &Stage, mark: crate::support::audit::AuditMark, map: &str, times: usize) {
    eventually("the ConfigMap is read", LIMIT, async || {
        let reads = reads_now(stage, mark, map);
        if reads >= times { Ok(()) } else { Err(format!("{reads} reads\n{}", stage.operator.log())) }
    })
    .await;
}

/// How many times the operator has read a ConfigMap since a mark.
fn reads_now(stage: &Stage, mark: crate::support::audit::AuditMark, map: &str) -> usize {
    stage.asked(mark).of("configmaps").filter(|event| event.object_ref.name == map).len()
}

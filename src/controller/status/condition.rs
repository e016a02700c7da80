//! Conditions as Kubernetes means them: one per type, a transition time that moves only when the
//! status flips.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::shorten;

/// The conditions of one Directory while they are being decided.
pub struct Conditions {
    list: Vec<Condition>,
    generation: Option<i64>,
    now: Timestamp,
}

impl Conditions {
    /// Starts from the conditions of before.
    #[must_use]
    pub fn new(previous: &[Condition], generation: Option<i64>, now: Timestamp) -> Self {
        Self { list: previous.to_vec(), generation, now }
    }

    /// Sets one condition.
    pub fn set(&mut self, kind: &str, holds: bool, reason: &str, message: impl Into<String>) {
        let mut message = message.into();
        shorten(&mut message);
        let status = if holds { "True" } else { "False" };
        let known = self.list.iter().position(|condition| condition.type_ == kind);
        let since = known.map(|at| &self.list[at]).filter(|condition| condition.status == status);
        let next = Condition {
            type_: kind.to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
            message,
            observed_generation: self.generation,
            last_transition_time: since
                .map_or(Time(self.now), |condition| condition.last_transition_time.clone()),
        };
        match known {
            Some(at) => self.list[at] = next,
            None => self.list.push(next),
        }
    }

    /// Says of one condition what another says, as long as that is false.
    pub fn follow(&mut self, kind: &str, other: &str) {
        let found =
            self.list.iter().find(|condition| condition.type_ == other && condition.status == "False");
        if let Some(Condition { reason, message, .. }) = found.cloned() {
            self.set(kind, false, &reason, message);
        }
    }

    /// Takes a condition away: some are there only while they hold.
    pub fn remove(&mut self, kind: &str) {
        self.list.retain(|condition| condition.type_ != kind);
    }

    /// The conditions as they go into the status.
    #[must_use]
    pub fn into_vec(self) -> Vec<Condition> {
        self.list
    }
}

//! What is said of a fault, and whether a person sees what is said.

use k8s_openapi::api::events::v1::Event;
use kube::api::ListParams;

use crate::support::stage::{LIMIT, Stage};
use crate::support::wait::eventually;

/// A row of the matrix.
pub struct Fault {
    /// `F20`.
    pub name: &'static str,
    /// What goes wrong.
    pub title: &'static str,
    /// What comes of it.
    pub course: Course,
}

/// What comes of a fault.
pub enum Course {
    /// Tests show it.
    Shown {
        /// What the operator does, and what it does not.
        becomes: &'static str,
        /// What a person sees. Nothing: the sync succeeds as ever.
        seen: &'static [Case],
        /// How one recovers.
        recover: &'static str,
    },
    /// No test shows it, for this reason.
    NotShown(&'static str),
}

/// Something that a person sees.
pub struct Case {
    /// In which of the cases that a row stands for; empty: always.
    pub when: &'static str,
    /// What it is.
    pub sign: Sign,
}

/// A place where a person looks, and what is there. Of texts, these parts in any order.
pub enum Sign {
    /// A condition of the Directory.
    Condition { kind: &'static str, holds: bool, reason: &'static str, message: &'static [&'static str] },
    /// An Event of the Directory.
    Event { reason: &'static str, note: &'static [&'static str] },
    /// An entry of `status.notes`.
    Note(&'static str),
    /// An entry of `status.quarantined`.
    HeldBack { reason: &'static str, example: &'static [&'static str] },
    /// A line of the operator's log.
    Log(&'static [&'static str]),
    /// A series of the Directory that counts it.
    Metric(&'static str),
    /// The answer of `/readyz`.
    NotReady(&'static [&'static str]),
}

impl Fault {
    /// Waits until a Directory shows everything that the row says.
    pub async fn is_seen(&self, stage: &Stage, directory: &str) {
        for case in self.cases() {
            case.is_seen(stage, directory).await;
        }
    }

    /// What the row says of one of its cases.
    pub fn case(&self, when: &str) -> &'static Case {
        let case = self.cases().iter().find(|case| case.when == when);
        case.unwrap_or_else(|| panic!("{} has no case '{when}'", self.name))
    }

    fn cases(&self) -> &'static [Case] {
        match &self.course {
            Course::Shown { seen, .. } => seen,
            Course::NotShown(_) => panic!("{} is declared as not shown", self.name),
        }
    }
}

impl Case {
    /// Waits until a Directory shows it.
    pub async fn is_seen(&self, stage: &Stage, directory: &str) {
        eventually("what the matrix of faults says is seen", LIMIT, async || {
            let found = self.sign.texts(stage, directory).await;
            if found.iter().any(|text| self.sign.parts().iter().all(|part| text.contains(part))) {
                Ok(())
            } else {
                Err(format!("{:?} is not in {found:#?}\n{}", self.sign.parts(), stage.operator.log()))
            }
        })
        .await;
    }
}

impl Sign {
    /// The parts of its text.
    pub fn parts(&self) -> Vec<&'static str> {
        match self {
            Self::Condition { message: parts, .. }
            | Self::Event { note: parts, .. }
            | Self::HeldBack { example: parts, .. }
            | Self::Log(parts)
            | Self::NotReady(parts) => parts.to_vec(),
            Self::Note(part) => vec![part],
            Self::Metric(_) => Vec::new(),
        }
    }

    /// What is there now, where it would be.
    async fn texts(&self, stage: &Stage, directory: &str) -> Vec<String> {
        match self {
            Self::Condition { kind, holds, reason, .. } => {
                let status = if *holds { "True" } else { "False" };
                let condition = stage.condition(directory, kind).await.into_iter();
                let here = condition.filter(|found| found.status == status && found.reason == *reason);
                here.map(|condition| condition.message).collect()
            }
            Self::Event { reason, .. } => {
                let events =
                    stage.api::<Event>().list(&ListParams::default()).await.unwrap().items.into_iter();
                let of_directory = events.filter(|event| {
                    let regarding = event.regarding.as_ref().and_then(|regarding| regarding.name.as_deref());
                    regarding == Some(directory) && event.reason.as_deref() == Some(reason)
                });
                of_directory.filter_map(|event| event.note).collect()
            }
            Self::Note(_) => stage.status(directory).await.notes,
            Self::HeldBack { reason, .. } => {
                let held = stage.status(directory).await.quarantined.into_iter();
                held.filter(|held| held.reason == *reason).map(|held| held.example).collect()
            }
            Self::Log(_) => stage.operator.log().lines().map(str::to_owned).collect(),
            Self::Metric(name) => {
                let labels = format!("{{namespace=\"{}\",name=\"{directory}\"}}", stage.namespace);
                let value = stage.operator.metric(&format!("{name}{labels}")).await;
                value.filter(|value| value != "0").into_iter().collect()
            }
            Self::NotReady(_) => {
                let answer = stage.operator.readiness().await.unwrap_or_default();
                Some(answer).filter(|answer| answer.starts_with("HTTP/1.1 503")).into_iter().collect()
            }
        }
    }
}

//! Checks manifests without a cluster, for a pipeline that stands between Git and the cluster.
//!
//! What the apiserver would refuse is an error here: the same schemas, the same rules. So is what only the
//! first reconcile would tell: expressions, filters, tables. What may be somewhere else, such as a Secret
//! that is not in Git, is a warning.

mod complete;
mod definition;
mod directory;
mod document;
pub mod files;
mod given;
mod manifests;
mod metadata;
pub mod report;
mod rules;
mod stray;
mod structure;
mod walk;

use std::collections::BTreeMap;

pub use manifests::{Identity, Manifests};
pub use report::{Report, Severity};

use crate::api::GROUP;
use definition::Definitions;
use document::Object;
use given::Materials;
use report::Problem;

/// A file to check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Its name in messages.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// What manifests are checked against.
pub struct Checker {
    definitions: Definitions,
}

impl Checker {
    /// Prepares the definitions that this program installs.
    ///
    /// # Errors
    /// When they cannot be used: a defect of this program.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self { definitions: Definitions::new()? })
    }

    /// Checks all objects of `directory-sync.io` in some files, together.
    #[must_use]
    pub fn check(&self, inputs: &[Input]) -> Report {
        self.read(inputs).report
    }

    /// As [`Checker::check`], and keeps what was read.
    #[must_use]
    pub fn read(&self, inputs: &[Input]) -> Manifests {
        let mut report = Report { files: inputs.len(), ..Report::default() };
        let (mut objects, mut materials) = (Vec::new(), Materials::default());
        for input in inputs {
            let (found, problems) = document::read(input);
            report.problems.extend(problems);
            for object in found {
                if is_ours(&object) {
                    objects.push(object);
                } else {
                    report.others += 1;
                    if self.definitions.know(object.kind()) {
                        report.problems.extend(stray::mistyped(&object));
                    }
                    report.problems.extend(materials.add(&object));
                }
            }
        }
        report.objects = objects.len();
        for object in &mut objects {
            report.problems.extend(self.check_one(&materials, object));
        }
        report.problems.extend(doubles(&objects));
        if objects.is_empty() && report.problems.is_empty() {
            report.problems.extend(stray::nothing(inputs));
        }
        let place = |name: &str| inputs.iter().position(|input| input.name == name);
        report.problems.sort_by_key(|problem| (place(&problem.file), problem.document, problem.line));
        Manifests { report, objects, materials }
    }

    fn check_one(&self, materials: &Materials, object: &mut Object) -> Vec<Problem> {
        let mut value = std::mem::take(&mut object.value);
        let found = self.definitions.check(&mut value);
        object.value = value;
        let mut problems: Vec<Problem> = found
            .into_iter()
            .map(|problem| object.problem(Severity::Error, &problem.field, problem.message))
            .collect();
        match object.kind() {
            "Directory" if problems.is_empty() => problems.extend(directory::check(object, materials)),
            "Directory" => {
                let besides = directory::besides(object, &problems);
                problems.extend(besides);
            }
            kind if self.definitions.know(kind) => {
                let message = format!("the operator alone writes a {kind}; leave it out of Git");
                problems.push(object.problem(Severity::Warning, "", message));
            }
            _ => {}
        }
        problems
    }
}

/// Objects of our group, and Directories that do not say whose they are.
fn is_ours(object: &Object) -> bool {
    object.group() == GROUP || (object.kind() == "Directory" && object.text("/apiVersion").is_none())
}

/// Objects of one kind, namespace and name: the second would overwrite the first.
fn doubles(objects: &[Object]) -> Vec<Problem> {
    let mut seen: BTreeMap<_, &Object> = BTreeMap::new();
    let mut problems = Vec::new();
    for object in objects {
        let Some(name) = object.text("/metadata/name") else { continue };
        let identity = (object.kind(), object.text("/metadata/namespace"), name);
        if let Some(first) = seen.get(&identity) {
            let message =
                format!("{} is declared already in {}; give one of them another name", name, first.place());
            problems.push(object.problem(Severity::Error, "metadata.name", message));
        } else {
            seen.insert(identity, object);
        }
    }
    problems
}

#[cfg(test)]
mod tests;

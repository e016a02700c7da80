//! Manifests that have been read and checked, for those who go on with what is in them.

use std::fmt;

use super::document::Object;
use super::given::{Given, Materials};
use super::report::{Problem, Report, Severity};
use crate::api::Directory;
use crate::source::Reference;

/// Manifests that have been read and checked.
pub struct Manifests {
    /// What was found.
    pub report: Report,
    pub(super) objects: Vec<Object>,
    pub(super) materials: Materials,
}

/// Which Directory is meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// Its namespace, where the manifest names one.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        f.write_str(&self.name)
    }
}

impl Manifests {
    /// All Directories that have a name, in order; also those that something is wrong with.
    #[must_use]
    pub fn directories(&self) -> Vec<Identity> {
        let mut identities: Vec<Identity> = self.objects.iter().filter_map(identity).collect();
        identities.sort();
        identities.dedup();
        identities
    }

    /// A Directory with the defaults of its schema, if it can be read.
    #[must_use]
    pub fn directory(&self, which: &Identity) -> Option<Directory> {
        let object = self.objects.iter().find(|object| identity(object).as_ref() == Some(which))?;
        serde_json::from_value(object.value.clone()).ok()
    }

    /// The keys and values of a Secret or ConfigMap that a Directory in `namespace` names, if they
    /// were given and can be read.
    #[must_use]
    pub fn data(&self, reference: &Reference, namespace: Option<&str>) -> Option<&[(String, Vec<u8>)]> {
        match self.materials.get(reference, namespace)? {
            Given::Data(data) => Some(data),
            Given::Sealed => None,
        }
    }

    /// All errors.
    pub fn errors(&self) -> impl Iterator<Item = &Problem> {
        self.report.problems.iter().filter(|problem| problem.severity == Severity::Error)
    }

    /// Errors of a Directory.
    pub fn errors_of(&self, which: &Identity) -> impl Iterator<Item = &Problem> {
        self.errors().filter(|problem| {
            problem.kind.as_deref() == Some("Directory")
                && problem.name.as_ref() == Some(&which.name)
                && problem.namespace == which.namespace
        })
    }

    /// Errors of a Secret or ConfigMap that a Directory in `namespace` names.
    pub fn errors_in(
        &self,
        reference: &Reference,
        namespace: Option<&str>,
    ) -> impl Iterator<Item = &Problem> {
        let kind = reference.kind.to_string();
        self.errors().filter(move |problem| {
            problem.kind.as_ref() == Some(&kind)
                && problem.name.as_ref() == Some(&reference.name)
                && (namespace.is_none()
                    || problem.namespace.is_none()
                    || problem.namespace.as_deref() == namespace)
        })
    }

    /// Errors of documents of which nobody can say what they hold.
    pub fn unreadable(&self) -> impl Iterator<Item = &Problem> {
        self.errors().filter(|problem| problem.kind.is_none())
    }
}

fn identity(object: &Object) -> Option<Identity> {
    let name = object.text("/metadata/name").filter(|_| object.kind() == "Directory")?;
    let namespace = object.text("/metadata/namespace").map(str::to_owned);
    Some(Identity { namespace, name: name.to_owned() })
}

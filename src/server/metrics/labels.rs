//! By what metrics are told apart: by Directory, never by person.

use prometheus_client::encoding::EncodeLabelSet;

use crate::sink::DirectoryKey;

/// Of one Directory.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct DirectoryLabels {
    pub(super) namespace: String,
    pub(super) name: String,
}

/// Of the syncs of one Directory that ended alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RunLabels {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) provider: &'static str,
    pub(super) mode: String,
    pub(super) result: &'static str,
}

/// Of the records of one Directory that are held back for a reason.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ReasonLabels {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) reason: String,
}

/// Of the people of one Directory who share an attribute with somebody.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct AttributeLabels {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) attribute: &'static str,
}

/// Of the mirrors of one Directory of a kind, in a state.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct KindLabels {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) state: &'static str,
}

/// Of what was done to mirrors of one Directory.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OperationLabels {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) op: &'static str,
}

/// Of syncs by how they ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ReconcileLabels {
    pub(super) controller: &'static str,
    pub(super) result: &'static str,
}

/// Of the operator as a controller.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ControllerLabels {
    pub(super) controller: &'static str,
}

/// Of those who wait.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct QueueLabels {
    pub(super) name: &'static str,
}

/// Of a Lease.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct LeaseLabels {
    pub(super) name: String,
}

/// The controller's name.
pub(super) const CONTROLLER: &str = "directory";
pub(super) const CONTROLLER_LABELS: ControllerLabels = ControllerLabels { controller: CONTROLLER };
pub(super) const QUEUE_LABELS: QueueLabels = QueueLabels { name: CONTROLLER };

pub(super) fn labels(key: &DirectoryKey) -> DirectoryLabels {
    DirectoryLabels { namespace: key.namespace.clone(), name: key.name.clone() }
}

pub(super) fn operation_labels(key: &DirectoryKey, op: &'static str) -> OperationLabels {
    OperationLabels { namespace: key.namespace.clone(), name: key.name.clone(), op }
}

pub(super) fn reason_labels(key: &DirectoryKey, reason: &str) -> ReasonLabels {
    ReasonLabels { namespace: key.namespace.clone(), name: key.name.clone(), reason: reason.to_owned() }
}

pub(super) fn attribute_labels(key: &DirectoryKey, attribute: &'static str) -> AttributeLabels {
    AttributeLabels { namespace: key.namespace.clone(), name: key.name.clone(), attribute }
}

pub(super) fn kind_labels(key: &DirectoryKey, kind: &'static str, state: &'static str) -> KindLabels {
    KindLabels { namespace: key.namespace.clone(), name: key.name.clone(), kind, state }
}

//! The apiserver's audit log: who asked it for what, as tests want to see it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Deref;
use std::path::Path;

use serde::Deserialize;

/// A place in the audit log; see [`super::cluster::Cluster::audit_mark`].
#[derive(Clone, Copy, Debug)]
pub struct AuditMark(u64);

impl AuditMark {
    /// The beginning of the log.
    pub const START: Self = Self(0);

    pub fn end_of(log: &Path) -> Self {
        Self(log.metadata().expect("the audit log is there from the start").len())
    }
}

/// One request. Requests of the core group, of `directory-sync.io`, events and leases are logged;
/// those that the apiserver makes to itself are not.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEvent {
    pub stage: String,
    pub verb: String,
    pub user: User,
    #[serde(default)]
    pub user_agent: String,
    #[serde(default)]
    pub object_ref: ObjectRef,
    pub response_status: Option<ResponseStatus>,
}

/// Nobody, where the asker was gone before they were known.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct User {
    pub username: String,
}

/// The fields that a request does not have (a list has no name) are empty.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectRef {
    pub api_group: String,
    pub resource: String,
    pub subresource: String,
    pub namespace: String,
    pub name: String,
}

#[derive(Clone, Debug, Deserialize)]
pub struct ResponseStatus {
    #[serde(default)]
    pub code: u16,
}

impl AuditEvent {
    /// The HTTP status of the answer; 0 where there was none.
    pub fn code(&self) -> u16 {
        self.response_status.as_ref().map_or(0, |status| status.code)
    }

    pub fn is_write(&self) -> bool {
        ["create", "update", "patch", "delete", "deletecollection"].contains(&self.verb.as_str())
    }
}

/// Requests in the order in which they were answered. The filters narrow it down one after the
/// other:
/// `cluster.audit_since(mark, &namespace).by("admin").writes().of("directoryusers").len()`.
#[derive(Clone, Debug)]
pub struct Audit(Vec<AuditEvent>);

impl Audit {
    /// Reads what the log has of a namespace from `mark` on. The apiserver writes a line before it ends its answer, so the
    /// requests whose answers the test has are all there.
    pub fn read(log: &Path, mark: AuditMark, namespace: &str) -> Self {
        let mut text = String::new();
        let mut file = File::open(log).expect("the audit log is there from the start");
        // From the byte before on: the mark may stand in a line that was being written, and that line
        // belongs to what was before.
        file.seek(SeekFrom::Start(mark.0.saturating_sub(1))).expect("the audit log is a file");
        file.read_to_string(&mut text).expect("the audit log is text");
        let whole =
            if mark.0 == 0 { Some(text.as_str()) } else { text.split_once('\n').map(|(_, rest)| rest) };
        // What follows the last line end is a line that is being written right now.
        let complete = whole.and_then(|text| Some(&text[..text.rfind('\n')?])).unwrap_or_default();
        // Most of it is of other tests, and to understand each line takes long.
        let events = complete.lines().filter(|line| line.contains(namespace)).map(|line| {
            serde_json::from_str::<AuditEvent>(line)
                .unwrap_or_else(|error| panic!("the audit log has a line that is no event: {error}: {line}"))
        });
        Self(events.filter(|event| counts(event) && event.object_ref.namespace == namespace).collect())
    }

    pub fn filter(mut self, keep: impl Fn(&AuditEvent) -> bool) -> Self {
        self.0.retain(keep);
        self
    }

    /// By the name of who asked. A service account is `system:serviceaccount:NAMESPACE:NAME`.
    pub fn by(self, username: &str) -> Self {
        self.filter(|event| event.user.username == username)
    }

    /// By the operator's pod, of several that share a service account.
    pub fn by_pod(self, pod: &str) -> Self {
        let agent = format!("({pod}_");
        self.filter(|event| event.user_agent.contains(&agent))
    }

    pub fn verb(self, verb: &str) -> Self {
        self.filter(|event| event.verb == verb)
    }

    /// Everything that may change an object.
    pub fn writes(self) -> Self {
        self.filter(AuditEvent::is_write)
    }

    /// By the resource's plural, with or without a subresource: `directories`,
    /// `directories/status`. The plural alone does not include the subresources.
    pub fn of(self, resource: &str) -> Self {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        self.filter(|event| {
            event.object_ref.resource == resource && event.object_ref.subresource == subresource
        })
    }
}

impl Deref for Audit {
    type Target = [AuditEvent];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// A watch has a line at its opening and another at its end; tests want to know that it was opened.
fn counts(event: &AuditEvent) -> bool {
    let wanted = if event.verb == "watch" { "ResponseStarted" } else { "ResponseComplete" };
    event.stage == wanted
}

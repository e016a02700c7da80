//! What a Directory's status says: is it working, how many, since when, why not.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::directory::Form;

/// How many names of mirrors a plan shows.
pub const MAX_SAMPLE: usize = 20;

/// More attributes than a Directory can ask for: the standard ones and 64 of `mapping`.
pub const MAX_ATTRIBUTES: usize = 128;

/// Observed state of a Directory. Counts and sentences only: no person's attributes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryStatus {
    /// The generation of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready` sums up. `SourceReady` is about the directory, `OutputReady` about the cluster,
    /// `DeletionGuard` is false while losses wait for approval.
    /// `Reconciling` and `Stalled` are there only while they are true.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 16),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"])
    )]
    pub conditions: Vec<Condition>,
    /// The provider's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub provider: Option<String>,
    /// Whose directory was read last, where the provider can tell: an id that stays while the directory
    /// does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub tenant: Option<String>,
    /// The form in which people and groups are in the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Form>,
    /// People in the cluster (with `mode: None`: that would be), but for those who are missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<UserCounts>,
    /// Groups in the cluster (with `mode: None`: that would be), but for those that are missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<i64>,
    /// Members of all groups, added up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memberships: Option<i64>,
    /// A sync that went through: the last that changed something or came to something else than the one before
    /// it, or a later one that shows, at most once in five minutes, that the operator is alive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sync: Option<SyncRun>,
    /// How far a long sync has come; there only while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// With `dryRun`: what a sync would do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanSummary>,
    /// What the deletion guard holds back until it is approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_plan: Option<PendingPlan>,
    /// Who is missing or inactive and goes when the grace time is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<Missing>,
    /// The ConfigMap that `spec.output.configMap` asked for, as it was last written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map: Option<ConfigMapStatus>,
    /// Failed syncs in a row; decides how long to wait for the next, across restarts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<i32>,
    /// When the next sync is due after a failure; a restart keeps to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_time: Option<Time>,
    /// The last value of the sync-requested annotations that was acted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub last_handled_request: Option<String>,
    /// What a person should know although the sync succeeded; at most ten sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10), inner(length(max = 1024)), extend("x-kubernetes-list-type" = "atomic"))]
    pub notes: Vec<String>,
    /// People who share what others should not have; each has an object of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflicts: Option<Conflicts>,
    /// People and groups that are held back, counted by reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "atomic"))]
    pub quarantined: Vec<Quarantined>,
}

impl DirectoryStatus {
    /// The condition of a type, if the status has it.
    #[must_use]
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.type_ == kind)
    }
}

/// What stands in the ConfigMap of `spec.output.configMap`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigMapStatus {
    /// Its name.
    #[schemars(length(max = 253))]
    pub name: String,
    /// The hash of all files, as in its `index.json`.
    #[schemars(length(max = 64))]
    pub hash: String,
    /// People in it.
    pub users: i64,
    /// Groups in it.
    pub groups: i64,
    /// Further ConfigMaps that it is the index of.
    pub shards: i64,
    /// Whether those are immutable.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub immutable: bool,
}

/// How many people there are by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserCounts {
    /// People in state `Active`.
    pub active: i64,
    /// People in state `Inactive`.
    pub inactive: i64,
}

/// One run of a sync.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SyncRun {
    /// When it started.
    pub start_time: Time,
    /// How long it took, in milliseconds.
    pub duration_milliseconds: i64,
    /// How the people came.
    pub kind: SyncKind,
    /// Mirrors created.
    pub created: i64,
    /// Mirrors changed, but for those of `deactivated`.
    pub updated: i64,
    /// People made inactive because they are missing, with `missingUsers: Deactivate`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub deactivated: i64,
    /// Mirrors deleted.
    pub deleted: i64,
    /// Mirrors left as they were.
    pub unchanged: i64,
    /// Mirrors that someone had edited or deleted and that were repaired; they count as created
    /// or updated too.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub drift_repaired: i64,
}

impl SyncRun {
    /// Mirrors written.
    #[must_use]
    pub const fn written(&self) -> i64 {
        self.created + self.updated + self.deactivated + self.deleted
    }
}

/// How the people of a run came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SyncKind {
    /// Everything was read.
    Full,
    /// Only changes were asked for.
    Delta,
    /// The directory was not asked: rules or mirrors had changed.
    Replan,
}

/// How far a long sync has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Progress {
    /// Records read from the directory.
    pub read: i64,
    /// Writes done.
    pub written: i64,
    /// Writes planned.
    pub planned: i64,
}

/// What a sync would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanSummary {
    /// Mirrors that would be created.
    pub create: i64,
    /// Mirrors that would be changed, but for those of `deactivate`.
    pub update: i64,
    /// People who are missing and would become inactive, with `missingUsers: Deactivate`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub deactivate: i64,
    /// Mirrors that would be deleted.
    pub delete: i64,
    /// Mirrors that would stay.
    pub unchanged: i64,
    /// Names of up to 20 mirrors with what would happen to each: `create acme-u-…`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_SAMPLE), inner(length(max = 300)), extend("x-kubernetes-list-type" = "atomic"))]
    pub sample: Vec<String>,
}

/// What is held back until its hash stands in `spec.deletion.guard.approvedPlan`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PendingPlan {
    /// Stands for these very losses.
    #[schemars(length(max = 64))]
    pub hash: String,
    /// People who would become inactive.
    pub deactivate: i64,
    /// People who would be deleted.
    pub delete: i64,
    /// Groups that would be deleted.
    pub delete_groups: i64,
    /// Groups of twenty or more that would lose more than half of their members, or groups of any size
    /// that would all lose all of them.
    pub shrink_groups: i64,
    /// Attributes that nearly nobody has any more, although many people had them: their old values
    /// stay. `state` stands for being inactive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = MAX_ATTRIBUTES),
        inner(length(max = 64)),
        extend("x-kubernetes-list-type" = "atomic")
    )]
    pub attributes: Vec<String>,
    /// People and groups that went without an approval within the 24 hours before: they count.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub last_day: i64,
    /// Since when these losses are held, or when the hash was last made anew: an approval is good
    /// for three days.
    pub since: Time,
    /// Names of up to 20 mirrors with what each would lose: `delete acme-u-…`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_SAMPLE), inner(length(max = 300)), extend("x-kubernetes-list-type" = "atomic"))]
    pub sample: Vec<String>,
}

impl PendingPlan {
    /// How many people and groups it would take something away from.
    #[must_use]
    pub const fn takes_away(&self) -> i64 {
        self.delete + self.deactivate + self.delete_groups + self.shrink_groups
    }
}

/// People and groups whose mirrors are in the cluster until their grace time is over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Missing {
    /// People.
    pub users: i64,
    /// Groups.
    pub groups: i64,
    /// When the first of them goes, unless they are back before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_due: Option<Time>,
}

/// People who share an e-mail address or a user name with somebody, in any letter case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conflicts {
    /// People whose e-mail address somebody else has, too.
    pub email: i64,
    /// People whose user name somebody else has, too.
    pub user_name: i64,
}

/// How many people and groups are held back for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Quarantined {
    /// A word for the reason, as in `MissingAttribute`.
    #[schemars(length(max = 64))]
    pub reason: String,
    /// How many.
    pub count: i64,
    /// What is wrong with the first of them and where it stands; names no person.
    #[schemars(length(max = 1024))]
    pub example: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
const fn is_zero(number: &i64) -> bool {
    *number == 0
}

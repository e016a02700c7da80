//! Carries out a plan: groups, then users, then deactivations and deletes; many requests at a time, each mirror on
//! its own, so that one refused object does not hold up the others.

use futures::{StreamExt, stream};
use http::Method;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Client;
use kube::core::Status;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::object::{self, Lacking, Owner, patch, patch_generation, plural};
use super::observed::{DirectoryKey, ObservedMirrors};
use super::pace::{MOST_IN_FLIGHT, Pace};
use super::slices::Unconverted;
use crate::api::{FIELD_MANAGER, GROUP, VERSION};
use crate::cluster::client::explain;
use crate::model::{ContentHash, Kind, MirrorName};
use crate::plan::{Mirror, Observed, Plan, Update};

/// The largest object that is sent: etcd takes 1.5 MiB for a request, and the managed fields come
/// on top.
const MAX_OBJECT_BYTES: usize = 1_000_000;

/// How often a write is repeated when the object had changed since it was observed.
pub(super) const CONFLICT_TRIES: usize = 5;

/// Writes the mirrors of one Directory.
pub struct Writer<'a> {
    /// Client for writes.
    pub client: &'a Client,
    /// How fast is written.
    pub pace: &'a Pace,
    /// Told of every write.
    pub observed: &'a ObservedMirrors,
    /// Whose mirrors.
    pub owner: &'a Owner,
    /// Where the Directory is.
    pub key: &'a DirectoryKey,
    /// Ends the writing between two requests.
    pub cancel: &'a CancellationToken,
}

/// What came of a plan.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct WriteReport {
    /// Mirrors created.
    pub created: usize,
    /// Mirrors changed, but for those of `deactivated`.
    pub updated: usize,
    /// People made inactive because they are missing.
    pub deactivated: usize,
    /// Mirrors deleted.
    pub deleted: usize,
    /// Writes that failed.
    pub failed: usize,
    /// What the first failure was, for a person.
    pub first_failure: Option<String>,
    /// Mirrors that the cluster cannot take, whatever is tried.
    pub refused: usize,
    /// What the first refusal was, for a person.
    pub first_refusal: Option<String>,
    /// Whether writing was ended before the plan was done.
    pub cancelled: bool,
}

/// What one write came to.
pub(super) enum Outcome {
    Created,
    Updated,
    /// A person who is missing is inactive now.
    Deactivated,
    Deleted,
    /// The cluster will never take this object as it is.
    Refused(String),
    Failed(String),
    Cancelled,
}

enum Write {
    Create(Mirror),
    Update(Update),
    Deactivate(MirrorName),
    Delete(MirrorName, Observed),
}

impl Write {
    const fn name(&self) -> MirrorName {
        match self {
            Self::Create(mirror) => mirror.name,
            Self::Update(update) => update.mirror.name,
            Self::Deactivate(name) | Self::Delete(name, _) => *name,
        }
    }
}

impl Writer<'_> {
    /// Carries out a plan. Tells `progress` how many writes are done.
    pub async fn apply(&self, plan: Plan, progress: impl Fn(usize)) -> WriteReport {
        let mut report = WriteReport::default();
        let mut done = 0;
        for stage in stages(plan) {
            let mut outcomes =
                stream::iter(stage).map(|write| self.write(write)).buffer_unordered(MOST_IN_FLIGHT);
            while let Some(outcome) = outcomes.next().await {
                report.count(outcome);
                done += 1;
                progress(done);
            }
        }
        report
    }

    async fn write(&self, write: Write) -> Outcome {
        if self.cancel.is_cancelled() {
            return Outcome::Cancelled;
        }
        let _being_written = self.observed.writing(self.key, write.name());
        let outcome = match write {
            Write::Create(mirror) => self.create(mirror).await,
            Write::Update(update) => self.update(update.mirror, update.observed).await,
            Write::Deactivate(name) => self.deactivate(name).await,
            Write::Delete(name, observed) => self.delete(name, observed).await,
        };
        self.unless_cancelled(outcome)
    }

    /// What fails while the operator stops has been cancelled.
    pub(super) fn unless_cancelled(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Failed(_) if self.cancel.is_cancelled() => Outcome::Cancelled,
            outcome => outcome,
        }
    }

    async fn create(&self, mirror: Mirror) -> Outcome {
        let body = match object::new_object(self.owner, &mirror) {
            Ok(body) if body.len() > MAX_OBJECT_BYTES => {
                return Outcome::Refused(too_large(mirror.name, body.len()));
            }
            Ok(body) => body,
            Err(error) => return Outcome::Failed(error.to_string()),
        };
        let uri = format!("{}?fieldManager={FIELD_MANAGER}", self.collection(mirror.name.kind));
        match self.send_noted(Method::POST, &uri, "application/json", body).await {
            Ok(_) => Outcome::Created,
            Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => self.take_over(mirror).await,
            Err(error) => outcome_of(&error),
        }
    }

    /// An object of this name is there although it was not observed: a create whose answer was
    /// lost, or a mirror whose label somebody removed. Its name is ours alone, so it is made what
    /// it should be.
    async fn take_over(&self, mirror: Mirror) -> Outcome {
        match self.fetch(mirror.name).await {
            Ok(Some((observed, lacking))) => self.change(mirror, observed, lacking).await,
            Ok(None) => {
                Outcome::Failed(format!("{} was there and gone within a moment", self.name(mirror.name)))
            }
            Err(error) => outcome_of(&error),
        }
    }

    pub(super) async fn update(&self, mirror: Mirror, observed: Observed) -> Outcome {
        self.change(mirror, observed, Lacking::default()).await
    }

    async fn change(&self, mirror: Mirror, mut observed: Observed, mut lacking: Lacking) -> Outcome {
        let mut failure = None;
        for _ in 0..CONFLICT_TRIES {
            let patch = match patch(self.owner, &mirror, &observed, lacking) {
                Ok(patch) => patch,
                Err(error) => return Outcome::Failed(error.to_string()),
            };
            match self.send_patch(mirror.name, &patch).await {
                Ok(written) => return self.settle(mirror.name, mirror.hash, &written).await,
                Err(kube::Error::Api(status)) if status.code == 404 => {
                    return Box::pin(self.create(mirror)).await;
                }
                Err(error) if is_conflict(&error) => failure = Some(error),
                Err(error) => return outcome_of(&error),
            }
            match self.fetch(mirror.name).await {
                // Nothing has changed since: it was no conflict.
                Ok(Some(found)) if found == (observed, lacking) => break,
                Ok(Some(found)) => (observed, lacking) = found,
                Ok(None) => return Box::pin(self.create(mirror)).await,
                Err(error) => return outcome_of(&error),
            }
        }
        failure.map_or(Outcome::Updated, |error| outcome_of(&error))
    }

    /// Sees to it that the content annotation names the generation that the object now has: the
    /// spec of an edited mirror may turn out to have been right.
    async fn settle(&self, name: MirrorName, hash: ContentHash, written: &ObjectMeta) -> Outcome {
        let Some((_, _, observed)) = object::observe(written) else { return Outcome::Updated };
        if observed.hash == Some(hash) {
            return Outcome::Updated;
        }
        match self.send_patch(name, &patch_generation(hash, observed.generation, observed.members)).await {
            Ok(_) => Outcome::Updated,
            Err(error) => outcome_of(&error),
        }
    }

    async fn delete(&self, name: MirrorName, observed: Observed) -> Outcome {
        let Observed { uid, resource_version, .. } = observed;
        match self.delete_as_observed(&self.item(name), uid, resource_version).await {
            Ok(()) => {
                self.observed.deleted(self.key, name);
                Outcome::Deleted
            }
            Err(error) => outcome_of(&error),
        }
    }

    async fn fetch(&self, name: MirrorName) -> Result<Option<(Observed, Lacking)>, kube::Error> {
        let found = self.look(&self.item(name)).await?;
        Ok(found.and_then(|(found, lacking)| Some((object::observe(&found)?.2, lacking))))
    }

    async fn send_patch(&self, name: MirrorName, patch: &Value) -> Result<ObjectMeta, kube::Error> {
        let uri = format!("{}?fieldManager={FIELD_MANAGER}", self.item(name));
        self.send_noted(Method::PATCH, &uri, "application/json-patch+json", patch.to_string().into_bytes())
            .await
    }

    /// Sends a write and notes the answer: the metadata, since the rest is what was sent.
    async fn send_noted(
        &self,
        method: Method,
        uri: &str,
        content_type: &str,
        body: Vec<u8>,
    ) -> Result<ObjectMeta, kube::Error> {
        let written = self.send(method, uri, content_type, body).await?;
        self.observed.written(self.key, &written);
        Ok(written)
    }

    fn collection(&self, kind: Kind) -> String {
        format!("/apis/{GROUP}/{VERSION}/namespaces/{}/{}", self.owner.namespace, plural(kind))
    }

    pub(super) fn item(&self, name: MirrorName) -> String {
        format!("{}/{}", self.collection(name.kind), self.name(name))
    }

    fn name(&self, name: MirrorName) -> String {
        name.object_name(&self.owner.directory)
    }
}

/// The plan's writes in the order in which an application may see them: memberships before the
/// people they are about, so that whoever appears is in their groups already and whoever goes has
/// left them. A group may name people who come a moment later.
fn stages(plan: Plan) -> [Vec<Write>; 3] {
    let mut stages = [Vec::new(), Vec::new(), Vec::new()];
    let stage = |kind: Kind| usize::from(kind == Kind::User);
    for mirror in plan.creates {
        stages[stage(mirror.name.kind)].push(Write::Create(mirror));
    }
    for update in plan.updates {
        stages[stage(update.mirror.name.kind)].push(Write::Update(update));
    }
    stages[2].extend(plan.deactivations.into_iter().map(|(name, _)| Write::Deactivate(name)));
    stages[2].extend(plan.deletes.into_iter().map(|(name, observed)| Write::Delete(name, observed)));
    stages
}

pub(super) fn is_conflict(error: &kube::Error) -> bool {
    // A stale resource version comes as 409, a patch that does not fit the object (somebody has emptied a
    // map) as 422 without a cause: what is refused for its content has one.
    let has_cause =
        |status: &Status| status.details.as_ref().is_some_and(|details| !details.causes.is_empty());
    matches!(error, kube::Error::Api(status) if status.code == 409 || (status.code == 422 && status.reason == "Invalid" && !has_cause(status)))
}

pub(super) fn outcome_of(error: &kube::Error) -> Outcome {
    let sentence = explain(error);
    match error {
        kube::Error::Api(status) if matches!(status.code, 400 | 413 | 422) => Outcome::Refused(sentence),
        _ => Outcome::Failed(sentence),
    }
}

fn too_large(name: MirrorName, bytes: usize) -> String {
    format!("{name} would take {bytes} bytes, more than the {MAX_OBJECT_BYTES} that one object can have")
}

impl WriteReport {
    pub(super) fn count(&mut self, outcome: Outcome) {
        self.count_times(outcome, 1);
    }

    /// Counts what so many writes came to.
    pub(super) fn count_times(&mut self, outcome: Outcome, times: usize) {
        match outcome {
            Outcome::Created => self.created += times,
            Outcome::Updated => self.updated += times,
            Outcome::Deactivated => self.deactivated += times,
            Outcome::Deleted => self.deleted += times,
            Outcome::Cancelled => self.cancelled = true,
            Outcome::Failed(why) => {
                self.failed += times;
                self.first_failure.get_or_insert(why);
            }
            Outcome::Refused(why) => {
                self.refused += times;
                self.first_refusal.get_or_insert(why);
            }
        }
    }

    /// Whether all of it was written.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.failed + self.refused == 0 && !self.cancelled
    }

    /// Takes note of what could not be removed of another form: it has to be tried again, and nobody
    /// came or went by it.
    pub fn failed_to_retire(&mut self, other: Self) {
        self.failed += other.failed + other.refused;
        self.cancelled |= other.cancelled;
        self.first_failure = self.first_failure.take().or(other.first_failure).or(other.first_refusal);
    }

    /// Takes note of why the mirrors are not in the form that they are to have.
    pub fn failed_to_convert(&mut self, why: Unconverted) {
        self.count(match why {
            Unconverted::Refused(why) => Outcome::Refused(why),
            Unconverted::Failed(why) => Outcome::Failed(why),
        });
    }

    /// Mirrors written.
    #[must_use]
    pub const fn written(&self) -> usize {
        self.created + self.updated + self.deactivated + self.deleted
    }
}

//! What a sync would change in a cluster, member by member.

use std::collections::HashMap;
use std::fmt::{self, Write as _};

use futures::TryStreamExt;
use kube::api::{Api, ListParams};
use kube::core::DynamicObject;
use kube::discovery::ApiResource;
use kube::{Client, Resource};
use serde::Serialize;
use serde_json::{Map, Value};

use super::remarks::Remarks;
use super::table::printable;
use super::{PreviewError, Reading};
use crate::api::{DirectoryCheckpoint, DirectoryGroup, DirectoryUser, LABEL_DIRECTORY};
use crate::cluster::mirrors::{Place, ReadError};
use crate::controller::lasting::Lasting;
use crate::model::{ContentHash, Group, Kind, MirrorName, State, User};
use crate::plan::{Content, Observed, Withheld, absence, planner::WithheldWhy};
use crate::sink::object::{observe, uid_number};
use crate::sink::observed::View as Known;
use crate::slice::View;

/// Objects in one answer of the apiserver.
const PAGE: u32 = 500;

/// The mirrors of one Directory in a cluster.
#[derive(Debug, Default)]
pub struct Mirrors {
    view: Known,
    lasting: Lasting,
    specs: HashMap<MirrorName, Map<String, Value>>,
}

/// What a sync would write.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// Name of the Directory.
    pub directory: String,
    /// One for each mirror that would be written.
    pub changes: Vec<Change>,
    /// Whether the guard would hold every loss among the changes until it is approved.
    pub losses_held: bool,
    /// Mirrors that are as they should be.
    pub unchanged: usize,
    /// Who is held back, and notes.
    #[serde(flatten)]
    pub remarks: Remarks,
}

/// One mirror that would be written.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// What would happen to it.
    pub action: Action,
    /// User or group.
    pub kind: Kind,
    /// Name of the object.
    pub name: String,
    /// Who it is: user name, or display name of a group.
    pub who: Option<String>,
    /// The members of its spec that would differ.
    pub members: Vec<MemberChange>,
}

/// What would happen to a mirror.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is there and nobody asks for it.
    Delete,
    /// It becomes inactive: nobody asks for it, and it is to stay.
    Deactivate,
    /// Nobody asks for it, and it goes when its grace time is over.
    Missing,
    /// It is there with another content or owner.
    Update,
    /// It is not there.
    Create,
}

/// One member of a spec that would differ.
#[derive(Debug, Serialize)]
pub struct MemberChange {
    /// Its name.
    pub member: String,
    /// As it is; `null` when it is not there.
    pub from: Value,
    /// As it would be; `null` when it would not be there.
    pub to: Value,
}

impl Mirrors {
    /// Reads the mirrors of a Directory, page by page; `owner_uid` is its uid in that cluster.
    ///
    /// # Errors
    /// When the apiserver does not answer, or refuses.
    pub async fn read(
        client: &Client,
        namespace: &str,
        directory: &str,
        owner_uid: &str,
    ) -> Result<Self, ReadError> {
        let checkpoints: Api<DirectoryCheckpoint> = Api::namespaced(client.clone(), namespace);
        let checkpoint = checkpoints.get_opt(directory).await?;
        let lasting = checkpoint.map(|checkpoint| Lasting::of(&checkpoint.spec)).unwrap_or_default();
        let mut mirrors = Self { lasting, ..Self::default() };
        let place = Place { client, namespace, directory };
        if let Some(view) = place.view().await? {
            mirrors.add_view(directory, owner_uid, &view)?;
            return Ok(mirrors);
        }
        for resource in [ApiResource::erase::<DirectoryUser>(&()), ApiResource::erase::<DirectoryGroup>(&())]
        {
            let objects: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
            let which = ListParams::default().labels(&format!("{LABEL_DIRECTORY}={directory}")).limit(PAGE);
            let mut pages = std::pin::pin!(pages(&objects, which));
            while let Some(page) = pages.try_next().await? {
                for object in page {
                    mirrors.add(object);
                }
            }
        }
        Ok(mirrors)
    }

    /// Takes everybody of the Directory's slices for as they were written: who edits a slice is seen by
    /// the operator alone.
    fn add_view(&mut self, directory: &str, owner_uid: &str, view: &View) -> Result<(), ReadError> {
        let owner = uid_number(owner_uid);
        for kind in [Kind::User, Kind::Group] {
            view.visit::<ReadError>(kind, |mirrored| {
                let Some(name) = MirrorName::parse(directory, &mirrored.name) else { return Ok(()) };
                if let Some(observed) = in_slice(kind, &mirrored.spec, owner) {
                    self.view.index.insert(name, observed);
                }
                self.specs.insert(name, mirrored.spec);
                Ok(())
            })?;
        }
        Ok(())
    }

    fn add(&mut self, mut object: DynamicObject) {
        let Some((_, name, observed)) = observe(object.meta()) else { return };
        self.view.index.insert(name, observed);
        if let Some(Value::Object(spec)) = object.data.get_mut("spec").map(Value::take) {
            self.specs.insert(name, spec);
        }
    }
}

/// What is known of a person or group in a slice.
fn in_slice(kind: Kind, spec: &Map<String, Value>, owner: u128) -> Option<Observed> {
    let spec = Value::Object(spec.clone());
    let (hash, state, members) = match kind {
        Kind::User => {
            let user: User = serde_json::from_value(spec).ok()?;
            (ContentHash::of(&user).ok()?, Some(user.state), 0)
        }
        Kind::Group => {
            let group: Group = serde_json::from_value(spec).ok()?;
            (ContentHash::of(&group).ok()?, None::<State>, u32::try_from(group.members.len()).ok()?)
        }
    };
    let hash = Some(hash);
    Some(Observed { hash, state, members, uid: 0, owner, generation: 0, resource_version: 0 })
}

/// The pages of a list.
fn pages(
    objects: &Api<DynamicObject>,
    which: ListParams,
) -> impl futures::Stream<Item = Result<Vec<DynamicObject>, kube::Error>> {
    futures::stream::try_unfold(Some(which), move |which| async move {
        let Some(mut which) = which else { return Ok(None) };
        let page = objects.list(&which).await?;
        which.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
        let next = which.continue_token.is_some().then_some(which);
        Ok(Some((page.items, next)))
    })
}

impl Difference {
    /// Compares a reading with the mirrors; `owner_uid` is the Directory's uid in that cluster,
    /// empty when it is not there.
    ///
    /// # Errors
    /// As in a sync.
    pub fn of(reading: &Reading, mirrors: &Mirrors, owner_uid: &str) -> Result<Self, PreviewError> {
        let planned = reading.plan(&mirrors.view, &mirrors.lasting, owner_uid)?;
        let plan = &planned.plan;
        let withheld = plan.withheld.iter().map(stays);
        let remarks =
            Remarks::of(reading, &planned, withheld.chain(planned.lost.iter().map(lost)).collect())?;
        let change = |action, name: MirrorName, to: Map<String, Value>| {
            let from = mirrors.specs.get(&name).cloned().unwrap_or_default();
            Change::new(action, name.kind, name.object_name(&reading.directory), &from, &to)
        };
        let deletes = plan.deletes.iter().map(|(name, _)| change(Action::Delete, *name, Map::new()));
        let deactivations =
            plan.deactivations.iter().map(|(name, _)| change(Action::Deactivate, *name, Map::new()));
        let missing = plan.waiting.iter().map(|name| change(Action::Missing, *name, Map::new()));
        let updates = plan
            .updates
            .iter()
            .map(|update| change(Action::Update, update.mirror.name, members(&update.mirror.content)));
        let creates =
            plan.creates.iter().map(|mirror| change(Action::Create, mirror.name, members(&mirror.content)));
        let mut changes: Vec<Change> =
            deletes.chain(deactivations).chain(missing).chain(updates).chain(creates).collect();
        changes.sort_by(|one, other| {
            (one.action, one.kind, &one.who, &one.name).cmp(&(
                other.action,
                other.kind,
                &other.who,
                &other.name,
            ))
        });
        Ok(Self {
            directory: reading.directory.clone(),
            changes,
            losses_held: planned.above_limits.as_ref().is_some_and(|held| !held.mirrors.is_empty()),
            unchanged: plan.unchanged,
            remarks,
        })
    }

    /// The difference for a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text: String = self.changes.iter().map(Change::text).collect();
        let count = |action| self.changes.iter().filter(|change| change.action == action).count();
        // Writing into memory does not fail.
        let _ = writeln!(
            text,
            "{} to create, {} to update, {} to deactivate, {} to delete, {} unchanged.",
            count(Action::Create),
            count(Action::Update),
            count(Action::Deactivate),
            count(Action::Delete),
            self.unchanged
        );
        let missing = count(Action::Missing);
        if missing > 0 {
            let _ = writeln!(
                text,
                "missing: {missing} would stay as they are until spec.deletion.graceTime is over."
            );
        }
        if self.losses_held {
            text.push_str(
                "held: the losses are more than spec.deletion.guard allows and would wait for approval.\n",
            );
        }
        text.push_str(&self.remarks.text());
        text
    }
}

impl Change {
    fn new(
        action: Action,
        kind: Kind,
        name: String,
        from: &Map<String, Value>,
        to: &Map<String, Value>,
    ) -> Self {
        let key = match kind {
            Kind::User => "userName",
            Kind::Group => "displayName",
        };
        let who = to.get(key).or_else(|| from.get(key)).and_then(Value::as_str).map(str::to_owned);
        let names: std::collections::BTreeSet<&String> = from.keys().chain(to.keys()).collect();
        let members = match action {
            Action::Update => names
                .into_iter()
                // The Directory's name is the same on both sides.
                .filter(|name| *name != "directory" && from.get(*name) != to.get(*name))
                .map(|name| MemberChange {
                    member: name.clone(),
                    from: from.get(name).cloned().unwrap_or_default(),
                    to: to.get(name).cloned().unwrap_or_default(),
                })
                .collect(),
            Action::Create | Action::Deactivate | Action::Delete | Action::Missing => Vec::new(),
        };
        Self { action, kind, name, who, members }
    }

    fn text(&self) -> String {
        let who = self.who.as_deref().map(|who| format!(" ({})", printable(who))).unwrap_or_default();
        let mut text = format!("{} {} {}{who}\n", self.action, self.kind, self.name);
        for MemberChange { member, from, to } in &self.members {
            let (from, to) = (printable(&from.to_string()), printable(&to.to_string()));
            // Writing into memory does not fail.
            let _ = writeln!(text, "    {member}: {from} -> {to}");
        }
        text
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Delete => "- delete",
            Self::Deactivate => "- deactivate",
            Self::Missing => "? missing",
            Self::Update => "~ update",
            Self::Create => "+ create",
        })
    }
}

/// The members of a spec.
fn members(content: &Content) -> Map<String, Value> {
    // A plan's contents are objects, and can be read back.
    content.read().unwrap_or_default()
}

/// What a sync would not believe to be gone.
fn lost(known: &absence::Known) -> String {
    format!(
        "Nearly nobody has '{}' any more, as {} of {} people had: the old values would stay until that is approved.",
        known.attribute, known.people, known.of
    )
}

/// Deletions that are not believed.
fn stays(withheld: &Withheld) -> String {
    let Withheld { kind, count, why } = withheld;
    match why {
        WithheldWhy::Empty => {
            format!("{count} {kind} mirrors would stay although the directory names no {kind} at all.")
        }
        WithheldWhy::Unidentified => format!(
            "{count} {kind} mirrors would stay: records came without an id that can be read, and they may be theirs."
        ),
    }
}

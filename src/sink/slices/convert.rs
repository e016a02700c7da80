//! From one form of mirrors to the other: a copy of what is there, before the old form goes. The source
//! is not asked, and nobody comes or goes by it.

use std::collections::{HashMap, HashSet};

use k8s_openapi::NamespaceResourceScope;
use kube::api::{Api, ListParams};
use kube::{Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Form;
use crate::api::{DirectoryGroup, DirectoryUser, LABEL_DIRECTORY};
use crate::cluster::client::explain;
use crate::cluster::mirrors::Place;
use crate::model::group::MAX_INLINE_MEMBERS;
use crate::model::{ContentHash, Group, Kind, MirrorName, State, User};
use crate::plan::content::Packer;
use crate::plan::{Mirror, Plan, Update};
use crate::sink::object::uid_number;
use crate::sink::writer::{WriteReport, Writer};
use crate::slice::{SliceName, Unfit, View};

/// Objects in one answer of the apiserver.
const PAGE: u32 = 500;

/// Why mirrors could not be brought into another form, for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unconverted {
    /// The cluster will never take one of them as it is.
    Refused(String),
    /// Another try may go better.
    Failed(String),
}

impl From<String> for Unconverted {
    fn from(why: String) -> Self {
        Self::Failed(why)
    }
}

impl Unconverted {
    /// The same in a sentence around it.
    #[must_use]
    pub fn within(self, sentence: &str) -> Self {
        match self {
            Self::Refused(why) => Self::Refused(format!("{sentence}: {why}")),
            Self::Failed(why) => Self::Failed(format!("{sentence}: {why}")),
        }
    }
}

impl Writer<'_> {
    /// Copies all mirrors into a form, and removes them from the other.
    ///
    /// # Errors
    /// See [`Unconverted`]. What has been copied is used by the next try.
    pub async fn convert(&self, form: Form) -> Result<(), Unconverted> {
        let report = match form {
            Form::Slices => {
                let plan = self.objects_as_creates().await?;
                self.observed.begin_slices(self.key);
                self.apply_to_slices(plan, |_| {}).await
            }
            Form::Objects => {
                // A view that a crash has torn is mended first.
                whole(self.apply_to_slices(Plan::default(), |_| {}).await)?;
                let plan = self.slices_as_plan().await?;
                self.apply(plan, |_| {}).await
            }
        };
        whole(report)?;
        whole(self.retire(form).await)
    }

    /// Removes what is left of the other form.
    pub async fn retire(&self, form: Form) -> WriteReport {
        match form {
            Form::Slices => {
                let deletes = self.observed.objects(self.key);
                if deletes.is_empty() {
                    return WriteReport::default();
                }
                self.apply(Plan { deletes, ..Plan::default() }, |_| {}).await
            }
            Form::Objects => {
                let mut report = WriteReport::default();
                let slices = self.observed.slice_objects(self.key);
                let is_manifest = |(name, _): &(SliceName, _)| *name == SliceName::Manifest;
                let (manifest, others): (Vec<_>, Vec<_>) = slices.into_iter().partition(is_manifest);
                // With it goes the word that the slices are what counts.
                self.remove(manifest, &mut report).await;
                if report.failed == 0 {
                    self.observed.forget_slice_contents(self.key);
                    self.remove(others, &mut report).await;
                }
                report
            }
        }
    }

    async fn objects_as_creates(&self) -> Result<Plan, String> {
        let mut copies = Copies::default();
        self.list::<DirectoryGroup>(|name, object| copies.group(name, &object.spec.group)).await?;
        self.list::<DirectoryUser>(|name, object| copies.user(name, &object.spec.user)).await?;
        Ok(Plan { creates: copies.finish(), ..Plan::default() })
    }

    async fn list<K>(
        &self,
        mut each: impl FnMut(MirrorName, K) -> Result<(), serde_json::Error>,
    ) -> Result<(), String>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned,
    {
        let objects: Api<K> = Api::namespaced(self.client.clone(), &self.owner.namespace);
        let label = format!("{LABEL_DIRECTORY}={}", self.owner.directory);
        let mut which = ListParams::default().labels(&label).limit(PAGE);
        loop {
            let page = objects.list(&which).await.map_err(|error| explain(&error))?;
            let next = page.metadata.continue_.filter(|token| !token.is_empty());
            for object in page.items {
                if let Some(name) = MirrorName::parse(&self.owner.directory, &object.name_any()) {
                    each(name, object).map_err(|error| error.to_string())?;
                }
            }
            match next {
                Some(token) => which.continue_token = Some(token),
                None => return Ok(()),
            }
        }
    }

    /// The plan that makes the objects what the slices are.
    async fn slices_as_plan(&self) -> Result<Plan, String> {
        let view = self.view().await?;
        let mut copies = Copies::default();
        copies.take(&self.owner.directory, &view).map_err(|error| error.0)?;
        drop(view);
        let known: HashMap<MirrorName, _> = self.observed.objects(self.key).into_iter().collect();
        let owner = uid_number(&self.owner.uid);
        let mut plan = Plan::default();
        let mut there = HashSet::new();
        for mirror in copies.finish() {
            there.insert(mirror.name);
            match known.get(&mirror.name) {
                None => plan.creates.push(mirror),
                Some(observed)
                    if observed.hash == Some(mirror.hash)
                        && observed.state == mirror.state
                        && observed.owner == owner => {}
                Some(observed) => plan.updates.push(Update { mirror, observed: *observed, drifted: false }),
            }
        }
        plan.deletes = known.into_iter().filter(|(name, _)| !there.contains(name)).collect();
        Ok(plan)
    }

    /// The slices as their readers have them.
    async fn view(&self) -> Result<View, String> {
        let (namespace, directory) = (self.owner.namespace.as_str(), self.owner.directory.as_str());
        let view = Place { client: self.client, namespace, directory }.view().await;
        view.map_err(|error| error.to_string())?.ok_or_else(|| Unfit::NoManifest.to_string())
    }
}

/// Mirrors with their contents as they are.
#[derive(Default)]
struct Copies {
    mirrors: Vec<Mirror>,
    packer: Packer,
}

/// A copy that cannot be made.
struct NoCopy(String);

impl From<Unfit> for NoCopy {
    fn from(error: Unfit) -> Self {
        Self(error.to_string())
    }
}

impl From<serde_json::Error> for NoCopy {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

impl Copies {
    fn user(&mut self, name: MirrorName, user: &User) -> Result<(), serde_json::Error> {
        self.add(name, user, Some(user.state), 0)
    }

    fn group(&mut self, name: MirrorName, group: &Group) -> Result<(), serde_json::Error> {
        self.add(name, group, None, u32::try_from(group.members.len()).unwrap_or(u32::MAX))
    }

    fn add(
        &mut self,
        name: MirrorName,
        value: &impl Serialize,
        state: Option<State>,
        members: u32,
    ) -> Result<(), serde_json::Error> {
        let json = serde_json::to_vec(value)?;
        let (hash, content) = (ContentHash::of_json(&[&json]), self.packer.add(&json));
        self.mirrors.push(Mirror { name, hash, state, members, content });
        Ok(())
    }

    /// Takes everybody of a view, but for groups that no object can hold.
    fn take(&mut self, directory: &str, view: &View) -> Result<(), NoCopy> {
        view.visit::<NoCopy>(Kind::Group, |mirrored| {
            let group: Group = serde_json::from_value(mirrored.spec.into())?;
            if group.members.len() > MAX_INLINE_MEMBERS {
                return Ok(());
            }
            let name = MirrorName::parse(directory, &mirrored.name);
            Ok(name.map_or(Ok(()), |name| self.group(name, &group))?)
        })?;
        view.visit::<NoCopy>(Kind::User, |mirrored| {
            let user: User = serde_json::from_value(mirrored.spec.into())?;
            let name = MirrorName::parse(directory, &mirrored.name);
            Ok(name.map_or(Ok(()), |name| self.user(name, &user))?)
        })
    }

    fn finish(mut self) -> Vec<Mirror> {
        self.packer.close();
        self.mirrors
    }
}

fn whole(report: WriteReport) -> Result<(), Unconverted> {
    let refused = report.first_refusal.map(Unconverted::Refused);
    match report.first_failure.map(Unconverted::Failed).or(refused) {
        Some(why) => Err(why),
        None if report.cancelled => Err(Unconverted::Failed("the operator stops".to_owned())),
        None => Ok(()),
    }
}

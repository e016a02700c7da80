//! The records of people and groups who stay in the ConfigMap although a reading does not show them,
//! from their mirrors.

use std::collections::HashSet;

use futures::{StreamExt, TryStreamExt, stream};
use kube::Api;

use super::super::super::memory::Records;
use super::super::Run;
use crate::api::directory::Form as MirrorForm;
use crate::api::{DirectoryGroup, DirectoryUser};
use crate::cluster::mirrors::Place;
use crate::model::{Kind, MirrorName};
use crate::sink::config_map::{Form, PackageError, PublishError, Roster};
use crate::sink::pace::MOST_IN_FLIGHT;
use crate::slice::Unfit;

/// The records of mirrors that stay although this reading does not show them, as the mirrors have
/// them. Each is read once, since it is not written as long as it is kept, but to make it inactive.
pub(super) async fn records(
    run: &Run<'_>,
    roster: &Roster,
    mut known: Records,
) -> Result<Records, PublishError> {
    known.retain(|name, _| roster.kept().contains(name));
    let form = roster.form();
    let unknown: HashSet<MirrorName> =
        roster.kept().iter().filter(|name| !known.contains_key(name)).copied().collect();
    if run.context.observed.form(run.key) == Some(MirrorForm::Slices) {
        known.extend(in_slices(run, form, &unknown).await?);
        return Ok(known);
    }
    let records =
        stream::iter(unknown).map(|name| mirrored(run, form, name)).buffer_unordered(MOST_IN_FLIGHT);
    let records: Vec<Option<(MirrorName, Box<[u8]>)>> = records.try_collect().await?;
    known.extend(records.into_iter().flatten());
    Ok(known)
}

/// The records of mirrors as they are in the slices, which are all read for it.
async fn in_slices(run: &Run<'_>, form: &Form, names: &HashSet<MirrorName>) -> Result<Records, PublishError> {
    let failed = |reason: String| PublishError::Failed { name: form.name.clone(), reason };
    let mut records = Records::new();
    if names.is_empty() {
        return Ok(records);
    }
    let (client, directory) = (&run.context.clients.request, run.key.name.as_str());
    let place = Place { client, namespace: &run.key.namespace, directory };
    let view = place.view().await.map_err(|error| failed(error.to_string()))?;
    let view = view.ok_or_else(|| failed(Unfit::NoManifest.to_string()))?;
    for kind in [Kind::User, Kind::Group] {
        let visited = view.visit::<Unreadable>(kind, |mirrored| {
            let name = MirrorName::parse(directory, &mirrored.name).filter(|name| names.contains(name));
            let Some(name) = name else { return Ok(()) };
            let record = match kind {
                Kind::User => form.user(name, &serde_json::from_value(mirrored.spec.into())?),
                Kind::Group => form.group(name, &serde_json::from_value(mirrored.spec.into())?),
            };
            records.insert(name, record?);
            Ok(())
        });
        visited.map_err(|error| failed(error.to_string()))?;
    }
    Ok(records)
}

/// Why somebody in a slice cannot be read.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error(transparent)]
    Unfit(#[from] Unfit),
    #[error("a person or group in a slice cannot be read: {0}")]
    Json(#[from] serde_json::Error),
}

/// The record of a mirror that is an object, as it is in the cluster.
async fn mirrored(
    run: &Run<'_>,
    form: &Form,
    name: MirrorName,
) -> Result<Option<(MirrorName, Box<[u8]>)>, PublishError> {
    if run.cancel.is_cancelled() {
        return Err(PublishError::Cancelled);
    }
    let (client, namespace) = (run.context.clients.request.clone(), &run.key.namespace);
    let object_name = name.object_name(&run.key.name);
    let record = match name.kind {
        Kind::User => {
            let users: Api<DirectoryUser> = Api::namespaced(client, namespace);
            let found = users.get_opt(&object_name).await;
            found.map(|found| found.map(|found| form.user(name, &found.spec.user)))
        }
        Kind::Group => {
            let groups: Api<DirectoryGroup> = Api::namespaced(client, namespace);
            let found = groups.get_opt(&object_name).await;
            found.map(|found| found.map(|found| form.group(name, &found.spec.group)))
        }
    };
    let record = record.map_err(|error| PublishError::failed(&form.name, &error))?;
    let record = record.transpose().map_err(PackageError::Json)?;
    Ok(record.map(|record| (name, record)))
}

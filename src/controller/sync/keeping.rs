//! The values that mirrors keep although the source does not show them any more.

use std::sync::Arc;

use super::{Run, SyncError};
use crate::cluster::mirrors::{Place, ReadError};
use crate::model::{Kind, MirrorName};
use crate::plan::absence::Kept;

/// Why the mirrors are not read.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("a person in the cluster cannot be read: {0}")]
    Json(#[from] serde_json::Error),
}

/// Reads from the mirrors what they have of these attributes. They are read once, as long as the same
/// attributes are missing: what is kept is not written.
pub(super) async fn read(run: &Run<'_>, attributes: Vec<String>) -> Result<Arc<Kept>, SyncError> {
    let mut kept = Kept::of(attributes);
    if kept.attributes().is_empty() {
        return Ok(Arc::default());
    }
    let (client, directory) = (&run.context.clients.request, run.key.name.as_str());
    let place = Place { client, namespace: &run.key.namespace, directory };
    // What somebody else has written into a mirror is not what the source once said.
    let as_written = |name: &MirrorName| {
        run.context.observed.get(run.key, *name).is_some_and(|observed| observed.hash.is_some())
    };
    let reading = place.visit::<Unreadable>(Kind::User, |mirrored| {
        if let Some(name) = MirrorName::parse(directory, &mirrored.name).filter(as_written) {
            kept.remember(name, &serde_json::from_value(mirrored.spec.into())?)?;
        }
        Ok(())
    });
    let read = run.reading.run_until_cancelled(reading).await.ok_or(SyncError::Cancelled)?;
    read.map_err(|error| {
        SyncError::Mirrors(format!("the mirrors could not be read, whose values are to stay: {error}"))
    })?;
    Ok(Arc::new(kept))
}

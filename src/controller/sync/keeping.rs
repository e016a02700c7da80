//! The values that mirrors keep although the source does not show them any more.

use std::sync::Arc;

use kube::Api;
use kube::api::ListParams;

use super::{PlanFailure, Run, SyncError};
use crate::api::{DirectoryUser, LABEL_DIRECTORY};
use crate::cluster::client::explain;
use crate::plan::absence::Kept;
use crate::sink::object::observe;

/// How many mirrors are asked for at a time.
const PAGE: u32 = 500;

/// Reads from the mirrors what they have of these attributes. They are read once, as long as the same
/// attributes are missing: what is kept is not written.
pub(super) async fn read(run: &Run<'_>, attributes: Vec<String>) -> Result<Arc<Kept>, SyncError> {
    let mut kept = Kept::of(attributes);
    if kept.attributes().is_empty() {
        return Ok(Arc::default());
    }
    let api: Api<DirectoryUser> = Api::namespaced(run.context.clients.request.clone(), &run.key.namespace);
    let ours = ListParams::default().labels(&format!("{LABEL_DIRECTORY}={}", run.key.name)).limit(PAGE);
    let mut place = None;
    loop {
        let params = ListParams { continue_token: place, ..ours.clone() };
        let listed = run.cancel.run_until_cancelled(api.list(&params)).await.ok_or(SyncError::Cancelled)?;
        let page = listed.map_err(|error| SyncError::Mirrors(explain(&error)))?;
        for mirror in page.items {
            // What somebody else has written into a mirror is not what the source once said.
            let as_written = observe(&mirror.metadata).filter(|(_, _, observed)| observed.hash.is_some());
            if let Some((_, name, _)) = as_written {
                kept.remember(name, &mirror.spec.user).map_err(PlanFailure::from)?;
            }
        }
        place = page.metadata.continue_.filter(|token| !token.is_empty());
        if place.is_none() {
            return Ok(Arc::new(kept));
        }
    }
}

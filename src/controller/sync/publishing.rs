//! Brings the ConfigMap of `spec.output.configMap` in step with the mirrors, when there is reason
//! to think that it is not.

mod kept;

use super::super::checkpoint;
use super::super::memory::Memory;
use super::super::settings::Settings;
use super::{PlanFailure, Run, SyncError, Want};
use crate::api::status::ConfigMapStatus;
use crate::model::{ContentHash, MirrorName};
use crate::plan::Plan;
use crate::sink::config_map::{Known, Package, PackageError, PublishError, Publisher, Roster};

/// What stands in the ConfigMap after a run, and why that is not what should.
#[derive(Debug, Default)]
pub struct Published {
    /// What stands there; `None` when none was written.
    pub shown: Option<ConfigMapStatus>,
    /// Why it could not be brought up to date.
    pub failure: Option<PublishError>,
}

/// What stands in the ConfigMap when a run does not look at it.
pub(super) fn untouched(run: &Run<'_>, memory: &Memory) -> Published {
    let remembered = memory.config_map.shown.as_ref().map(|(_, shown)| shown);
    Published { shown: remembered.or(run.config_map).cloned(), failure: None }
}

/// What a plan changes of the mirrors.
pub(super) struct Changed {
    /// Whether it has anything to write.
    any: bool,
    /// Mirrors that are written although no record of them came.
    deactivated: Vec<MirrorName>,
}

impl Changed {
    /// What a plan changes.
    pub(super) fn by(plan: &Plan) -> Self {
        let deactivated = plan.deactivations.iter().map(|(name, _)| *name).collect();
        Self { any: plan.writes() > 0, deactivated }
    }
}

/// Writes the ConfigMap if it differs, and takes away what is no longer asked for. A run that had
/// nothing to write changes nothing of what is known to stand there.
pub(super) async fn publish(
    run: &Run<'_>,
    memory: &mut Memory,
    settings: &Settings,
    roster: Option<Roster>,
    changed: Changed,
) -> Result<Published, SyncError> {
    if let Some((_, kept)) = &mut memory.config_map.kept {
        changed.deactivated.iter().for_each(|name| drop(kept.remove(name)));
    }
    let before = untouched(run, memory).shown;
    let known = !changed.any && run.want != Want::Full && is_known(memory, settings.rules_hash);
    if known || (roster.is_none() && before.is_none()) {
        return Ok(untouched(run, memory));
    }
    // As with mirrors, whoever worked here before is to write nothing any more.
    checkpoint::claim(run, memory, settings).await?;
    let result = match roster {
        Some(roster) => bring_up_to_date(run, memory, settings.rules_hash, roster).await.map(Some),
        None => publisher(run).remove().await.map(|()| None),
    };
    match result {
        Ok(shown) => {
            memory.config_map.shown = shown.clone().map(|shown| (settings.rules_hash, shown));
            Ok(Published { shown, failure: None })
        }
        Err(PublishError::Cancelled) => Err(SyncError::Cancelled),
        Err(failure) => {
            memory.config_map.shown = None;
            Ok(Published { shown: before, failure: Some(failure) })
        }
    }
}

fn is_known(memory: &Memory, rules_hash: ContentHash) -> bool {
    memory.config_map.shown.as_ref().is_some_and(|(rules, _)| *rules == rules_hash)
}

async fn bring_up_to_date(
    run: &Run<'_>,
    memory: &mut Memory,
    rules_hash: ContentHash,
    mut roster: Roster,
) -> Result<ConfigMapStatus, PublishError> {
    if !roster.is_full() {
        let known = memory.config_map.kept.take().filter(|(rules, _)| *rules == rules_hash);
        let kept = kept::records(run, &roster, known.map(|(_, known)| known).unwrap_or_default()).await?;
        for (name, record) in &kept {
            roster.add(*name, record.clone());
        }
        memory.config_map.kept = Some((rules_hash, kept));
    }
    let packaged = tokio::task::spawn_blocking(move || Package::new(&roster)).await;
    let package = packaged.unwrap_or_else(|_| {
        Err(PackageError::Compress(std::io::Error::other(PlanFailure::Panicked.to_string())))
    })?;
    let before = untouched(run, memory).shown;
    let looked_at = run.want != Want::Full && memory.config_map.shown.is_some();
    let shown = status(&package);
    if looked_at && before.as_ref() == Some(&shown) {
        return Ok(shown);
    }
    let renamed = before.is_some_and(|before| before.name != package.name);
    let known = Known { renamed, tidy: memory.config_map.tidy };
    memory.config_map.tidy = false;
    memory.config_map.tidy = publisher(run).publish(&package, known).await?;
    Ok(shown)
}

fn publisher<'a>(run: &'a Run<'_>) -> Publisher<'a> {
    Publisher { client: &run.context.clients.request, owner: run.owner, cancel: run.cancel }
}

fn status(package: &Package) -> ConfigMapStatus {
    let number = |count| i64::try_from(count).unwrap_or(i64::MAX);
    ConfigMapStatus {
        name: package.name.clone(),
        hash: package.hash.clone(),
        users: number(package.users),
        groups: number(package.groups),
        shards: number(package.shards().count()),
        immutable: package.immutable,
    }
}

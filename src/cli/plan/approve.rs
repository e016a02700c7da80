//! `directory-sync plan approve`: names the hash of the held plan in the Directory's spec.

use std::io::{BufRead, Write};

use anyhow::{anyhow, bail};
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::losses;
use crate::api::Directory;
use crate::cli::cluster::{Found, Which, with_directory};
use crate::cli::print;
use crate::cluster::client::explain;

/// Under which name the approval owns its field.
const FIELD_MANAGER: &str = "directory-sync-plan";

/// Field managers of tools that bring an object back to what stands in Git.
const GITOPS: &[&str] =
    &["argocd", "kustomize-controller", "helm-controller", "flux", "fleet", "kapp", "config-sync"];

/// Arguments of `directory-sync plan approve`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Sets spec.deletion.guard.approvedPlan. The hash stands for these losses and for this time: it is worth nothing for a plan
that has grown, or that comes again later.")]
pub struct ApproveArgs {
    #[command(flatten)]
    which: Which,
    /// The hash of the plan, as `plan show` and status.pendingPlan have it; default: the one that is held now.
    hash: Option<String>,
    /// Does not ask.
    #[arg(short, long)]
    yes: bool,
}

pub fn run(args: &ApproveArgs) -> anyhow::Result<()> {
    print(&with_directory(&args.which, async |found| approve(&found, args).await)?)
}

async fn approve(found: &Found, args: &ApproveArgs) -> anyhow::Result<String> {
    let name = found.name();
    let status = found.directory.status.clone().unwrap_or_default();
    let Some(plan) = status.pending_plan else {
        bail!("nothing of {name} is held: there is nothing to approve")
    };
    if let Some(hash) = args.hash.as_ref().filter(|hash| **hash != plan.hash) {
        bail!(
            "the plan that is held now has the hash {}, not {hash}: it is another one; look at it with \
             directory-sync plan show {name} --namespace {}",
            plan.hash,
            found.namespace
        );
    }
    let warning = gitops_manager(&found.directory).map(|manager| {
        format!(
            "warning: {manager} manages this Directory and may undo the approval: set \
             spec.deletion.guard.approvedPlan in Git as well.\n"
        )
    });
    let words = format!("{name}: {}.\n{}", losses(&plan), warning.unwrap_or_default());
    let words = if args.yes {
        words
    } else {
        ask(&words, &plan.hash)?;
        String::new()
    };
    let patch = json!({"spec": {"deletion": {"guard": {"approvedPlan": plan.hash}}}});
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let written = found.directories().patch(&name, &params, &Patch::Merge(patch)).await;
    written.map_err(|error| anyhow!("the approval could not be written: {}", explain(&error)))?;
    Ok(format!(
        "{words}Plan {} of {name} is approved; the next sync, which begins at once, carries it out.\n",
        plan.hash
    ))
}

/// Waits for a yes on the standard input.
fn ask(words: &str, hash: &str) -> anyhow::Result<()> {
    let mut terminal = std::io::stderr().lock();
    write!(terminal, "{words}Approve plan {hash}? [y/N] ")?;
    terminal.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    bail!("not approved")
}

/// The tool that brings the Directory back to what stands in Git, if one has written it.
fn gitops_manager(directory: &Directory) -> Option<&str> {
    let managers = directory.metadata.managed_fields.as_deref().unwrap_or_default();
    let mut managers = managers.iter().filter_map(|entry| entry.manager.as_deref());
    managers.find(|manager| GITOPS.iter().any(|tool| manager.contains(tool)))
}

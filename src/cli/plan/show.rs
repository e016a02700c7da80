//! `directory-sync plan show`: the held plan, mirror by mirror.

use serde::Serialize;
use serde_json::json;

use super::losses;
use crate::api::status::PendingPlan;
use crate::cli::cluster::{Found, Which, with_directory};
use crate::cli::output::{OutputFormat, json};
use crate::cli::print;
use crate::controller::held_names::HeldNames;
use crate::preview::table::table;

/// Arguments of `directory-sync plan show`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
The names are kept in the DirectoryCheckpoint, up to 30,000 of them. Who may not read it sees the twenty that the
status shows.")]
pub struct ShowArgs {
    #[command(flatten)]
    which: Which,
    /// Form of the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

/// One mirror that would lose something.
#[derive(Debug, Serialize)]
struct Row {
    action: String,
    name: String,
    who: String,
}

pub fn run(args: &ShowArgs) -> anyhow::Result<()> {
    print(&with_directory(&args.which, async |found| show(&found, args.output).await)?)
}

async fn show(found: &Found, output: OutputFormat) -> anyhow::Result<String> {
    let status = found.directory.status.clone().unwrap_or_default();
    let Some(plan) = status.pending_plan else {
        return match output {
            OutputFormat::Text => Ok(format!("Nothing of {} is held.\n", found.name())),
            OutputFormat::Json => json(&json!({"plan": null, "losses": [], "complete": true})),
        };
    };
    let (rows, cut) = rows(found, &plan).await?;
    match output {
        OutputFormat::Json => json(&json!({"plan": plan, "losses": rows, "complete": cut.is_none()})),
        OutputFormat::Text => {
            let lines = rows.into_iter().map(|Row { action, name, who }| [action, name, who]);
            let cut = cut.map(|why| format!("\n{why}\n")).unwrap_or_default();
            Ok(format!(
                "{}{cut}\n{}; held since {}.\nTo approve this plan: directory-sync plan approve {} {} --namespace {}\nor, in \
                 Git: spec.deletion.guard.approvedPlan: {}\n",
                table(&["ACTION", "NAME", "WHO"], lines),
                losses(&plan),
                plan.since.0,
                found.name(),
                plan.hash,
                found.namespace,
                plan.hash
            ))
        }
    }
}

/// Everybody whom the plan is about, and why some are not among them.
async fn rows(found: &Found, plan: &PendingPlan) -> anyhow::Result<(Vec<Row>, Option<String>)> {
    let kept = match found.checkpoint().await {
        Ok(checkpoint) => {
            checkpoint.and_then(|checkpoint| checkpoint.spec.held).map(|held| HeldNames::of(&held))
        }
        Err(why) => {
            let why = format!("Only those in the status are shown: the checkpoint could not be read: {why}.");
            return Ok((sampled(found, plan).await?, Some(why)));
        }
    };
    let Some(kept) = kept.filter(|kept| kept.hash == plan.hash) else {
        let why = "Only those in the status are shown: the checkpoint does not have this plan.".to_owned();
        return Ok((sampled(found, plan).await?, Some(why)));
    };
    let (names, directory) = (found.names().await?, found.name());
    let row = |(loss, name): &(crate::plan::guard::Loss, crate::model::MirrorName)| {
        let name = name.object_name(&directory);
        Row { action: loss.as_str().to_owned(), who: names.get(&name).cloned().unwrap_or_default(), name }
    };
    let rows: Vec<Row> = kept.losses.iter().map(row).collect();
    let missing = plan.takes_away().saturating_sub(i64::try_from(rows.len()).unwrap_or(i64::MAX));
    let cut =
        (missing > 0).then(|| format!("{missing} more are not shown: the checkpoint has no room for them."));
    Ok((rows, cut))
}

/// Those whom the status names.
async fn sampled(found: &Found, plan: &PendingPlan) -> anyhow::Result<Vec<Row>> {
    let names = found.names().await?;
    let row = |line: &String| {
        let (action, name) = line.split_once(' ')?;
        let who = names.get(name).cloned().unwrap_or_default();
        Some(Row { action: action.to_owned(), name: name.to_owned(), who })
    };
    Ok(plan.sample.iter().filter_map(row).collect())
}

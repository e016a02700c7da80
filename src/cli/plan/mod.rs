//! `directory-sync plan`: what the deletion guard holds back.

mod approve;
mod show;

use super::cluster::counted;
use crate::api::status::PendingPlan;

/// Arguments of `directory-sync plan`.
#[derive(Clone, Debug, clap::Args)]
pub struct PlanArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Command {
    /// Shows everybody whom the held plan is about.
    Show(show::ShowArgs),
    /// Approves the held plan: the next sync carries it out.
    Approve(approve::ApproveArgs),
}

/// Shows or approves.
///
/// # Errors
/// When the cluster does not answer, or there is nothing to approve.
pub fn run(args: &PlanArgs) -> anyhow::Result<()> {
    match &args.command {
        Command::Show(args) => show::run(args),
        Command::Approve(args) => approve::run(args),
    }
}

/// What a held plan would take away, in words.
pub(super) fn losses(plan: &PendingPlan) -> String {
    let parts = [
        (plan.delete, "person would be deleted", "people would be deleted"),
        (plan.deactivate, "person would become inactive", "people would become inactive"),
        (plan.delete_groups, "group would be deleted", "groups would be deleted"),
        (
            plan.shrink_groups,
            "group would lose more than half of its members",
            "groups would lose more than half of their members",
        ),
    ];
    let parts = parts.into_iter().filter(|(count, ..)| *count > 0);
    let parts = parts.map(|(count, one, many)| counted(count, one, many));
    let lost = plan.attributes.iter().map(|name| format!("everybody would lose '{name}'"));
    let parts: Vec<String> = parts.chain(lost).collect();
    let before = match plan.last_day {
        0 => String::new(),
        count => format!(" (after {count} that went within the 24 hours before)"),
    };
    format!("{}{before}", parts.join(", "))
}

//! `directory-sync quarantine list`: who is held back, by reason.

use serde_json::json;

use super::cluster::{Found, Which, with_directory};
use super::output::{OutputFormat, json};
use super::print;
use crate::preview::table::table;

/// Arguments of `directory-sync quarantine`.
#[derive(Clone, Debug, clap::Args)]
pub struct QuarantineArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Command {
    /// Lists the reasons, how many are held back for each, and an example.
    List(ListArgs),
}

/// Arguments of `directory-sync quarantine list`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
This is what status.quarantined says: up to sixteen reasons, with an example that names nobody. To see who
they are, each by their id, use directory-sync preview; the records themselves are shown by directory-sync preview --raw
--records 100000.")]
struct ListArgs {
    #[command(flatten)]
    which: Which,
    /// Form of the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

/// Lists.
///
/// # Errors
/// When the cluster does not answer.
pub fn run(args: &QuarantineArgs) -> anyhow::Result<()> {
    let Command::List(args) = &args.command;
    print(&with_directory(&args.which, async |found| list(&found, args.output))?)
}

fn list(found: &Found, output: OutputFormat) -> anyhow::Result<String> {
    let held = found.directory.status.clone().unwrap_or_default().quarantined;
    match output {
        OutputFormat::Json => json(&json!({"quarantined": held})),
        OutputFormat::Text if held.is_empty() => Ok(format!("Nobody of {} is held back.\n", found.name())),
        OutputFormat::Text => {
            let rows = held.into_iter().map(|held| [held.reason, held.count.to_string(), held.example]);
            Ok(table(&["REASON", "COUNT", "EXAMPLE"], rows))
        }
    }
}

//! `directory-sync check`: manifests, checked without a cluster.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use super::output::{OutputFormat, json};
use super::{complain, print};
use crate::check::{Checker, Report, files};

/// Everything is as it should be, or only warned of.
const PASSED: u8 = 0;
/// Something is wrong with the manifests.
const FAILED: u8 = 1;
/// The check could not be made.
const UNUSABLE: u8 = 2;

/// Arguments of `directory-sync check`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  directory-sync check -f directory.yaml
  directory-sync check -f apps/ -f shared/secrets.yaml --strict
  kustomize build overlays/production | directory-sync check -f -
  directory-sync check -f apps/ --output json | jq '.problems[] | select(.severity == \"error\")'

All files are looked at together: a Secret or ConfigMap that a Directory names is checked when it is among
them, and a warning when it is not. Values of Secrets are never shown.

Exit codes: 0 when there is no error, 1 when there is one (with --strict: or a warning), 2 when a file cannot
be read or the command line is wrong.")]
pub struct CheckArgs {
    /// Files, folders with everything below them (*.yaml, *.yml, *.json), or `-` for the standard input.
    #[arg(short, long = "file", visible_alias = "filename", value_name = "FILE", required = true, num_args = 1..)]
    files: Vec<PathBuf>,
    /// Form of the result: a line for each problem, or one JSON object.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
    /// Fails on warnings, too.
    #[arg(long)]
    strict: bool,
}

/// Checks and prints what was found.
#[must_use]
pub fn run(args: &CheckArgs) -> ExitCode {
    check(args).map_or_else(
        |error| {
            complain(&error);
            ExitCode::from(UNUSABLE)
        },
        ExitCode::from,
    )
}

fn check(args: &CheckArgs) -> anyhow::Result<u8> {
    let report = Checker::new()?.check(&files::read(&args.files)?);
    show(&report, args.output)?;
    Ok(if report.passes(args.strict) { PASSED } else { FAILED })
}

fn show(report: &Report, output: OutputFormat) -> anyhow::Result<()> {
    match output {
        OutputFormat::Json => print(&json(report)?),
        OutputFormat::Text => {
            print(&report.text())?;
            // Without a standard error there is nobody to tell.
            let _ = writeln!(std::io::stderr().lock(), "{}", report.summary());
            Ok(())
        }
    }
}

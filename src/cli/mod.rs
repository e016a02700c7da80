//! The command line: one subcommand a file. Results go to standard output, everything else to
//! standard error.

pub mod check;
mod cluster;
pub mod crds;
pub mod explain;
pub mod lease;
pub mod mirrors;
mod output;
pub mod plan;
pub mod preview;
pub mod quarantine;
pub mod run;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::model::Kind;

/// Keeps an organisation's users and groups as Kubernetes objects.
#[derive(Debug, Parser)]
#[command(name = "directory-sync", version, about, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the operator until it is told to stop.
    Run(run::RunArgs),
    /// Checks manifests without a cluster.
    Check(check::CheckArgs),
    /// Prints the custom resource definitions.
    Crds(crds::CrdsArgs),
    /// Shows what a Directory would result in, without writing anything.
    Preview(preview::PreviewArgs),
    /// Says in sentences how a Directory is and what to do next.
    Explain(explain::ExplainArgs),
    /// Shows or approves what the deletion guard holds back.
    Plan(plan::PlanArgs),
    /// Shows who is held back, and why.
    Quarantine(quarantine::QuarantineArgs),
    /// Lists or shows people in the cluster.
    Users(mirrors::MirrorsArgs),
    /// Lists or shows groups in the cluster.
    Groups(mirrors::MirrorsArgs),
    /// Prints the version.
    Version,
}

impl Cli {
    /// Runs the subcommand; the exit code is 0 for success and 1 for failure, which is explained on
    /// standard error. `check` has codes of its own.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let result = match self.command {
            Command::Run(args) => run::run(args),
            Command::Check(args) => return check::run(&args),
            Command::Crds(args) => crds::run(&args),
            Command::Preview(args) => preview::run(&args),
            Command::Explain(args) => explain::run(&args),
            Command::Plan(args) => plan::run(&args),
            Command::Quarantine(args) => quarantine::run(&args),
            Command::Users(args) => mirrors::run(&args, Kind::User),
            Command::Groups(args) => mirrors::run(&args, Kind::Group),
            Command::Version => print(&format!("directory-sync {}\n", env!("CARGO_PKG_VERSION"))),
        };
        match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                complain(&error);
                ExitCode::FAILURE
            }
        }
    }
}

/// Writes a result to standard output.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    use std::io::Write;
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        // Whoever read the output has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

fn complain(error: &anyhow::Error) {
    use std::io::Write;
    // Without a standard error there is nobody to tell.
    let _ = writeln!(std::io::stderr().lock(), "directory-sync: {error:#}");
}

//! The `directory-sync` command.

use std::process::ExitCode;

use clap::Parser;
use directory_sync::cli::Cli;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // The one crypto back end, chosen before any connection is made. A second choice cannot happen.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Cli::parse().run()
}

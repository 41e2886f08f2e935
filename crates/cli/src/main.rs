//! The `siltstone` command: parses the command line, runs one command, turns its outcome into an exit status.

mod advice;
mod args;
mod commands;
mod config;
mod durability;
mod duration;
mod figures;
mod formats;
mod input;
mod interrupt;
mod level;
mod nearest;
mod open;
mod output;
mod report;
mod shell;
mod status;
mod text;
mod words;
mod write;

use std::{io::IsTerminal as _, process::ExitCode};

use clap::Parser;
use tracing_subscriber::{filter::LevelFilter, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{args::Args, config::Config, status::Outcome};

fn main() -> ExitCode {
    // Wrong usage ends here, with status 2.
    let args = Args::parse();
    let config = Config::load(&args.global);
    report_to_stderr(config.as_ref().map_or(LevelFilter::INFO, |config| config.log));
    let outcome = config.map_err(Into::into).and_then(|config| commands::run(&config, &args.command));
    status::finish(outcome)
}

/// Diagnostics go to standard error, so that standard output holds replies only.
fn report_to_stderr(level: LevelFilter) {
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .without_time()
        .with_target(false);
    tracing_subscriber::registry().with(lines).with(level).init();
}

/// What a command returns.
type CommandResult = anyhow::Result<Outcome>;

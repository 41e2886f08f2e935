//! One file per command: its arguments, and what it does.

pub(crate) mod batch;
pub(crate) mod bench;
pub(crate) mod compact;
pub(crate) mod delete;
pub(crate) mod dump;
pub(crate) mod export;
pub(crate) mod flush;
pub(crate) mod get;
pub(crate) mod import;
pub(crate) mod keyspaces;
pub(crate) mod put;
pub(crate) mod scan;
pub(crate) mod shell;
pub(crate) mod stats;
pub(crate) mod verify;

use crate::{CommandResult, args::Command, config::Config};

/// Runs the command that was given.
pub(crate) fn run(config: &Config, command: &Command) -> CommandResult {
    match command {
        Command::Put(arguments) => put::run(config, arguments),
        Command::Get(arguments) => get::run(config, arguments),
        Command::Delete(arguments) => delete::run(config, arguments),
        Command::Scan(arguments) => scan::run(config, arguments),
        Command::Batch => batch::run(config),
        Command::Import(arguments) => import::run(config, arguments),
        Command::Export(arguments) => export::run(config, arguments),
        Command::Stats(arguments) => stats::run(config, arguments),
        Command::Keyspaces => keyspaces::run(config),
        Command::Compact => compact::run(config),
        Command::Flush => flush::run(config),
        Command::Verify => verify::run(config),
        Command::Shell(arguments) => shell::run(config, arguments),
        Command::Dump(arguments) => dump::run(arguments),
        Command::Bench(arguments) => bench::run(arguments),
    }
}

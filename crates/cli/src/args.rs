//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use siltstone::Durability;
use tracing_subscriber::filter::LevelFilter;

use crate::{
    commands::{bench, delete, dump, export, get, import, put, scan, shell, stats},
    durability, level,
};

/// A log-structured key-value store on the command line.
///
/// Replies go to standard output, everything else to standard error. Exit status: 0 done, 1 key not found, 2 wrong usage, 3 failure.
#[derive(Parser, Debug)]
#[command(name = "siltstone", version, max_term_width = 100)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command, before or behind it. What is `None` may be in the environment, or in the configuration file.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Options of every command")]
#[expect(clippy::doc_markdown, reason = "help prints this as it stands, backticks too")]
pub(crate) struct Global {
    /// Directory of the database [default: ./data] [env: SILTSTONE_DB]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) db: Option<PathBuf>,

    /// Configuration file (TOML); the environment and the options override it [env: SILTSTONE_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Keyspace that keys are looked up and written in [default: default] [env: SILTSTONE_KEYSPACE]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) keyspace: Option<String>,

    /// When a write is acknowledged: sync, buffered or interval:MS [default: what the database has stored] [env: SILTSTONE_DURABILITY]
    #[arg(long, global = true, value_name = "D", value_parser = durability::parse)]
    pub(crate) durability: Option<Durability>,

    /// Fail instead of creating a database or a keyspace that does not exist [env: SILTSTONE_NO_CREATE]
    #[arg(long, global = true)]
    pub(crate) no_create: bool,

    /// What to report on standard error: off, error, warn, info, debug or trace [default: info] [env: SILTSTONE_LOG]
    #[arg(long, global = true, value_name = "LEVEL", value_parser = level::parse)]
    pub(crate) log: Option<LevelFilter>,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Set a key to a value
    Put(put::Arguments),
    /// Print the value of a key; status 1 when it does not exist
    Get(get::Arguments),
    /// Delete a key; one that does not exist is fine
    Delete(delete::Arguments),
    /// Print the keys from START to END, both included, and their values, in order
    ///
    /// Both ends are included, unlike in most ranges of the library.
    Scan(scan::Arguments),
    /// Apply lines of standard input, `put KEY VALUE` or `delete KEY`, as one atomic batch
    ///
    /// VALUE is the rest of the line as it is. KEY may be quoted: "a b", with \" \\ \n \t and \xHH.
    Batch,
    /// Write the records of a file; prints records/s and MB/s at the end
    Import(import::Arguments),
    /// Print all keys and values as lines that import reads back to an equal database
    Export(export::Arguments),
    /// Print figures about the database
    Stats(stats::Arguments),
    /// Print the names of all keyspaces
    Keyspaces,
    /// Merge all tables of each keyspace into one run
    Compact,
    /// Write everything that is in memory to tables
    Flush,
    /// Check every byte of every file of the database
    Verify,
    /// Read commands from standard input, a line each; on a terminal with editing, history and completion
    Shell(shell::Arguments),
    /// Print the content of one log, table, manifest or CURRENT
    Dump(dump::Arguments),
    /// Measure N writes of 100 bytes and N random reads, in a scratch directory
    Bench(bench::Arguments),
}

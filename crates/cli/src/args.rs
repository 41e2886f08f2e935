//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// A log-structured key-value store on the command line.
///
/// Replies go to standard output, everything else to standard error. Exit status: 0 done, 1 key not found, 2 wrong usage, 3 failure.
#[derive(Parser, Debug)]
#[command(name = "siltstone", version, max_term_width = 100)]
pub(crate) struct Args {
    /// Directory of the database
    #[arg(long, global = true, value_name = "DIR", env = "SILTSTONE_DB", default_value = "data")]
    pub(crate) db: PathBuf,

    /// Fail instead of creating a database that does not exist
    #[arg(long, global = true)]
    pub(crate) no_create: bool,

    /// What to report on standard error: error, warn, info, debug or trace
    #[arg(long, global = true, value_name = "LEVEL", default_value = "info")]
    pub(crate) log: tracing_subscriber::filter::LevelFilter,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Set a key to a value, durably
    Put {
        /// The key
        key: String,
        /// The value
        value: String,
    },
    /// Print the value of a key
    Get {
        /// The key
        key: String,
        /// Print the bytes as they are, without escapes and without a newline behind them
        #[arg(long)]
        raw: bool,
    },
    /// Delete a key, durably; a key that does not exist is fine
    Delete {
        /// The key
        key: String,
    },
    /// Print the keys from START to END, both included, and their values, in order
    Scan {
        /// The first key; from the beginning when it is left out
        start: Option<String>,
        /// The last key, included; to the end when it is left out
        end: Option<String>,
        /// Only keys that begin with this
        #[arg(long, conflicts_with_all = ["start", "end"])]
        prefix: Option<String>,
        /// Print at most this many
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
        /// From the last to the first
        #[arg(long)]
        reverse: bool,
        /// Print the keys only
        #[arg(long)]
        keys_only: bool,
    },
    /// Write the records of a file of KEY<TAB>VALUE lines; \t \n \r \\ and \xHH stand for bytes
    Import {
        /// The file, or - for standard input
        file: PathBuf,
        /// Records that become visible together
        #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
        batch: u32,
    },
    /// Print all keys and values as lines that import reads back
    Export,
    /// Write everything that is in memory to tables
    Flush,
    /// Merge all tables into one run
    Compact,
    /// Check every byte of every file of the database
    Verify,
    /// Read commands from standard input, a line each; on a terminal with editing, history and completion
    Shell {
        /// End with status 3 when a line was answered with an error
        #[arg(long)]
        strict: bool,
    },
    /// Print the content of one log, table, manifest or CURRENT
    Dump {
        /// The file
        file: PathBuf,
    },
}

//! The command line of the advice.

use std::path::PathBuf;

use clap::{ArgGroup, Parser};
use siltstone_benches::units::parse_bytes;

use crate::{goal::Goal, shape};

/// Recommends settings for a workload: by the simulator first, then by a short measurement of the best candidates; docs/comparing-strategies.md says how
#[derive(Parser, Debug)]
#[command(
    name = "cargo xtask advise",
    after_help = shape::help(),
    group(ArgGroup::new("what").required(true).args(["trace", "workload"]))
)]
pub(crate) struct Arguments {
    /// A file with one operation a line: `put KEY BYTES`, `get KEY`, `delete KEY` or `scan KEY ENTRIES`
    pub(crate) trace: Option<PathBuf>,
    /// A workload by its name, instead of a trace
    #[arg(long, value_name = "NAME")]
    pub(crate) workload: Option<String>,
    /// What matters most
    #[arg(long, value_enum)]
    pub(crate) goal: Goal,
    /// Measure nothing: seconds instead of minutes
    #[arg(long)]
    pub(crate) simulate_only: bool,
    /// How large the database is: keys and values, each once
    #[arg(long, value_name = "BYTES", default_value = "10GiB", value_parser = parse_size)]
    pub(crate) data_bytes: u64,
    /// The memtable it is to have
    #[arg(long, value_name = "BYTES", default_value = "64MiB", value_parser = parse_size)]
    pub(crate) memtable_bytes: u64,
    /// Size of a value of a named workload
    #[arg(long, value_name = "BYTES", default_value = "100", value_parser = parse_bytes)]
    pub(crate) value_bytes: u64,
    /// Keys of the small tree that is simulated and measured, at most
    #[arg(long, value_name = "N", default_value_t = 300_000, value_parser = clap::value_parser!(u32).range(1_000..=10_000_000))]
    pub(crate) keys: u32,
    /// How often each cell is measured
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) repeats: u32,
    /// Where settings.toml, matrices and results go [default: target/advise/GOAL-TIME]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

fn parse_size(word: &str) -> Result<u64, String> {
    match parse_bytes(word)? {
        0 => Err("it must be at least 1".to_owned()),
        bytes if bytes > SIZE_BYTES_MAX => Err("it is too large; 1024 TiB are the most".to_owned()),
        bytes => Ok(bytes),
    }
}

/// Far above what anybody has, and far enough below the largest integer to be multiplied.
const SIZE_BYTES_MAX: u64 = 1 << 50;

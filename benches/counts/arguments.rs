//! The command line of the counts.

use std::path::PathBuf;

use clap::Parser;

/// Counts the instructions of hot paths with valgrind, and fails when one takes more than in benches/counts/baseline.toml
#[derive(Parser, Debug)]
#[command(name = "cargo xtask bench --counts")]
pub(crate) struct Arguments {
    /// What tells this program from the matrices, on the command line of `cargo xtask bench`
    #[arg(long, hide = true)]
    counts: bool,
    /// Make what is counted now the baseline; its tolerance stays
    #[arg(long, conflicts_with = "only")]
    pub(crate) bless: bool,
    /// Only paths with one of these words in their name
    #[arg(long, value_name = "WORD[,WORD]...", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Where counts.json goes, and what callgrind wrote of each path, for `callgrind_annotate`
    #[arg(long, value_name = "DIR", default_value = "target/counts")]
    pub(crate) out: PathBuf,
    /// Do the work of this path, and print how much it was: what the program runs itself with
    #[arg(long, hide = true)]
    pub(crate) path: Option<String>,
}

impl Arguments {
    /// Whether a path is to be counted.
    pub(crate) fn asks_for(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|word| name.contains(word.as_str()))
    }
}

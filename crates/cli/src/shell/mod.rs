//! The shell: commands typed on a terminal or piped in, one a line.

mod catalogue;
mod complete;
mod facts;
mod history;
mod input;
mod line;
mod piped;
mod plain;
mod pretty;
mod printer;
mod run;
mod terminal;

use std::io::{BufReader, BufWriter, IsTerminal as _, stdin, stdout};

use siltstone::Db;

pub(crate) use crate::shell::{
    line::{Command, parse as parse_line},
    run::{Start, UnknownKeyspaces},
};

/// Runs the shell on standard input and output until either ends. Returns how many lines were answered with an error.
pub(crate) fn run(db: &Db, start: Start) -> anyhow::Result<u64> {
    if stdin().is_terminal() && stdout().is_terminal() {
        return terminal::run(db, start);
    }
    // More at a time than standard input's own buffer reads: values may be long.
    let input = BufReader::with_capacity(64 << 10, stdin());
    piped::run(db, start, input, BufWriter::new(stdout().lock()))
}

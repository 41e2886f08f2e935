//! Measures one cell of a peer, or holds a peer against the model: `cargo xtask bench --peers` runs it.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result};
use clap::Parser;
use siltstone_benches::{cell::Cell, stores::StoreName};
use siltstone_peers::peer;

/// Measures one cell of a peer, or holds a peer against the model
#[derive(Parser, Debug)]
#[command(name = "siltstone-peers")]
struct Arguments {
    /// Print the versions of the peers that were built, as an object
    #[arg(long, conflicts_with_all = ["check", "cell"])]
    versions: bool,
    /// Compare so many random operations on a peer with a map
    #[arg(long, value_name = "PEER", value_parser = StoreName::peer, requires = "dir", conflicts_with = "cell")]
    check: Option<StoreName>,
    /// Measure this cell, and print its line
    #[arg(long, requires = "dir")]
    cell: Option<String>,
    /// Folder of the store, which does not exist yet
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Which repetition it is
    #[arg(long, default_value_t = 0)]
    repeat: u32,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    if arguments.versions {
        println!("{}", serde_json::to_string(&peer::versions())?);
        return Ok(());
    }
    let dir = arguments
        .dir
        .as_deref()
        .context("give --versions, --check PEER --dir DIR, or --cell CELL --dir DIR")?;
    if let Some(name) = arguments.check {
        return peer::check(name, dir);
    }
    let cell = arguments.cell.as_deref().context("give --check PEER or --cell CELL beside --dir DIR")?;
    let cell: Cell = serde_json::from_str(cell)?;
    println!("{}", serde_json::to_string(&peer::measure(&cell, arguments.repeat, dir)?)?);
    Ok(())
}

//! Simulates strategies over a workload, and prints, writes and draws what they cost: `cargo xtask sim`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to its terminal")]

mod arguments;
mod chart;
mod curve;
mod json;
mod table;

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Parser as _;

use arguments::Arguments;

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
    // All of them, before the first is run: a mistyped name at the end should not cost a minute.
    let strategies = arguments.strategies()?;
    print!("{}\n\n{}", arguments.describe(), table::head(&strategies));
    let mut curves = Vec::new();
    for chosen in &strategies {
        let curve =
            curve::simulate(arguments, chosen, |point| print!("{}", table::row(&strategies, chosen, point)))?;
        curves.push(curve);
    }
    if let Some(path) = &arguments.json {
        std::fs::write(path, json::report(arguments, &curves))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(path) = &arguments.svg {
        std::fs::write(path, chart::draw(&arguments.describe(), &curves))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

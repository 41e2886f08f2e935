//! Measures the engine over matrices of settings and workloads, side by side: `cargo xtask bench`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to its terminal")]

mod arguments;
mod baseline;
mod chart;
mod child;
mod curves;
mod figures;
#[cfg(test)]
mod fixture;
mod interrupt;
mod metrics;
mod noise;
mod peers;
mod plan;
mod programs;
mod report;
mod results;
mod run;
mod strips;
mod summary;
mod terminal;

use std::{path::Path, process::ExitCode};

use anyhow::{Context as _, Result};
use clap::Parser as _;
use siltstone_benches::{engine::Siltstone, measure};

use arguments::Arguments;
use results::Results;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    if let (Some(cell), Some(dir)) = (&arguments.cell, &arguments.dir) {
        let row = measure::measure::<Siltstone>(&serde_json::from_str(cell)?, arguments.repeat, dir)?;
        println!("{}", serde_json::to_string(&row)?);
        return Ok(ExitCode::SUCCESS);
    }
    // Before an hour is spent on cells that have nothing to be compared with.
    let baseline = arguments.baseline.as_deref().map(Results::read).transpose()?;
    let (folder, is_interrupted) = match &arguments.report {
        Some(folder) => (folder.clone(), false),
        None => run::run(arguments)?,
    };
    let code = conclude(&folder, baseline.as_ref(), arguments.threshold / 100.0)?;
    if is_interrupted {
        println!("interrupted: --resume --out {} goes on", folder.display());
        return Ok(ExitCode::FAILURE);
    }
    Ok(code)
}

/// Prints the table, writes the report, and says whether anything is wrong: a cell that failed, a matrix whose strategies do not differ, a regression.
fn conclude(folder: &Path, baseline: Option<&Results>, threshold: f64) -> Result<ExitCode> {
    let results = Results::read(folder)?;
    let summaries = summary::summaries(&results);
    print!("{}", terminal::table(&results, &summaries));
    let comparison =
        baseline.map(|baseline| baseline::compare(&summary::summaries(baseline), &summaries, threshold));
    let path = folder.join("report.html");
    let page = report::page(&results, &summaries, comparison.as_ref());
    std::fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))?;
    let mut is_well = results.failures.is_empty();
    let least = summary::leveled_over_size_tiered(&summaries);
    if let (Some(least), Some(required)) = (least, results.run.leveled_over_size_tiered_min) {
        println!(
            "leveled compaction wrote at least {least:.2} times as much as size-tiered did; {required} is required"
        );
        is_well &= least >= required;
    }
    if let Some(comparison) = &comparison {
        print!("{}", comparison.describe());
        is_well &= !comparison.has_regressed();
    }
    println!("report: {}", path.display());
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

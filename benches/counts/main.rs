//! Counts the instructions of hot paths with valgrind's callgrind, and holds them against a committed baseline: `cargo xtask bench --counts`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to its terminal")]

mod arguments;
mod baseline;
mod callgrind;
mod compare;
mod conditions;
mod counted;
mod json;
mod paths;
mod table;

use std::{fs, process::ExitCode};

use anyhow::{Context as _, Result, bail};
use clap::Parser as _;

use arguments::Arguments;
use baseline::Baseline;
use compare::Extent;
use conditions::Conditions;
use paths::{HotPath, PATHS};

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
    if let Some(name) = &arguments.path {
        let path = PATHS.iter().find(|path| path.name == name);
        counted::run(path.with_context(|| format!("there is no path `{name}`"))?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let chosen: Vec<&HotPath> = PATHS.iter().filter(|path| arguments.asks_for(path.name)).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = PATHS.iter().map(|path| path.name).collect();
        bail!("no path has any of the words `{}`; there are {}", arguments.only.join(", "), names.join(", "));
    }
    let valgrind = callgrind::version()?;
    let folder = arguments.out.as_path();
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let counts = callgrind::count_all(&chosen, folder)?;
    let conditions = Conditions::look(&counts, valgrind)?;
    if arguments.bless {
        let old = Baseline::read_if_there()?;
        let tolerance = old.map_or(baseline::TOLERANCE_PERCENT, |old| old.tolerance_percent);
        let new = Baseline::new(tolerance, conditions, &counts);
        print!("{}", table::counts(&counts));
        println!("baseline: {}", new.write()?.display());
        return Ok(ExitCode::SUCCESS);
    }
    let baseline = Baseline::read()?;
    let extent = if arguments.only.is_empty() { Extent::All } else { Extent::Some };
    let comparison = compare::compare(&counts, &conditions, &baseline, extent);
    print!("{}", table::comparison(&comparison, &baseline));
    let path = json::write(folder, &conditions, &comparison, baseline.tolerance_percent)?;
    println!("figures: {}", path.display());
    Ok(if comparison.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

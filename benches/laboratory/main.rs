//! The engine's compaction on a real disk, strategy by strategy: what it writes, keeps, needs in memory, and makes writers wait for.
//!
//! `cargo bench -p siltstone-benches --bench laboratory -- EXPERIMENT [FOLDER]`; experiments are `simulated`, `sequential`, `wide`, `pressure`, `emptied` and `hot`. Each prints
//! what it saw and fails when a bound does not hold. The folder is a new one among the temporary files unless it is given. `STRATEGY=NAME` leaves the other
//! strategies out. Times and memory are the process's own, so only one experiment runs in a process.
#![expect(clippy::print_stdout, reason = "a program that prints figures")]

mod emptied;
mod hot;
mod pressure;
mod sequential;
mod simulated;
mod strategies;
mod wide;

use std::{
    env,
    path::{Path, PathBuf},
};

use siltstone_benches::Outcome;

/// Carries one out in a folder.
type Experiment = fn(&Path) -> Outcome;

const EXPERIMENTS: &[(&str, Experiment)] = &[
    ("simulated", simulated::run),
    ("sequential", sequential::run),
    ("wide", wide::run),
    ("pressure", pressure::run),
    ("emptied", emptied::run),
    ("hot", hot::run),
];

fn main() -> Outcome {
    let mut words = env::args().skip(1).filter(|word| !word.starts_with("--"));
    let Some(name) = words.next() else {
        let names: Vec<_> = EXPERIMENTS.iter().map(|(name, _)| *name).collect();
        println!("name an experiment: {}", names.join(", "));
        return Ok(());
    };
    let experiment = EXPERIMENTS.iter().find(|(known, _)| *known == name);
    let (_, run) = experiment.ok_or_else(|| format!("there is no experiment {name}"))?;
    let temporary = tempfile::tempdir()?;
    let folder = words.next().map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    run(&folder)
}

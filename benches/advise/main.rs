//! Recommends settings for a workload and a goal, with the reasons and the figures behind them: `cargo xtask advise`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to its terminal")]

mod advice;
mod arguments;
mod candidates;
mod choose;
mod goal;
mod measured;
mod scale;
mod shape;
mod simulate;
mod skew;
mod trace;
mod words;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use clap::Parser as _;
use siltstone::{Clock as _, OsClock};

use advice::Tried;
use arguments::Arguments;
use candidates::{CANDIDATES, Candidate};
use choose::Source;
use goal::{Figures, Goal};
use scale::{Real, Scale};
use shape::Shape;
use trace::Trace;

/// How many candidates are measured beside the default.
const MEASURED: usize = 2;

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
    let shape = match (&arguments.trace, &arguments.workload) {
        (Some(path), _) => Shape::of(&Trace::read(path)?),
        (None, name) => Shape::named(name.as_deref().unwrap_or_default(), arguments.value_bytes)?,
    };
    let real = Real { data_bytes: arguments.data_bytes, memtable_bytes: arguments.memtable_bytes };
    let scale = Scale::new(&shape, real, arguments.keys);
    println!("{}\n{}\n\nsimulated:", shape.words.join("\n"), scale.words());
    let mut tried = simulated(&shape, &scale, arguments.goal)?;
    print!("{}", advice::table(tried.iter().map(|tried| (tried.name.as_str(), &tried.simulated))));
    let folder = folder(arguments)?;
    if !arguments.simulate_only {
        measure(arguments, &shape, &scale, &folder, &mut tried)?;
    }
    let Some(chosen) = tried.first() else { return Ok(()) };
    println!("\n{}", advice::reasons(arguments.goal, &tried, default()));
    let settings = candidates::toml(chosen.candidate, real.memtable_bytes, real.table_bytes())?;
    let path = folder.join("settings.toml");
    fs::write(&path, &settings).with_context(|| format!("cannot write {}", path.display()))?;
    println!("settings, for the configuration (docs/settings.md):\n\n{settings}\nin {}", path.display());
    Ok(())
}

/// What a database has that is given no settings.
fn default() -> Candidate {
    CANDIDATES[0]
}

/// All candidates, best first.
fn simulated(shape: &Shape, scale: &Scale, goal: Goal) -> Result<Vec<Tried>> {
    let mut tried = Vec::new();
    for candidate in CANDIDATES {
        let simulated = simulate::simulate(*candidate, shape, scale, goal)?;
        tried.push(Tried {
            candidate: *candidate,
            name: candidate.text(scale.real.memtable_bytes),
            simulated,
            measured: None,
        });
    }
    let figures: Vec<Figures> = tried.iter().map(|tried| tried.simulated.clone()).collect();
    Ok(choose::ranking(goal, &figures, Source::Simulated).into_iter().map(|at| tried[at].clone()).collect())
}

/// Measures the first of the ranking, beside the default, and puts those in the order of what was measured.
fn measure(
    arguments: &Arguments,
    shape: &Shape,
    scale: &Scale,
    folder: &Path,
    tried: &mut Vec<Tried>,
) -> Result<()> {
    let (mut chosen, mut rest): (Vec<Tried>, Vec<Tried>) = (Vec::new(), Vec::new());
    let mut left = MEASURED;
    for tried in std::mem::take(tried) {
        let is_default = tried.candidate == default();
        let is_chosen = is_default || left > 0;
        left -= usize::from(is_chosen && !is_default);
        if is_chosen { chosen.push(tried) } else { rest.push(tried) }
    }
    let [writes, reads] = measured::workloads(shape);
    println!("\nmeasured: {writes} and {reads}, medians of {} (docs/benchmarks.md):", arguments.repeats);
    let candidates: Vec<Candidate> = chosen.iter().map(|tried| tried.candidate).collect();
    let figures = measured::measure(&candidates, shape, scale, arguments.repeats, folder)?;
    print!("{}", advice::table(chosen.iter().map(|tried| tried.name.as_str()).zip(&figures)));
    let order = choose::ranking(arguments.goal, &figures, Source::Measured);
    let measured = |at: usize| Tried { measured: Some(figures[at].clone()), ..chosen[at].clone() };
    tried.extend(order.into_iter().map(measured));
    tried.extend(rest);
    Ok(())
}

fn folder(arguments: &Arguments) -> Result<PathBuf> {
    let goal = format!("{:?}", arguments.goal).to_lowercase();
    let of_time = || Path::new("target/advise").join(format!("{goal}-{}", OsClock.now_unix_ms() / 1000));
    let folder = arguments.out.clone().unwrap_or_else(of_time);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

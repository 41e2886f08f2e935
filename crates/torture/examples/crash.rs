//! Runs whole databases against power cuts:
//! `crash [--seed N] [--seeds M] [--samples S | --one-in C] [--operations K] [--minutes T] [--planted]`.
#![expect(clippy::print_stdout, reason = "an example that shows what it does")]
#![expect(clippy::disallowed_methods, reason = "how long it runs is no part of a run")]

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use siltstone_torture::{
    crash::{Amount, Bug, CutAt, Options, Plan, Plant, full_plan, run, shrink},
    faults::{self, Case, Trouble},
};
use siltstone_vfs::OpKind;

struct Arguments {
    seed: u64,
    seeds: u64,
    /// `None` for as many as a run of full size takes.
    operations: Option<usize>,
    cut_at: CutAt,
    minutes: u64,
    planted: bool,
}

fn arguments() -> Result<Arguments, String> {
    let (cut_at, operations) = (CutAt::Every, None);
    let mut given = Arguments { seed: 1, seeds: 1, operations, cut_at, minutes: 60, planted: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--planted" {
            given.planted = true;
            continue;
        }
        let number: u64 =
            words.next().and_then(|text| text.parse().ok()).ok_or(format!("{word} needs a number"))?;
        let size = usize::try_from(number).map_err(|_| format!("{word} is too large"))?;
        match word.as_str() {
            "--seed" => given.seed = number,
            "--seeds" => given.seeds = number,
            "--operations" => given.operations = Some(size),
            "--one-in" if size > 0 => given.cut_at = CutAt::OneIn(size),
            "--samples" => given.cut_at = CutAt::Sample(size),
            "--minutes" => given.minutes = number,
            _ => return Err(format!("there is no {word} {number}")),
        }
    }
    Ok(given)
}

impl Arguments {
    fn plan(&self, seed: u64) -> Plan {
        self.operations.map_or_else(|| full_plan(seed), |operations| Plan::new(seed, operations))
    }

    fn options(&self) -> Options {
        let amount = if self.operations.is_none() { Amount::Full } else { Amount::Any };
        Options { cut_at: self.cut_at, plant: None, bug: None, amount }
    }

    /// The command that does one seed again.
    fn again(&self, seed: u64) -> String {
        let cuts = match self.cut_at {
            CutAt::Sample(count) => format!(" --samples {count}"),
            CutAt::OneIn(one_in) => format!(" --one-in {one_in}"),
            CutAt::Every | CutAt::Never => String::new(),
        };
        let operations = self.operations.map(|count| format!(" --operations {count}")).unwrap_or_default();
        format!("cargo xtask crash --seed {seed}{cuts}{operations}")
    }
}

#[derive(Default)]
struct Sum {
    runs: u64,
    operations: u64,
    changes: u64,
    outages: u64,
    interrupted: u64,
    nested: u64,
    later: u64,
}

fn crash(given: &Arguments) -> Result<(), String> {
    let options = given.options();
    let (started, mut sum) = (Instant::now(), Sum::default());
    for seed in (given.seed..).take(usize::try_from(given.seeds).unwrap_or(usize::MAX)) {
        if started.elapsed() >= Duration::from_mins(given.minutes) {
            println!("time is up before seed {seed}");
            break;
        }
        let plan = given.plan(seed);
        match run(&plan, options) {
            Ok(report) => {
                println!("seed {seed}, {} operations: {report:?}", plan.operations.len());
                sum.runs += 1;
                sum.operations += report.counts.operations;
                sum.changes += report.counts.changes;
                sum.outages += report.recovered.outages;
                sum.interrupted += report.recovered.interrupted;
                sum.nested += report.recovered.nested;
                sum.later += report.recovered.later;
            }
            Err(failure) => {
                println!("seed {seed}: operation {}: {}", failure.operation, failure.what);
                if let Some((short, failure)) = shrink(&plan, options, 2_000) {
                    println!("{:?}", short.settings);
                    short.operations.iter().for_each(|operation| println!("  {operation:?}"));
                    println!("{}", failure.what);
                }
                return Err(format!("again: {}", given.again(seed)));
            }
        }
    }
    let Sum { runs, operations, changes, outages, interrupted, nested, later } = sum;
    println!(
        "{runs} runs of {operations} file operations, {changes} of them changes: {outages} outages, {interrupted} recoveries \
         interrupted by {nested} further ones, {later} outages after further writes; {:.1} s",
        started.elapsed().as_secs_f64(),
    );
    Ok(())
}

/// Says which is the first seed that shows a bug, and how. True when there is one.
fn caught(given: &Arguments, what: &str, planted: Options) -> bool {
    let options = Options { amount: Amount::Any, ..planted };
    let seeds = given.seed..given.seed + given.seeds.max(100);
    let found = seeds.into_iter().find_map(|seed| {
        let failure = run(&given.plan(seed), options).err()?;
        Some((seed, failure))
    });
    let Some((seed, failure)) = found else {
        println!("{what}: NOT CAUGHT");
        return false;
    };
    let first_line = failure.what.lines().next().unwrap_or_default().to_owned();
    println!("{what}: caught by seed {seed}, operation {}: {first_line}", failure.operation);
    true
}

fn planted(given: &Arguments) -> Result<(), String> {
    let mut are_caught = true;
    for bug in Bug::SHOWN_BY_POWER_CUTS {
        are_caught &= caught(given, &format!("{bug:?}"), Options { bug: Some(bug), ..given.options() });
    }
    for plant in Plant::ALL {
        are_caught &= caught(given, &format!("{plant:?}"), Options { plant: Some(plant), ..given.options() });
    }
    let bug = Some(Bug::InputErrorIgnored);
    let case = |nth| Case { kinds: &[OpKind::ReadAt], trouble: Trouble::ForGood, nth, seed: 3, bug };
    let read = (0..400).find(|&nth| faults::run(&case(nth)).is_err());
    println!("InputErrorIgnored: caught at read {}", read.ok_or("InputErrorIgnored was not caught")?);
    if are_caught { Ok(()) } else { Err("a bug was not caught".to_owned()) }
}

fn main() -> ExitCode {
    let outcome = arguments().and_then(|given| if given.planted { planted(&given) } else { crash(&given) });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

//! Runs whole databases against power cuts: `crash [--seed N] [--seeds M] [--operations K] [--one-in C] [--minutes T] [--planted]`.
#![expect(clippy::print_stdout, reason = "an example that shows what it does")]
#![expect(clippy::disallowed_methods, reason = "how long it runs is no part of a run")]

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use siltstone_torture::crash::{Bug, Options, Plan, Plant, plant, run, shrink};

struct Arguments {
    seed: u64,
    seeds: u64,
    operations: usize,
    one_in: usize,
    minutes: u64,
    planted: bool,
}

fn arguments() -> Result<Arguments, String> {
    let mut given = Arguments { seed: 1, seeds: 1, operations: 600, one_in: 1, minutes: 60, planted: false };
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
            "--operations" => given.operations = size,
            "--one-in" => given.one_in = size,
            "--minutes" => given.minutes = number,
            _ => return Err(format!("there is no {word}")),
        }
    }
    Ok(given)
}

fn crash(given: &Arguments) -> Result<(), String> {
    let options = Options { cut_one_in: given.one_in, plant: None };
    let started = Instant::now();
    for seed in (given.seed..).take(usize::try_from(given.seeds).unwrap_or(usize::MAX)) {
        if started.elapsed() >= Duration::from_mins(given.minutes) {
            println!("time is up before seed {seed}");
            break;
        }
        let plan = Plan::new(seed, given.operations);
        match run(&plan, options) {
            Ok(report) => println!("seed {seed}: {report:?}"),
            Err(failure) => {
                println!("seed {seed}: operation {}: {}", failure.operation, failure.what);
                if let Some((short, failure)) = shrink(&plan, options, 2_000) {
                    println!("{:?}", short.settings);
                    short.operations.iter().for_each(|operation| println!("  {operation:?}"));
                    println!("{}", failure.what);
                }
                let Arguments { operations, one_in, .. } = given;
                return Err(format!(
                    "again: cargo xtask crash --seed {seed} --operations {operations} --one-in {one_in}"
                ));
            }
        }
    }
    Ok(())
}

fn planted(given: &Arguments) -> Result<(), String> {
    for bug in [Bug::NewerMemtableFirst, Bug::CutInsideKey, Bug::DroppedNumbersForgotten, Bug::PartialBatch] {
        plant(Some(bug));
        let options = Options { cut_one_in: given.one_in, plant: None };
        let caught = (given.seed..given.seed + given.seeds.max(50))
            .find(|&seed| run(&Plan::new(seed, given.operations), options).is_err());
        plant(None);
        println!("{bug:?}: caught by seed {}", caught.ok_or(format!("{bug:?} was not caught"))?);
    }
    for plant in Plant::ALL {
        let options = Options { cut_one_in: given.one_in, plant: Some(plant) };
        let caught = (given.seed..given.seed + given.seeds.max(50)).find_map(|seed| {
            let failure = run(&Plan::new(seed, given.operations), options).err()?;
            Some((seed, failure))
        });
        let (seed, failure) = caught.ok_or(format!("{plant:?} was not caught"))?;
        let first_line = failure.what.lines().next().unwrap_or_default().to_owned();
        println!("{plant:?}: caught by seed {seed}, operation {}: {first_line}", failure.operation);
    }
    Ok(())
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

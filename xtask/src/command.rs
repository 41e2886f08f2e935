//! The command line, parsed: what to run, or why the words make no sense.

use std::fmt::Write as _;

use anyhow::{Result, bail};

use crate::{
    program::{self, Program},
    shuttle,
    step::{STEPS, Step},
};

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Command {
    /// Print what there is.
    Help,
    /// Every step in order, except the named ones.
    Ci {
        /// Names of steps that are left out.
        skipped: Vec<&'static str>,
    },
    /// One step alone.
    One(&'static Step),
    /// Run whole databases against power cuts, in a release build, with these words for the program.
    Crash(Vec<String>),
    /// Run the engine's concurrent parts under many schedules.
    Shuttle(shuttle::Options),
    /// Run a program of the benchmarks, in a release build, with these words for it.
    Program {
        /// Which.
        program: &'static Program,
        /// Its arguments.
        words: Vec<String>,
    },
    /// Write the hashes of the format sources into the format pages.
    Bless,
}

impl Command {
    /// Reads the words after `cargo xtask`.
    pub(crate) fn parse(arguments: &[String]) -> Result<Command> {
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        match words.as_slice() {
            [] | ["help" | "--help" | "-h"] => Ok(Command::Help),
            ["ci", options @ ..] => Ok(Command::Ci { skipped: parse_skips(options)? }),
            ["crash", words @ ..] => Ok(Command::Crash(words.iter().map(ToString::to_string).collect())),
            ["shuttle", words @ ..] => Ok(Command::Shuttle(shuttle::Options::parse(words)?)),
            ["advise", words @ ..] => Ok(of_program(&program::ADVISE, words)),
            ["bench", words @ ..] if words.contains(&"--counts") => Ok(of_program(&program::COUNTS, words)),
            ["bench", words @ ..] => Ok(of_program(&program::BENCH, words)),
            ["sim", words @ ..] => Ok(of_program(&program::SIM, words)),
            ["tidy", "--bless"] => Ok(Command::Bless),
            [name] => Ok(Command::One(find(name)?)),
            [name, rest @ ..] => {
                find(name)?;
                bail!("`{name}` takes no `{}`; see `cargo xtask help`", rest.join(" "))
            }
        }
    }
}

fn of_program(program: &'static Program, words: &[&str]) -> Command {
    Command::Program { program, words: words.iter().map(ToString::to_string).collect() }
}

fn parse_skips(options: &[&str]) -> Result<Vec<&'static str>> {
    let mut skipped = Vec::new();
    let mut options = options.iter();
    while let Some(option) = options.next() {
        if *option != "--skip" {
            bail!("`ci` takes only `--skip STEP`, not `{option}`");
        }
        let Some(name) = options.next() else { bail!("`--skip` needs the name of a step") };
        skipped.push(find(name)?.name);
    }
    Ok(skipped)
}

fn find(name: &str) -> Result<&'static Step> {
    match STEPS.iter().find(|step| step.name == name) {
        Some(step) => Ok(step),
        None => bail!("no step is called `{name}`; see `cargo xtask help`"),
    }
}

/// The text of `cargo xtask help`.
pub(crate) fn help() -> String {
    let mut text = String::from(
        "usage: cargo xtask COMMAND\n\n  \
         help                  this text\n  \
         advise TRACE|--workload NAME --goal read|write|space|p99 [--simulate-only] ...\n  \
         \x20                     settings for a workload, with the reasons and the figures; `advise --help` has the rest\n  \
         bench [MATRIX.toml] [--quick | --full] [--only WORD,...] [--peers NAME,...] [--baseline RUN] [--out DIR] [--resume]\n  \
         \x20                     the engine, and peers beside it, over matrices of settings and workloads, with a report; `bench --help` has the rest\n  \
         bench --counts [--bless | --only WORD,...] [--out DIR]\n  \
         \x20                     instructions of hot paths, by valgrind, beside the committed baseline\n  \
         ci [--skip STEP]...   every step below, in this order, up to the first failure\n  \
         crash [--seed N] [--seeds M] [--samples S | --one-in C] [--operations K] [--minutes T] [--planted]\n  \
         \x20                     power cuts of whole databases, before every change of the disk, or before S of them\n  \
         shuttle [--schedules N] [--seed S] [--replay FILE] [--planted] [TEST]\n  \
         \x20                     commit, rotation, read_view, close and memtable under schedules that shuttle chooses\n  \
         sim [--strategy NAME[,PARAMETER=VALUE]...]... [--workload NAME] [--json FILE] [--svg FILE] ...\n  \
         \x20                     what strategies cost at which size of the data, without files; `sim --help` has the rest\n  \
         tidy --bless          write the hashes of the format sources into docs/format\n\nsteps, each also a command:\n",
    );
    for step in STEPS {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {:<22}{}", step.name, step.about);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command> {
        Command::parse(&line.split_whitespace().map(String::from).collect::<Vec<_>>())
    }

    #[test]
    fn no_words_ask_for_help() {
        assert!(matches!(parse("").unwrap(), Command::Help));
        assert!(matches!(parse("help").unwrap(), Command::Help));
    }

    #[test]
    fn every_step_is_a_command_and_stands_in_the_help() {
        for step in STEPS {
            assert!(matches!(parse(step.name).unwrap(), Command::One(found) if found.name == step.name));
            assert!(help().contains(&format!("  {} ", step.name)), "{}", step.name);
        }
    }

    #[test]
    fn ci_skips_the_steps_it_is_told_to_skip() {
        let Command::Ci { skipped } = parse("ci --skip test --skip docs").unwrap() else { panic!() };
        assert_eq!(skipped, ["test", "docs"]);
    }

    #[test]
    fn programs_are_found_by_their_words() {
        for (line, expected) in [
            ("bench --counts --bless", "siltstone-counts"),
            ("bench --out DIR --counts", "siltstone-counts"),
            ("bench --quick", "siltstone-bench"),
            ("advise FILE --goal read", "siltstone-advise"),
        ] {
            let Command::Program { program, words } = parse(line).unwrap() else { panic!() };
            assert_eq!((program.name, words.len()), (expected, line.split(' ').count() - 1), "{line}");
        }
    }

    #[test]
    fn unknown_words_are_refused_by_name() {
        for (line, named) in [
            ("tiddy", "`tiddy`"),
            ("fmt now", "`now`"),
            ("ci --fast", "`--fast`"),
            ("ci --skip nothing", "`nothing`"),
            ("ci --skip", "needs the name"),
        ] {
            let message = parse(line).unwrap_err().to_string();
            assert!(message.contains(named), "{line}: {message}");
        }
    }
}

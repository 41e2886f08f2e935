//! Checks and chores of the workspace: `cargo xtask help`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to its terminal")]

mod ci;
mod command;
mod peers;
mod program;
mod shuttle;
mod step;
mod tidy;
mod workspace;

use std::process::ExitCode;

use command::Command;
use workspace::Workspace;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let workspace = Workspace::locate()?;
    match Command::parse(&arguments)? {
        Command::Help => print!("{}", command::help()),
        Command::Bless => tidy::bless(&workspace)?,
        Command::Ci { skipped } => ci::run(&workspace, &skipped)?,
        Command::Crash(words) => {
            let mut arguments = vec![
                "run",
                "--quiet",
                "--release",
                "--package",
                "siltstone-torture",
                "--example",
                "crash",
                "--",
            ];
            arguments.extend(words.iter().map(String::as_str));
            workspace.cargo(&arguments)?;
        }
        Command::Shuttle(options) => shuttle::run(&workspace, &options)?,
        Command::Program { program, words } => program::run(&workspace, program, &words)?,
        Command::One(step) => {
            if let step::Outcome::Absent(why) = (step.run)(&workspace)? {
                println!("{}: nothing to do: {why}", step.name);
            }
        }
    }
    Ok(())
}

//! Runs the programs of the package `benches` in a release build: the simulator of compaction strategies, the benchmark matrices, the counts of instructions, and the advice.

use std::path::{Path, absolute};

use anyhow::{Context as _, Result};

use crate::{peers, workspace::Workspace};

/// A program, and its options whose value is a file. The program runs in the workspace's folder, so files of the caller's are named in full.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    file_options: &'static [&'static str],
    /// How a word ends that is a file without an option.
    file_suffix: Option<&'static str>,
    /// What is built beside it, and the words that tell it where.
    beside: fn(&Workspace, &[String]) -> Result<Vec<String>>,
    /// Where every word is a file that belongs to no option: the options without a value.
    flags: Option<&'static [&'static str]>,
    /// What cargo is told by its environment when it builds the program.
    environment: &'static [(&'static str, &'static str)],
}

/// `cargo xtask sim`.
pub(crate) const SIM: Program = Program {
    name: "siltstone-sim",
    file_options: &["--json", "--svg"],
    file_suffix: None,
    beside: |_, _| Ok(Vec::new()),
    flags: None,
    environment: &[],
};

/// `cargo xtask bench`.
pub(crate) const BENCH: Program = Program {
    name: "siltstone-bench",
    file_options: &["--baseline", "--out", "--report"],
    file_suffix: Some(".toml"),
    beside: peers::build,
    flags: None,
    environment: &[],
};

/// `cargo xtask bench --counts`.
pub(crate) const COUNTS: Program = Program {
    name: "siltstone-counts",
    file_options: &["--out"],
    file_suffix: None,
    beside: |_, _| Ok(Vec::new()),
    flags: None,
    // An incremental build divides the code otherwise, which inlines otherwise.
    environment: &[("CARGO_INCREMENTAL", "0")],
};

/// `cargo xtask advise`.
pub(crate) const ADVISE: Program = Program {
    name: "siltstone-advise",
    file_options: &["--out"],
    file_suffix: None,
    beside: build_bench,
    flags: Some(&["--simulate-only", "--help", "-h"]),
    environment: &[],
};

/// Builds it and passes the words on.
pub(crate) fn run(workspace: &Workspace, program: &Program, words: &[String]) -> Result<()> {
    let beside = (program.beside)(workspace, words)?;
    let words = with_full_paths(program, words, |path| {
        absolute(path).map(|path| path.to_string_lossy().into_owned())
    })?;
    let mut arguments =
        vec!["run", "--quiet", "--release", "--package", "siltstone-benches", "--bin", program.name, "--"];
    arguments.extend(beside.iter().chain(&words).map(String::as_str));
    workspace.cargo_with(program.environment, &arguments)
}

/// The advice measures with the program of the matrices, and looks for it in its own folder.
fn build_bench(workspace: &Workspace, _: &[String]) -> Result<Vec<String>> {
    workspace.cargo(&[
        "build",
        "--quiet",
        "--release",
        "--package",
        "siltstone-benches",
        "--bin",
        BENCH.name,
    ])?;
    Ok(Vec::new())
}

fn with_full_paths(
    program: &Program,
    words: &[String],
    full: impl Fn(&Path) -> std::io::Result<String>,
) -> Result<Vec<String>> {
    let (mut is_file, mut is_value) = (false, false);
    let mut full_words = Vec::new();
    for word in words {
        let in_full = |path: &str| full(path.as_ref()).with_context(|| format!("`{path}` is not a path"));
        let is_named = program.file_suffix.is_some_and(|suffix| word.ends_with(suffix))
            || (program.flags.is_some() && !is_value);
        full_words.push(match word.split_once('=') {
            _ if is_file => in_full(word)?,
            Some((option, path)) if program.file_options.contains(&option) => {
                format!("{option}={}", in_full(path)?)
            }
            _ if is_named && !word.starts_with('-') => in_full(word)?,
            _ => word.clone(),
        });
        let takes_value =
            |flags: &[&str]| word.starts_with('-') && !word.contains('=') && !flags.contains(&word.as_str());
        is_value = !is_value && program.flags.is_some_and(takes_value);
        is_file = !is_file && program.file_options.contains(&word.as_str());
    }
    Ok(full_words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(program: &Program, words: &str, expected: &str) {
        let words: Vec<String> = words.split(' ').map(String::from).collect();
        let full = with_full_paths(program, &words, |path| Ok(format!("/home/{}", path.display()))).unwrap();
        assert_eq!(full.join(" "), expected);
    }

    #[test]
    fn only_files_become_full_paths() {
        check(
            &SIM,
            "--json a.json --workload uniform --svg=b.svg --strategy size-tiered,runs-min=4",
            "--json /home/a.json --workload uniform --svg=/home/b.svg --strategy size-tiered,runs-min=4",
        );
        check(
            &BENCH,
            "my.toml --baseline old --only lz4,leveled --out=new --resume",
            "/home/my.toml --baseline /home/old --only lz4,leveled --out=/home/new --resume",
        );
        check(
            &ADVISE,
            "--goal write --simulate-only my.trace --keys=5000 --out new",
            "--goal write --simulate-only /home/my.trace --keys=5000 --out /home/new",
        );
        check(&ADVISE, "--workload ycsb-a --goal read", "--workload ycsb-a --goal read");
    }
}

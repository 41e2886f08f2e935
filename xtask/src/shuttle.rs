//! Runs the tests of schedules, of the engine and of the memtable, in a build in which shuttle stands in for threads and locks.

use std::{env, ffi::OsString, path::PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::workspace::Workspace;

/// The modules of `crates/engine/tests/schedules` and `crates/memtable/tests/schedules` that hold a test.
const TESTS: &[&str] = &["commit", "rotation", "read_view", "close", "replay", OF_MEMTABLE];
/// The one of the memtable.
const OF_MEMTABLE: &str = "memtable";
const ENGINE: &[&str] = &["--package", "siltstone", "--features", "siltstone/planted-bugs"];
const MEMTABLE: &[&str] = &["--package", "siltstone-memtable"];

/// What to run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// Schedules of each test; the tests' own default otherwise.
    schedules: Option<u64>,
    seed: Option<u64>,
    /// A file with the one schedule to run.
    replay: Option<PathBuf>,
    /// Whether to show that planted bugs are found, instead.
    planted: bool,
    /// Only this one.
    test: Option<String>,
}

impl Options {
    /// Reads the words behind `shuttle`.
    pub(crate) fn parse(words: &[&str]) -> Result<Options> {
        let mut options = Options::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("`{word}` needs a value"));
            match *word {
                "--schedules" => options.schedules = Some(number(value()?)?),
                "--seed" => options.seed = Some(number(value()?)?),
                "--replay" => options.replay = Some(value()?.into()),
                "--planted" => options.planted = true,
                test if TESTS.contains(&test) => options.test = Some(test.to_owned()),
                other => bail!("`shuttle` knows no `{other}`; its tests are {}", TESTS.join(", ")),
            }
        }
        if options.replay.is_some() && options.test.is_none() {
            bail!("`--replay` needs the name of the test that failed: {}", TESTS.join(", "));
        }
        if options.planted && (options.test.is_some() || options.replay.is_some()) {
            bail!("`--planted` goes with no test: each bug has the one that finds it");
        }
        Ok(options)
    }

    /// Whose programs to build. Bugs are planted in the engine only.
    fn packages(&self) -> Vec<&'static str> {
        match &self.test {
            Some(test) if test == OF_MEMTABLE => MEMTABLE.to_vec(),
            None if !self.planted => [ENGINE, MEMTABLE].concat(),
            _ => ENGINE.to_vec(),
        }
    }

    /// Which tests of the programs to run.
    fn filter(&self) -> Vec<String> {
        match (&self.test, self.planted) {
            (Some(test), _) => vec![format!("{test}::")],
            (None, true) => vec!["planted::".to_owned()],
            (None, false) => TESTS.iter().map(|test| format!("{test}::")).collect(),
        }
    }
}

fn number(word: &str) -> Result<u64> {
    word.parse().with_context(|| format!("`{word}` is not a number"))
}

/// Builds and runs them. A target folder of its own keeps this build from taking the place of the ordinary one.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let mut flags = env::var_os("RUSTFLAGS").unwrap_or_default();
    flags.push(" --cfg shuttle");
    let mut environment: Vec<(&str, OsString)> = vec![("RUSTFLAGS", flags)];
    for (name, value) in [("SCHEDULES", options.schedules), ("SEED", options.seed)] {
        environment.extend(value.map(|value| (name, value.to_string().into())));
    }
    if let Some(path) = &options.replay {
        let path = path.canonicalize().with_context(|| format!("there is no {}", path.display()))?;
        environment.push(("REPLAY", path.into()));
    }
    let filter = options.filter();
    let mut arguments = vec!["test", "--quiet", "--target-dir", "target/shuttle"];
    arguments.extend(options.packages());
    arguments.extend([
        "--test",
        "schedules",
        "--",
        // One after the other: each uses two processors, one for each way of choosing.
        "--test-threads=1",
        "--nocapture",
    ]);
    arguments.extend(filter.iter().map(String::as_str));
    workspace.cargo_with(&environment, &arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options> {
        Options::parse(&line.split_whitespace().collect::<Vec<_>>())
    }

    #[test]
    fn all_tests_run_unless_one_is_named() {
        assert_eq!(
            parse("").unwrap().filter(),
            ["commit::", "rotation::", "read_view::", "close::", "replay::", "memtable::"]
        );
        let options = parse("--schedules 100000 --seed 7 close").unwrap();
        assert_eq!((options.schedules, options.seed), (Some(100_000), Some(7)));
        assert_eq!(options.filter(), ["close::"]);
        assert_eq!(parse("--planted").unwrap().filter(), ["planted::"]);
    }

    #[test]
    fn only_what_has_the_tests_is_built() {
        for (line, packages) in [
            ("", [ENGINE, MEMTABLE].concat()),
            ("close", ENGINE.to_vec()),
            ("--planted", ENGINE.to_vec()),
            ("memtable", MEMTABLE.to_vec()),
        ] {
            assert_eq!(parse(line).unwrap().packages(), packages, "{line}");
        }
    }

    #[test]
    fn words_that_make_no_sense_are_refused_by_name() {
        for (line, named) in [
            ("closing", "`closing`"),
            ("--schedules", "`--schedules`"),
            ("--seed x", "`x`"),
            ("--replay schedule.txt", "name of the test"),
            ("--planted close", "`--planted`"),
        ] {
            let message = parse(line).unwrap_err().to_string();
            assert!(message.contains(named), "{line}: {message}");
        }
    }
}

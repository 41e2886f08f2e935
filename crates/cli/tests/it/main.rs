//! The program `siltstone` as its users meet it: processes, arguments, pipes, exit statuses.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod batch;
mod bench;
mod config;
mod damage;
mod dump;
mod errors;
mod import;
mod interrupt;
mod jsonl;
mod keyspaces;
mod missing;
mod point;
mod processes;
mod readme;
mod round_trip;
mod scan;
mod shell;
mod shell_kill;
#[cfg(unix)]
mod shell_terminal;
mod stats;
#[cfg(unix)]
mod terminal;
mod usage;

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

/// The root of the repository.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// A folder of its own for one test; the program runs in it.
struct Place {
    dir: TempDir,
}

/// What one run of the program left.
#[derive(Debug)]
struct Run {
    /// The exit status.
    status: i32,
    /// Standard output.
    out: Vec<u8>,
    /// Standard error.
    err: String,
}

impl Place {
    fn new() -> Place {
        Place { dir: tempfile::tempdir().unwrap() }
    }

    /// A place with a database `db` that holds these lines.
    fn with_lines(lines: &str) -> Place {
        let place = Place::new();
        place.run_with_input(&["import", "--db", "db", "-"], lines.as_bytes()).assert_status(0);
        place
    }

    /// Where a name of this place is for a process that runs in it.
    fn absolute(&self, name: &str) -> String {
        text(&self.dir.path().canonicalize().unwrap().join(name)).to_owned()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// The program with these arguments, not started yet.
    fn command(&self, arguments: &[&str]) -> Command {
        self.prepare(Command::new(env!("CARGO_BIN_EXE_siltstone")), arguments)
    }

    /// Runs a line of the shell, with these variables.
    fn run_in_shell(&self, line: &str, variables: &[(&str, &str)]) -> Run {
        let mut shell = self.prepare(Command::new("sh"), &["-c", line]);
        Run::new(shell.envs(variables.iter().copied()).output().unwrap())
    }

    fn prepare(&self, mut command: Command, arguments: &[&str]) -> Command {
        // What the developer has set must not decide.
        command.args(arguments).current_dir(self.dir.path()).env_remove("COLUMNS");
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| text(Path::new(name)).starts_with("SILTSTONE_"))
        {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        Run::new(self.command(arguments).output().unwrap())
    }

    fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Run {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        std::thread::scope(|scope| {
            // A program that fails before it has read everything closes the pipe.
            scope.spawn(move || drop(stdin.write_all(input)));
            Run::new(child.wait_with_output().unwrap())
        })
    }

    /// The files of a folder whose names end so, in order.
    fn files(&self, folder: &str, ending: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path(folder)).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = entries.filter(|path| text(path).ends_with(ending)).collect();
        files.sort();
        files
    }

    /// The names of everything that is in the place.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Run {
    fn new(output: Output) -> Run {
        // A process that a signal ended has no status.
        let status = output.status.code().unwrap_or(-1);
        Run { status, out: output.stdout, err: String::from_utf8(output.stderr).unwrap() }
    }

    #[track_caller]
    fn assert_status(&self, status: i32) {
        assert_eq!(self.status, status, "{}\n{}", self.out(), self.err);
    }

    /// It did what it was asked, and had nothing to say about it.
    #[track_caller]
    fn assert_prints(&self, out: &str) {
        assert_eq!((self.status, &*self.out(), &*self.err), (0, out, ""));
    }

    /// It failed with status 3, printed nothing, and said all of this.
    #[track_caller]
    fn assert_fails_with(&self, facts: &[&str]) {
        assert_eq!((self.status, &*self.out()), (3, ""), "{}", self.err);
        for fact in facts {
            assert!(self.err.contains(fact), "{fact:?} is not in {}", self.err);
        }
        assert!(self.err.starts_with("ERROR ") && self.err.lines().count() == 1, "{}", self.err);
    }

    fn out(&self) -> String {
        String::from_utf8(self.out.clone()).unwrap()
    }
}

/// Lines by number.
fn lines(numbers: std::ops::Range<usize>, line: impl Fn(usize) -> String) -> String {
    numbers.map(line).collect::<Vec<_>>().concat()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What stands behind `name=` in a text of facts.
#[track_caller]
fn fact<'a>(text: &'a str, name: &str) -> &'a str {
    let found = text.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    assert!(found.is_some(), "there is no {name} in {text}");
    found.unwrap_or_default()
}

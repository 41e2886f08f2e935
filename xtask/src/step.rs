//! The steps of continuous integration, in the order in which they run.
//!
//! Every step uses the dev profile, and `test` and `docs` the default features, so that what one step has built the
//! next one finds. Only lints look at all features: they share no compiled code with the tests anyway.

use anyhow::Result;

use crate::{tidy, workspace::Workspace};

/// One thing to check.
#[derive(Debug)]
pub(crate) struct Step {
    /// The word that names it on the command line.
    pub(crate) name: &'static str,
    /// One line for the help.
    pub(crate) about: &'static str,
    /// Does it; an error is a failed check.
    pub(crate) run: fn(&Workspace) -> Result<Outcome>,
}

/// How a step that did not fail ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It was checked.
    Done,
    /// There is nothing to check yet, and why.
    Absent(String),
}

/// All of them.
pub(crate) const STEPS: &[Step] = &[
    Step { name: "fmt", about: "the formatting is rustfmt's", run: fmt },
    Step { name: "clippy", about: "no lint fires, on any target, with all features", run: clippy },
    Step { name: "tidy", about: "the rules no compiler checks: layers, files, pages", run: tidy::run },
    Step { name: "docs", about: "rustdoc has nothing to complain about", run: docs },
    Step { name: "test", about: "all tests, doctests included", run: test },
    Step {
        name: "alone",
        about: "each library crate compiles by itself, and with fewer features",
        run: alone,
    },
    Step {
        name: "examples",
        about: "the examples that are projects of their own pass their tests",
        run: examples,
    },
    Step { name: "fuzz-check", about: "the fuzz targets compile", run: fuzz_check },
];

/// The crates that others may depend on one by one. A workspace build unites the features of all its members, which
/// hides a feature that a crate uses and does not ask for.
const LIBRARIES: &[&str] = &[
    "siltstone-types",
    "siltstone-vfs",
    "siltstone-bloom",
    "siltstone-wal",
    "siltstone-memtable",
    "siltstone-sstable",
    "siltstone-compaction",
    "siltstone",
];

/// Crates whose default features can be left out, which must leave something that compiles, tests included.
const REDUCIBLE: &[&str] = &["siltstone-sstable"];

fn fmt(workspace: &Workspace) -> Result<Outcome> {
    workspace.cargo(&["fmt", "--all", "--check"])?;
    // Outside of the workspace, and only formatted here: nothing else may compile it.
    workspace.cargo(&["fmt", "--check", "--manifest-path", "benches/peers/Cargo.toml"])?;
    Ok(Outcome::Done)
}

fn clippy(workspace: &Workspace) -> Result<Outcome> {
    workspace.cargo(&["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"])?;
    Ok(Outcome::Done)
}

fn docs(workspace: &Workspace) -> Result<Outcome> {
    let environment = [("RUSTDOCFLAGS", "-D warnings")];
    workspace.cargo_with(&environment, &["doc", "--workspace", "--no-deps"])?;
    Ok(Outcome::Done)
}

fn test(workspace: &Workspace) -> Result<Outcome> {
    workspace.cargo(&["test", "--workspace"])?;
    Ok(Outcome::Done)
}

fn alone(workspace: &Workspace) -> Result<Outcome> {
    for library in LIBRARIES {
        workspace.cargo(&["check", "--quiet", "--package", library])?;
    }
    for library in REDUCIBLE {
        workspace.cargo(&[
            "check",
            "--quiet",
            "--all-targets",
            "--no-default-features",
            "--package",
            library,
        ])?;
    }
    Ok(Outcome::Done)
}

fn examples(workspace: &Workspace) -> Result<Outcome> {
    let manifest = ["--manifest-path", "examples/own-strategy/Cargo.toml"];
    workspace.cargo(&["fmt", "--check", manifest[0], manifest[1]])?;
    workspace.cargo(&["test", "--locked", manifest[0], manifest[1]])?;
    Ok(Outcome::Done)
}

fn fuzz_check(workspace: &Workspace) -> Result<Outcome> {
    let manifest = workspace.root().join("fuzz").join("Cargo.toml");
    if !manifest.exists() {
        return Ok(Outcome::Absent("there is no fuzz/Cargo.toml".into()));
    }
    // The build script of libfuzzer-sys compiles libFuzzer, which is C++, unless this variable names a library to
    // link instead. `cargo check` links nothing, so any file will do; one that exists, because the script runs again
    // whenever the file is newer, and always when there is none.
    let environment = [("CUSTOM_LIBFUZZER_PATH", manifest.as_os_str().to_owned())];
    workspace.cargo_with(&environment, &["check", "--manifest-path", "fuzz/Cargo.toml", "--all-targets"])?;
    Ok(Outcome::Done)
}

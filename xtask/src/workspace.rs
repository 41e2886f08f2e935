//! Where the workspace lies, and how its steps call cargo.

use std::{
    env,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

/// The workspace that this program belongs to.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
    cargo: OsString,
}

impl Workspace {
    /// Finds it by the folder of this package, which cargo names when it runs us.
    pub(crate) fn locate() -> Result<Workspace> {
        let package = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&package).parent().context("the package xtask has no folder above it")?;
        if !root.join("Cargo.toml").exists() {
            bail!("there is no Cargo.toml in {}", root.display());
        }
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Ok(Workspace { root: root.to_owned(), cargo })
    }

    /// The folder with the workspace's Cargo.toml.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Runs cargo with its output going where ours goes.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Result<()> {
        self.cargo_with::<&OsStr>(&[], arguments)
    }

    /// Runs cargo with variables added to its environment.
    pub(crate) fn cargo_with<V: AsRef<OsStr>>(
        &self,
        environment: &[(&str, V)],
        arguments: &[&str],
    ) -> Result<()> {
        let line = format!("cargo {}", arguments.join(" "));
        println!("$ {line}");
        let mut command = Command::new(&self.cargo);
        command.args(arguments).current_dir(&self.root);
        for (name, value) in environment {
            command.env(name, value);
        }
        let status = command.status().with_context(|| format!("could not start `{line}`"))?;
        if !status.success() {
            bail!("`{line}` failed ({status})");
        }
        Ok(())
    }

    /// Runs cargo and returns what it printed.
    pub(crate) fn cargo_output(&self, arguments: &[&str]) -> Result<String> {
        let line = format!("cargo {}", arguments.join(" "));
        let output = Command::new(&self.cargo)
            .args(arguments)
            .current_dir(&self.root)
            .output()
            .with_context(|| format!("could not start `{line}`"))?;
        if !output.status.success() {
            bail!("`{line}` failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
        }
        String::from_utf8(output.stdout)
            .with_context(|| format!("`{line}` printed something that is not UTF-8"))
    }
}

//! The programs that measure cells: this one for the engine, and that of the peers for the others.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use anyhow::{Context as _, Result, bail};
use siltstone_benches::stores::StoreName;

use crate::arguments::Arguments;

/// Where they are.
#[derive(Debug)]
pub(crate) struct Programs {
    own: PathBuf,
    peers: Option<PathBuf>,
}

impl Programs {
    /// Finds them.
    ///
    /// # Errors
    ///
    /// When peers are asked for and nobody has built their program.
    pub(crate) fn find(arguments: &Arguments) -> Result<Programs> {
        if !arguments.peers.is_empty() && arguments.peers_program.is_none() {
            bail!(
                "peers are measured by a program of their own: run `cargo xtask bench --peers ...`, which builds it"
            );
        }
        let peers = arguments.peers_program.clone().filter(|_| !arguments.peers.is_empty());
        Ok(Programs { own: std::env::current_exe()?, peers })
    }

    /// The one for a store.
    pub(crate) fn of(&self, store: StoreName) -> Result<&Path> {
        match (store, &self.peers) {
            (StoreName::Siltstone, _) => Ok(&self.own),
            (_, Some(peers)) => Ok(peers),
            (peer, None) => bail!("{} is measured only with --peers {}", peer.word(), peer.word()),
        }
    }

    /// Versions of the peers, by name.
    pub(crate) fn versions(&self) -> Result<BTreeMap<String, String>> {
        let Some(peers) = &self.peers else { return Ok(BTreeMap::new()) };
        let output = run(Command::new(peers).arg("--versions"))?;
        serde_json::from_slice(&output.stdout)
            .context("the program of the peers printed something else than versions")
    }

    /// Holds each peer against the model, in a folder that is removed again: one that answers wrongly is not measured.
    pub(crate) fn check(&self, names: &[StoreName], dir: &Path) -> Result<()> {
        let Some(peers) = &self.peers else { return Ok(()) };
        for peer in names {
            let checked = run(Command::new(peers).arg("--check").arg(peer.word()).arg("--dir").arg(dir));
            if dir.exists() {
                fs::remove_dir_all(dir)?;
            }
            checked.with_context(|| format!("{} is not measured", peer.word()))?;
        }
        Ok(())
    }
}

fn run(command: &mut Command) -> Result<Output> {
    let output =
        command.output().with_context(|| format!("cannot run {}", command.get_program().display()))?;
    if !output.status.success() {
        bail!("{}", why(&output));
    }
    Ok(output)
}

/// What a process said that failed.
pub(crate) fn why(output: &Output) -> String {
    let words = String::from_utf8_lossy(&output.stderr).trim().trim_start_matches("error: ").to_owned();
    if words.is_empty() { output.status.to_string() } else { words }
}

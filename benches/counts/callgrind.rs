//! Runs this program within valgrind, path by path, and reads how many instructions were executed.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use anyhow::{Context as _, Result, anyhow, bail};
use siltstone_benches::units::number;

use crate::{
    counted::{COUNTED, Done},
    paths::HotPath,
};

const INSTALL: &str = "valgrind cannot be run; install it (Debian and Ubuntu: `apt-get install valgrind`)";

/// What one path took.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Count {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) instructions: u64,
    pub(crate) done: Done,
}

impl Count {
    /// Instructions for each operation.
    pub(crate) fn each(&self) -> f64 {
        number(self.instructions) / number(self.done.operations.max(1))
    }
}

/// Which valgrind there is.
pub(crate) fn version() -> Result<String> {
    let output = Command::new("valgrind").arg("--version").output().context(INSTALL)?;
    if !output.status.success() {
        bail!("`valgrind --version` failed: {}", words(&output));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Counts paths, one behind the other. callgrind's files are left in the folder.
pub(crate) fn count_all(paths: &[&HotPath], folder: &Path) -> Result<Vec<Count>> {
    paths.iter().map(|path| count(path, folder).with_context(|| path.name.to_owned())).collect()
}

fn count(path: &HotPath, folder: &Path) -> Result<Count> {
    let file = folder.join(format!("{}.callgrind", path.name));
    let mut out = std::ffi::OsString::from("--callgrind-out-file=");
    // valgrind fills in what stands behind a `%`.
    out.push(file.to_string_lossy().replace('%', "%%"));
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--toggle-collect={COUNTED}"))
        .arg(out)
        .arg(std::env::current_exe()?)
        .args(["--path", path.name])
        // What programs and allocators are told by their environment must not count.
        .env_clear()
        .envs(std::env::var_os("PATH").map(|value| ("PATH", value)))
        .output()
        .context(INSTALL)?;
    if !output.status.success() {
        bail!("{}", words(&output));
    }
    let done = serde_json::from_slice(&output.stdout).context("the process printed something else")?;
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let instructions = instructions(&text).with_context(|| format!("{}", file.display()))?;
    Ok(Count { name: path.name, about: path.about, instructions, done })
}

fn words(output: &Output) -> String {
    let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if words.is_empty() { output.status.to_string() } else { words }
}

/// The sum over all functions, from callgrind's file.
fn instructions(text: &str) -> Result<u64> {
    let totals = text.lines().find_map(|line| line.strip_prefix("totals: "));
    let totals = totals.ok_or_else(|| anyhow!("there is no line `totals:`"))?;
    let instructions = totals.trim().parse().with_context(|| format!("`totals: {totals}`"))?;
    if instructions == 0 {
        bail!("nothing was counted: the program has no function {COUNTED}; was it stripped of its symbols?");
    }
    Ok(instructions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_the_totals_of_the_file() {
        let text = "# callgrind format\nevents: Ir\nfn=(1) main\n1 7\n\ntotals: 123456\n";
        assert_eq!(instructions(text).unwrap(), 123_456);
        for (text, expected) in
            [("events: Ir\n", "no line"), ("totals: many\n", "many"), ("totals: 0\n", "nothing was counted")]
        {
            let message = format!("{:#}", instructions(text).unwrap_err());
            assert!(message.contains(expected), "{message}");
        }
    }
}

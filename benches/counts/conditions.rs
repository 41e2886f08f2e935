//! What counts depend on besides the code: compiler, target, processor, C library and valgrind.

use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use crate::callgrind::Count;

/// Counts can be held against a baseline when all of this is equal.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Conditions {
    /// Version and commit of the compiler.
    pub(crate) rustc: String,
    pub(crate) target: String,
    /// As the processor that valgrind plays has them: they decide between ways to do a checksum, or to copy memory.
    pub(crate) features: Vec<String>,
    /// It copies, compares and allocates.
    pub(crate) c_library: String,
    pub(crate) valgrind: String,
}

impl Conditions {
    /// Looks at this machine.
    pub(crate) fn look(counts: &[Count], valgrind: String) -> Result<Conditions> {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let output = Command::new(rustc).arg("-vV").output().context("rustc cannot be run")?;
        if !output.status.success() {
            bail!("`rustc -vV` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let words = String::from_utf8_lossy(&output.stdout).into_owned();
        let (rustc, target) = compiler(&words).context("`rustc -vV` names no version or no host")?;
        let features = counts.first().map(|count| count.done.features.clone()).unwrap_or_default();
        Ok(Conditions { rustc, target, features, c_library: c_library(), valgrind })
    }

    /// What differs, in words: what it was, and what it is.
    pub(crate) fn differences(&self, baseline: &Conditions) -> Vec<String> {
        let features = [baseline.features.join(" "), self.features.join(" ")];
        let pairs = [
            ("rustc", &baseline.rustc, &self.rustc),
            ("target", &baseline.target, &self.target),
            ("features", &features[0], &features[1]),
            ("C library", &baseline.c_library, &self.c_library),
            ("valgrind", &baseline.valgrind, &self.valgrind),
        ];
        let differing = pairs.into_iter().filter(|(_, was, is)| was != is);
        differing.map(|(what, was, is)| format!("{what}: `{was}` then, `{is}` now")).collect()
    }
}

/// First line and host.
fn compiler(words: &str) -> Option<(String, String)> {
    let host = words.lines().find_map(|line| line.strip_prefix("host: "))?;
    Some((words.lines().next()?.to_owned(), host.to_owned()))
}

/// As the loader calls itself; it comes with the C library.
fn c_library() -> String {
    let output = Command::new("ldd").arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or("unknown").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiler_is_read() {
        let words = "rustc 1.95.0 (59807616e 2026-04-14)\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\n";
        let expected =
            ("rustc 1.95.0 (59807616e 2026-04-14)".to_owned(), "x86_64-unknown-linux-gnu".to_owned());
        assert_eq!(compiler(words), Some(expected));
        assert_eq!(compiler("rustc 1.95.0\n"), None);
    }

    #[test]
    fn what_differs_is_named_with_both_values() {
        let then = Conditions {
            rustc: "rustc 1.95.0".to_owned(),
            target: "x86_64-unknown-linux-gnu".to_owned(),
            features: vec!["avx".to_owned()],
            c_library: "ldd 2.36".to_owned(),
            valgrind: "valgrind-3.19.0".to_owned(),
        };
        assert!(then.differences(&then).is_empty());
        let now = Conditions {
            rustc: "rustc 1.96.0".to_owned(),
            features: vec!["avx".to_owned(), "avx2".to_owned()],
            ..then.clone()
        };
        assert_eq!(
            now.differences(&then),
            ["rustc: `rustc 1.95.0` then, `rustc 1.96.0` now", "features: `avx` then, `avx avx2` now"]
        );
    }
}

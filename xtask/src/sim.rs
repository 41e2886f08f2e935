//! Runs the simulator of compaction strategies, in a release build.

use std::path::{Path, absolute};

use anyhow::{Context as _, Result};

use crate::workspace::Workspace;

/// Options whose value is a file. The program runs in the workspace's folder, so files of the caller's are named in full.
const FILE_OPTIONS: &[&str] = &["--json", "--svg"];

/// Builds it and passes the words on.
pub(crate) fn run(workspace: &Workspace, words: &[String]) -> Result<()> {
    let words =
        with_full_paths(words, |path| absolute(path).map(|path| path.to_string_lossy().into_owned()))?;
    let mut arguments =
        vec!["run", "--quiet", "--release", "--package", "siltstone-benches", "--bin", "siltstone-sim", "--"];
    arguments.extend(words.iter().map(String::as_str));
    workspace.cargo(&arguments)
}

fn with_full_paths(words: &[String], full: impl Fn(&Path) -> std::io::Result<String>) -> Result<Vec<String>> {
    let mut is_file = false;
    let mut full_words = Vec::new();
    for word in words {
        let in_full = |path: &str| full(path.as_ref()).with_context(|| format!("`{path}` is not a path"));
        full_words.push(match word.split_once('=') {
            _ if is_file => in_full(word)?,
            Some((option, path)) if FILE_OPTIONS.contains(&option) => format!("{option}={}", in_full(path)?),
            _ => word.clone(),
        });
        is_file = !is_file && FILE_OPTIONS.contains(&word.as_str());
    }
    Ok(full_words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_become_full_paths() {
        let words = "--json a.json --workload uniform --svg=b.svg --strategy size-tiered,runs-min=4";
        let words: Vec<String> = words.split(' ').map(String::from).collect();
        let full = with_full_paths(&words, |path| Ok(format!("/home/{}", path.display()))).unwrap();
        let expected =
            "--json /home/a.json --workload uniform --svg=/home/b.svg --strategy size-tiered,runs-min=4";
        assert_eq!(full.join(" "), expected);
    }
}

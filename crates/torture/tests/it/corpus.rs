//! The inputs in fuzz/corpus.

use std::{
    fs,
    path::{Path, PathBuf},
};

pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The names in a folder, sorted.
pub(crate) fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The inputs of a target, by name.
pub(crate) fn inputs(target: &str) -> Vec<(String, Vec<u8>)> {
    let dir = workspace().join("fuzz/corpus").join(target);
    let inputs: Vec<_> =
        names(&dir).into_iter().map(|name| (name.clone(), fs::read(dir.join(name)).unwrap())).collect();
    assert!(!inputs.is_empty(), "{} is empty", dir.display());
    inputs
}

//! One suite of checks that every [`Fs`] passes. For tests: it panics at the first broken rule.
//!
//! ```
//! use std::{path::PathBuf, sync::Arc};
//! use siltstone_vfs::{MemFs, conformance};
//!
//! conformance::run(&|| (Arc::new(MemFs::new()), PathBuf::from("/")));
//! ```

mod content;
mod lock;
mod names;

use std::{
    io::{self, IoSlice},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::Fs;

/// One rule: a sentence, and what tries it in an empty folder.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// The rule, in words joined by underscores.
    pub name: &'static str,
    /// Tries the rule in the folder given, which is empty.
    ///
    /// # Errors
    ///
    /// Those of operations that the rule expects to work.
    ///
    /// # Panics
    ///
    /// When the rule is broken.
    pub run: fn(&dyn Fs, &Path) -> io::Result<()>,
}

/// All checks.
pub fn checks() -> impl Iterator<Item = Check> {
    [names::CHECKS, content::CHECKS, lock::CHECKS].into_iter().flatten().copied()
}

/// Runs every check. `make` gives a file system and an empty folder in it, new ones each time.
///
/// # Panics
///
/// When a check fails.
#[expect(clippy::panic, reason = "this is what a test suite does when a test fails")]
pub fn run(make: &dyn Fn() -> (Arc<dyn Fs>, PathBuf)) {
    for check in checks() {
        let (fs, root) = make();
        if let Err(error) = (check.run)(fs.as_ref(), &root) {
            panic!("conformance check failed check={} fs={fs:?}: {error}", check.name);
        }
    }
}

/// Lists functions as checks under their own names.
macro_rules! list_checks {
    ($($name:ident),* $(,)?) => {
        pub(super) const CHECKS: &[crate::conformance::Check] =
            &[$(crate::conformance::Check { name: stringify!($name), run: $name }),*];
    };
}
use list_checks;

/// Creates a file with this content.
fn put(fs: &dyn Fs, path: &Path, content: &[u8]) -> io::Result<()> {
    fs.create(path)?.write_at(&[IoSlice::new(content)], 0)
}

/// The whole content of a file.
fn content_of(fs: &dyn Fs, path: &Path) -> io::Result<Vec<u8>> {
    let file = fs.open(path)?;
    // Not zeros, so that zeros are seen to be read.
    let mut content = vec![0xaa; usize::try_from(file.len()?).map_err(io::Error::other)?];
    file.read_exact_at(&mut content, 0)?;
    Ok(content)
}

/// The kind of the error an operation fails with.
///
/// # Panics
///
/// When it works.
#[track_caller]
#[expect(clippy::panic, reason = "this is what a test suite does when a test fails")]
fn kind_of<T>(result: io::Result<T>) -> io::ErrorKind {
    match result {
        Ok(_) => panic!("the operation should have failed"),
        Err(error) => error.kind(),
    }
}

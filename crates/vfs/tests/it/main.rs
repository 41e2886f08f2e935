//! Tests of the crate from outside.
#![expect(clippy::unwrap_used, reason = "a test that meets an error it did not provoke has failed")]

mod capacity;
mod conformance;
mod faults;
mod log;
mod power_cut;
mod power_cut_content;
mod power_cut_names;

use std::{io::IoSlice, path::Path};

use proptest::test_runner::Config as ProptestConfig;
use siltstone_vfs::{Fs, WriteFile};

/// Writes one slice.
fn write(file: &dyn WriteFile, bytes: &[u8], offset: u64) {
    file.write_at(&[IoSlice::new(bytes)], offset).unwrap();
}

/// The content of a file; `None` when there is none of that name.
fn content(fs: &dyn Fs, path: &str) -> Option<Vec<u8>> {
    let file = fs.open(Path::new(path)).ok()?;
    // Not zeros, so that zeros are seen to be read.
    let mut content = vec![0xaa; usize::try_from(file.len().unwrap()).unwrap()];
    file.read_exact_at(&mut content, 0).unwrap();
    Some(content)
}

/// How many cases a random test tries: `PROPTEST_CASES`, or by default this many.
fn cases(default: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { cases: cases.unwrap_or(default), ..ProptestConfig::default() }
}

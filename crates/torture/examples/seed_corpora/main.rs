//! Writes the small inputs that the corpora begin with: `cargo run -p siltstone-torture --example seed_corpora`.
//!
//! The golden files of the formats are copied there too. Nothing is removed: what a fuzzer found stays.

mod edits;
mod logs;
mod tables;

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
};

/// A name and the input.
type Seed = (&'static str, Vec<u8>);

/// Larger golden files would slow a fuzzer down more than they tell it.
const GOLDEN_BYTES_MAX: u64 = 8 << 10;

fn main() -> Result<(), Box<dyn Error>> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let corpora: [(&str, Vec<Seed>); 6] = [
        ("batch_decode", edits::batches()),
        ("block_decode", tables::blocks()),
        ("filter_open", tables::filters()),
        ("log_read", logs::logs()?),
        ("manifest_read", edits::manifests()?),
        ("table_open", tables::tables()?),
    ];
    for (target, seeds) in corpora {
        let corpus = workspace.join("fuzz/corpus").join(target);
        fs::create_dir_all(&corpus)?;
        for (name, bytes) in seeds {
            fs::write(corpus.join(format!("seed-{name}")), bytes)?;
        }
    }
    for (krate, target) in [("wal", "log_read"), ("sstable", "table_open"), ("bloom", "filter_open")] {
        let corpus = workspace.join("fuzz/corpus").join(target);
        for golden in golden_files(&workspace.join("crates").join(krate).join("testdata/compat"))? {
            let name = golden.file_name().unwrap_or_default().to_string_lossy();
            fs::copy(&golden, corpus.join(format!("golden-{name}")))?;
        }
    }
    Ok(())
}

fn golden_files(dir: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.metadata()?.len() <= GOLDEN_BYTES_MAX {
            files.push(entry.path());
        }
    }
    Ok(files)
}

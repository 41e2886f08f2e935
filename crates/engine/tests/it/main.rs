//! The engine through its public interface.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod checkpoint;
mod compaction;
mod components;
mod damage;
mod durability;
mod expiry;
mod failures;
mod files;
mod hot_ranges;
mod keyspace_settings;
mod keyspaces;
mod limits;
mod memory;
mod merges;
mod model;
mod order;
mod parts;
mod pressure;
mod ranges;
mod reopen;
mod settings_page;
mod snapshots;
mod statistics;
mod strategies;
mod threads;

use std::{path::Path, sync::Arc};

use siltstone::{Builder, Db, Inline, Settings, TestClock};
use siltstone_vfs::{Fs, MemFs};

const DIR: &str = "db";

/// A builder for a database on `fs` whose files depend on nothing but what is written.
fn on(fs: &MemFs) -> Builder {
    let fs: Arc<dyn Fs> = Arc::new(fs.clone());
    Db::builder(DIR)
        .fs(fs)
        .clock(Arc::new(TestClock::new(1_700_000_000_000)))
        .executor(Arc::new(Inline::new(1)))
        .seed(1)
}

/// Settings under which everything happens after a few entries.
fn tiny() -> Settings {
    Settings { memtable_entries_max: 3, block_bytes: 64, table_bytes_max: 200, ..Settings::default() }
}

fn read(fs: &MemFs, path: &Path) -> Vec<u8> {
    let file = fs.open(path).unwrap();
    let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

fn overwrite(fs: &MemFs, path: &Path, bytes: &[u8]) {
    let file = fs.open_for_overwrite(path).unwrap();
    file.set_len(bytes.len() as u64).unwrap();
    file.write_at(&[std::io::IoSlice::new(bytes)], 0).unwrap();
}

/// Every entry as text.
fn contents(db: &Db) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    db.range(..).map(|entry| entry.map(|(key, value)| (text(&key), text(&value))).unwrap()).collect()
}

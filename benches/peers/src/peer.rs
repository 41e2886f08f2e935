//! The peers by name: only those are there whose features were asked for.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result, bail};
use siltstone_benches::{
    cell::Cell,
    check,
    matrix::Axes,
    measure,
    row::Row,
    stores::StoreName,
    values::{Bytes, Compression},
};

/// How many operations are compared with the model before anything is timed.
const OPERATIONS: u32 = 4_000;

/// Calls a function that is generic over a store with the one that has the name.
macro_rules! with_store {
    ($name:expr, $call:ident($($argument:expr),*)) => {
        match $name {
            #[cfg(feature = "fjall")]
            StoreName::Fjall => $call::<crate::fjall::Fjall>($($argument),*),
            #[cfg(feature = "leveldb")]
            StoreName::LevelDb => $call::<crate::leveldb::LevelDb>($($argument),*),
            #[cfg(feature = "lmdb")]
            StoreName::Lmdb => $call::<crate::lmdb::Lmdb>($($argument),*),
            #[cfg(feature = "redb")]
            StoreName::Redb => $call::<crate::redb::Redb>($($argument),*),
            #[cfg(feature = "rocksdb")]
            StoreName::RocksDb => $call::<crate::rocksdb::RocksDb>($($argument),*),
            #[cfg(feature = "sled")]
            StoreName::Sled => $call::<crate::sled::Sled>($($argument),*),
            other => bail!("{} was not built: it is a feature of the package siltstone-peers", other.word()),
        }
    };
}

use check::check as check_store;
use measure::measure as measure_store;

/// Measures a cell in a folder that does not exist yet.
///
/// # Errors
///
/// The store's, and for a store that was not built.
pub fn measure(cell: &Cell, repeat: u32, dir: &Path) -> Result<Row> {
    with_store!(cell.store, measure_store(cell, repeat, dir))
}

/// Holds a peer against the model, with settings under which it flushes and compacts, in a folder that does not exist yet.
///
/// # Errors
///
/// The first wrong answer, and as for [`measure`].
pub fn check(name: StoreName, dir: &Path) -> Result<()> {
    check_with(name, dir, 1)
}

fn check_with(name: StoreName, dir: &Path, seed: u64) -> Result<()> {
    let cell = cell(name)?;
    with_store!(name, check_store(&cell, dir, seed, OPERATIONS))
        .with_context(|| format!("{} does not do what the model does", name.word()))
}

fn cell(name: StoreName) -> Result<Cell> {
    let small = Cell {
        memtable_bytes: Bytes(64 << 10),
        table_bytes: Bytes(64 << 10),
        cache_bytes: Bytes(8 << 20),
        // All that have codecs have it, or one that it stands for.
        compression: Compression("lz4".to_owned()),
        ..Axes::default_cell("check")
    };
    name.cell(&small).map_err(anyhow::Error::msg)
}

/// The peers that were built, with their versions.
pub fn versions() -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        #[cfg(feature = "fjall")]
        (StoreName::Fjall.word(), crate_version("fjall")),
        #[cfg(feature = "leveldb")]
        (StoreName::LevelDb.word(), crate::leveldb::version()),
        #[cfg(feature = "lmdb")]
        (StoreName::Lmdb.word(), crate::lmdb::version()),
        #[cfg(feature = "redb")]
        (StoreName::Redb.word(), crate_version("redb")),
        #[cfg(feature = "rocksdb")]
        (StoreName::RocksDb.word(), rocksdb_version()),
        #[cfg(feature = "sled")]
        (StoreName::Sled.word(), crate_version("sled")),
    ])
}

/// Threads that flush and merge: as many as there are processors, which is what the engine has by default, and at least two, one of each kind.
#[cfg(any(feature = "fjall", feature = "rocksdb"))]
pub(crate) fn background_threads() -> usize {
    std::thread::available_parallelism().map_or(2, |count| count.get().max(2))
}

/// The version of a crate as it was locked when this was built.
#[cfg(any(
    feature = "fjall",
    feature = "leveldb",
    feature = "lmdb",
    feature = "redb",
    feature = "rocksdb",
    feature = "sled"
))]
pub(crate) fn crate_version(name: &str) -> String {
    let lock = include_str!("../Cargo.lock");
    let behind_name = lock.split_once(&format!("name = \"{name}\"\nversion = \""));
    behind_name.and_then(|(_, rest)| rest.split('"').next()).unwrap_or("unknown").to_owned()
}

/// Of the C++ that its crate brings, which the version of the binding names, and of the crate.
#[cfg(feature = "rocksdb")]
fn rocksdb_version() -> String {
    let binding = crate_version("librocksdb-sys");
    let bundled = binding.split_once('+').map_or("unknown", |(_, bundled)| bundled);
    format!("{bundled} (crate {})", crate_version("rocksdb"))
}

#[cfg(test)]
mod tests {
    use siltstone_benches::stores::PEERS;

    use super::*;

    /// The peers of this build.
    fn built() -> Vec<StoreName> {
        PEERS.into_iter().filter(|peer| versions().contains_key(peer.word())).collect()
    }

    #[test]
    fn every_peer_does_what_the_model_does() {
        for peer in built() {
            for seed in 1..=3 {
                let dir = tempfile::tempdir().expect("a folder");
                check_with(peer, &dir.path().join("db"), seed).unwrap_or_else(|error| panic!("{error:#}"));
            }
        }
    }

    #[test]
    fn every_peer_does_what_the_model_does_when_it_syncs_and_when_it_compresses_nothing() {
        for peer in built() {
            let mut cell = cell(peer).expect("a cell");
            cell.durability.0 = "sync".to_owned();
            cell.compression.0 = "none".to_owned();
            cell.filter_bits = 0.0;
            let dir = tempfile::tempdir().expect("a folder");
            let dir = dir.path().join("db");
            let checked = (|| with_store!(peer, check_store(&cell, &dir, 4, 1_000)))();
            checked.unwrap_or_else(|error| panic!("{}: {error:#}", peer.word()));
        }
    }

    #[test]
    fn a_cell_of_every_peer_can_be_measured() {
        for peer in built() {
            for workload in ["fillrandom", "readreverse", "ycsb-a", "ycsb-e", "deleterandom", "fillbatch"] {
                let cell = Cell { keys: 2_000, ..cell(peer).expect("a cell") };
                let mut json = serde_json::to_value(&cell).expect("JSON");
                json["workload"] = workload.into();
                let cell: Cell = serde_json::from_value(json).expect("a cell");
                let dir = tempfile::tempdir().expect("a folder");
                let row =
                    measure(&cell, 0, &dir.path().join("db")).unwrap_or_else(|error| panic!("{error:#}"));
                assert!(row.per_second > 0.0 && row.disk_bytes > 0 && row.bytes.write_calls > 0, "{row:?}");
                assert_eq!((row.amplification.write, row.levels.len()), (None, 0));
            }
        }
    }

    #[test]
    fn a_peer_that_was_not_built_is_an_error_that_names_it() {
        for peer in PEERS.into_iter().filter(|peer| !built().contains(peer)) {
            let error = check(peer, Path::new("unused")).expect_err("an error");
            assert!(format!("{error:#}").contains(&format!("{} was not built", peer.word())));
        }
    }

    #[test]
    fn versions_are_known() {
        for (peer, version) in versions() {
            assert!(version.starts_with(|letter: char| letter.is_ascii_digit()), "{peer} {version}");
        }
    }
}

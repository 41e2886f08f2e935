//! A compaction of two gibibytes: the memory that it takes depends on the number of its inputs, not on their size.

use std::{env, path::Path};

use siltstone::{CompactionSettings, Compression, Db, Durability, Settings, WriteBatch};
use siltstone_benches::process::{forget_peak, peak_bytes};

use super::Outcome;

const PEAK_BYTES_MAX: u64 = 150 << 20;
const VALUE_BYTES: usize = 1000;

/// Merges tables of `MIB` (2048) mebibytes in all, once a few of them and once 1,000, and prints the most memory that was resident meanwhile.
///
/// # Errors
///
/// When that is more than 150 MiB.
pub(crate) fn run(folder: &Path) -> Outcome {
    let mebibytes: u64 = env::var("MIB").map_or(Ok(2048), |text| text.parse())?;
    let bytes = mebibytes << 20;
    merge(&folder.join("few"), bytes, 32 << 20)?;
    merge(&folder.join("many"), bytes, bytes / 1000)
}

/// Every flush holds keys of the whole range, so that the tables of different flushes overlap.
fn merge(dir: &Path, bytes: u64, memtable_bytes: u64) -> Outcome {
    let patient = Settings {
        compaction: CompactionSettings::Custom("none".to_owned()),
        memtable_bytes_max: memtable_bytes,
        memtables_bytes_max: 2 * memtable_bytes,
        compression: vec![Compression::None],
        cache_bytes: 8 << 20,
        level0_runs_stop: u32::MAX,
        durability: Durability::Buffered,
        ..Settings::default()
    };
    let entries = bytes / VALUE_BYTES as u64;
    let db = Db::builder(dir).settings(patient).compaction(Never).open()?;
    let mut batch = WriteBatch::new();
    for number in 0..entries {
        batch.put(number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes(), value(number));
        if number % 100 == 99 {
            db.write(&mut batch)?;
        }
    }
    db.write(&mut batch)?;
    db.flush()?;
    let inputs = db.stats()?.tables();
    let before = peak_bytes()?;
    forget_peak()?;
    let resident = peak_bytes()?;
    let report = db.compact()?;
    let peak = peak_bytes()?;
    println!(
        "{} MiB in {inputs} tables compacted into {} in {:?}: {} MiB resident before (at most {} while it was filled), at most {} MiB meanwhile",
        db.stats()?.file_bytes() >> 20,
        report.tables_after,
        report.duration,
        resident >> 20,
        before >> 20,
        peak >> 20,
    );
    db.close()?;
    if peak > PEAK_BYTES_MAX { Err("that is more than 150 MiB".into()) } else { Ok(()) }
}

/// Bytes that differ from entry to entry.
fn value(number: u64) -> Vec<u8> {
    number.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes().repeat(VALUE_BYTES / 8)
}

/// Leaves everything where it was flushed to.
#[derive(Debug)]
struct Never;

impl siltstone::compaction::CompactionStrategy for Never {
    fn name(&self) -> &'static str {
        "none"
    }
    fn plan(&self, _: &siltstone::compaction::TreeView<'_>) -> Option<siltstone::compaction::Job> {
        None
    }
    fn debt(&self, _: &siltstone::compaction::TreeView<'_>) -> siltstone::compaction::Debt {
        siltstone::compaction::Debt::ZERO
    }
}

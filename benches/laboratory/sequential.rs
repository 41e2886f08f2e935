//! Five million keys in rising order: what is written once is not written again.

use std::path::Path;

use siltstone::{Db, Durability, Settings};
use siltstone_benches::settle::settle;

use super::{Outcome, strategies};

const KEYS: u64 = 5_000_000;

/// Fills a database under each strategy and prints its table write amplification, and how many jobs only moved tables.
///
/// # Errors
///
/// When leveled compaction writes more than a tenth of what was flushed, or more than a twentieth of its jobs are merges.
pub(crate) fn run(folder: &Path) -> Outcome {
    println!("{KEYS} keys of 16 bytes in rising order, values of 100 bytes, memtables of 16 MiB");
    for (name, compaction) in strategies::chosen() {
        let settings = Settings {
            compaction,
            memtable_bytes_max: 16 << 20,
            durability: Durability::Buffered,
            ..Settings::default()
        };
        let db = Db::builder(folder.join(name)).settings(settings).open()?;
        for number in 0..KEYS {
            db.put(format!("{number:016}"), [7; 100])?;
        }
        settle(&db)?;
        let stats = db.stats()?;
        let writes = stats.writes;
        let jobs = writes.compactions + writes.moves;
        let amplification = ratio(writes.flush_bytes + writes.compaction_bytes, writes.flush_bytes);
        println!(
            "{name}: {} flushes, {jobs} jobs of which {} only moved tables; table write amplification {amplification:.3}; {} tables in {} levels",
            writes.flushes,
            writes.moves,
            stats.tables(),
            stats.levels.len(),
        );
        db.close()?;
        if writes.flushes < 20 {
            return Err("fewer than 20 flushes: that says little".into());
        }
        if name == "leveled" && (amplification >= 1.1 || ratio(writes.moves, jobs) < 0.95) {
            return Err("leveled compaction rewrote what was in order".into());
        }
    }
    Ok(())
}

/// One count in proportion to another.
#[expect(clippy::cast_precision_loss, reason = "the counts are far below 2^52")]
pub(crate) fn ratio(part: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { part as f64 / of as f64 }
}

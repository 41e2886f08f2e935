//! Figures about a database, the same for the command `stats` and for the shell's.

mod text;
pub(crate) mod work;

use serde::Serialize;
use siltstone::{KeyspaceStats, LevelStats, ReadStats, Stats, WriteStats};

use crate::figures::{mb, ratio};

/// Everything that `stats` tells.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) sequence: u64,
    pub(crate) memtable: Memtable,
    pub(crate) tables: Tables,
    pub(crate) levels: Vec<Level>,
    pub(crate) keyspaces: Vec<Keyspace>,
    pub(crate) amplification: Amplification,
    /// Counted in memory, from the opening on.
    pub(crate) since_open: SinceOpen,
}

#[derive(Debug, Serialize)]
pub(crate) struct Memtable {
    pub(crate) keys: u64,
    pub(crate) bytes: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Tables {
    pub(crate) count: u64,
    pub(crate) bytes: u64,
    pub(crate) mb: f64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Level {
    pub(crate) number: u32,
    pub(crate) runs: u64,
    pub(crate) tables: u64,
    pub(crate) bytes: u64,
    pub(crate) raw_bytes: u64,
    pub(crate) entries: u64,
    pub(crate) tombstones: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Keyspace {
    pub(crate) name: String,
    pub(crate) memtable_keys: u64,
    pub(crate) memtable_bytes: u64,
    pub(crate) runs: u64,
    pub(crate) tables: u64,
    pub(crate) bytes: u64,
}

/// Ratios as `docs/usage.md` defines them; `None` where there is nothing to divide by, or nobody has looked.
#[derive(Debug, Serialize)]
pub(crate) struct Amplification {
    pub(crate) write: Option<f64>,
    pub(crate) read: u64,
    pub(crate) live_bytes: Option<u64>,
    pub(crate) space: Option<f64>,
    pub(crate) space_estimate: Option<f64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct SinceOpen {
    pub(crate) gets: u64,
    pub(crate) tables_read_per_get: Option<f64>,
    pub(crate) filter_hits: u64,
    pub(crate) filter_misses: u64,
    pub(crate) filter_hit_rate: Option<f64>,
    pub(crate) filter_false_positives: u64,
    pub(crate) blocks_from_cache: u64,
    pub(crate) blocks_from_file: u64,
    pub(crate) batches: u64,
    pub(crate) entries_written: u64,
    pub(crate) user_bytes: u64,
    pub(crate) log_bytes: u64,
    pub(crate) flushes: u64,
    pub(crate) flush_bytes: u64,
    pub(crate) compactions: u64,
    pub(crate) compaction_bytes: u64,
    pub(crate) keys_removed: u64,
    pub(crate) bytes_reclaimed: u64,
    pub(crate) last_compaction_unix_ms: Option<u64>,
}

impl Report {
    /// Derives what is told from what was counted. `live_bytes` are known when everything was read.
    pub(crate) fn new(stats: &Stats, live_bytes: Option<u64>) -> Report {
        let bytes = stats.file_bytes();
        let largest_runs = stats.keyspaces.values().map(|keyspace| keyspace.largest_run_raw_bytes).sum();
        let written = stats.writes.log_bytes + stats.writes.flush_bytes + stats.writes.compaction_bytes;
        Report {
            sequence: stats.sequence,
            memtable: Memtable { keys: stats.memtable_entries, bytes: stats.memtable_bytes },
            tables: Tables { count: stats.tables(), bytes, mb: mb(bytes) },
            levels: levels(stats),
            keyspaces: keyspaces(stats),
            amplification: Amplification {
                write: ratio(written, stats.writes.user_bytes),
                read: stats.keyspaces.values().map(|keyspace| keyspace.runs).max().unwrap_or(0),
                live_bytes,
                space: live_bytes.and_then(|live| ratio(bytes, live)),
                space_estimate: ratio(bytes, largest_runs),
            },
            since_open: SinceOpen::new(&stats.reads, &stats.writes),
        }
    }
}

impl SinceOpen {
    fn new(reads: &ReadStats, writes: &WriteStats) -> SinceOpen {
        SinceOpen {
            gets: reads.gets,
            tables_read_per_get: ratio(reads.tables_read, reads.gets),
            filter_hits: reads.filter_skips,
            filter_misses: reads.tables_read,
            filter_hit_rate: ratio(reads.filter_skips, reads.filter_skips + reads.tables_read),
            filter_false_positives: reads.filter_false_positives,
            blocks_from_cache: reads.blocks_from_cache,
            blocks_from_file: reads.blocks_from_file,
            batches: writes.batches,
            entries_written: writes.entries,
            user_bytes: writes.user_bytes,
            log_bytes: writes.log_bytes,
            flushes: writes.flushes,
            flush_bytes: writes.flush_bytes,
            compactions: writes.compactions,
            compaction_bytes: writes.compaction_bytes,
            keys_removed: writes.entries_removed,
            bytes_reclaimed: writes.bytes_reclaimed,
            last_compaction_unix_ms: (writes.last_compaction_unix_ms > 0)
                .then_some(writes.last_compaction_unix_ms),
        }
    }
}

fn levels(stats: &Stats) -> Vec<Level> {
    let level = |(&number, of): (&u32, &LevelStats)| Level {
        number,
        runs: of.runs,
        tables: of.tables,
        bytes: of.file_bytes,
        raw_bytes: of.raw_bytes,
        entries: of.entries,
        tombstones: of.tombstones,
    };
    stats.levels.iter().map(level).collect()
}

fn keyspaces(stats: &Stats) -> Vec<Keyspace> {
    let keyspace = |(name, of): (&String, &KeyspaceStats)| Keyspace {
        name: name.clone(),
        memtable_keys: of.memtable_entries,
        memtable_bytes: of.memtable_bytes,
        runs: of.runs,
        tables: of.tables,
        bytes: of.file_bytes,
    };
    stats.keyspaces.iter().map(keyspace).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_follow_their_definitions() {
        let mut stats = Stats::default();
        stats.writes.user_bytes = 100;
        (stats.writes.log_bytes, stats.writes.flush_bytes, stats.writes.compaction_bytes) = (120, 90, 40);
        (stats.reads.gets, stats.reads.filter_skips, stats.reads.tables_read) = (2, 3, 1);
        let report = Report::new(&stats, None);
        assert_eq!(report.amplification.write, Some(2.5));
        assert_eq!(report.since_open.filter_hit_rate, Some(0.75));
        assert_eq!(report.since_open.tables_read_per_get, Some(0.5));
        assert_eq!((report.amplification.space, report.amplification.space_estimate), (None, None));
    }
}

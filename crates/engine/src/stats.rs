//! Figures about a database.

use std::collections::BTreeMap;

use crate::{Db, MemoryStats, RateLimitStats, ReadStats, Result, StallStats};

/// Figures about one level.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct LevelStats {
    /// Sorted runs.
    pub runs: u64,
    /// Tables.
    pub tables: u64,
    /// Bytes of their files.
    pub file_bytes: u64,
    /// Bytes of their keys and values before compression.
    pub raw_bytes: u64,
    /// Entries, stale versions and tombstones included.
    pub entries: u64,
    /// Deletes among them.
    pub tombstones: u64,
}

/// Figures about one keyspace.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct KeyspaceStats {
    /// Entries in memory, stale versions and tombstones included.
    pub memtable_entries: u64,
    /// What they take, in bytes.
    pub memtable_bytes: u64,
    /// Sorted runs: a lookup may have to ask each of them.
    pub runs: u64,
    /// Tables.
    pub tables: u64,
    /// Bytes of their files.
    pub file_bytes: u64,
    /// Bytes of keys and values, before compression, in the run that has the most.
    pub largest_run_raw_bytes: u64,
    /// Bytes that compactions will read until there is nothing left to do.
    pub debt_bytes: u64,
    /// By how many runs there will be fewer then.
    pub debt_runs: u64,
}

/// What was written since the database was opened.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct WriteStats {
    /// Batches that were logged.
    pub batches: u64,
    /// Entries in them.
    pub entries: u64,
    /// Bytes of their keys and values.
    pub user_bytes: u64,
    /// Bytes of log for them.
    pub log_bytes: u64,
    /// Memtables that became tables.
    pub flushes: u64,
    /// Bytes of those tables.
    pub flush_bytes: u64,
    /// Merges.
    pub compactions: u64,
    /// Bytes of tables that merges wrote.
    pub compaction_bytes: u64,
    /// Jobs that gave tables another place without rewriting them.
    pub moves: u64,
    /// Jobs that dropped tables with all that was in them.
    pub drops: u64,
    /// Entries that merges left out: stale versions, what has expired, and tombstones with nothing left to hide.
    pub entries_removed: u64,
    /// Bytes by which merges made files smaller, and those of tables that were dropped.
    pub bytes_reclaimed: u64,
    /// When the last merge ended, in Unix milliseconds; 0 before the first.
    pub last_compaction_unix_ms: u64,
}

/// Figures about a database at one moment.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct Stats {
    /// Entries in memory, stale versions and tombstones included.
    pub memtable_entries: u64,
    /// What they take, in bytes.
    pub memtable_bytes: u64,
    /// Levels that hold tables, by number.
    pub levels: BTreeMap<u32, LevelStats>,
    /// What it holds in memory, by part.
    pub memory: MemoryStats,
    /// Keyspaces, by name.
    pub keyspaces: BTreeMap<String, KeyspaceStats>,
    /// Tables whose files are open.
    pub open_tables: u64,
    /// Live snapshots.
    pub snapshots: u64,
    /// Sequence number of the last write.
    pub sequence: u64,
    /// What lookups did since the database was opened.
    pub reads: ReadStats,
    /// What was written since the database was opened.
    pub writes: WriteStats,
    /// How writers were held up since the database was opened.
    pub stalls: StallStats,
    /// What the limit on background writes did.
    pub rate_limit: RateLimitStats,
}

impl Stats {
    /// All tables.
    pub fn tables(&self) -> u64 {
        self.levels.values().map(|level| level.tables).sum()
    }

    /// Bytes of all tables' files.
    pub fn file_bytes(&self) -> u64 {
        self.levels.values().map(|level| level.file_bytes).sum()
    }
}

impl Db {
    /// Figures about the database as it is now.
    ///
    /// # Errors
    ///
    /// `Closed`.
    pub fn stats(&self) -> Result<Stats> {
        let view = self.inner().view()?;
        let memory = &self.inner().shared.memory;
        memory.note_memtables(view.version.memtable_bytes() + memory.kept_bytes());
        self.inner().shared.tables.note_memory();
        let mut stats = Stats {
            memory: memory.stats(),
            open_tables: self.inner().shared.tables.open_count(),
            snapshots: self.inner().snapshots.live().len() as u64,
            sequence: view.at.get(),
            reads: view.version.metrics.reads(),
            writes: view.version.metrics.writes(),
            stalls: self.inner().background.gauge.stats(),
            rate_limit: self.inner().shared.limiter.stats(),
            ..Stats::default()
        };
        for keyspace in view.version.keyspaces.values() {
            let mut own = KeyspaceStats {
                debt_bytes: keyspace.debt.bytes,
                debt_runs: keyspace.debt.runs,
                ..KeyspaceStats::default()
            };
            for slot in keyspace.memtables() {
                own.memtable_entries += slot.table.entry_count();
                own.memtable_bytes += slot.table.bytes();
            }
            for run in &keyspace.tree.runs {
                let level = stats.levels.entry(run.level).or_default();
                level.runs += 1;
                own.runs += 1;
                let raw_bytes = run.tables.iter().map(|table| table.record.raw_bytes).sum();
                own.largest_run_raw_bytes = own.largest_run_raw_bytes.max(raw_bytes);
                for table in run.tables.iter() {
                    own.tables += 1;
                    own.file_bytes += table.record.file_bytes;
                    level.tables += 1;
                    level.file_bytes += table.record.file_bytes;
                    level.raw_bytes += table.record.raw_bytes;
                    level.entries += table.record.entries;
                    level.tombstones += table.record.tombstones;
                }
            }
            stats.memtable_entries += own.memtable_entries;
            stats.memtable_bytes += own.memtable_bytes;
            stats.keyspaces.insert(keyspace.name.to_string(), own);
        }
        Ok(stats)
    }
}

//! What a simulated engine did, and what it cost.

use std::collections::BTreeMap;

/// What [`EngineSimulation::run`](super::EngineSimulation::run) counted, from its first write until there was nothing
/// left to flush or to compact.
///
/// Means are those of the moments in which a memtable was full, and of the end. What is highest is so for some time, be
/// it short: not while a job that takes no time is about to begin. What is *settled* is what the end was like. Space is in proportion to the live data: the newest versions in the tables that are puts.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct EngineReport {
    /// Puts and deletes of users.
    pub operations: u64,
    /// Those of them that are deletes.
    pub deletes: u64,
    /// Entries in the tables before the first write.
    pub entries_before: u64,
    /// Entries written by flushes: of each key the last operation of its memtable.
    pub entries_flushed: u64,
    /// Entries read by merges.
    pub entries_read: u64,
    /// Entries written by merges.
    pub entries_merged: u64,
    /// Entries that merges left out because a newer version hides them.
    pub superseded: u64,
    /// Tombstones that merges left out because there was nothing left to hide.
    pub tombstones_dropped: u64,
    /// Entries of tables that were dropped whole.
    pub entries_dropped: u64,
    /// Entries in the tables at the end: those before, and those flushed, without those left out or dropped.
    pub entries_settled: u64,
    /// Bytes written by flushes.
    pub bytes_flushed: u64,
    /// Bytes read by merges.
    pub bytes_read: u64,
    /// Bytes written by merges.
    pub bytes_merged: u64,
    /// Bytes written by flushes and merges for each byte flushed. Log writes are not in it.
    pub table_write_amplification: f64,
    /// Live data at the end, in bytes.
    pub live_bytes: u64,
    /// All tables at the end, in bytes.
    pub file_bytes: u64,
    /// Bytes in tables for each live byte: the mean.
    pub space_amplification_mean: f64,
    /// The same at its highest.
    pub space_amplification_max: f64,
    /// The same at its highest while merges have their inputs and what they wrote so far on disk.
    pub space_amplification_peak: f64,
    /// The same at the end.
    pub space_amplification_settled: f64,
    /// Runs: the mean.
    pub runs_mean: f64,
    /// The same at its highest.
    pub runs_max: u64,
    /// The same at the end.
    pub runs_settled: u64,
    /// Runs of level 0 at their highest.
    pub level0_runs_max: u64,
    /// Levels that hold tables, at the end.
    pub levels_settled: u64,
    /// Tables at the end.
    pub tables_settled: u64,
    /// Reads of keys that are there.
    pub found: ReadCost,
    /// Reads of keys that are not, and lie between those that are.
    pub absent: ReadCost,
    /// [`Debt::bytes`](crate::Debt::bytes): the mean.
    pub debt_bytes_mean: f64,
    /// The same at its highest.
    pub debt_bytes_max: u64,
    /// From the first write to the last, stalls included, in simulated nanoseconds.
    pub writing_ns: u64,
    /// From the last write to the end.
    pub settling_ns: u64,
    /// What of the time of writing writers lost.
    pub stalls: StallTimes,
    /// Jobs by the code of their reason.
    pub jobs: BTreeMap<&'static str, u64>,
    /// Jobs that only moved tables.
    pub moves: u64,
    /// Jobs that ran at one time, at most.
    pub jobs_running_max: u64,
}

/// What a point read costs that no memtable answers: the mean over moments of the reads tried in each. Reads ask for keys
/// as they were written: a key that is written twice as often is read twice as often.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct ReadCost {
    /// Runs with a table whose key range holds the key, down to the one that answers. Each has a block to be read if
    /// there are no filters.
    pub runs_asked: f64,
    /// Those of them whose filter is expected to say "maybe".
    pub runs_read: f64,
}

/// Time that writers lost, in simulated nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct StallTimes {
    /// They waited for a memtable to be flushed.
    pub memtables_ns: u64,
    /// They waited because level 0 had too many runs.
    pub level0_ns: u64,
    /// They waited because there was too much debt.
    pub debt_ns: u64,
    /// They were slower than they would have been, because of debt or level 0.
    pub slowed_ns: u64,
    /// The longest time for which they waited without a break.
    pub longest_stop_ns: u64,
}

impl StallTimes {
    /// All of it.
    pub const fn total_ns(&self) -> u64 {
        self.memtables_ns + self.level0_ns + self.debt_ns + self.slowed_ns
    }
}

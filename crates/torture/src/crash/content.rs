//! What a run did, and how much it must have done to have tested anything.

use crate::crash::{layer::Counts, recover::Recovered};

/// What a run did.
#[derive(Clone, Copy, Default, Debug)]
pub struct Report {
    /// What was done to the disk.
    pub counts: Counts,
    /// What was done to the database.
    pub content: Content,
    /// Outages, and what was recovered from them.
    pub recovered: Recovered,
}

/// What was done to a database.
#[derive(Clone, Copy, Default, Debug)]
pub struct Content {
    /// Memtables that became tables.
    pub flushes: u64,
    /// Merges.
    pub compactions: u64,
    /// Tables that were given another place as they are.
    pub moves: u64,
    /// How many of them are asked for: none where the strategy moves nothing.
    pub moves_wanted: u64,
    /// Flushes and compactions that were begun in the background.
    pub background_jobs: [u64; 2],
    /// Keyspaces that were written to, each incarnation of a name for itself.
    pub keyspaces: u64,
    /// Batches written.
    pub batches: u64,
    /// Those among them that were acknowledged before a sync.
    pub buffered: u64,
    /// Values written that had expired already.
    pub expired: u64,
    /// Values written that would have expired later.
    pub expiring: u64,
    /// The longest value.
    pub value_bytes_max: u64,
    /// Comparisons of a snapshot that was older than a flush and a compaction.
    pub old_snapshots_compared: u64,
}

/// A page of the disk, in bytes.
const PAGE_BYTES: u64 = siltstone_vfs::PAGE_BYTES as u64;

impl Report {
    /// What a run of full size has and this one has not; empty when it is of full size.
    pub fn lacks(&self) -> String {
        let Report { counts, content, .. } = self;
        let [background_flushes, background_compactions] = content.background_jobs;
        let at_least = [
            ("operations that change the disk", counts.changes, 3_000),
            ("flushes", content.flushes.min(background_flushes), 5),
            ("compactions", content.compactions.min(background_compactions), 2),
            ("moves of tables", content.moves, content.moves_wanted),
            ("log rotations", counts.log_rotations, 3),
            ("manifest rotations", counts.manifest_rotations, 1),
            ("keyspaces", content.keyspaces, 2),
            ("buffered batches", content.buffered, content.batches.div_ceil(5).max(1)),
            ("values that had expired", content.expired, content.batches / 20),
            ("values that expire", content.expiring, content.batches / 10),
            ("bytes in a value", content.value_bytes_max, PAGE_BYTES + 1),
            ("comparisons of old snapshots", content.old_snapshots_compared, 10),
        ];
        let missing = at_least.iter().filter(|(_, found, wanted)| found < wanted);
        let told = missing.map(|(what, found, wanted)| format!("{found} {what}, not {wanted}"));
        told.collect::<Vec<_>>().join("; ")
    }
}

//! What a run does: a list of operations and settings, both a function of a seed.

use siltstone::{CompactionSettings, Compression, FilterSettings, LeveledSettings, Settings};
use siltstone_testkit::Rng;

/// Keyspaces beside the default one that a plan creates and drops.
pub(crate) const KEYSPACES: usize = 3;
/// Different keys of a keyspace.
pub(crate) const KEYS: usize = 24;
/// The first so many of them get half of the writes and more.
const HOT_KEYS: usize = 4;

/// One change of a batch. What names a keyspace that does not exist at the time is left out.
#[derive(Clone, Debug)]
pub struct Change {
    /// 0 for the default keyspace, otherwise a place among those that come and go.
    pub keyspace: usize,
    /// Number of the key.
    pub key: usize,
    /// Length of the value in bytes; none for a delete.
    pub value_bytes: Option<usize>,
}

/// What time it is in every run, in Unix milliseconds: a life is short.
pub(crate) const NOW_UNIX_MS: u64 = 1_000_000;

impl Change {
    /// When the value expires, if it does: long ago, in the next millisecond, or never. Not drawn, but taken from what is.
    pub(crate) fn expires_at_unix_ms(&self) -> Option<u64> {
        match self.value_bytes? % 8 {
            0 => Some(NOW_UNIX_MS),
            1 => Some(NOW_UNIX_MS + 1),
            2 => Some(u64::MAX),
            _ => None,
        }
    }
}

/// One call of the database, or a few that belong together.
#[derive(Clone, Debug)]
pub enum Operation {
    /// Writes a batch.
    Write {
        /// What it holds.
        changes: Vec<Change>,
        /// Whether it is synced before it is acknowledged.
        is_sync: bool,
    },
    /// Waits until a buffered write is durable, by its receipt.
    WaitDurable,
    /// Syncs everything.
    Sync,
    /// Flushes.
    Flush,
    /// Compacts everything.
    Compact,
    /// Closes and opens again.
    Reopen,
    /// Creates the keyspace at this place, unless it exists.
    Create(usize),
    /// Drops the keyspace at this place, if it exists.
    Drop(usize),
    /// Takes a snapshot. When there are as many as may live at a time, the oldest is compared and released.
    Snapshot,
    /// Compares the oldest snapshot with what it should hold, and lets go of it.
    Release,
    /// Compares the live snapshot of this number, counted round, with what it should hold.
    Look(usize),
    /// Compares everything with what it should be.
    Compare,
}

/// A run to be made.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What everything is drawn from.
    pub seed: u64,
    /// Settings of the database: tiny, so that everything happens often.
    pub settings: Settings,
    /// What is done, in order.
    pub operations: Vec<Operation>,
}

impl Plan {
    /// The plan of a seed, of so many operations.
    pub fn new(seed: u64, operations: usize) -> Plan {
        let mut rng = Rng::new(seed);
        let mut settings = settings(&mut rng);
        // Half of the seeds, whatever else they draw.
        if Plan::is_leveled(seed) {
            settings.compaction = leveled();
        }
        let operations = (0..operations).map(|_| operation(&mut rng)).collect();
        Plan { seed, settings, operations }
    }

    /// Whether the plan of a seed has leveled compaction, which also moves tables. The others are size-tiered.
    pub(crate) fn is_leveled(seed: u64) -> bool {
        seed.is_multiple_of(2)
    }
}

fn leveled() -> CompactionSettings {
    CompactionSettings::Leveled(LeveledSettings {
        ratio: 2,
        base_bytes: 600,
        level0_runs: 2,
        level0_merge_runs_min: 2,
        ..LeveledSettings::default()
    })
}

fn bytes(rng: &mut Rng, first: usize, last: usize) -> u64 {
    rng.between(first, last) as u64
}

fn settings(rng: &mut Rng) -> Settings {
    Settings {
        memtable_bytes_max: *rng.pick(&[2_000, 1 << 20]),
        memtable_entries_max: bytes(rng, 4, 30),
        memtables_bytes_max: *rng.pick(&[6_000, 1 << 20]),
        log_bytes_max: bytes(rng, 300, 4_000),
        manifest_bytes_max: bytes(rng, 800, 5_000),
        block_bytes: *rng.pick(&[64, 128, 256]),
        table_bytes_max: bytes(rng, 200, 3_000),
        cache_bytes: *rng.pick(&[0, 4_096]),
        open_tables_max: *rng.pick(&[1, 2, 100]),
        filter: FilterSettings::bits_per_key(*rng.pick(&[0.0, 10.0])),
        compression: vec![*rng.pick(&[Compression::None, Compression::Lz4])],
        compaction: CompactionSettings::size_tiered(*rng.pick(&[2, 3])),
        level0_runs_stop: *rng.pick(&[3, 6]),
        workers: *rng.pick(&[1, 3]),
        ..Settings::default()
    }
}

fn change(rng: &mut Rng) -> Change {
    let value_bytes = match rng.index(40) {
        0..8 => None,
        8 => Some(rng.between(4_000, 9_000)),
        _ => Some(rng.between(4, 60)),
    };
    // Some keys are written more often than others, so that memtables and tables have several versions of them.
    let key = if rng.index(2) == 0 { rng.index(HOT_KEYS) } else { rng.index(KEYS) };
    Change { keyspace: rng.index(KEYSPACES + 1), key, value_bytes }
}

fn operation(rng: &mut Rng) -> Operation {
    let place = 1 + rng.index(KEYSPACES);
    match rng.index(200) {
        0..4 => Operation::Sync,
        4..8 => Operation::WaitDurable,
        8..11 => Operation::Flush,
        11..13 => Operation::Compact,
        13..16 => Operation::Reopen,
        16..26 => Operation::Create(place),
        26..29 => Operation::Drop(place),
        29..38 => Operation::Snapshot,
        38..42 => Operation::Release,
        42..46 => Operation::Look(rng.index(1 << 16)),
        46..52 => Operation::Compare,
        _ => {
            let count = if rng.index(3) == 0 { rng.between(2, 8) } else { 1 };
            let changes = (0..count).map(|_| change(rng)).collect();
            Operation::Write { changes, is_sync: rng.index(10) >= 3 }
        }
    }
}

/// The bytes of a key. Some are prefixes of others.
pub(crate) fn key(number: usize) -> Vec<u8> {
    format!("k{:0width$}", number, width = 1 + number % 3).into_bytes()
}

/// A value that no other write has.
pub(crate) fn value(stamp: u64, bytes: usize) -> Vec<u8> {
    let stamp = stamp.to_le_bytes();
    stamp.iter().copied().cycle().take(bytes.max(stamp.len())).collect()
}

//! What an engine is like, as numbers: sizes, limits, speeds.

/// What entries take, in bytes. All puts are of one size, and all tombstones.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EntrySizes {
    /// A key with its value.
    pub put_bytes: u64,
    /// A key that is deleted.
    pub tombstone_bytes: u64,
}

impl EntrySizes {
    /// Of so many entries, some of them tombstones.
    pub const fn bytes_of(&self, entries: u64, tombstones: u64) -> u64 {
        let puts = entries.saturating_sub(tombstones);
        puts.saturating_mul(self.put_bytes).saturating_add(tombstones.saturating_mul(self.tombstone_bytes))
    }
}

/// How an engine is set up, and how fast it is.
#[derive(Clone, PartialEq, Debug)]
pub struct EngineParameters {
    /// What entries take in a memtable, which is more than in a table.
    pub memory: EntrySizes,
    /// What entries take in a table, all told: filter, index and compression are in it.
    pub file: EntrySizes,
    /// A memtable with so many bytes is sealed, and flushed.
    pub memtable_bytes_max: u64,
    /// Writers wait when so many memtables are sealed and not yet flushed.
    pub sealed_max: usize,
    /// When writers are slowed down, and when they wait.
    pub backpressure: Backpressure,
    /// How fast everything is.
    pub timing: Timing,
    /// How often a filter says "maybe" for a key that its table does not have: from 0 to 1.
    pub filter_false_positive_rate: f64,
    /// Point reads that are tried whenever a memtable is full; fewer where each asks hundreds of runs.
    pub reads_per_flush: u32,
    /// Decides which keys are read.
    pub seed: u64,
}

/// Limits on the work left. Between the first and the second of a kind the writer's speed falls in proportion, to a
/// hundredth at last; from the second on it waits, as long as any job is running.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Backpressure {
    /// [`Debt::bytes`](crate::Debt::bytes) from which on writes are slower.
    pub debt_bytes_slow: u64,
    /// And from which on they wait.
    pub debt_bytes_stop: u64,
    /// Runs of level 0 from which on writes are slower.
    pub level0_runs_slow: u64,
    /// And from which on they wait.
    pub level0_runs_stop: u64,
}

impl Backpressure {
    /// Writers are never held up by compaction.
    pub const NONE: Backpressure = Backpressure {
        debt_bytes_slow: u64::MAX,
        debt_bytes_stop: u64::MAX,
        level0_runs_slow: u64::MAX,
        level0_runs_stop: u64::MAX,
    };
}

/// Speeds. A speed of 0 counts as 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timing {
    /// What users write in a second when nobody slows them down, in entries.
    pub writes_per_s: u64,
    /// What the flush lane writes in a second, in bytes; `u64::MAX` takes no time.
    pub flush_bytes_per_s: u64,
    /// What each worker reads and writes in a second, together, in bytes; `u64::MAX` takes no time.
    pub compaction_bytes_per_s: u64,
    /// What a flush or a job takes besides, such as syncs, in microseconds.
    pub job_us: u64,
    /// Jobs that run at a time; 1 if 0 is given.
    pub workers: usize,
}

impl Timing {
    /// Flushes and jobs take no time: before the next write there is no debt. One job runs at a time.
    pub const INSTANT: Timing = Timing {
        writes_per_s: 1_000_000,
        flush_bytes_per_s: u64::MAX,
        compaction_bytes_per_s: u64::MAX,
        job_us: 0,
        workers: 1,
    };
}

impl Default for EngineParameters {
    /// A memtable of 1 MiB, keys of 16 bytes and values of 100, as the skip list counts them and as they are in a
    /// table; compaction takes no time.
    fn default() -> EngineParameters {
        EngineParameters {
            memory: EntrySizes { put_bytes: 228, tombstone_bytes: 104 },
            file: EntrySizes { put_bytes: 116, tombstone_bytes: 16 },
            memtable_bytes_max: 1 << 20,
            sealed_max: 2,
            backpressure: Backpressure::NONE,
            timing: Timing::INSTANT,
            filter_false_positive_rate: 0.01,
            reads_per_flush: 32,
            seed: 1,
        }
    }
}

//! One budget for what a database holds in memory: how it is shared out, what is held, and who has to wait.
//!
//! | share of the budget | for what | and why so much |
//! |---|---|---|
//! | 1/4 | memtables | one is a sixteenth: one is written to, two wait for the flush, and readers may keep one |
//! | 1/4 | block cache | blocks that are read often cost nothing but memory |
//! | 1/4, and what the limits of the two above leave | indexes and filters of open tables | a merge or a scan has one table of each run open at a time |
//! | 3/32 | merges | read-ahead for each input, and the table under way |
//! | 1/32 | the flush | it never waits for a merge, so it has a share of its own |
//! | 1/8 | nothing | log buffers, cursors of readers, what the allocator wastes: not counted, and not for free |

use siltstone_memtable::Memtable;

use crate::{
    Settings,
    sync::{Arc, AtomicU64, Condvar, Mutex, Ordering, Weak},
};

/// Least budget that gives every part what it needs to go on.
pub(crate) const BUDGET_BYTES_MIN: u64 = 8 << 20;

/// What a merge reads ahead for each input, when memory allows. It reads every block once, in order.
const READAHEAD_BYTES_MAX: u64 = 1 << 20;
/// And for all inputs of a merge together, be there as many as there may, but a block for each.
const READAHEAD_ALL_BYTES_MAX: u64 = 32 << 20;
/// What the table under way may hold: blocks, and the hashes of its keys.
const BUILDER_BYTES_MIN: u64 = 256 << 10;
const BUILDER_BYTES_MAX: u64 = 8 << 20;
const WRITE_BUFFER_BYTES_MAX: u64 = 256 << 10;

/// What an entry of a batch costs in a memtable beside its bytes in the batch, at most, for the shipped ones.
const ENTRY_COST_BYTES: u64 = 160;

/// Limits for each part, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Shares {
    /// All memtables.
    pub(crate) memtables: u64,
    /// One memtable.
    pub(crate) memtable: u64,
    /// The block cache.
    pub(crate) cache: u64,
    /// Indexes and filters of open tables.
    pub(crate) tables: u64,
    /// All merges.
    pub(crate) merges: u64,
    /// The flush.
    pub(crate) flush: u64,
    /// File of a table that a merge writes: many must fit into the share of open tables.
    pub(crate) table_file: u64,
}

impl Shares {
    /// The limits of the settings, each also within its share of the budget if there is one.
    pub(crate) fn new(settings: &Settings) -> Shares {
        let unlimited = Shares {
            memtables: settings.memtables_bytes_max,
            memtable: u64::MAX,
            cache: settings.cache_bytes,
            tables: u64::MAX,
            merges: u64::MAX,
            flush: u64::MAX,
            table_file: u64::MAX,
        };
        let budget = settings.memory_bytes_max;
        if budget == 0 {
            return unlimited;
        }
        let memtables = unlimited.memtables.min(budget / 4);
        let cache = unlimited.cache.min(budget / 4);
        let (merges, flush) = (budget / 32 * 3, budget / 32);
        let tables = budget - budget / 8 - merges - flush - memtables - cache;
        Shares { memtables, memtable: memtables / 4, cache, tables, merges, flush, table_file: budget / 4 }
    }
}

/// What is held now, in bytes.
#[derive(Debug)]
pub(crate) struct Memory {
    /// 0 for none.
    budget: u64,
    pub(crate) shares: Shares,
    /// The cache of the database's own; a shared one is not its own.
    cache: u64,
    /// Compactions at a time, and one that is asked for.
    mergers: u64,
    /// Writes on their way into memtables.
    admitted: Mutex<u64>,
    /// As in `admitted`, to be read without waiting.
    admitted_seen: AtomicU64,
    /// All memtables, when they were last measured.
    memtables: AtomicU64,
    tables: AtomicU64,
    flush: AtomicU64,
    merges: Mutex<u64>,
    /// As in `merges`, to be read without waiting.
    merges_seen: AtomicU64,
    merge_ended: Condvar,
    /// Memtables that are in tables and that readers keep.
    kept: Mutex<Vec<(Weak<dyn Memtable>, u64)>>,
    peak: AtomicU64,
}

impl Memory {
    pub(crate) fn new(settings: &Settings, cache_is_own: bool, workers: usize) -> Arc<Memory> {
        let shares = Shares::new(settings);
        Arc::new(Memory {
            budget: settings.memory_bytes_max,
            shares,
            cache: if cache_is_own { shares.cache } else { 0 },
            mergers: workers as u64 + 1,
            admitted: Mutex::new(0),
            admitted_seen: AtomicU64::new(0),
            memtables: AtomicU64::new(0),
            tables: AtomicU64::new(0),
            flush: AtomicU64::new(0),
            merges: Mutex::new(0),
            merges_seen: AtomicU64::new(0),
            merge_ended: Condvar::default(),
            kept: Mutex::default(),
            peak: AtomicU64::new(0),
        })
    }

    pub(crate) fn has_budget(&self) -> bool {
        self.budget > 0
    }

    /// Takes a write in if the memtables leave room for it, together with those that were taken in and are not there yet. `live_bytes` are those of the memtables that
    /// a flush can free, `is_empty` when none of them holds anything.
    pub(crate) fn admit(self: &Arc<Self>, bytes: u64, live_bytes: u64, is_empty: bool) -> Option<Admission> {
        let kept = self.kept_bytes();
        // Two writers must not both take the last room.
        let mut admitted = self.admitted.lock();
        self.note_memtables(live_bytes + kept);
        // What readers keep is taken from the writers, but for a part: memtables that hold next to nothing would make next to nothing of tables.
        let room = self.shares.memtables.saturating_sub(kept).max(self.shares.memtable);
        let fits = live_bytes.saturating_add(*admitted).saturating_add(bytes) <= room;
        // What is larger than the share goes in alone: there is nothing left to wait for.
        (fits || (is_empty && *admitted == 0)).then(|| {
            *admitted += bytes;
            self.admitted_seen.store(*admitted, Ordering::Relaxed);
            self.note_peak();
            Admission { memory: Arc::clone(self), bytes }
        })
    }

    /// Notes a memtable that is in a table now, for as long as anyone holds it.
    pub(crate) fn keep(&self, memtable: &Arc<dyn Memtable>) {
        let mut kept = self.kept.lock();
        kept.retain(|(memtable, _)| memtable.strong_count() > 0);
        kept.push((Arc::downgrade(memtable), memtable.bytes()));
    }

    /// Bytes of memtables that only readers hold.
    pub(crate) fn kept_bytes(&self) -> u64 {
        let mut kept = self.kept.lock();
        kept.retain(|(memtable, _)| memtable.strong_count() > 0);
        kept.iter().map(|(_, bytes)| bytes).sum()
    }

    pub(crate) fn note_memtables(&self, bytes: u64) {
        self.memtables.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn note_tables(&self, bytes: u64) {
        self.tables.store(bytes, Ordering::Relaxed);
        self.note_peak();
    }

    /// What the flush may use.
    pub(crate) fn begin_flush(self: &Arc<Self>) -> Grant {
        let bytes = self.shares.flush.min(2 * WRITE_BUFFER_BYTES_MAX);
        self.flush.fetch_add(bytes, Ordering::Relaxed);
        self.note_peak();
        // One table, however large: its hashes are in proportion to the memtable, of which the shares take care.
        Grant {
            memory: Arc::clone(self),
            bytes,
            of_merges: false,
            readahead_bytes: 0,
            builder_bytes_max: u64::MAX,
            write_buffer_bytes: bytes / 2,
        }
    }

    /// What a merge of so many runs may use. Waits for other merges when they have it all; they end without waiting for this one.
    pub(crate) fn begin_merge(self: &Arc<Self>, runs: usize, block_bytes: u32) -> Grant {
        let (runs, block) = (runs.max(1) as u64, u64::from(block_bytes));
        // A block as it is read, and as it is decoded.
        let least = BUILDER_BYTES_MIN + runs * 3 * block;
        let readahead_max =
            (READAHEAD_ALL_BYTES_MAX / runs).clamp(block.min(READAHEAD_BYTES_MAX), READAHEAD_BYTES_MAX);
        let most = BUILDER_BYTES_MAX + runs * (readahead_max + 2 * block);
        let bytes = most.min((self.shares.merges / self.mergers).max(least));
        let mut granted = self.merges.lock();
        while *granted > 0 && bytes > self.shares.merges.saturating_sub(*granted) {
            granted = self.merge_ended.wait(granted);
        }
        *granted += bytes;
        self.merges_seen.store(*granted, Ordering::Relaxed);
        drop(granted);
        self.note_peak();
        let builder_bytes_max = (bytes / 2).clamp(BUILDER_BYTES_MIN, BUILDER_BYTES_MAX);
        let readahead = (bytes - builder_bytes_max) / runs;
        Grant {
            memory: Arc::clone(self),
            bytes,
            of_merges: true,
            readahead_bytes: readahead.saturating_sub(2 * block).clamp(block, readahead_max.max(block)),
            builder_bytes_max: if self.has_budget() { builder_bytes_max } else { u64::MAX },
            write_buffer_bytes: (builder_bytes_max / 4).min(WRITE_BUFFER_BYTES_MAX),
        }
    }

    fn note_peak(&self) {
        self.peak.fetch_max(self.stats().total_bytes(), Ordering::Relaxed);
    }

    pub(crate) fn stats(&self) -> MemoryStats {
        MemoryStats {
            budget_bytes: self.budget,
            memtable_bytes: self.memtables.load(Ordering::Relaxed)
                + self.admitted_seen.load(Ordering::Relaxed),
            cache_bytes: self.cache,
            table_bytes: self.tables.load(Ordering::Relaxed),
            buffer_bytes: self.flush.load(Ordering::Relaxed) + self.merges_seen.load(Ordering::Relaxed),
            peak_bytes: self.peak.load(Ordering::Relaxed),
        }
    }
}

/// What a batch will cost in memtables, at most.
pub(crate) fn cost_of_batch(payload_bytes: usize, entries: u32) -> u64 {
    payload_bytes as u64 + u64::from(entries) * ENTRY_COST_BYTES
}

/// A write that was taken in; until it is in its memtables, or has failed.
#[derive(Debug)]
pub(crate) struct Admission {
    memory: Arc<Memory>,
    bytes: u64,
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut admitted = self.memory.admitted.lock();
        *admitted -= self.bytes;
        self.memory.admitted_seen.store(*admitted, Ordering::Relaxed);
    }
}

/// What a flush or a merge may hold, for as long as it lives.
#[derive(Debug)]
pub(crate) struct Grant {
    memory: Arc<Memory>,
    bytes: u64,
    of_merges: bool,
    /// To be read ahead of each input.
    pub(crate) readahead_bytes: u64,
    /// A table whose writer holds more is ended.
    pub(crate) builder_bytes_max: u64,
    /// To be collected before it is written.
    pub(crate) write_buffer_bytes: u64,
}

impl Drop for Grant {
    fn drop(&mut self) {
        if !self.of_merges {
            self.memory.flush.fetch_sub(self.bytes, Ordering::Relaxed);
            return;
        }
        let mut granted = self.memory.merges.lock();
        *granted -= self.bytes;
        self.memory.merges_seen.store(*granted, Ordering::Relaxed);
        self.memory.merge_ended.notify_all();
    }
}

/// What a database holds in memory, by part, in bytes. Not counted: the values and cursors of readers, batches that are being built, logs' buffers, and the lists of tables.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct MemoryStats {
    /// `memory_bytes_max`; 0 without a budget.
    pub budget_bytes: u64,
    /// Memtables, with those that readers keep after their flush, and writes on their way into them.
    pub memtable_bytes: u64,
    /// Capacity of the block cache; 0 for one that is shared.
    pub cache_bytes: u64,
    /// Indexes and filters of open tables, with those that cursors keep open.
    pub table_bytes: u64,
    /// Set aside for the flush and the merges that run.
    pub buffer_bytes: u64,
    /// The most that all of it together was since the database was opened: looked at with every write, and whenever a table is opened or a job begins. Without a
    /// budget writes do not look.
    pub peak_bytes: u64,
}

impl MemoryStats {
    /// All parts.
    pub fn total_bytes(&self) -> u64 {
        self.memtable_bytes + self.cache_bytes + self.table_bytes + self.buffer_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(bytes: u64) -> Settings {
        Settings { memory_bytes_max: bytes, ..Settings::default() }
    }

    #[test]
    fn the_shares_do_not_exceed_the_budget_and_use_it() {
        for bytes in [BUDGET_BYTES_MIN, 32 << 20, 100_000_001, 1 << 30, 1 << 40] {
            let shares = Shares::new(&budget(bytes));
            let sum = shares.memtables + shares.cache + shares.tables + shares.merges + shares.flush;
            assert!(sum <= bytes - bytes / 8 && sum >= bytes - bytes / 8 - 64, "{bytes}: {shares:?}");
            assert!(shares.memtables <= Settings::default().memtables_bytes_max);
            assert!(shares.merges >= 2 * BUILDER_BYTES_MIN && shares.memtable * 4 <= shares.memtables);
        }
        let without = Shares::new(&Settings::default());
        assert_eq!((without.memtables, without.tables), (256 << 20, u64::MAX));
    }

    #[test]
    fn merges_share_and_each_gets_what_it_needs() {
        let memory = Memory::new(&budget(32 << 20), true, 1);
        let one = memory.begin_merge(4, 4096);
        let other = memory.begin_merge(24, 4096);
        assert!(one.bytes + other.bytes <= memory.shares.merges, "{one:?} {other:?}");
        for (grant, runs) in [(&one, 4), (&other, 24)] {
            let held = grant.builder_bytes_max + runs * (grant.readahead_bytes + 2 * 4096);
            assert!(held <= grant.bytes && grant.readahead_bytes >= 4096, "{grant:?}");
        }
        assert_eq!(memory.stats().buffer_bytes, one.bytes + other.bytes);
        drop((one, other));
        assert_eq!(memory.stats().buffer_bytes, 0);
        // More runs than the share has room for: alone, with a block for each.
        let many = memory.begin_merge(1000, 4096);
        assert_eq!(many.readahead_bytes, 4096);
    }

    #[test]
    fn many_inputs_read_ahead_no_more_than_few_where_there_is_no_budget() {
        let memory = Memory::new(&Settings::default(), true, 1);
        let [few, many, most] = [4, 1000, 100_000].map(|runs| memory.begin_merge(runs, 4096).readahead_bytes);
        assert_eq!(few, READAHEAD_BYTES_MAX);
        assert!(many >= 4096 && many * 1000 <= READAHEAD_ALL_BYTES_MAX, "{many}");
        assert_eq!(most, 4096);
        // Blocks may be larger than what is read ahead.
        assert_eq!(memory.begin_merge(1000, 4 << 20).readahead_bytes, 4 << 20);
    }

    #[test]
    fn a_merge_waits_until_another_has_ended() {
        let memory = Memory::new(&budget(BUDGET_BYTES_MIN), true, 1);
        let first = memory.begin_merge(40, 4096);
        let waiting = crate::sync::thread::spawn({
            let memory = Arc::clone(&memory);
            move || drop(memory.begin_merge(40, 4096))
        });
        crate::sync::thread::sleep(std::time::Duration::from_millis(50));
        assert!(!waiting.is_finished());
        drop(first);
        waiting.join().unwrap();
        assert!(memory.stats().peak_bytes <= BUDGET_BYTES_MIN);
    }

    #[test]
    fn a_write_is_taken_in_when_there_is_room_or_nothing_to_wait_for() {
        let memory = Memory::new(&budget(BUDGET_BYTES_MIN), true, 1);
        let room = memory.shares.memtables;
        let first = memory.admit(room / 2, room / 4, false).unwrap();
        assert!(memory.admit(room / 2, room / 4, false).is_none(), "together they are too many");
        assert_eq!(memory.stats().memtable_bytes, room / 2 + room / 4, "a refusal leaves nothing behind");
        drop(first);
        assert!(memory.admit(room / 2, room / 4, false).is_some());
        assert!(memory.admit(2 * room, 1, false).is_none());
        assert!(memory.admit(2 * room, 0, true).is_some(), "alone");
    }
}

//! Counts what the database does. Reads count in a slot of their thread's own, so that counting does not make readers wait for each other's cache lines.

use std::cell::Cell;

use siltstone_sstable::{BlockSource, FilterAnswer, ReadTrace};

use crate::{
    WriteStats,
    explain::GetTrace,
    heat::Heat,
    sync::{FigureAtomicU64, Ordering},
};

/// Slots; threads beyond share them, which costs time and loses nothing.
const SLOTS: usize = 64;

/// One in so many reads that ask several runs is looked at more closely. A prime number, so that scans that enter the same few tables again and again do not always
/// have the same one looked at.
pub(crate) const READS_FOR_EACH_SAMPLE: u64 = 61;

/// All counters of a database, from its opening on.
#[derive(Debug)]
pub(crate) struct Metrics {
    reads: Box<[Slot; SLOTS]>,
    /// Where reads ask several runs.
    pub(crate) heat: Heat,
    pub(crate) batches: Counter,
    pub(crate) entries_written: Counter,
    pub(crate) user_bytes: Counter,
    pub(crate) log_bytes: Counter,
    pub(crate) flushes: Counter,
    pub(crate) flush_bytes: Counter,
    pub(crate) compactions: Counter,
    pub(crate) compaction_bytes: Counter,
    pub(crate) moves: Counter,
    pub(crate) drops: Counter,
    pub(crate) entries_removed: Counter,
    pub(crate) bytes_reclaimed: Counter,
    /// In Unix milliseconds; 0 before the first.
    pub(crate) last_compaction_unix_ms: Counter,
}

/// A number that grows.
#[derive(Default, Debug)]
pub(crate) struct Counter(FigureAtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// Adds one, and returns how many there are then.
    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn raise(&self, to: u64) {
        self.0.fetch_max(to, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What one thread reads. Two cache lines, because processors fetch lines in pairs.
#[derive(Default, Debug)]
#[repr(align(128))]
struct Slot {
    gets: Counter,
    filter_skips: Counter,
    tables_read: Counter,
    filter_false_positives: Counter,
    blocks_from_cache: Counter,
    blocks_from_file: Counter,
    /// Reads that asked several runs.
    in_several_runs: Counter,
}

/// The reads of all threads.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct ReadStats {
    /// Keys that were looked up.
    pub gets: u64,
    /// Tables that need not be read, because their filter said that the key is not there.
    pub filter_skips: u64,
    /// Tables that were read: their filter said that the key may be there, or they have none.
    pub tables_read: u64,
    /// Those of them that had a filter and turned out not to have the key.
    pub filter_false_positives: u64,
    /// Blocks that were in the block cache.
    pub blocks_from_cache: u64,
    /// Blocks that were read from a file.
    pub blocks_from_file: u64,
}

thread_local! {
    static OWN_SLOT: Cell<usize> = const { Cell::new(usize::MAX) };
}

fn own_slot() -> usize {
    static NEXT: FigureAtomicU64 = FigureAtomicU64::new(0);
    OWN_SLOT.with(|own| {
        if own.get() == usize::MAX {
            let next = NEXT.fetch_add(1, Ordering::Relaxed) % SLOTS as u64;
            own.set(usize::try_from(next).unwrap_or_default());
        }
        own.get()
    })
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics {
            heat: Heat::default(),
            reads: Box::new(std::array::from_fn(|_| Slot::default())),
            batches: Counter::default(),
            entries_written: Counter::default(),
            user_bytes: Counter::default(),
            log_bytes: Counter::default(),
            flushes: Counter::default(),
            flush_bytes: Counter::default(),
            compactions: Counter::default(),
            compaction_bytes: Counter::default(),
            moves: Counter::default(),
            drops: Counter::default(),
            entries_removed: Counter::default(),
            bytes_reclaimed: Counter::default(),
            last_compaction_unix_ms: Counter::default(),
        }
    }
}

impl Metrics {
    /// Begins a lookup.
    pub(crate) fn get(&self) -> GetCounts<'_> {
        let slot = &self.reads[own_slot()];
        slot.gets.add(1);
        GetCounts { slot, filter_said_maybe: false, tables_read: 0 }
    }

    /// Counts a read that asked several runs. True for one in [`READS_FOR_EACH_SAMPLE`] of those of a thread.
    pub(crate) fn is_sample(&self) -> bool {
        self.reads[own_slot()].in_several_runs.next().is_multiple_of(READS_FOR_EACH_SAMPLE)
    }

    pub(crate) fn writes(&self) -> WriteStats {
        WriteStats {
            batches: self.batches.get(),
            entries: self.entries_written.get(),
            user_bytes: self.user_bytes.get(),
            log_bytes: self.log_bytes.get(),
            flushes: self.flushes.get(),
            flush_bytes: self.flush_bytes.get(),
            compactions: self.compactions.get(),
            compaction_bytes: self.compaction_bytes.get(),
            moves: self.moves.get(),
            drops: self.drops.get(),
            entries_removed: self.entries_removed.get(),
            bytes_reclaimed: self.bytes_reclaimed.get(),
            last_compaction_unix_ms: self.last_compaction_unix_ms.get(),
        }
    }

    pub(crate) fn reads(&self) -> ReadStats {
        let sum = |counter: fn(&Slot) -> &Counter| self.reads.iter().map(|slot| counter(slot).get()).sum();
        ReadStats {
            gets: sum(|slot| &slot.gets),
            filter_skips: sum(|slot| &slot.filter_skips),
            tables_read: sum(|slot| &slot.tables_read),
            filter_false_positives: sum(|slot| &slot.filter_false_positives),
            blocks_from_cache: sum(|slot| &slot.blocks_from_cache),
            blocks_from_file: sum(|slot| &slot.blocks_from_file),
        }
    }
}

/// Counts what one lookup does.
pub(crate) struct GetCounts<'a> {
    slot: &'a Slot,
    /// The filter of the table that was asked last said "maybe".
    filter_said_maybe: bool,
    tables_read: u32,
}

impl GetCounts<'_> {
    /// Whether it had to read tables of several runs.
    pub(crate) fn asked_several_runs(&self) -> bool {
        self.tables_read > 1
    }
}

impl GetTrace for GetCounts<'_> {
    fn answered(&mut self, found: bool) {
        if !found && self.filter_said_maybe {
            self.slot.filter_false_positives.add(1);
        }
    }
}

impl ReadTrace for GetCounts<'_> {
    fn filter(&mut self, answer: FilterAnswer) {
        self.filter_said_maybe = answer == FilterAnswer::Maybe;
        if answer == FilterAnswer::No {
            self.slot.filter_skips.add(1);
        } else {
            self.slot.tables_read.add(1);
            self.tables_read += 1;
        }
    }

    fn block(&mut self, source: BlockSource, _raw_bytes: usize) {
        match source {
            BlockSource::Cache => self.slot.blocks_from_cache.add(1),
            BlockSource::File => self.slot.blocks_from_file.add(1),
        }
    }
}

//! Remembers where reads have to ask several runs, so that a strategy can merge there.

use std::{collections::BTreeMap, fmt};

use siltstone_compaction::{HotRange, KeyRange};

use crate::{
    db::Inner,
    executor::Lane,
    keyspace::KeyspaceId,
    metrics::{Metrics, READS_FOR_EACH_SAMPLE},
    sync::{Arc, Mutex, Weak},
    tree::OpenTable,
};

/// Ranges that are counted in a keyspace. A new one takes the place of the one that was read least.
const RANGES_MAX: usize = 128;

/// After so many samples of a keyspace its counts are halved. No clock: what counts is how large a share of the reads a range has.
const SAMPLES_BEFORE_DECAY: u32 = 4096;

/// Ranges of keys with the number of reads that asked more than one run there, for each keyspace.
///
/// A range is that of a table which was asked though an older run may have the keys, too. Reads come here once in [`READS_FOR_EACH_SAMPLE`] times.
#[derive(Default)]
pub(crate) struct Heat {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Who plans compactions; nobody in a read-only database.
    planner: Weak<Inner>,
    keyspaces: BTreeMap<KeyspaceId, Ranges>,
}

impl fmt::Debug for Heat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Heat({} keyspaces)", self.state.lock().keyspaces.len())
    }
}

impl Heat {
    /// From now on planning is asked for when a range becomes hotter.
    pub(crate) fn serve(&self, planner: Weak<Inner>) {
        self.state.lock().planner = planner;
    }

    /// Counts a sample: so many reads asked this table, and older runs.
    fn note(&self, keyspace: KeyspaceId, table: &OpenTable) {
        let record = &table.record;
        let range = KeyRange::new(record.smallest.clone(), record.largest.clone());
        let mut state = self.state.lock();
        if !state.keyspaces.entry(keyspace).or_default().note(range, READS_FOR_EACH_SAMPLE) {
            return;
        }
        let planner = state.planner.upgrade();
        drop(state);
        if let Some(planner) = planner.filter(|planner| planner.writable().is_ok()) {
            planner.spawn(Lane::Housekeeping, Inner::schedule_compactions);
        }
    }

    /// The ranges of a keyspace, hottest first.
    pub(crate) fn ranges(&self, keyspace: KeyspaceId) -> Vec<HotRange> {
        let ranges = self.state.lock().keyspaces.get(&keyspace).map(|ranges| ranges.ranges.clone());
        let mut ranges = ranges.unwrap_or_default();
        ranges.sort_by(|a, b| b.reads.cmp(&a.reads).then_with(|| a.range.cmp(&b.range)));
        ranges
    }

    /// A job has merged these keys: counts begin anew.
    pub(crate) fn forget(&self, keyspace: KeyspaceId, merged: &KeyRange) {
        if let Some(ranges) = self.state.lock().keyspaces.get_mut(&keyspace) {
            ranges.ranges.retain(|hot| !hot.range.overlaps(merged));
        }
    }

    /// Forgets keyspaces that are gone.
    pub(crate) fn keep(&self, exists: impl Fn(KeyspaceId) -> bool) {
        self.state.lock().keyspaces.retain(|&id, _| exists(id));
    }
}

/// What is counted in one keyspace.
#[derive(Default)]
struct Ranges {
    ranges: Vec<HotRange>,
    samples: u32,
}

impl Ranges {
    /// True when the strategy should look again: a range is new, or its count has doubled. Which count is hot only the strategy knows.
    fn note(&mut self, range: KeyRange, reads: u64) -> bool {
        self.samples += 1;
        if self.samples >= SAMPLES_BEFORE_DECAY {
            self.samples = 0;
            self.ranges.iter_mut().for_each(|hot| hot.reads /= 2);
            self.ranges.retain(|hot| hot.reads > 0);
        }
        if let Some(hot) = self.ranges.iter_mut().find(|hot| hot.range == range) {
            let before = hot.reads;
            hot.reads += reads;
            return before.ilog2() != hot.reads.ilog2();
        }
        let new = HotRange { range, reads };
        if self.ranges.len() < RANGES_MAX {
            self.ranges.push(new);
            return true;
        }
        if let Some(least) = self.ranges.iter_mut().min_by_key(|hot| hot.reads) {
            *least = new;
        }
        false
    }
}

/// Notes which tables of a run a scan enters, where older runs lie behind it.
#[derive(Clone, Debug)]
pub(crate) struct Noter {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) keyspace: KeyspaceId,
}

impl Noter {
    /// A read asked this table, and older runs besides.
    pub(crate) fn asked(&self, table: &OpenTable) {
        note(&self.metrics, self.keyspace, || Some(table));
    }
}

/// A read asked several runs; of the newest the table that is found if the read is a sample.
pub(crate) fn note<'a>(
    metrics: &Metrics,
    keyspace: KeyspaceId,
    newest: impl FnOnce() -> Option<&'a OpenTable>,
) {
    if metrics.is_sample()
        && let Some(table) = newest()
    {
        metrics.heat.note(keyspace, table);
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    fn range(number: usize) -> KeyRange {
        KeyRange::new(format!("{number:03}a").into_bytes(), format!("{number:03}z").into_bytes())
    }

    #[test]
    fn the_strategy_looks_again_when_a_count_has_doubled() {
        let mut ranges = Ranges::default();
        let told: Vec<_> = (0..9).map(|_| ranges.note(range(1), 100)).collect();
        // 100, 200, 300, .. 900: past 128, 256 and 512.
        assert_eq!(told, [true, true, true, false, false, true, false, false, false]);
        assert_eq!(ranges.ranges, [HotRange { range: range(1), reads: 900 }]);
    }

    #[test]
    fn a_new_range_takes_the_place_of_the_coldest_when_there_are_too_many() {
        let mut ranges = Ranges::default();
        for number in 0..RANGES_MAX {
            assert!(ranges.note(range(number), if number == 7 { 10 } else { 20 }));
        }
        assert!(!ranges.note(range(999), 30));
        assert_eq!(ranges.ranges.len(), RANGES_MAX);
        assert!(ranges.ranges.iter().all(|hot| hot.range != range(7)));
        assert_eq!(ranges.ranges[7], HotRange { range: range(999), reads: 30 });
    }

    #[test]
    fn counts_are_halved_after_many_samples_and_what_is_left_of_nothing_goes() {
        let mut ranges = Ranges::default();
        ranges.note(range(1), 1);
        for _ in 0..SAMPLES_BEFORE_DECAY - 2 {
            ranges.note(range(2), 2);
        }
        assert_eq!(ranges.ranges.len(), 2);
        ranges.note(range(3), 5);
        let left: Vec<_> = ranges.ranges.iter().map(|hot| hot.reads).collect();
        assert_eq!(left, [u64::from(SAMPLES_BEFORE_DECAY - 2), 5]);
    }

    #[test]
    fn a_merge_makes_the_counts_of_its_keys_begin_anew() {
        let heat = Heat::default();
        let id = KeyspaceId::DEFAULT;
        for number in [1, 2, 3] {
            heat.state.lock().keyspaces.entry(id).or_default().note(range(number), number as u64);
        }
        heat.forget(id, &KeyRange::new(&b"001x"[..], &b"002b"[..]));
        assert_eq!(heat.ranges(id), [HotRange { range: range(3), reads: 3 }]);
        heat.keep(|other| other != id);
        assert_eq!(heat.ranges(id), []);
    }
}

//! A tree whose tables hold versions: it knows what every read has to find.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use proptest::{collection::vec, prelude::*};
use siltstone_compaction::{
    Action, Applied, Epoch, InvalidJob, Job, KeyRange, Level, Place, TableId, TableMeta, apply, check_levels,
    levels_from_tables, runs_by_age,
};
use siltstone_types::SequenceNumber;

/// A version: a user key and a sequence number.
pub(crate) type Version = (u8, u64);

#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) levels: Vec<Level>,
    tables: BTreeMap<TableId, BTreeSet<Version>>,
    next: u64,
}

/// A table to be made: keys skipped before it, keys in it, bytes for each, whether the first one is a
/// tombstone.
type TableShape = (u8, u8, u64, bool);

/// Levels, runs, tables.
pub(crate) type TreeShape = Vec<Vec<Vec<TableShape>>>;

pub(crate) fn shapes() -> impl Strategy<Value = TreeShape> {
    let bytes = prop_oneof![Just(1), 1..4_u64, 1..1000_u64];
    let table = (0..4_u8, 1..4_u8, bytes, any::<bool>());
    let level = prop_oneof![3 => vec(vec(table.clone(), 1..4), 0..5), 1 => vec(vec(table, 1..3), 5..14)];
    vec(level, 0..5)
}

impl Model {
    pub(crate) fn new(shape: &TreeShape) -> Model {
        let mut model = Model { levels: Vec::new(), tables: BTreeMap::new(), next: 1 };
        let mut placed = Vec::new();
        // From old to new, so that sequence numbers and epochs rise.
        for (level, runs) in (0..64).zip(shape).collect::<Vec<_>>().into_iter().rev() {
            for run in runs {
                let epoch = Epoch(model.take_number());
                for table in model.make_run(run) {
                    placed.push((level, epoch, table));
                }
            }
        }
        model.levels = levels_from_tables(placed);
        model
    }

    pub(crate) fn take_number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn make_run(&mut self, run: &[TableShape]) -> Vec<Arc<TableMeta>> {
        let mut key = 0;
        let mut tables = Vec::new();
        for &(skipped, keys, bytes, tombstone) in run {
            key += skipped;
            let versions = (key..key + keys).map(|key| (key, self.take_number())).collect();
            key += keys;
            tables.push(self.make_table(versions, bytes, tombstone.into()));
        }
        tables
    }

    pub(crate) fn make_table(
        &mut self,
        versions: BTreeSet<Version>,
        bytes: u64,
        tombstones: u64,
    ) -> Arc<TableMeta> {
        let id = TableId(self.take_number());
        let (first, last) = (versions.first().unwrap().0, versions.last().unwrap().0);
        let sequences = || versions.iter().map(|(_, sequence)| SequenceNumber::new(*sequence).unwrap());
        let meta = TableMeta {
            id,
            file_bytes: bytes,
            raw_bytes: bytes,
            entries: versions.len() as u64,
            tombstones,
            range: KeyRange::new(&[first], &[last]),
            first_sequence: sequences().min().unwrap(),
            last_sequence: sequences().max().unwrap(),
            created_unix_ms: 0,
            oldest_tombstone_unix_ms: (tombstones > 0).then_some(0),
        };
        self.tables.insert(id, versions);
        Arc::new(meta)
    }

    /// A flush of new versions of some keys.
    pub(crate) fn flush(&mut self, keys: std::ops::Range<u8>) {
        let versions: BTreeSet<Version> = keys.map(|key| (key, self.take_number())).collect();
        let bytes = versions.len() as u64;
        let table = self.make_table(versions, bytes, 0);
        let epoch = Epoch(self.take_number());
        let tables = runs_by_age(&self.levels).flat_map(|(at, run)| {
            run.tables.iter().map(move |table| (at.level, at.epoch(), Arc::clone(table)))
        });
        let tables: Vec<_> = tables.chain([(0, epoch, table)]).collect();
        self.levels = levels_from_tables(tables);
    }

    /// Runs a job: every version survives, so that no loss is excused. A table of the output holds `keys_max`
    /// keys.
    pub(crate) fn run(&mut self, job: &Job, keys_max: usize) -> Result<(), InvalidJob> {
        let outputs = match job.action {
            Action::Merge { output, .. } => {
                // One table in its own place: only tombstones are left to go. All others stay, that they may be in the way.
                let keeps_tombstones = job.inputs.len() > 1 || output.place != Place::ReplaceNewest;
                self.merge(&job.inputs, keys_max, keeps_tombstones)
            }
            Action::Move { .. } | Action::Drop => Vec::new(),
        };
        let fresh = Epoch(self.take_number());
        let Applied { levels, .. } = apply(&self.levels, job, outputs, fresh)?;
        self.levels = levels;
        Ok(())
    }

    fn merge(&mut self, inputs: &[TableId], keys_max: usize, keeps_tombstones: bool) -> Vec<Arc<TableMeta>> {
        let mut by_key: BTreeMap<u8, BTreeSet<Version>> = BTreeMap::new();
        for version in inputs.iter().flat_map(|id| &self.tables[id]) {
            by_key.entry(version.0).or_default().insert(*version);
        }
        let metas = runs_by_age(&self.levels).flat_map(|(_, run)| &run.tables);
        let metas: Vec<_> = metas.filter(|table| inputs.contains(&table.id)).collect();
        let bytes: u64 = metas.iter().map(|table| table.file_bytes).sum();
        let tombstones: u64 = metas.iter().map(|table| table.tombstones).sum();
        let mut tombstones = if keeps_tombstones { tombstones } else { 0 };
        let groups: Vec<_> = by_key.into_values().collect();
        let share = bytes / groups.len().div_ceil(keys_max) as u64;
        let chunks: Vec<_> =
            groups.chunks(keys_max).map(|chunk| chunk.iter().flatten().copied().collect()).collect();
        let tables = chunks.into_iter().map(|versions: BTreeSet<Version>| {
            let here = tombstones.min(versions.len() as u64);
            tombstones -= here;
            self.make_table(versions, share.max(1), here)
        });
        tables.collect()
    }

    /// All versions in the tree by key, those of one key in the order in which a search meets them.
    pub(crate) fn versions(&self) -> Vec<Version> {
        let tables = runs_by_age(&self.levels).flat_map(|(_, run)| &run.tables);
        // A merged table holds several versions of a key, newest first as in the format.
        let mut found: Vec<Version> =
            tables.flat_map(|table| self.tables[&table.id].iter().rev().copied()).collect();
        // Stable: what is equal stays in order.
        found.sort_by_key(|(key, _)| *key);
        found
    }

    /// The same as a map.
    pub(crate) fn versions_by_key(&self) -> BTreeMap<u8, Vec<u64>> {
        let mut by_key: BTreeMap<u8, Vec<u64>> = BTreeMap::new();
        for (key, sequence) in self.versions() {
            by_key.entry(key).or_default().push(sequence);
        }
        by_key
    }

    /// The versions of a table.
    pub(crate) fn contents(&self, table: TableId) -> &BTreeSet<Version> {
        &self.tables[&table]
    }

    /// True when a table that is no input holds a version that is older than one of the inputs' for the key.
    pub(crate) fn has_older(&self, key: u8, inputs: &[TableId]) -> bool {
        let of_key =
            |id: &TableId| self.tables[id].range((key, 0)..=(key, u64::MAX)).map(|(_, sequence)| *sequence);
        let newest_input = inputs.iter().flat_map(of_key).max();
        let tables = runs_by_age(&self.levels).flat_map(|(_, run)| &run.tables).map(|table| table.id);
        let others: Vec<TableId> = tables.filter(|id| !inputs.contains(id)).collect();
        others.iter().flat_map(of_key).any(|sequence| newest_input.is_some_and(|newest| sequence < newest))
    }

    /// What the tree must keep: its shape, and newer versions in front of older ones.
    pub(crate) fn check(&self) -> Result<(), String> {
        check_levels(&self.levels)?;
        for table in runs_by_age(&self.levels).flat_map(|(_, run)| &run.tables) {
            let keys = self.tables[&table.id].iter().map(|(key, _)| [*key]);
            let mut outside = keys.filter(|key| !table.range.contains(key));
            if let Some(key) = outside.next() {
                return Err(format!("table {} has a key outside of its range: {key:?}", table.id));
            }
        }
        let versions = self.versions();
        match versions.windows(2).find(|pair| pair[0].0 == pair[1].0 && pair[0].1 <= pair[1].1) {
            Some(pair) => Err(format!("versions in the wrong order: {pair:?} of {versions:?}")),
            None => Ok(()),
        }
    }
}

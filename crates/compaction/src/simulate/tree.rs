//! A tree whose tables are lists of versions in memory: what a merge keeps, and into which tables, is exact.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use siltstone_types::SequenceNumber;

use super::{EntrySizes, key_bytes, version::Version};
use crate::{
    Action, Epoch, InvalidJob, Job, KeyRange, Level, OlderData, Split, TableId, TableMeta, apply,
    levels_from_tables, runs_by_age,
};

/// Levels as strategies see them, and what is in each table.
#[derive(Debug)]
pub(super) struct SimulatedTree {
    levels: Vec<Level>,
    contents: BTreeMap<TableId, Vec<Version>>,
    sizes: EntrySizes,
    // The last table id and epoch: one counter serves for both.
    last_number: u64,
    entry_count: u64,
    file_bytes: u64,
}

/// A table that is not in the tree yet.
#[derive(Debug)]
pub(super) struct NewTable {
    pub(super) meta: Arc<TableMeta>,
    pub(super) versions: Vec<Version>,
}

/// When the versions of a table were written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    pub(super) now_unix_ms: u64,
    pub(super) oldest_tombstone_unix_ms: u64,
}

impl Written {
    pub(super) const fn at(now_unix_ms: u64) -> Written {
        Written { now_unix_ms, oldest_tombstone_unix_ms: now_unix_ms }
    }
}

/// What a merge makes of its inputs.
#[derive(Default, Debug)]
pub(super) struct Merged {
    /// In key order.
    pub(super) tables: Vec<NewTable>,
    pub(super) entries_in: u64,
    pub(super) superseded: u64,
    pub(super) tombstones_dropped: u64,
    pub(super) bytes_in: u64,
}

impl Merged {
    pub(super) fn entries_out(&self) -> u64 {
        self.tables.iter().map(|table| table.meta.entries).sum()
    }

    pub(super) fn bytes_out(&self) -> u64 {
        self.tables.iter().map(|table| table.meta.file_bytes).sum()
    }
}

impl SimulatedTree {
    pub(super) fn new(sizes: EntrySizes) -> SimulatedTree {
        SimulatedTree {
            levels: Vec::new(),
            contents: BTreeMap::new(),
            sizes,
            last_number: 0,
            entry_count: 0,
            file_bytes: 0,
        }
    }

    pub(super) fn levels(&self) -> &[Level] {
        &self.levels
    }

    /// Entries in all tables.
    pub(super) fn entry_count(&self) -> u64 {
        self.entry_count
    }

    /// Size of all tables, in bytes.
    pub(super) fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    pub(super) fn take_epoch(&mut self) -> Epoch {
        Epoch(self.take_number())
    }

    fn take_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// A table of sorted versions; `None` for no versions.
    pub(super) fn make_table(&mut self, versions: Vec<Version>, written: Written) -> Option<NewTable> {
        let (first, last) = (versions.first()?.key(), versions.last()?.key());
        let entries = versions.len() as u64;
        let tombstones = versions.iter().filter(|version| version.is_tombstone()).count() as u64;
        let bytes = self.sizes.bytes_of(entries, tombstones);
        let flushes = versions.iter().map(|version| version.flush());
        let sequence = |flush: Option<u32>| {
            SequenceNumber::new(flush.unwrap_or(0).into()).unwrap_or(SequenceNumber::MAX)
        };
        let meta = TableMeta {
            id: TableId(self.take_number()),
            file_bytes: bytes,
            raw_bytes: bytes,
            entries,
            tombstones,
            range: KeyRange::new(&key_bytes(first), &key_bytes(last)),
            first_sequence: sequence(flushes.clone().min()),
            last_sequence: sequence(flushes.max()),
            created_unix_ms: written.now_unix_ms,
            oldest_tombstone_unix_ms: (tombstones > 0).then_some(written.oldest_tombstone_unix_ms),
        };
        Some(NewTable { meta: Arc::new(meta), versions })
    }

    /// Puts a table into a run.
    pub(super) fn add(&mut self, level: u32, epoch: Epoch, table: NewTable) {
        let present = runs_by_age(&self.levels).flat_map(|(at, run)| {
            run.tables.iter().map(move |table| (at.level, at.epoch(), Arc::clone(table)))
        });
        let placed: Vec<_> = present.chain([(level, epoch, Arc::clone(&table.meta))]).collect();
        self.levels = levels_from_tables(placed);
        self.insert_contents(table);
    }

    /// The tables that a job makes. The tree stays as it is until [`finish`](SimulatedTree::finish).
    pub(super) fn merge(&mut self, job: &Job, now_unix_ms: u64) -> Result<Merged, InvalidJob> {
        let Some(split) = Split::of_job(job, &self.levels) else { return Ok(Merged::default()) };
        let older = OlderData::behind(job, &self.levels)?;
        let ids: BTreeSet<TableId> = job.inputs.iter().copied().collect();
        let (mut versions, mut bytes_in) = (Vec::new(), 0);
        let mut written = Written { now_unix_ms, oldest_tombstone_unix_ms: u64::MAX };
        for (_, run) in runs_by_age(&self.levels) {
            for table in run.tables.iter().filter(|table| ids.contains(&table.id)) {
                versions.extend(self.contents.get(&table.id).into_iter().flatten());
                bytes_in += table.file_bytes;
                let oldest = table.oldest_tombstone_unix_ms.unwrap_or(u64::MAX);
                written.oldest_tombstone_unix_ms = written.oldest_tombstone_unix_ms.min(oldest);
            }
        }
        // The inputs are sorted runs behind each other, which this sort finds and merges.
        versions.sort();
        let mut merged = Merged { entries_in: versions.len() as u64, bytes_in, ..Merged::default() };
        keep_survivors(&mut versions, &older, &mut merged);
        for part in self.split(&versions, split) {
            let table = self.make_table(part.to_vec(), written);
            merged.tables.extend(table);
        }
        Ok(merged)
    }

    /// Parts of the size of a table, as the job asks for them.
    fn split<'a>(&self, versions: &'a [Version], mut split: Split) -> Vec<&'a [Version]> {
        let (mut parts, mut begin, mut bytes) = (Vec::new(), 0, 0_u64);
        for (at, version) in versions.iter().enumerate() {
            if split.ends_before(&key_bytes(version.key()), bytes) {
                parts.extend(versions.get(begin..at));
                (begin, bytes) = (at, 0);
            }
            bytes = bytes.saturating_add(self.sizes.bytes_of(1, u64::from(version.is_tombstone())));
        }
        parts.extend(versions.get(begin..).filter(|part| !part.is_empty()));
        parts
    }

    /// Applies a job. Returns the versions that nobody has any more, because their tables were dropped whole.
    pub(super) fn finish(
        &mut self,
        job: &Job,
        tables: Vec<NewTable>,
        fresh_epoch: Epoch,
    ) -> Result<Vec<Version>, InvalidJob> {
        let metas = tables.iter().map(|table| Arc::clone(&table.meta)).collect();
        self.levels = apply(&self.levels, job, metas, fresh_epoch)?.levels;
        if matches!(job.action, Action::Move { .. }) {
            return Ok(Vec::new());
        }
        let gone: Vec<Vec<Version>> = job.inputs.iter().filter_map(|id| self.remove_contents(*id)).collect();
        tables.into_iter().for_each(|table| self.insert_contents(table));
        Ok(if job.action == Action::Drop { gone.concat() } else { Vec::new() })
    }

    fn insert_contents(&mut self, NewTable { meta, versions }: NewTable) {
        self.entry_count += meta.entries;
        self.file_bytes += meta.file_bytes;
        self.contents.insert(meta.id, versions);
    }

    fn remove_contents(&mut self, id: TableId) -> Option<Vec<Version>> {
        let versions = self.contents.remove(&id)?;
        let tombstones = versions.iter().filter(|version| version.is_tombstone()).count() as u64;
        self.entry_count -= versions.len() as u64;
        self.file_bytes -= self.sizes.bytes_of(versions.len() as u64, tombstones);
        Some(versions)
    }

    /// The runs that a read of the key asks, newest first: in each, what the one table that may hold it says.
    pub(super) fn asked(&self, key: u32) -> impl Iterator<Item = Option<Version>> {
        let bytes = key_bytes(key);
        runs_by_age(&self.levels).filter_map(move |(_, run)| run.table_for(&bytes)).map(move |table| {
            let versions = self.contents.get(&table.id)?;
            let at = versions.partition_point(|version| version.key() < key);
            versions.get(at).filter(|version| version.key() == key).copied()
        })
    }
}

/// Rules 1 and 2 of `Retain` without snapshots: of each key the newest version, unless it is a tombstone with nothing
/// left to hide.
fn keep_survivors(versions: &mut Vec<Version>, older: &OlderData, merged: &mut Merged) {
    let mut last_key = None;
    versions.retain(|version| {
        let key = version.key();
        if last_key == Some(key) {
            merged.superseded += 1;
            return false;
        }
        last_key = Some(key);
        let is_kept = !version.is_tombstone() || older.may_exist(&key_bytes(key));
        merged.tombstones_dropped += u64::from(!is_kept);
        is_kept
    });
}

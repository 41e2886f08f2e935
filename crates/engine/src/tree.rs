//! The tables of a keyspace, open, in the order in which they are asked.

use std::{fmt, sync::Arc};

use siltstone_compaction::{Epoch, KeyRange, Level, TableId, TableMeta, levels_from_tables, runs_by_age};
use siltstone_sstable::Table;
use siltstone_types::SequenceNumber;

use crate::{
    keyspace::KeyspaceId,
    manifest::format::{Field, TableRecord},
};

/// An open table with what the manifest says about it.
pub(crate) struct OpenTable {
    pub(crate) record: TableRecord,
    pub(crate) table: Arc<Table>,
}

impl fmt::Debug for OpenTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpenTable({})", self.record.number)
    }
}

impl OpenTable {
    /// The edit that makes it part of the tree.
    pub(crate) fn added(&self) -> Field {
        Field::TableAdded { keyspace: KeyspaceId::DEFAULT.0, table: Box::new(self.record.clone()) }
    }

    /// What a compaction strategy gets to see.
    fn meta(&self) -> TableMeta {
        let record = &self.record;
        let sequence = |raw| SequenceNumber::new(raw).unwrap_or(SequenceNumber::MAX);
        TableMeta {
            id: TableId(record.number),
            file_bytes: record.file_bytes,
            raw_bytes: record.raw_bytes,
            entries: record.entries,
            tombstones: record.tombstones,
            range: KeyRange::new(record.smallest.clone(), record.largest.clone()),
            first_sequence: sequence(record.first_sequence),
            last_sequence: sequence(record.last_sequence),
            created_unix_ms: record.created_unix_ms,
            oldest_tombstone_unix_ms: (record.tombstones > 0).then_some(record.oldest_tombstone_unix_ms),
        }
    }
}

/// Tables that are disjoint by user key, in key order.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) level: u32,
    pub(crate) tables: Arc<[Arc<OpenTable>]>,
}

impl Run {
    /// The one table that may hold a key.
    pub(crate) fn table_for(&self, user_key: &[u8]) -> Option<&Arc<OpenTable>> {
        let at = self.tables.partition_point(|table| *table.record.largest < *user_key);
        self.tables.get(at).filter(|table| *table.record.smallest <= *user_key)
    }
}

/// All runs of a keyspace, newest first, and the same as compaction strategies see it.
#[derive(Clone, Default, Debug)]
pub(crate) struct Tree {
    pub(crate) runs: Vec<Run>,
    pub(crate) levels: Vec<Level>,
}

impl Tree {
    /// Sorts tables into runs, and runs into the order of age.
    pub(crate) fn new(tables: impl IntoIterator<Item = Arc<OpenTable>>) -> Tree {
        let tables: Vec<_> = tables.into_iter().collect();
        let levels = levels_from_tables(
            tables
                .iter()
                .map(|table| (table.record.level, Epoch(table.record.epoch), Arc::new(table.meta()))),
        );
        let open = |id: TableId| tables.iter().find(|table| table.record.number == id.0).cloned();
        let runs = runs_by_age(&levels).map(|(position, run)| Run {
            level: position.level,
            tables: run.tables.iter().filter_map(|meta| open(meta.id)).collect(),
        });
        Tree { runs: runs.collect(), levels }
    }

    pub(crate) fn tables(&self) -> impl Iterator<Item = &Arc<OpenTable>> {
        self.runs.iter().flat_map(|run| run.tables.iter())
    }
}

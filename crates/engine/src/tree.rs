//! The tables of a keyspace, open, in the order in which they are asked.

use std::{collections::BTreeMap, fmt, sync::Arc};

use siltstone_sstable::Table;

use crate::manifest::format::TableRecord;

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

/// Tables that are disjoint by user key, in key order.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) level: u32,
    pub(crate) epoch: u64,
    pub(crate) tables: Arc<[Arc<OpenTable>]>,
}

impl Run {
    /// The one table that may hold a key.
    pub(crate) fn table_for(&self, user_key: &[u8]) -> Option<&Arc<OpenTable>> {
        let at = self.tables.partition_point(|table| *table.record.largest < *user_key);
        self.tables.get(at).filter(|table| *table.record.smallest <= *user_key)
    }
}

/// All runs of a keyspace, newest first: by level, and within a level by falling epoch.
#[derive(Clone, Default, Debug)]
pub(crate) struct Tree {
    pub(crate) runs: Vec<Run>,
}

impl Tree {
    /// Sorts tables into runs, and runs into the order of age.
    pub(crate) fn new(tables: impl IntoIterator<Item = Arc<OpenTable>>) -> Tree {
        let mut runs: BTreeMap<(u32, std::cmp::Reverse<u64>), Vec<Arc<OpenTable>>> = BTreeMap::new();
        for table in tables {
            runs.entry((table.record.level, std::cmp::Reverse(table.record.epoch))).or_default().push(table);
        }
        let runs = runs.into_iter().map(|((level, epoch), mut tables)| {
            tables.sort_by(|a, b| a.record.smallest.cmp(&b.record.smallest));
            Run { level, epoch: epoch.0, tables: tables.into() }
        });
        Tree { runs: runs.collect() }
    }

    pub(crate) fn tables(&self) -> impl Iterator<Item = &Arc<OpenTable>> {
        self.runs.iter().flat_map(|run| run.tables.iter())
    }
}

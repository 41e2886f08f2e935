//! The tables of a keyspace, open, in the order in which they are asked.

use std::{collections::HashMap, fmt};

use siltstone_compaction::{Epoch, KeyRange, Level, TableId, TableMeta, levels_from_tables, runs_by_age};
use siltstone_sstable::Table;
use siltstone_types::{Result, SequenceNumber};

use crate::{
    keyspace::KeyspaceId,
    manifest::format::{Field, TableRecord},
    obsolete::TableFile,
    sync::{Arc, AtomicBool, Mutex, Ordering, Swap},
    table_cache::TableCache,
};

/// A table of the tree: what the manifest says about it, and its file, which is open or will be. Whoever can read it holds one of these.
pub(crate) struct OpenTable {
    pub(crate) keyspace: KeyspaceId,
    pub(crate) record: TableRecord,
    /// Names its blocks in the cache, among all tables of the process: the cache may be shared, and file numbers are only unique within a database.
    pub(crate) cache_number: u64,
    file: Swap<Option<Arc<Table>>>,
    /// Held by the one that opens or closes the file.
    turn: Mutex<()>,
    /// Read since the table cache last looked.
    is_marked: AtomicBool,
    cache: Arc<TableCache>,
    /// Keeps the file from being removed.
    on_disk: Arc<TableFile>,
}

impl fmt::Debug for OpenTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpenTable({})", self.record.number)
    }
}

impl OpenTable {
    pub(crate) fn new(
        keyspace: KeyspaceId,
        record: TableRecord,
        cache_number: u64,
        cache: &Arc<TableCache>,
        on_disk: Arc<TableFile>,
    ) -> Arc<OpenTable> {
        Arc::new(OpenTable {
            keyspace,
            record,
            cache_number,
            file: Swap::new(None),
            turn: Mutex::new(()),
            is_marked: AtomicBool::new(false),
            cache: Arc::clone(cache),
            on_disk,
        })
    }

    /// The same table in another place of the tree: its file is gone only when nobody reads it in either place, and its cached blocks stay its own.
    pub(crate) fn moved_to(&self, level: u32, epoch: u64) -> Arc<OpenTable> {
        let record = TableRecord { level, epoch, ..self.record.clone() };
        OpenTable::new(self.keyspace, record, self.cache_number, &self.cache, Arc::clone(&self.on_disk))
    }

    /// The file, opened if need be. Whoever holds it can read on, also after the cache has closed it.
    ///
    /// # Errors
    ///
    /// Those of [`Table::open`].
    pub(crate) fn open(self: &Arc<Self>) -> Result<Arc<Table>> {
        self.with_file(|file| Ok(Arc::clone(file)))
    }

    /// Reads in the file, opened if need be, without writing to memory that other readers use.
    ///
    /// # Errors
    ///
    /// Those of [`Table::open`], and of `read`.
    pub(crate) fn with_file<T>(self: &Arc<Self>, read: impl FnOnce(&Arc<Table>) -> Result<T>) -> Result<T> {
        if let Some(file) = &*self.file.load() {
            // Looked at first: a mark that is there need not be written again.
            if !self.is_marked.load(Ordering::Relaxed) {
                self.is_marked.store(true, Ordering::Relaxed);
            }
            return read(file);
        }
        read(&self.open_file()?)
    }

    #[cold]
    fn open_file(self: &Arc<Self>) -> Result<Arc<Table>> {
        let turn = self.turn.lock();
        // Someone may have been faster.
        if let Some(file) = &*self.file.load() {
            return Ok(Arc::clone(file));
        }
        let file = self.cache.open(self)?;
        self.file.store(Some(Arc::clone(&file)));
        drop(turn);
        self.cache.opened(self, &file);
        Ok(file)
    }

    /// Closes the file, unless it was read since this was last asked, or is being opened. True when it is closed.
    pub(crate) fn close_unless_read(&self) -> bool {
        if self.is_marked.swap(false, Ordering::Relaxed) {
            return false;
        }
        let turn = self.turn.try_lock();
        if turn.is_some() {
            self.file.store(None);
        }
        turn.is_some()
    }

    /// About what index and filter will take, in bytes, for a table that was not opened yet.
    pub(crate) fn memory_estimate(&self, block_bytes: u32) -> u64 {
        // A handle, a restart, and what is in front of the key.
        const INDEX_ENTRY_BYTES: u64 = 24;
        let record = &self.record;
        let key = record.smallest.len().max(record.largest.len()) as u64;
        let blocks = record.raw_bytes / u64::from(block_bytes.max(1)) + 1;
        // Sixteen bits of filter for a key.
        blocks.min(record.entries) * (key + INDEX_ENTRY_BYTES) + record.entries * 2
    }

    /// The edit that makes it part of the tree.
    pub(crate) fn added(&self) -> Field {
        Field::TableAdded { keyspace: self.keyspace.0, table: Box::new(self.record.clone()) }
    }

    /// The manifest does not name it (any more): its file goes with the last one who can read it.
    pub(crate) fn make_obsolete(&self) {
        self.on_disk.make_obsolete();
    }

    /// What a compaction strategy gets to see.
    pub(crate) fn meta(&self) -> TableMeta {
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
    /// Size of all files.
    pub(crate) file_bytes: u64,
}

impl Tree {
    /// Sorts tables into runs, and runs into the order of age.
    pub(crate) fn new(tables: impl IntoIterator<Item = Arc<OpenTable>>) -> Tree {
        let tables: HashMap<TableId, _> =
            tables.into_iter().map(|table| (TableId(table.record.number), table)).collect();
        let levels = levels_from_tables(
            tables
                .values()
                .map(|table| (table.record.level, Epoch(table.record.epoch), Arc::new(table.meta()))),
        );
        let file_bytes = tables.values().map(|table| table.record.file_bytes).sum();
        let runs = runs_by_age(&levels).map(|(position, run)| Run {
            level: position.level,
            tables: run.tables.iter().filter_map(|meta| tables.get(&meta.id).cloned()).collect(),
        });
        Tree { runs: runs.collect(), levels, file_bytes }
    }

    pub(crate) fn tables(&self) -> impl Iterator<Item = &Arc<OpenTable>> {
        self.runs.iter().flat_map(|run| run.tables.iter())
    }
}

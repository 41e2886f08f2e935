//! Keeps a bounded number of tables open: each takes a file descriptor, and memory for its index and filter.

use std::{collections::VecDeque, io};

use siltstone_sstable::{BlockCache, Expected, FilterPolicies, OpenOptions, Table};
use siltstone_types::{Error, Result};
use siltstone_vfs::Fs;

use crate::{
    files::Layout,
    sync::{Arc, Mutex, Weak},
    tree::OpenTable,
};

/// `EMFILE` and `ENFILE`: no descriptor is left, for this process or for the system.
const OUT_OF_DESCRIPTORS: [i32; 2] = [24, 23];

/// Tables that are open at a time, however few files the process may have.
const OPEN_MIN: u64 = 4;

/// Opens tables when they are first read, and closes those that were not read for a while (second chance, the clock algorithm of Corbató, 1968).
#[derive(Debug)]
pub(crate) struct TableCache {
    fs: Arc<dyn Fs>,
    layout: Layout,
    blocks: Option<Arc<dyn BlockCache>>,
    policies: FilterPolicies,
    open_max: usize,
    /// Those that are open, in the order in which the hand passes them.
    ring: Mutex<VecDeque<Weak<OpenTable>>>,
}

impl TableCache {
    pub(crate) fn new(
        fs: Arc<dyn Fs>,
        layout: Layout,
        blocks: Option<Arc<dyn BlockCache>>,
        policies: FilterPolicies,
        open_max: u32,
    ) -> Arc<TableCache> {
        // Half of what the process may have: the rest is for logs, merges and the program around us.
        let allowed = fs.open_files_max().map_or(u64::MAX, |max| (max / 2).max(OPEN_MIN));
        let open_max = usize::try_from(u64::from(open_max).min(allowed)).unwrap_or(usize::MAX);
        Arc::new(TableCache { fs, layout, blocks, policies, open_max, ring: Mutex::default() })
    }

    /// Opens a table's file. When no descriptor is left, tables that nobody reads at this moment are closed first.
    pub(crate) fn open(&self, table: &OpenTable) -> Result<Arc<Table>> {
        match self.open_file(table) {
            Err(Error::Io { source, .. }) if is_out_of_descriptors(&source) => {
                self.close_down_to(0);
                self.open_file(table)
            }
            outcome => outcome,
        }
    }

    fn open_file(&self, table: &OpenTable) -> Result<Arc<Table>> {
        let record = &table.record;
        let options = OpenOptions {
            expect: Some(Expected { unique_id: record.unique_id, file_bytes: record.file_bytes }),
            cache: self.blocks.clone(),
            cache_number: table.cache_number,
            policies: self.policies.clone(),
            ..OpenOptions::default()
        };
        Table::open(&*self.fs, &self.layout.table(record.number), options)
    }

    /// How many are open.
    pub(crate) fn open_count(&self) -> u64 {
        self.ring.lock().iter().filter(|table| table.strong_count() > 0).count() as u64
    }

    /// Notes that a table is open now, and closes others beyond the limit.
    pub(crate) fn opened(&self, table: &Arc<OpenTable>) {
        self.ring.lock().push_back(Arc::downgrade(table));
        self.close_down_to(self.open_max);
    }

    fn close_down_to(&self, open_max: usize) {
        let mut ring = self.ring.lock();
        // Each is passed twice at most: once to take its mark away, once to close it.
        for _ in 0..2 * ring.len() {
            if ring.len() <= open_max {
                return;
            }
            let Some(next) = ring.pop_front() else { return };
            if let Some(table) = next.upgrade()
                && !table.close_unless_read()
            {
                ring.push_back(next);
            }
        }
    }
}

fn is_out_of_descriptors(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| OUT_OF_DESCRIPTORS.contains(&code))
}

//! Keeps a bounded number of tables open: each takes a file descriptor, and memory for its index and filter.

use std::{collections::VecDeque, io};

use siltstone_sstable::{BlockCache, Expected, FilterPolicies, OpenOptions, Table};
use siltstone_types::{Error, Result};
use siltstone_vfs::Fs;

use crate::{
    Settings,
    files::Layout,
    memory::Memory,
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
    block_bytes: u32,
    open_max: usize,
    memory: Arc<Memory>,
    state: Mutex<State>,
}

#[derive(Default, Debug)]
struct State {
    /// Those that are open, in the order in which the hand passes them.
    ring: VecDeque<Opened>,
    /// Those that are closed, but that cursors keep open for themselves.
    held: Vec<(Weak<Table>, u64)>,
    /// What those that are being opened will take.
    opening_bytes: u64,
}

#[derive(Debug)]
struct Opened {
    table: Weak<OpenTable>,
    file: Weak<Table>,
    bytes: u64,
}

impl TableCache {
    pub(crate) fn new(
        fs: Arc<dyn Fs>,
        layout: Layout,
        blocks: Option<Arc<dyn BlockCache>>,
        policies: FilterPolicies,
        settings: &Settings,
        memory: Arc<Memory>,
    ) -> Arc<TableCache> {
        // Half of what the process may have: the rest is for logs, merges and the program around us.
        let allowed = fs.open_files_max().map_or(u64::MAX, |max| (max / 2).max(OPEN_MIN));
        let open_max = u64::from(settings.open_tables_max).min(allowed);
        Arc::new(TableCache {
            fs,
            layout,
            blocks,
            policies,
            block_bytes: settings.block_bytes,
            open_max: usize::try_from(open_max).unwrap_or(usize::MAX),
            memory,
            state: Mutex::default(),
        })
    }

    /// Opens a table's file. Others are closed for it when memory is short, or no descriptor is left; but none that is being read.
    pub(crate) fn open(&self, table: &OpenTable) -> Result<Arc<Table>> {
        let estimate = table.memory_estimate(self.block_bytes);
        {
            let mut state = self.state.lock();
            state.opening_bytes += estimate;
            self.close_down_to(&mut state, self.open_max, self.memory.shares.tables);
        }
        let opened = match self.open_file(table) {
            Err(Error::Io { source, .. }) if is_out_of_descriptors(&source) => {
                self.close_down_to(&mut self.state.lock(), 0, 0);
                self.open_file(table)
            }
            outcome => outcome,
        };
        let mut state = self.state.lock();
        state.opening_bytes -= estimate;
        self.memory.note_tables(state.bytes());
        opened
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
        self.state.lock().ring.iter().filter(|opened| opened.table.strong_count() > 0).count() as u64
    }

    /// Measures what open tables take.
    pub(crate) fn note_memory(&self) {
        self.memory.note_tables(self.state.lock().bytes());
    }

    /// Notes that a table is open now, and closes others beyond the limits.
    pub(crate) fn opened(&self, table: &Arc<OpenTable>, file: &Arc<Table>) {
        let bytes = file.memory_bytes() as u64;
        let mut state = self.state.lock();
        state.ring.push_back(Opened { table: Arc::downgrade(table), file: Arc::downgrade(file), bytes });
        self.close_down_to(&mut state, self.open_max, self.memory.shares.tables);
    }

    fn close_down_to(&self, state: &mut State, open_max: usize, bytes_max: u64) {
        state.held.retain(|(file, _)| file.strong_count() > 0);
        let mut bytes = state.bytes();
        // Each is passed twice at most: once to take its mark away, once to close it.
        for _ in 0..2 * state.ring.len() {
            if state.ring.len() <= open_max && bytes <= bytes_max {
                break;
            }
            let Some(next) = state.ring.pop_front() else { break };
            let was_resident = next.file.strong_count() > 0;
            if next.table.upgrade().is_some_and(|table| !table.close_unless_read()) {
                state.ring.push_back(next);
            } else if next.file.strong_count() > 0 {
                state.held.push((next.file, next.bytes));
            } else if was_resident {
                bytes = bytes.saturating_sub(next.bytes);
            }
        }
        self.memory.note_tables(state.bytes());
    }
}

impl State {
    /// Of all that are open for anyone.
    fn bytes(&self) -> u64 {
        let open = self.ring.iter().map(|opened| (&opened.file, opened.bytes));
        let held = self.held.iter().map(|(file, bytes)| (file, *bytes));
        let resident = open.chain(held).filter(|(file, _)| file.strong_count() > 0);
        resident.map(|(_, bytes)| bytes).sum::<u64>() + self.opening_bytes
    }
}

fn is_out_of_descriptors(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| OUT_OF_DESCRIPTORS.contains(&code))
}

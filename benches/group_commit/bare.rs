//! The least that a durable append can cost: one file, one write call, one sync.
//!
//! Alike to the engine's log, so that nothing but the engine's own work lies between the two figures: the file is made with the same calls and lies as
//! deep, begins with as many bytes, is opened with the same flags, and grows (or is reserved) in the same way; records are as long as those of the
//! engine, and each thread makes its key as it does for the engine. Not in it: checksums, sequence numbers, memtables.

use std::{
    io::{self, IoSlice},
    path::Path,
    sync::{Arc, Condvar, Mutex, PoisonError},
};

use siltstone_vfs::{Fs, OsFs, WriteFile};

use crate::{Figures, key, rate};

/// Bytes of a log's header.
const HEADER: [u8; 44] = [7; 44];

/// Appends and syncs by several threads: whoever finds nobody syncing does it for all that was appended, and the others wait for him.
struct Bare {
    file: Arc<dyn WriteFile>,
    record: Vec<u8>,
    reserve_bytes: u64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    appended: u64,
    file_bytes: u64,
    synced: u64,
    is_syncing: bool,
}

/// `dir` is new, and removed at the end.
pub(crate) fn appends(
    dir: &Path,
    writers: usize,
    record_bytes: usize,
    reserve_bytes: u64,
) -> Result<Figures, Box<dyn std::error::Error>> {
    let fs = OsFs::new();
    let folder = dir.join("wal");
    fs.create_dir_all(&folder)?;
    let path = folder.join("000002.log");
    let file = fs.create(&path)?;
    file.allocate(0, reserve_bytes)?;
    file.write_at(&[IoSlice::new(&HEADER)], 0)?;
    file.sync_data()?;
    fs.sync_dir(&folder)?;
    let (appended, synced) = (HEADER.len() as u64, HEADER.len() as u64);
    let state = Mutex::new(State { appended, synced, file_bytes: reserve_bytes, is_syncing: false });
    let record = vec![7; record_bytes];
    let bare = Bare { file, record, reserve_bytes, state, changed: Condvar::new() };
    let figures = rate(writers, |writer, number| !key(writer, number).is_empty() && bare.append().is_ok())?;
    drop(bare);
    fs.remove(&path)?;
    fs.remove_dir(&folder)?;
    fs.remove_dir(dir)?;
    Ok(figures)
}

impl Bare {
    fn append(&self) -> io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if self.reserve_bytes > 0 && state.appended + self.record.len() as u64 > state.file_bytes {
            self.file.allocate(state.file_bytes, self.reserve_bytes)?;
            state.file_bytes += self.reserve_bytes;
        }
        self.file.write_at(&[IoSlice::new(&self.record)], state.appended)?;
        state.appended += self.record.len() as u64;
        let target = state.appended;
        while state.synced < target {
            if state.is_syncing {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.is_syncing = true;
            let covered = state.appended;
            drop(state);
            let outcome = self.file.sync_data();
            state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.is_syncing = false;
            state.synced = if outcome.is_ok() { covered } else { state.synced };
            self.changed.notify_all();
            outcome?;
        }
        Ok(())
    }
}

//! The least that a durable append can cost: one file, one write call, one sync.

use std::{
    io::{self, IoSlice},
    path::Path,
    sync::{Arc, Condvar, Mutex, PoisonError},
};

use siltstone_vfs::{Fs, OsFs, WriteFile};

/// As long as the record that a put of the engine's makes.
const RECORD: [u8; 180] = [7; 180];

/// Appends and syncs by several threads: whoever finds nobody syncing does it for all that was appended.
struct Bare {
    file: Arc<dyn WriteFile>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    appended: u64,
    synced: u64,
    is_syncing: bool,
}

pub(crate) fn syncs(path: &Path, writers: usize) -> Result<f64, Box<dyn std::error::Error>> {
    let file = OsFs::new().create(path)?;
    file.sync_data()?;
    let bare = Bare { file, state: Mutex::default(), changed: Condvar::new() };
    let figure = crate::rate(writers, |_, _| bare.append().is_ok())?;
    drop(bare);
    OsFs::new().remove(path)?;
    Ok(figure)
}

impl Bare {
    fn append(&self) -> io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.file.write_at(&[IoSlice::new(&RECORD)], state.appended)?;
        state.appended += RECORD.len() as u64;
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

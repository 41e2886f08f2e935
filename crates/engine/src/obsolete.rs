//! Removes files that nobody can read any more.

use std::path::PathBuf;

use siltstone_vfs::Fs;

use crate::{
    files::Layout,
    sync::{Arc, Mutex},
};

/// The one owner of files that are to go: whoever lets go of a table last puts it here, and does not wait for the disk.
#[derive(Debug)]
pub(crate) struct ObsoleteFiles {
    fs: Arc<dyn Fs>,
    layout: Layout,
    state: Mutex<State>,
}

#[derive(Default, Debug)]
struct State {
    logs: Vec<u64>,
    tables: Vec<u64>,
    /// Who copies files, which must stay meanwhile.
    holds: usize,
}

/// As long as it lives, no file is removed.
#[derive(Debug)]
pub(crate) struct Hold(Arc<ObsoleteFiles>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.state.lock().holds -= 1;
    }
}

impl ObsoleteFiles {
    pub(crate) fn new(fs: Arc<dyn Fs>, layout: Layout) -> Arc<ObsoleteFiles> {
        Arc::new(ObsoleteFiles { fs, layout, state: Mutex::default() })
    }

    pub(crate) fn add_table(&self, number: u64) {
        self.state.lock().tables.push(number);
    }

    /// A log that the manifest does not name any more.
    pub(crate) fn add_log(&self, number: u64) {
        self.state.lock().logs.push(number);
    }

    /// Keeps all files, until it is let go of and [`ObsoleteFiles::remove_all`] is called again.
    pub(crate) fn hold(self: &Arc<Self>) -> Hold {
        self.state.lock().holds += 1;
        Hold(Arc::clone(self))
    }

    /// Removes what has gathered, unless somebody holds on to it. A file that stays is removed at the next open.
    pub(crate) fn remove_all(&self) {
        for path in self.take() {
            if let Err(error) = self.fs.remove(&path) {
                tracing::warn!(path = %path.display(), %error, "cannot remove a file that is not needed any more");
            }
        }
    }

    fn take(&self) -> Vec<PathBuf> {
        let mut state = self.state.lock();
        if state.holds > 0 {
            return Vec::new();
        }
        let (mut logs, mut tables) = (std::mem::take(&mut state.logs), std::mem::take(&mut state.tables));
        drop(state);
        logs.sort_unstable();
        tables.sort_unstable();
        let logs = logs.into_iter().map(|number| self.layout.log(number));
        logs.chain(tables.into_iter().map(|number| self.layout.table(number))).collect()
    }
}

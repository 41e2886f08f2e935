//! Removes files that nobody can read any more.

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
    tables: Mutex<Vec<u64>>,
}

impl ObsoleteFiles {
    pub(crate) fn new(fs: Arc<dyn Fs>, layout: Layout) -> Arc<ObsoleteFiles> {
        Arc::new(ObsoleteFiles { fs, layout, tables: Mutex::default() })
    }

    pub(crate) fn add_table(&self, number: u64) {
        self.tables.lock().push(number);
    }

    /// Removes what has gathered. A file that stays is removed at the next open.
    pub(crate) fn remove_all(&self) {
        let mut numbers = std::mem::take(&mut *self.tables.lock());
        numbers.sort_unstable();
        for number in numbers {
            let path = self.layout.table(number);
            if let Err(error) = self.fs.remove(&path) {
                tracing::warn!(path = %path.display(), %error, "cannot remove a file that is not needed any more");
            }
        }
    }
}

//! Removes files that nobody can read any more.

use std::panic::{AssertUnwindSafe, catch_unwind};

use siltstone_vfs::Fs;

use crate::{
    Executor, Lane,
    files::Layout,
    sync::{Arc, Mutex, Weak},
};

/// The one owner of files that are to go: whoever lets go of a table last puts it here, and does not wait for the disk.
#[derive(Debug)]
pub(crate) struct ObsoleteFiles {
    fs: Arc<dyn Fs>,
    layout: Layout,
    waiting: Mutex<Waiting>,
    weak: Weak<ObsoleteFiles>,
}

#[derive(Default, Debug)]
struct Waiting {
    tables: Vec<u64>,
    /// Where they are removed; nowhere while a database is being opened, or is read-only.
    executor: Option<Arc<dyn Executor>>,
    is_scheduled: bool,
}

impl ObsoleteFiles {
    pub(crate) fn new(fs: Arc<dyn Fs>, layout: Layout) -> Arc<ObsoleteFiles> {
        Arc::new_cyclic(|weak| ObsoleteFiles { fs, layout, waiting: Mutex::default(), weak: weak.clone() })
    }

    /// From now on what is added is removed soon, in the background.
    pub(crate) fn remove_on(&self, executor: &Arc<dyn Executor>) {
        self.waiting.lock().executor = Some(Arc::clone(executor));
    }

    pub(crate) fn add_table(&self, number: u64) {
        let mut waiting = self.waiting.lock();
        waiting.tables.push(number);
        let Some(executor) = waiting.executor.clone() else { return };
        if std::mem::replace(&mut waiting.is_scheduled, true) {
            return;
        }
        drop(waiting);
        let files = self.weak.clone();
        executor.spawn(
            Lane::Housekeeping,
            Box::new(move || {
                let Some(files) = files.upgrade() else { return };
                if catch_unwind(AssertUnwindSafe(|| files.remove_all())).is_err() {
                    // It costs space, until the next open.
                    tracing::error!("removing files panicked");
                }
            }),
        );
    }

    /// Removes what has gathered. A file that stays is removed at the next open.
    pub(crate) fn remove_all(&self) {
        let mut numbers = {
            let mut waiting = self.waiting.lock();
            waiting.is_scheduled = false;
            std::mem::take(&mut waiting.tables)
        };
        numbers.sort_unstable();
        for number in numbers {
            let path = self.layout.table(number);
            if let Err(error) = self.fs.remove(&path) {
                tracing::warn!(path = %path.display(), %error, "cannot remove a file that is not needed any more");
            }
        }
    }
}

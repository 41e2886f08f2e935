//! Removes files that nobody can read any more.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
};

use siltstone_vfs::Fs;

use crate::{
    Executor, Lane,
    files::Layout,
    sync::{Arc, AtomicBool, Mutex, Ordering, Weak},
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
    logs: Vec<u64>,
    tables: Vec<u64>,
    /// Who copies files, which must stay meanwhile.
    holds: usize,
    /// Where they are removed; nowhere while a database is being opened, or is read-only.
    executor: Option<Arc<dyn Executor>>,
    is_scheduled: bool,
}

/// As long as it lives, no file is removed.
#[derive(Debug)]
pub(crate) struct Hold(Arc<ObsoleteFiles>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.waiting.lock().holds -= 1;
    }
}

/// The file of a table. Whoever may read it, now or later, holds one of these, wherever in the tree the table is: one that was moved is still where it was
/// for those who look at an earlier version.
#[derive(Debug)]
pub(crate) struct TableFile {
    number: u64,
    is_obsolete: AtomicBool,
    files: Arc<ObsoleteFiles>,
}

impl TableFile {
    pub(crate) fn new(number: u64, files: &Arc<ObsoleteFiles>) -> Arc<TableFile> {
        Arc::new(TableFile { number, is_obsolete: AtomicBool::new(false), files: Arc::clone(files) })
    }

    /// It goes with the last one who holds it.
    pub(crate) fn make_obsolete(&self) {
        self.is_obsolete.store(true, Ordering::Release);
    }
}

impl Drop for TableFile {
    fn drop(&mut self) {
        if self.is_obsolete.load(Ordering::Acquire) {
            self.files.add_table(self.number);
        }
    }
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

    /// A log that the manifest does not name any more. Removed by the next [`ObsoleteFiles::remove_all`].
    pub(crate) fn add_log(&self, number: u64) {
        self.waiting.lock().logs.push(number);
    }

    /// Keeps all files, until it is let go of and [`ObsoleteFiles::remove_all`] is called again.
    pub(crate) fn hold(self: &Arc<Self>) -> Hold {
        self.waiting.lock().holds += 1;
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
        let mut waiting = self.waiting.lock();
        waiting.is_scheduled = false;
        if waiting.holds > 0 {
            return Vec::new();
        }
        let (mut logs, mut tables) = (std::mem::take(&mut waiting.logs), std::mem::take(&mut waiting.tables));
        drop(waiting);
        logs.sort_unstable();
        tables.sort_unstable();
        let logs = logs.into_iter().map(|number| self.layout.log(number));
        logs.chain(tables.into_iter().map(|number| self.layout.table(number))).collect()
    }
}

//! Makes a log durable, from any thread, while others append to it.

use std::path::{Path, PathBuf};

use siltstone_types::{Error, IoResultExt, Result};
use siltstone_vfs::WriteFile;

use crate::sync::{Arc, AtomicBool, AtomicU64, Mutex, Ordering, lock};

/// Makes a log durable. Cheap to clone; made by [`LogWriter::syncer`](crate::LogWriter::syncer).
#[derive(Clone, Debug)]
pub struct LogSyncer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    file: Arc<dyn WriteFile>,
    path: PathBuf,
    /// Everything below was written by calls that have returned.
    appended: AtomicU64,
    /// Everything below was synced by calls that have returned.
    synced: AtomicU64,
    predecessors_synced: AtomicBool,
    /// Held during a sync. Of two syncs at once the operating system may tell only one about lost bytes, and
    /// the other would promise them.
    turn: Mutex<()>,
    /// The first sync that failed.
    failure: Mutex<Option<Error>>,
}

impl LogSyncer {
    pub(crate) fn new(file: Arc<dyn WriteFile>, path: PathBuf, synced: u64, predecessors: bool) -> LogSyncer {
        let shared = Shared {
            file,
            path,
            appended: AtomicU64::new(synced),
            synced: AtomicU64::new(synced),
            predecessors_synced: AtomicBool::new(predecessors),
            turn: Mutex::new(()),
            failure: Mutex::new(None),
        };
        LogSyncer { shared: Arc::new(shared) }
    }

    /// Makes durable everything that was appended before the call, and returns how far that is. Appending
    /// goes on meanwhile; other syncs wait for this one, and return without one of their own when it covered
    /// what they want.
    ///
    /// # Errors
    ///
    /// A failure is final. The operating system may have dropped bytes that were written, and says so once;
    /// therefore every later sync and append of this log returns the same error.
    pub fn sync(&self) -> Result<u64> {
        let shared = &*self.shared;
        let wanted = shared.appended.load(Ordering::Acquire);
        let _turn = lock(&shared.turn);
        self.check()?;
        let synced = shared.synced.load(Ordering::Acquire);
        if wanted <= synced {
            return Ok(synced);
        }
        shared.sync_in_turn()
    }

    /// Everything below this offset has been synced.
    pub fn synced_to(&self) -> u64 {
        self.shared.synced.load(Ordering::Acquire)
    }

    /// Everything below this offset has been appended.
    pub fn appended_to(&self) -> u64 {
        self.shared.appended.load(Ordering::Acquire)
    }

    /// Says that every earlier log of the owner is synced in full. Until then this log's records promise
    /// nothing: a promise speaks for the earlier logs too.
    pub fn predecessors_synced(&self) {
        self.shared.predecessors_synced.store(true, Ordering::Release);
    }

    /// The log's file.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// What the next record may promise.
    pub(crate) fn promise(&self) -> u64 {
        if self.shared.predecessors_synced.load(Ordering::Acquire) { self.synced_to() } else { 0 }
    }

    pub(crate) fn file(&self) -> &dyn WriteFile {
        &*self.shared.file
    }

    pub(crate) fn set_appended(&self, end: u64) {
        self.shared.appended.store(end, Ordering::Release);
    }

    /// Whether what was appended can still be made durable.
    ///
    /// # Errors
    ///
    /// The first sync that failed.
    pub fn check(&self) -> Result<()> {
        lock(&self.shared.failure).clone().map_or(Ok(()), Err)
    }

    /// Syncs even when nothing was appended: after a cut.
    pub(crate) fn sync_always(&self) -> Result<u64> {
        let shared = &*self.shared;
        let _turn = lock(&shared.turn);
        self.check()?;
        shared.sync_in_turn()
    }
}

impl Shared {
    fn sync_in_turn(&self) -> Result<u64> {
        // Not what was there when the caller asked: waiting for the turn may have let more in, and the sync
        // covers it at no cost.
        let covered = self.appended.load(Ordering::Acquire);
        if let Err(error) = self.file.sync_data().on("sync a log", &self.path) {
            *lock(&self.failure) = Some(error.clone());
            return Err(error);
        }
        self.synced.store(covered, Ordering::Release);
        Ok(covered)
    }
}

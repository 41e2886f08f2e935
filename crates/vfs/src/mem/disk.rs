//! What all files of one memory file system share.

use std::{
    collections::BTreeSet,
    io,
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
};

use parking_lot::{Mutex, RwLock, RwLockReadGuard};

use super::names::Names;

/// Without a limit, this is how much fits: more than any test writes, and far from overflowing in sums.
const CAPACITY_BYTES_DEFAULT: u64 = 1 << 60;

#[derive(Debug)]
pub(super) struct Disk {
    /// Work on file content holds this for reading, work on names and power cuts hold it for writing: so a
    /// power cut happens between two operations, never during one.
    pub(super) names: RwLock<Names>,
    /// Inodes whose lock is held.
    pub(super) locked: Mutex<BTreeSet<u64>>,
    pub(super) capacity_bytes: AtomicU64,
    pub(super) next_inode: AtomicU64,
    pub(super) op_count: AtomicU64,
    pub(super) sync_failures: AtomicU32,
    used_bytes: AtomicU64,
}

impl Disk {
    pub(super) fn new(names: Names) -> Self {
        Self {
            names: RwLock::new(names),
            locked: Mutex::default(),
            capacity_bytes: AtomicU64::new(CAPACITY_BYTES_DEFAULT),
            next_inode: AtomicU64::new(0),
            op_count: AtomicU64::new(0),
            sync_failures: AtomicU32::new(0),
            used_bytes: AtomicU64::new(0),
        }
    }

    /// Counts an operation and keeps power cuts away while it lasts.
    pub(super) fn begin(&self) -> RwLockReadGuard<'_, Names> {
        self.op_count.fetch_add(1, Ordering::Relaxed);
        self.names.read()
    }

    pub(super) fn available_bytes(&self) -> u64 {
        self.capacity_bytes.load(Ordering::Relaxed).saturating_sub(self.used_bytes.load(Ordering::Relaxed))
    }

    /// Reserves `bytes`, or as many as there are; returns how many.
    pub(super) fn take_up_to(&self, bytes: u64) -> u64 {
        let capacity = self.capacity_bytes.load(Ordering::Relaxed);
        let fitting = |used: u64| bytes.min(capacity.saturating_sub(used));
        let take = |used: u64| Some(used + fitting(used));
        let used = self.used_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        fitting(used.unwrap_or_else(|used| used))
    }

    /// Reserves `bytes`, all or none.
    pub(super) fn take(&self, bytes: u64) -> io::Result<()> {
        let taken = self.take_up_to(bytes);
        if taken == bytes {
            return Ok(());
        }
        self.give_back(taken);
        Err(io::ErrorKind::StorageFull.into())
    }

    pub(super) fn give_back(&self, bytes: u64) {
        self.used_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// For a disk that gets its files at once: they fit, whatever the capacity.
    pub(super) fn count_used(&self, bytes: u64) {
        self.used_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// True when this sync is one that has to fail.
    pub(super) fn takes_sync_failure(&self) -> bool {
        self.sync_failures
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |failures| failures.checked_sub(1))
            .is_ok()
    }
}

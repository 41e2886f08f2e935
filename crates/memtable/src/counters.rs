//! How many entries a table has, and what they cost.

use std::sync::atomic::{AtomicU64, Ordering};

/// Two counters that every writer adds to, once a batch, and that never fall.
#[derive(Default, Debug)]
pub(crate) struct Counters {
    entries: AtomicU64,
    bytes: AtomicU64,
}

impl Counters {
    pub(crate) fn add(&self, entries: u64, bytes: u64) {
        self.entries.fetch_add(entries, Ordering::Relaxed);
        if bytes > 0 {
            self.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    pub(crate) fn entries(&self) -> u64 {
        self.entries.load(Ordering::Relaxed)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

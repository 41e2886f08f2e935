//! By which time a read judges what has expired, and from when on there may be such entries at all.

use std::fmt;

use crate::{
    Clock, Result,
    db::Inner,
    ledger::Ledger,
    manifest::format::{FORMAT_VERSION_OF_EXPIRY, Field},
    sync::{Arc, AtomicBool, Ordering},
};

/// The clock of reads, and whether they need one.
pub(crate) struct Expiry {
    clock: Arc<dyn Clock>,
    /// The database has the format version that entries which expire need. Set before the first of them is logged.
    may_exist: AtomicBool,
}

impl fmt::Debug for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expiry").field("may_exist", &self.may_exist()).finish_non_exhaustive()
    }
}

impl Expiry {
    /// For a database of this format version.
    pub(crate) fn new(clock: Arc<dyn Clock>, format_version: u64) -> Arc<Expiry> {
        let may_exist = AtomicBool::new(format_version >= FORMAT_VERSION_OF_EXPIRY);
        Arc::new(Expiry { clock, may_exist })
    }

    pub(crate) fn may_exist(&self) -> bool {
        self.may_exist.load(Ordering::Acquire)
    }

    /// Now, for whoever has met an entry that expires.
    pub(crate) fn now_unix_ms(&self) -> u64 {
        self.clock.now_unix_ms()
    }

    /// Now, for a read that may meet many entries and judges all of them alike; 0, without a look at the clock, while there is none that expires.
    /// Asked after the read has got its sequence number: what is visible at that was logged before, and noted here even earlier.
    pub(crate) fn time_of_read_unix_ms(&self) -> u64 {
        if self.may_exist() { self.clock.now_unix_ms() } else { 0 }
    }
}

impl Inner {
    /// Raises the format version, durably, so that no program opens the database that does not know entries which expire. Called before the first
    /// one is logged, under none of the locks of a commit.
    pub(crate) fn allow_expiring(&self) -> Result<()> {
        if self.expiry.may_exist() {
            return Ok(());
        }
        self.allow_expiring_in(&mut self.ledger()?.lock())
    }

    /// The same, for whoever has the ledger's lock.
    pub(crate) fn allow_expiring_in(&self, ledger: &mut Ledger) -> Result<()> {
        // Someone may have been faster.
        if ledger.state.format_version < FORMAT_VERSION_OF_EXPIRY {
            self.commit_edit(ledger, vec![Field::FormatVersion(FORMAT_VERSION_OF_EXPIRY)])?;
        }
        self.expiry.may_exist.store(true, Ordering::Release);
        Ok(())
    }
}

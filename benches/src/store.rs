//! What a benchmark drives: the engine, or another store that is measured beside it.
//!
//! Each method promises what every store can keep, so that each does the same work:
//!
//! - A *write* has been acknowledged when its method returns: the process may be killed then, and the write is there at the next opening. Whether it survives a power cut too is
//!   a property of how the store was opened, not of the call. A store that cannot promise the former says so in docs/benchmarks.md.
//! - A *batch* becomes visible, and durable, all together or not at all.
//! - A *view* sees at least what was acknowledged before it was made. It may see later writes or not, and it may keep a transaction open: workloads that write make one for
//!   each read, those that only read one for each thread.
//! - A *cursor* stands on an entry or on none. A new one stands on none; moving off either end leaves it on none, and so does a step from none. It sees what its view sees.
//! - *Settled* is a store when nothing is left that it would do without being asked: no flush, no compaction that is due.
//!
//! Keys are ordered bytewise, and none is empty. The methods are generic rather than virtual, because the loop that is timed calls them.

use std::{path::Path, time::Duration};

use anyhow::{Result, bail};
use siltstone::Stats;

use crate::cell::Cell;

/// One entry of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Write<'a> {
    /// Sets a key to a value.
    Put(&'a [u8], &'a [u8]),
    /// Removes a key, which need not be there.
    Delete(&'a [u8]),
}

/// A store in a folder.
pub trait Store: Sync + Sized {
    /// What reads go through.
    type View<'a>: View
    where
        Self: 'a;

    /// Opens the store in a folder, and makes it when there is none, with the cell's settings as far as it has them.
    ///
    /// # Errors
    ///
    /// The store's.
    fn open(cell: &Cell, dir: &Path) -> Result<Self>;

    /// Sets a key to a value.
    ///
    /// # Errors
    ///
    /// The store's; so for all of these.
    fn put(&self, key: &[u8], value: &[u8]) -> Result<()>;

    /// Sets a key to a value that is gone after a while: no read sees it then.
    ///
    /// # Errors
    ///
    /// Also when the store has nothing that expires.
    fn put_expiring(&self, key: &[u8], value: &[u8], lives: Duration) -> Result<()> {
        let _ = (key, value, lives);
        bail!("this store has no entries that expire")
    }

    /// Removes a key, which need not be there.
    fn delete(&self, key: &[u8]) -> Result<()>;

    /// Writes everything, in order, together.
    fn write_batch<'a>(&self, writes: impl IntoIterator<Item = Write<'a>>) -> Result<()>;

    /// The same before anything is timed: it need not survive a power cut yet, however the store was opened.
    fn load_batch<'a>(&self, writes: impl IntoIterator<Item = Write<'a>>) -> Result<()> {
        self.write_batch(writes)
    }

    /// A view of what is there.
    fn view(&self) -> Result<Self::View<'_>>;

    /// Flushes, and waits until the store is settled. Returns how long that took, without what was waited to be sure.
    ///
    /// # Errors
    ///
    /// The store's, and when it takes more than ten minutes.
    fn settle(&self) -> Result<Duration>;

    /// What the store counts of itself; `None` when it does not count what the engine counts.
    fn stats(&self) -> Result<Option<Stats>> {
        Ok(None)
    }

    /// Ends all work in the background and lets go of the folder. Nothing acknowledged is lost.
    fn close(self) -> Result<()>;
}

/// What is read.
pub trait View {
    /// A position among its entries.
    type Cursor<'a>: Cursor
    where
        Self: 'a;

    /// Calls `read` with the value of a key; `None` when it is not there.
    ///
    /// # Errors
    ///
    /// The store's; so for all of these.
    fn get_with<T>(&self, key: &[u8], read: impl FnOnce(&[u8]) -> T) -> Result<Option<T>>;

    /// A cursor, on no entry yet.
    fn cursor(&self) -> Result<Self::Cursor<'_>>;
}

/// A position among the entries of a view.
pub trait Cursor {
    /// Moves to the first entry.
    ///
    /// # Errors
    ///
    /// The store's; so for all movements.
    fn first(&mut self) -> Result<()>;

    /// Moves to the last entry.
    fn last(&mut self) -> Result<()>;

    /// Moves to the first entry at or behind a key.
    fn seek(&mut self, key: &[u8]) -> Result<()>;

    /// Moves one entry on.
    fn next(&mut self) -> Result<()>;

    /// Moves one entry back.
    fn prev(&mut self) -> Result<()>;

    /// Key and value of the entry that it stands on.
    fn entry(&self) -> Option<(&[u8], &[u8])>;
}

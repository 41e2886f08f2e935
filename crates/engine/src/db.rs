//! The handle of a database.

use std::{
    fmt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use parking_lot::{Mutex, RwLock};
use siltstone_bloom::FilterPolicy;
use siltstone_memtable::MemtableFactory;
use siltstone_sstable::BlockCache;
use siltstone_types::{SequenceNumber, Slice};
use siltstone_vfs::Fs;

use crate::{
    Builder, Clock, Durability, Error, KeyBounds, Range, Recovery, Result, Settings, Snapshot, WriteBatch,
    files::{Identity, Layout},
    iter::range::prefix_bounds,
    read_view::{ReadView, Version},
    snapshot::SnapshotList,
    write::Writer,
};

/// A key-value database in a directory. Cheap to clone; every clone is the same database.
///
/// Keys and values are bytes, ordered bytewise. Any number of threads may read and write. Dropping the last handle closes the database as
/// [`Db::close`] does, with errors going to the log.
#[derive(Clone, Debug)]
pub struct Db {
    inner: Arc<Inner>,
}

/// What every part of the engine needs and nothing changes.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) fs: Arc<dyn Fs>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) layout: Layout,
    pub(crate) identity: Identity,
    pub(crate) memtables: Box<dyn MemtableFactory>,
    pub(crate) filter: Arc<dyn FilterPolicy>,
    pub(crate) cache: Option<Arc<dyn BlockCache>>,
}

pub(crate) struct Inner {
    pub(crate) shared: Shared,
    pub(crate) recovery: Recovery,
    pub(crate) version: RwLock<Arc<Version>>,
    /// Everything up to this sequence number is visible.
    pub(crate) published: AtomicU64,
    pub(crate) snapshots: Arc<SnapshotList>,
    /// `None` for a read-only database. One writer at a time goes through all four stages of a commit.
    pub(crate) writer: Option<Mutex<Writer>>,
    pub(crate) closed: AtomicBool,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("dir", &self.shared.layout.dir()).finish_non_exhaustive()
    }
}

impl Inner {
    pub(crate) fn new(
        shared: Shared,
        recovery: Recovery,
        version: Version,
        published: SequenceNumber,
        writer: Option<Writer>,
    ) -> Inner {
        Inner {
            shared,
            recovery,
            version: RwLock::new(Arc::new(version)),
            published: AtomicU64::new(published.get()),
            snapshots: Arc::default(),
            writer: writer.map(Mutex::new),
            closed: AtomicBool::new(false),
        }
    }

    pub(crate) fn published(&self) -> SequenceNumber {
        SequenceNumber::new(self.published.load(Ordering::Acquire)).unwrap_or(SequenceNumber::MAX)
    }

    pub(crate) fn view(&self) -> Result<ReadView> {
        if self.closed.load(Ordering::Acquire) { Err(Error::Closed) } else { Ok(self.view_even_if_closed()) }
    }

    fn view_even_if_closed(&self) -> ReadView {
        // The version first: a number taken before it might be one whose versions a compaction has dropped meanwhile.
        let version = Arc::clone(&self.version.read());
        ReadView { version, at: self.published() }
    }

    pub(crate) fn writer(&self) -> Result<&Mutex<Writer>> {
        self.writer.as_ref().ok_or(Error::ReadOnly)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if !self.closed.load(Ordering::Acquire)
            && self.writer.is_some()
            && let Err(error) = self.close()
        {
            tracing::error!(dir = %self.shared.layout.dir().display(), %error, "closing the database failed");
        }
    }
}

impl Db {
    pub(crate) fn new(inner: Inner) -> Db {
        Db { inner: Arc::new(inner) }
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }

    /// Opens the database in a directory with default settings, and creates it when it is missing.
    ///
    /// # Errors
    ///
    /// See [`Builder::open`].
    pub fn open(path: impl Into<PathBuf>) -> Result<Db> {
        Db::builder(path).open()
    }

    /// Opens a database with settings and components of one's own.
    pub fn builder(path: impl Into<PathBuf>) -> Builder {
        Builder::new(path.into())
    }

    /// Sets a key to a value, as durably as the settings say.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a key above 65,536 bytes or a value above 1 GiB (nothing was written), `NoSpace`, `Io`, `Poisoned`, `ReadOnly`, `Closed`.
    pub fn put(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<()> {
        self.put_with(key, value, self.inner.shared.settings.durability)
    }

    /// Like [`Db::put`], as durably as asked.
    ///
    /// # Errors
    ///
    /// As for [`Db::put`].
    pub fn put_with(
        &self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        durability: Durability,
    ) -> Result<()> {
        let mut batch = WriteBatch::new();
        self.write_with(batch.put(key, value), durability)
    }

    /// Deletes a key, whether it exists or not.
    ///
    /// # Errors
    ///
    /// As for [`Db::put`].
    pub fn delete(&self, key: impl AsRef<[u8]>) -> Result<()> {
        let mut batch = WriteBatch::new();
        self.write(batch.delete(key))
    }

    /// Writes all of a batch or nothing of it, as durably as the settings say. The batch is empty afterwards, and can be filled again.
    ///
    /// # Errors
    ///
    /// As for [`Db::put`]; also `InvalidArgument` for a batch above 1 GiB + 1 MiB. The batch is then as it was.
    pub fn write(&self, batch: &mut WriteBatch) -> Result<()> {
        self.write_with(batch, self.inner.shared.settings.durability)
    }

    /// Like [`Db::write`], as durably as asked.
    ///
    /// # Errors
    ///
    /// As for [`Db::write`].
    pub fn write_with(&self, batch: &mut WriteBatch, durability: Durability) -> Result<()> {
        self.inner.write(batch, durability)?;
        batch.clear();
        Ok(())
    }

    /// The value of a key; `None` when it does not exist.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a key that is too long, `Corruption` when a block that is needed is damaged, `Io`, `Closed`.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Slice>> {
        self.inner.view()?.get(key.as_ref())
    }

    /// Whether a key exists.
    ///
    /// # Errors
    ///
    /// As for [`Db::get`].
    pub fn contains_key(&self, key: impl AsRef<[u8]>) -> Result<bool> {
        Ok(self.get(key)?.is_some())
    }

    /// The entries of a range of keys, in key order, as they are now. Any range of the standard library will do, `..` too. Errors come from the
    /// iterator, those of [`Db::get`].
    pub fn range(&self, bounds: impl KeyBounds) -> Range {
        Range::new(self.inner.view(), bounds)
    }

    /// The entries whose keys begin with `prefix`.
    pub fn prefix(&self, prefix: impl AsRef<[u8]>) -> Range {
        self.range(prefix_bounds(prefix.as_ref()))
    }

    /// The database as it is now, for as long as the snapshot lives. (Of a closed database: as it was when it was closed.)
    pub fn snapshot(&self) -> Snapshot {
        self.inner.snapshots.register(|| self.inner.view_even_if_closed())
    }

    /// Makes everything written so far survive a power cut.
    ///
    /// # Errors
    ///
    /// `Io`, `NoSpace`, `Poisoned`, `ReadOnly`, `Closed`. After a failed sync writing stops.
    pub fn sync(&self) -> Result<()> {
        self.inner.sync()
    }

    /// Writes what is in memory to a table.
    ///
    /// # Errors
    ///
    /// As for [`Db::put`].
    pub fn flush(&self) -> Result<()> {
        self.inner.flush()
    }

    /// What opening found and did.
    pub fn recovery(&self) -> &Recovery {
        &self.inner.recovery
    }

    /// Flushes, syncs, marks the database as closed and releases its lock. Other handles get [`Error::Closed`] from then on; snapshots and iterators that live
    /// can still be read.
    ///
    /// # Errors
    ///
    /// As for [`Db::put`]. The database is closed all the same, as by a crash: nothing acknowledged is lost.
    pub fn close(&self) -> Result<()> {
        self.inner.close()
    }
}

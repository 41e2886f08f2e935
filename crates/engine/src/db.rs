//! The handle of a database.

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use siltstone_types::{SequenceNumber, Slice};
use siltstone_vfs::Fs;

use crate::{
    Builder, Clock, DbCursor, Durability, Error, Executor, KeyBounds, KeyValue, KeyspaceSettings, Range,
    Receipt, Recovery, Result, Settings, Snapshot, WriteBatch,
    background::Background,
    commit::{Commit, publisher::Publisher},
    components::Components,
    expiry::Expiry,
    files::{Identity, Layout},
    identities::Identities,
    iter::range::prefix_bounds,
    keyspace::KeyspaceId,
    ledger::{Counters, Ledger},
    manifest::format::Field,
    memory::Memory,
    metrics::Metrics,
    obsolete::ObsoleteFiles,
    planted::{Bug, Planted},
    poison::Poison,
    rate_limit::RateLimiter,
    read_view::ReadView,
    snapshot::SnapshotList,
    sync::{Arc, AtomicBool, Mutex, Ordering, Weak},
    table_cache::TableCache,
    version::{Version, Versions},
};

/// A key-value database in a directory. Cheap to clone; every clone is the same database.
///
/// Keys and values are bytes, ordered bytewise. Any number of threads may read and write. Dropping the last handle closes the database as
/// [`Db::close`] does, with errors going to the log.
#[derive(Clone)]
pub struct Db {
    handle: Arc<Handle>,
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db").field("dir", &self.inner().shared.layout.dir()).finish_non_exhaustive()
    }
}

/// What every part of the engine needs and nothing changes.
pub(crate) struct Shared {
    /// As the database was opened; those of keyspaces may have changed since ([`Inner::keyspace_settings`]).
    pub(crate) settings: Settings,
    pub(crate) fs: Arc<dyn Fs>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) layout: Layout,
    pub(crate) identity: Identity,
    pub(crate) components: Components,
    pub(crate) memory: Arc<Memory>,
    pub(crate) tables: Arc<TableCache>,
    pub(crate) obsolete_files: Arc<ObsoleteFiles>,
    pub(crate) limiter: RateLimiter,
    pub(crate) planted: Planted,
}

/// A database: see the modules for who owns which part.
pub(crate) struct Inner {
    pub(crate) shared: Shared,
    pub(crate) recovery: Recovery,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) executor: Arc<dyn Executor>,
    /// For jobs, which must not keep a database alive that nobody uses.
    pub(crate) weak: Weak<Inner>,
    pub(crate) versions: Versions,
    /// Settings of keyspaces, by name, as OPTIONS has them. Locked within the ledger's lock.
    pub(crate) keyspace_settings: Mutex<BTreeMap<String, KeyspaceSettings>>,
    pub(crate) publisher: Publisher,
    pub(crate) expiry: Arc<Expiry>,
    pub(crate) snapshots: Arc<SnapshotList>,
    pub(crate) counters: Counters,
    pub(crate) identities: Mutex<Identities>,
    pub(crate) background: Background,
    pub(crate) poison: Poison,
    pub(crate) closed: AtomicBool,
    /// `None` for a read-only database.
    pub(crate) write_side: Option<WriteSide>,
}

/// What only a database that can be written has.
pub(crate) struct WriteSide {
    pub(crate) commit: Commit,
    pub(crate) ledger: Mutex<Ledger>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("dir", &self.shared.layout.dir()).finish_non_exhaustive()
    }
}

impl Inner {
    pub(crate) fn version(&self) -> Arc<Version> {
        Arc::clone(&self.versions.load())
    }

    pub(crate) fn view(&self) -> Result<ReadView> {
        if self.closed.load(Ordering::Acquire) { Err(Error::Closed) } else { Ok(self.view_even_if_closed()) }
    }

    pub(crate) fn view_even_if_closed(&self) -> ReadView {
        // The version first: a number taken before it might be one whose versions a compaction has dropped meanwhile. And bounded: a number taken after it may
        // be that of a write to a memtable that came later.
        let planted = &self.shared.planted;
        let early = planted.is(Bug::NumberBeforeVersion).then(|| self.publisher.published());
        planted.pause_if(Bug::NumberBeforeVersion);
        let version = self.versions.load();
        let at = version.generation.bound(early.unwrap_or_else(|| self.publisher.published()));
        ReadView { version, at, now_unix_ms: None, dropped: None }
    }

    /// Those in effect.
    pub(crate) fn settings(&self) -> Settings {
        Settings { keyspaces: self.keyspace_settings.lock().clone(), ..self.shared.settings.clone() }
    }

    /// The write side, unless writing has stopped.
    pub(crate) fn writable(&self) -> Result<&Commit> {
        let commit = self.commit_side()?;
        self.poison.check()?;
        if self.closed.load(Ordering::Acquire) { Err(Error::Closed) } else { Ok(commit) }
    }

    /// The write side, while closing too.
    pub(crate) fn commit_side(&self) -> Result<&Commit> {
        self.write_side.as_ref().map(|side| &side.commit).ok_or(Error::ReadOnly)
    }

    pub(crate) fn ledger(&self) -> Result<&Mutex<Ledger>> {
        self.write_side.as_ref().map(|side| &side.ledger).ok_or(Error::ReadOnly)
    }

    fn close(&self) -> Result<()> {
        let side = self.write_side.as_ref().ok_or(Error::ReadOnly)?;
        {
            // Under the log's lock: a group is appended wholly before, or not at all.
            let _log = side.commit.log.lock();
            if self.closed.swap(true, Ordering::AcqRel) {
                return Err(Error::Closed);
            }
        }
        self.shared.limiter.turn_off();
        self.publisher.wait_until_idle();
        self.executor.shut_down();
        let outcome = self.poison.check().and_then(|()| self.close_cleanly(side));
        // Whatever happened, another process may open the database now.
        side.ledger.lock().lock = None;
        outcome
    }

    /// Order 5 of `docs/format/files.md`.
    fn close_cleanly(&self, side: &WriteSide) -> Result<()> {
        let numbers_left_behind = {
            let log = side.commit.log.lock();
            self.seal(&log, |_| true);
            log.numbers_left_behind()
        };
        self.flush_sealed()?;
        let mut ledger = side.ledger.lock();
        let logs: Vec<u64> = ledger.state.logs.keys().copied().collect();
        let removed = logs.iter().map(|&number| Field::LogRemoved { number });
        let fields = numbers_left_behind.into_iter().chain(removed).collect();
        self.commit_edit(&mut ledger, fields)?;
        self.close_ledger(&mut ledger)?;
        logs.iter().for_each(|&number| self.shared.obsolete_files.add_log(number));
        self.shared.obsolete_files.remove_all();
        Ok(())
    }
}

/// What all clones of a [`Db`] share. Background jobs hold the database, but not this: closing does not wait for them to let go.
struct Handle {
    inner: Arc<Inner>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.inner.write_side.is_some()
            && !self.inner.closed.load(Ordering::Acquire)
            && let Err(error) = self.inner.close()
        {
            tracing::error!(dir = %self.inner.shared.layout.dir().display(), %error, "closing the database failed");
        }
    }
}

impl Db {
    pub(crate) fn new(inner: Arc<Inner>) -> Db {
        Db { handle: Arc::new(Handle { inner }) }
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.handle.inner
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
        self.put_with(key, value, self.inner().shared.settings.durability)
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
        let (key, value) = (key.as_ref(), value.as_ref());
        let mut batch = WriteBatch::for_entry(key.len().saturating_add(value.len()));
        self.inner().write(batch.put(key, value), durability).map(|_| ())
    }

    /// Sets a key to a value that expires after a time, as durably as the settings say: from then on reads do not see it, nor what the key was set to
    /// before, and compaction drops it. The time to live begins now, by the database's clock, and is rounded up to milliseconds; zero has expired at once.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # let db = siltstone::Db::builder("scratch").in_memory().open()?;
    /// db.put_with_ttl("session:42", "alice", Duration::from_secs(1800))?;
    /// assert!(db.contains_key("session:42")?);
    /// # Ok::<(), siltstone::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`Db::put`]. The value may be up to ten bytes shorter than 1 GiB.
    pub fn put_with_ttl(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>, ttl: Duration) -> Result<()> {
        self.write(WriteBatch::new().put_with_ttl(key, value, ttl)).map(|_| ())
    }

    /// Like [`Db::put_with_ttl`], with the moment at which it expires, in Unix milliseconds.
    ///
    /// # Errors
    ///
    /// As for [`Db::put_with_ttl`].
    pub fn put_expiring(
        &self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        expires_at_unix_ms: u64,
    ) -> Result<()> {
        self.write(WriteBatch::new().put_expiring(key, value, expires_at_unix_ms)).map(|_| ())
    }

    /// Deletes a key, whether it exists or not.
    ///
    /// # Errors
    ///
    /// As for [`Db::put`].
    pub fn delete(&self, key: impl AsRef<[u8]>) -> Result<()> {
        self.inner().write(WriteBatch::new().delete(key), self.inner().shared.settings.durability).map(|_| ())
    }

    /// Writes all of a batch or nothing of it, as durably as the settings say. The batch is empty afterwards, and can be filled again.
    ///
    /// # Errors
    ///
    /// As for [`Db::put`]; also `InvalidArgument` for a batch above 1 GiB + 1 MiB, and `NotFound` for a keyspace that was dropped. The batch is then as it was.
    pub fn write(&self, batch: &mut WriteBatch) -> Result<Receipt> {
        self.write_with(batch, self.inner().shared.settings.durability)
    }

    /// Like [`Db::write`], as durably as asked.
    ///
    /// # Errors
    ///
    /// As for [`Db::write`].
    pub fn write_with(&self, batch: &mut WriteBatch, durability: Durability) -> Result<Receipt> {
        let end = self.inner().write(batch, durability)?;
        Ok(Receipt::new(self.clone(), end))
    }

    /// The value of a key; `None` when it does not exist.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a key that is too long, `Corruption` when a block that is needed is damaged, `Io`, `Closed`.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Slice>> {
        self.inner().view()?.get(KeyspaceId::DEFAULT, key.as_ref())
    }

    /// Calls `read` with the value of a key, without handing it out; `None` when the key does not exist.
    ///
    /// # Errors
    ///
    /// As for [`Db::get`].
    pub fn get_with<T>(&self, key: impl AsRef<[u8]>, read: impl FnOnce(&[u8]) -> T) -> Result<Option<T>> {
        Ok(self.get(key)?.map(|value| read(&value)))
    }

    /// The values of several keys, all of one moment.
    ///
    /// # Errors
    ///
    /// As for [`Db::get`], for the first key that fails.
    pub fn get_many<K: AsRef<[u8]>>(&self, keys: impl IntoIterator<Item = K>) -> Result<Vec<Option<Slice>>> {
        let view = self.inner().view()?.at_one_time();
        keys.into_iter().map(|key| view.get(KeyspaceId::DEFAULT, key.as_ref())).collect()
    }

    /// Whether a key exists.
    ///
    /// # Errors
    ///
    /// As for [`Db::get`].
    pub fn contains_key(&self, key: impl AsRef<[u8]>) -> Result<bool> {
        Ok(self.get(key)?.is_some())
    }

    /// The entry with the least key.
    ///
    /// # Errors
    ///
    /// As for [`Db::get`].
    pub fn first(&self) -> Result<Option<KeyValue>> {
        self.range(..).next().transpose()
    }

    /// The entry with the greatest key.
    ///
    /// # Errors
    ///
    /// As for [`Db::get`].
    pub fn last(&self) -> Result<Option<KeyValue>> {
        self.range(..).next_back().transpose()
    }

    /// Whether there is no entry at all.
    ///
    /// # Errors
    ///
    /// As for [`Db::get`].
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.first()?.is_none())
    }

    /// The lending form of [`Db::range`]: a cursor over all entries as they are now.
    ///
    /// # Errors
    ///
    /// `Closed`, `NotFound` for a keyspace that was dropped.
    pub fn cursor(&self) -> Result<DbCursor> {
        DbCursor::new(&self.inner().view()?, KeyspaceId::DEFAULT)
    }

    /// The entries of a range of keys, in key order, as they are now. Any range of the standard library will do, `..` too. Errors come from the
    /// iterator, those of [`Db::get`].
    pub fn range(&self, bounds: impl KeyBounds) -> Range {
        Range::new(self.inner().view(), KeyspaceId::DEFAULT, bounds)
    }

    /// The entries whose keys begin with `prefix`.
    pub fn prefix(&self, prefix: impl AsRef<[u8]>) -> Range {
        self.range(prefix_bounds(prefix.as_ref()))
    }

    /// The database as it is now, for as long as the snapshot lives. (Of a closed database: as it was when it was closed.)
    ///
    /// A snapshot is a number and holds no memory of its own. What it costs is that compaction keeps the versions that it sees.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::take(&self.handle.inner)
    }

    /// Makes everything written so far survive a power cut.
    ///
    /// # Errors
    ///
    /// `Io`, `NoSpace`, `Poisoned`, `ReadOnly`, `Closed`. After a failed sync writing stops.
    pub fn sync(&self) -> Result<()> {
        self.inner().sync()
    }

    /// Writes what is in memory to tables.
    ///
    /// # Errors
    ///
    /// As for [`Db::put`].
    pub fn flush(&self) -> Result<()> {
        self.inner().flush()
    }

    /// The settings in effect, with those of the keyspaces: what OPTIONS holds, if the database is open for writing.
    pub fn settings(&self) -> Settings {
        self.inner().settings()
    }

    /// What opening found and did.
    pub fn recovery(&self) -> &Recovery {
        &self.inner().recovery
    }

    /// The sequence number of the last write that is visible.
    pub fn sequence(&self) -> SequenceNumber {
        self.inner().publisher.published()
    }

    /// Flushes, syncs, marks the database as closed and releases its lock. Other handles get [`Error::Closed`] from then on; snapshots and iterators that live
    /// can still be read.
    ///
    /// # Errors
    ///
    /// As for [`Db::put`]. The database is closed all the same, as by a crash: nothing acknowledged is lost.
    pub fn close(&self) -> Result<()> {
        self.inner().close()
    }
}

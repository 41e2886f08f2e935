//! Keyspaces: separate sets of keys that share the log, the manifest and batches.

use std::{collections::BTreeMap, fmt, time::Duration};

use siltstone_types::Slice;

use crate::{
    Db, DbCursor, Durability, Error, KeyBounds, KeyValue, KeyspaceSettings, Range, Result, Settings,
    WriteBatch, db::Inner, folder::store_settings, iter::range::prefix_bounds, manifest::format::Field,
    sync::Arc, version::KeyspaceVersion,
};

/// Id of a keyspace; never used again after the keyspace is dropped.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct KeyspaceId(pub u32);

impl KeyspaceId {
    /// The keyspace that every database has.
    pub const DEFAULT: KeyspaceId = KeyspaceId(0);
}

/// Name of the keyspace that every database has.
pub const DEFAULT_KEYSPACE: &str = "default";

/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 255;

/// A set of keys of its own, with its own memtables and tables. Cheap to clone. Batches may span several.
#[derive(Clone)]
pub struct Keyspace {
    db: Db,
    id: KeyspaceId,
    name: Arc<str>,
}

impl fmt::Debug for Keyspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyspace({} {:?})", self.id.0, self.name)
    }
}

impl Keyspace {
    /// Its id, which no other keyspace of the database ever had or will have.
    pub fn id(&self) -> KeyspaceId {
        self.id
    }

    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// As [`Db::put`].
    ///
    /// # Errors
    ///
    /// Also `NotFound` when the keyspace was dropped.
    pub fn put(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<()> {
        self.db.write(WriteBatch::new().put_in(self, key, value)).map(|_| ())
    }

    /// As [`Db::put_with`].
    ///
    /// # Errors
    ///
    /// Also `NotFound` when the keyspace was dropped.
    pub fn put_with(
        &self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        durability: Durability,
    ) -> Result<()> {
        self.db.write_with(WriteBatch::new().put_in(self, key, value), durability).map(|_| ())
    }

    /// As [`Db::put_with_ttl`].
    ///
    /// # Errors
    ///
    /// Also `NotFound` when the keyspace was dropped.
    pub fn put_with_ttl(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>, ttl: Duration) -> Result<()> {
        self.db.write(WriteBatch::new().put_with_ttl_in(self, key, value, ttl)).map(|_| ())
    }

    /// As [`Db::put_expiring`].
    ///
    /// # Errors
    ///
    /// Also `NotFound` when the keyspace was dropped.
    pub fn put_expiring(
        &self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        expires_at_unix_ms: u64,
    ) -> Result<()> {
        self.db.write(WriteBatch::new().put_expiring_in(self, key, value, expires_at_unix_ms)).map(|_| ())
    }

    /// As [`Db::delete`].
    ///
    /// # Errors
    ///
    /// Also `NotFound` when the keyspace was dropped.
    pub fn delete(&self, key: impl AsRef<[u8]>) -> Result<()> {
        self.db.write(WriteBatch::new().delete_in(self, key)).map(|_| ())
    }

    /// As [`Db::get`].
    ///
    /// # Errors
    ///
    /// Also `NotFound` when the keyspace was dropped.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Slice>> {
        self.db.inner().view()?.get(self.id, key.as_ref())
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
        let view = self.db.inner().view()?.at_one_time();
        keys.into_iter().map(|key| view.get(self.id, key.as_ref())).collect()
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
        DbCursor::new(&self.db.inner().view()?, self.id)
    }

    /// As [`Db::range`].
    pub fn range(&self, bounds: impl KeyBounds) -> Range {
        Range::new(self.db.inner().view(), self.id, bounds)
    }

    /// As [`Db::prefix`].
    pub fn prefix(&self, prefix: impl AsRef<[u8]>) -> Range {
        self.range(prefix_bounds(prefix.as_ref()))
    }
}

/// A name has 1 to 255 bytes.
pub(crate) fn check_keyspace_name(name: &str) -> Result<()> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        let what = format!("a keyspace's name has 1 to {NAME_BYTES_MAX} bytes, not {}", name.len());
        return Err(Error::invalid_argument(what));
    }
    Ok(())
}

impl Inner {
    /// Finds or creates a keyspace. With settings it has them from now on.
    fn open_keyspace(&self, name: &str, own: Option<KeyspaceSettings>) -> Result<KeyspaceId> {
        check_keyspace_name(name)?;
        self.writable()?;
        let mut ledger = self.ledger()?.lock();
        let mut keyspaces = self.keyspace_settings.lock().clone();
        let existing = self.version().id_of(name);
        match (own, existing) {
            // Someone may have been faster.
            (None, Some(id)) => return Ok(id),
            (None, None) => {}
            (Some(own), _) if own == KeyspaceSettings::default() => drop(keyspaces.remove(name)),
            (Some(own), _) => drop(keyspaces.insert(name.to_owned(), own)),
        }
        let settings = Settings { keyspaces, ..self.shared.settings.clone() };
        settings.validate()?;
        let profile = self.shared.components.profile(settings.of_keyspace(name))?;
        if settings.of_keyspace(name).ttl_ms > 0 {
            // Before the settings: a program that would not apply them must not write to the keyspace.
            self.allow_expiring_in(&mut ledger)?;
        }
        // First: a keyspace that is there has its settings, whenever the process dies.
        self.store_keyspaces(settings.keyspaces)?;
        if let Some(id) = existing {
            let now_unix_ms = self.shared.clock.now_unix_ms();
            self.install(|version| {
                if let Some(keyspace) = version.keyspace_mut(id) {
                    keyspace.profile = profile;
                    keyspace.assess(now_unix_ms);
                }
            });
            return Ok(id);
        }
        let used_up = |_| Error::invalid_argument("all keyspace ids are used up");
        let id = u32::try_from(ledger.state.next_keyspace).map_err(used_up)?;
        let strategy = profile.strategy.name().to_owned();
        let created = Field::KeyspaceCreated { id, name: name.to_owned(), strategy };
        self.commit_edit(&mut ledger, vec![Field::NextKeyspace(u64::from(id) + 1), created])?;
        let memtable = profile.memtables.create();
        let fresh = KeyspaceVersion::new(name.into(), profile, memtable);
        self.install(|version| {
            version.keyspaces.insert(KeyspaceId(id), fresh);
        });
        Ok(KeyspaceId(id))
    }

    /// Writes OPTIONS with these settings of keyspaces, unless it has them. Called under the ledger's lock. After an error the old ones hold.
    fn store_keyspaces(&self, keyspaces: BTreeMap<String, KeyspaceSettings>) -> Result<()> {
        let mut current = self.keyspace_settings.lock();
        if *current == keyspaces {
            return Ok(());
        }
        let shared = &self.shared;
        let settings = Settings { keyspaces, ..shared.settings.clone() };
        store_settings(&*shared.fs, &shared.layout, shared.identity, &settings)?;
        *current = settings.keyspaces;
        Ok(())
    }
}

impl Db {
    /// The keyspace of that name; it is created, durably, when there is none.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for an empty name or one above 255 bytes; `ReadOnly` when it does not exist and cannot be created; `Io`, `NoSpace`, `Poisoned`, `Closed`.
    pub fn keyspace(&self, name: &str) -> Result<Keyspace> {
        let inner = self.inner();
        let id = match inner.view()?.version.id_of(name) {
            Some(id) => id,
            None => inner.open_keyspace(name, None)?,
        };
        Ok(Keyspace { db: self.clone(), id, name: name.into() })
    }

    /// The keyspace of that name, with settings of its own from now on; it is created, durably, when there is none.
    ///
    /// The settings are stored: [`Db::keyspace`] goes on with them, and so does a later open, whatever settings it is given for the database. What is in memory and
    /// in tables already stays as it is; memtables, tables and compactions that begin now are as the settings say. `KeyspaceSettings::default()` follows the
    /// database in everything again.
    ///
    /// ```
    /// # use siltstone::{Compression, Db, FilterSettings, KeyspaceSettings};
    /// let db = Db::builder("scratch").in_memory().open()?;
    /// let events = db.keyspace_with(
    ///     "events",
    ///     KeyspaceSettings {
    ///         filter: Some(FilterSettings::None),
    ///         compression: Some(vec![Compression::Zstd { level: 3 }]),
    ///         ..KeyspaceSettings::default()
    ///     },
    /// )?;
    /// events.put("2024-05-01T12:00:00Z", "started")?;
    /// # Ok::<(), siltstone::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`Db::keyspace`]; also `InvalidArgument` for settings out of range, or that name a component that was not given. When OPTIONS cannot be written nothing
    /// is changed and no keyspace is created.
    pub fn keyspace_with(&self, name: &str, settings: KeyspaceSettings) -> Result<Keyspace> {
        let id = self.inner().open_keyspace(name, Some(settings))?;
        Ok(Keyspace { db: self.clone(), id, name: name.into() })
    }

    /// The names of all keyspaces, sorted.
    ///
    /// # Errors
    ///
    /// `Closed`.
    pub fn keyspaces(&self) -> Result<Vec<String>> {
        let view = self.inner().view()?;
        let mut names: Vec<_> =
            view.version.keyspaces.values().map(|keyspace| keyspace.name.to_string()).collect();
        names.sort();
        Ok(names)
    }

    /// Drops a keyspace and all that it holds, durably. Snapshots and iterators that live can still read it.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for the default keyspace, `NotFound` for one that does not exist; as [`Db::keyspace`] otherwise.
    pub fn drop_keyspace(&self, name: &str) -> Result<()> {
        let inner = self.inner();
        inner.writable()?;
        if name == DEFAULT_KEYSPACE {
            return Err(Error::invalid_argument("the default keyspace cannot be dropped"));
        }
        // No group is appended meanwhile, so that none is logged for a keyspace that is gone.
        let commit = inner.writable()?;
        let _log = commit.log.lock();
        let mut ledger = inner.ledger()?.lock();
        let not_found = || Error::NotFound { what: format!("there is no keyspace {name}") };
        let id = inner.version().id_of(name).ok_or_else(not_found)?;
        inner.commit_edit(&mut ledger, vec![Field::KeyspaceDropped { id: id.0 }])?;
        inner.snapshots.drop_keyspace(id, || {
            let mut dropped = None;
            inner.install(|version| dropped = version.keyspaces.remove(&id));
            let keyspace = dropped?;
            keyspace.memtables().for_each(|slot| inner.shared.memory.keep(&slot.table));
            // Their files go with the last who reads them.
            keyspace.tree.tables().for_each(|table| table.make_obsolete());
            Some(keyspace)
        });
        let mut keyspaces = inner.keyspace_settings.lock().clone();
        if keyspaces.remove(name).is_some()
            && let Err(error) = inner.store_keyspaces(keyspaces)
        {
            // Another keyspace of that name would have them.
            tracing::warn!(%error, name, "the settings of a keyspace that was dropped stay in OPTIONS");
        }
        Ok(())
    }
}

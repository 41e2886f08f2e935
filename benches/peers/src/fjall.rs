//! fjall behind the trait.

use std::{ops::Bound, path::Path, sync::Arc, time::Duration};

use anyhow::{Result, bail};
use fjall::{
    CompressionType, Database, Guard, Iter, Keyspace, KeyspaceCreateOptions, PersistMode, Slice,
    compaction::Leveled,
    config::{BlockSizePolicy, BloomConstructionPolicy, CompressionPolicy, FilterPolicy, FilterPolicyEntry},
};
use siltstone::{Clock as _, Compression, OsClock};
use siltstone_benches::{
    cell::Cell,
    store::{Store, View, Write},
    values,
};

use crate::{
    peer, quiet,
    range_cursor::{RangeCursor, Ranges},
};

/// A database with one keyspace.
pub(crate) struct Fjall {
    db: Database,
    keyspace: Keyspace,
    /// How far a write has to get before it is acknowledged.
    persist: PersistMode,
}

impl Fjall {
    fn synced(&self) -> Result<()> {
        // A single write is always given to the operating system.
        if self.persist != PersistMode::Buffer {
            self.db.persist(self.persist)?;
        }
        Ok(())
    }

    fn commit<'a>(&self, writes: impl IntoIterator<Item = Write<'a>>, persist: PersistMode) -> Result<()> {
        let mut batch = self.db.batch().durability(Some(persist));
        for write in writes {
            match write {
                Write::Put(key, value) => batch.insert(&self.keyspace, key, value),
                Write::Delete(key) => batch.remove(&self.keyspace, key),
            }
        }
        Ok(batch.commit()?)
    }
}

fn options(cell: &Cell) -> Result<KeyspaceCreateOptions> {
    let mut codecs = Vec::new();
    for codec in values::compression(&cell.compression.0)? {
        codecs.push(match codec {
            Compression::None => CompressionType::None,
            Compression::Lz4 => CompressionType::Lz4,
            other => bail!("fjall has no {other:?}"),
        });
    }
    #[expect(clippy::cast_possible_truncation, reason = "bits are at most 64")]
    let bits = cell.filter_bits as f32;
    let filter = if bits > 0.0 {
        FilterPolicyEntry::Bloom(BloomConstructionPolicy::BitsPerKey(bits))
    } else {
        FilterPolicyEntry::None
    };
    Ok(KeyspaceCreateOptions::default()
        .max_memtable_size(cell.memtable_bytes.0)
        .data_block_size_policy(BlockSizePolicy::all(u32::try_from(cell.block_bytes.0)?))
        .data_block_compression_policy(CompressionPolicy::new(codecs))
        .filter_policy(FilterPolicy::all(filter))
        .compaction_strategy(Arc::new(Leveled::default().with_table_target_size(cell.table_bytes.0))))
}

impl Store for Fjall {
    type View<'a> = &'a Fjall;

    fn open(cell: &Cell, dir: &Path) -> Result<Fjall> {
        let db = Database::builder(dir)
            .cache_size(cell.cache_bytes.0)
            .worker_threads(peer::background_threads())
            .open()?;
        let options = options(cell)?;
        let keyspace = db.keyspace("default", || options)?;
        let persist = if cell.syncs() { PersistMode::SyncData } else { PersistMode::Buffer };
        Ok(Fjall { db, keyspace, persist })
    }

    fn put(&self, key: &[u8], value: &[u8]) -> Result<()> {
        self.keyspace.insert(key, value)?;
        self.synced()
    }

    fn delete(&self, key: &[u8]) -> Result<()> {
        self.keyspace.remove(key)?;
        self.synced()
    }

    fn write_batch<'a>(&self, writes: impl IntoIterator<Item = Write<'a>>) -> Result<()> {
        self.commit(writes, self.persist)
    }

    fn load_batch<'a>(&self, writes: impl IntoIterator<Item = Write<'a>>) -> Result<()> {
        self.commit(writes, PersistMode::Buffer)
    }

    fn view(&self) -> Result<&Fjall> {
        Ok(self)
    }

    fn settle(&self) -> Result<Duration> {
        let began = OsClock.monotonic();
        self.keyspace.rotate_memtable_and_wait()?;
        quiet::wait(began, || Ok(self.db.outstanding_flushes() > 0 || self.db.active_compactions() > 0))
    }

    fn close(self) -> Result<()> {
        self.db.persist(PersistMode::SyncAll)?;
        Ok(())
    }
}

impl View for &Fjall {
    type Cursor<'a>
        = RangeCursor<&'a Keyspace>
    where
        Self: 'a;

    fn get_with<T>(&self, key: &[u8], read: impl FnOnce(&[u8]) -> T) -> Result<Option<T>> {
        Ok(self.keyspace.get(key)?.map(|value| read(&value)))
    }

    fn cursor(&self) -> Result<RangeCursor<&Keyspace>> {
        Ok(RangeCursor::new(&self.keyspace))
    }
}

impl Ranges for &Keyspace {
    type Key = Slice;
    type Value = Slice;
    type Iter = Iter;

    fn forward(&self, from: Bound<&[u8]>) -> Result<Iter> {
        Ok(self.range::<&[u8], _>((from, Bound::Unbounded)))
    }

    fn backward(&self, to: Bound<&[u8]>) -> Result<Iter> {
        Ok(self.range::<&[u8], _>((Bound::Unbounded, to)))
    }

    fn step(iter: &mut Iter) -> Result<Option<(Slice, Slice)>> {
        Ok(iter.next().map(Guard::into_inner).transpose()?)
    }

    fn step_back(iter: &mut Iter) -> Result<Option<(Slice, Slice)>> {
        Ok(iter.next_back().map(Guard::into_inner).transpose()?)
    }
}

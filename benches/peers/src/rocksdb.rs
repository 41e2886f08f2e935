//! `RocksDB` behind the trait.

use std::{path::Path, time::Duration};

use anyhow::Result;
use rocksdb::{
    BlockBasedOptions, Cache, DB, DBCompressionType, DBRawIterator, Options, WaitForCompactOptions,
    WriteBatch, WriteOptions,
};
use siltstone::{Clock as _, Compression, OsClock};
use siltstone_benches::{
    cell::Cell,
    store::{Cursor, Store, View, Write},
    values,
};

use crate::{peer, quiet};

/// As it has by default.
const LEVELS: usize = 7;

/// A database.
pub(crate) struct RocksDb {
    db: DB,
    writes: WriteOptions,
}

fn options(cell: &Cell) -> Result<Options> {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.set_write_buffer_size(usize::try_from(cell.memtable_bytes.0)?);
    options.set_target_file_size_base(cell.table_bytes.0);
    options.set_max_background_jobs(i32::try_from(peer::background_threads())?);
    let codecs = values::compression(&cell.compression.0)?;
    let types = codecs.iter().map(|codec| match codec {
        Compression::Lz4 => DBCompressionType::Lz4,
        Compression::Zstd { .. } => DBCompressionType::Zstd,
        _ => DBCompressionType::None,
    });
    let mut types: Vec<DBCompressionType> = types.collect();
    types.resize(LEVELS.max(types.len()), types.last().copied().unwrap_or(DBCompressionType::None));
    options.set_compression_per_level(&types);
    if let Some(level) = codecs.iter().find_map(|codec| match codec {
        Compression::Zstd { level } => Some(*level),
        _ => None,
    }) {
        // The window is as by default, and there is neither a strategy nor a dictionary.
        options.set_compression_options(-14, level, 0, 0);
    }
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_size(usize::try_from(cell.block_bytes.0)?);
    blocks.set_block_cache(&Cache::new_lru_cache(usize::try_from(cell.cache_bytes.0)?));
    if cell.filter_bits > 0.0 {
        blocks.set_bloom_filter(cell.filter_bits, false);
    }
    options.set_block_based_table_factory(&blocks);
    Ok(options)
}

impl Store for RocksDb {
    type View<'a> = &'a RocksDb;

    fn open(cell: &Cell, dir: &Path) -> Result<RocksDb> {
        let mut writes = WriteOptions::default();
        writes.set_sync(cell.syncs());
        Ok(RocksDb { db: DB::open(&options(cell)?, dir)?, writes })
    }

    fn put(&self, key: &[u8], value: &[u8]) -> Result<()> {
        Ok(self.db.put_opt(key, value, &self.writes)?)
    }

    fn delete(&self, key: &[u8]) -> Result<()> {
        Ok(self.db.delete_opt(key, &self.writes)?)
    }

    fn write_batch<'a>(&self, writes: impl IntoIterator<Item = Write<'a>>) -> Result<()> {
        Ok(self.db.write_opt(batch(writes), &self.writes)?)
    }

    fn load_batch<'a>(&self, writes: impl IntoIterator<Item = Write<'a>>) -> Result<()> {
        Ok(self.db.write(batch(writes))?)
    }

    fn view(&self) -> Result<&RocksDb> {
        Ok(self)
    }

    fn settle(&self) -> Result<Duration> {
        let began = OsClock.monotonic();
        let mut options = WaitForCompactOptions::default();
        options.set_flush(true);
        self.db.wait_for_compact(&options)?;
        // Files that were merged away are removed behind it.
        quiet::wait(began, || Ok(false))
    }

    fn close(self) -> Result<()> {
        self.db.cancel_all_background_work(true);
        Ok(())
    }
}

fn batch<'a>(writes: impl IntoIterator<Item = Write<'a>>) -> WriteBatch {
    let mut batch = WriteBatch::default();
    for write in writes {
        match write {
            Write::Put(key, value) => batch.put(key, value),
            Write::Delete(key) => batch.delete(key),
        }
    }
    batch
}

impl View for &RocksDb {
    type Cursor<'a>
        = Iter<'a>
    where
        Self: 'a;

    fn get_with<T>(&self, key: &[u8], read: impl FnOnce(&[u8]) -> T) -> Result<Option<T>> {
        Ok(self.db.get_pinned(key)?.map(|value| read(&value)))
    }

    fn cursor(&self) -> Result<Iter<'_>> {
        Ok(Iter(self.db.raw_iterator()))
    }
}

/// An iterator, which keeps the database borrowed.
pub(crate) struct Iter<'a>(DBRawIterator<'a>);

impl Iter<'_> {
    /// What ends a walk may be an error.
    fn moved(&self) -> Result<()> {
        if self.0.valid() { Ok(()) } else { Ok(self.0.status()?) }
    }
}

impl Cursor for Iter<'_> {
    fn first(&mut self) -> Result<()> {
        self.0.seek_to_first();
        self.moved()
    }

    fn last(&mut self) -> Result<()> {
        self.0.seek_to_last();
        self.moved()
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.0.seek(key);
        self.moved()
    }

    fn next(&mut self) -> Result<()> {
        // It may only be moved while it stands on an entry.
        if self.0.valid() {
            self.0.next();
        }
        self.moved()
    }

    fn prev(&mut self) -> Result<()> {
        if self.0.valid() {
            self.0.prev();
        }
        self.moved()
    }

    fn entry(&self) -> Option<(&[u8], &[u8])> {
        self.0.item()
    }
}

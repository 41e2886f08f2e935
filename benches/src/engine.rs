//! The engine as a store that benchmarks drive.

use std::{path::Path, time::Duration};

use anyhow::{Result, anyhow};
use siltstone::{Db, DbCursor, Durability, Stats, WriteBatch};

use crate::{
    cell::Cell,
    settle,
    store::{Cursor, Store, View, Write},
};

/// A database.
#[derive(Debug)]
pub struct Siltstone(pub Db);

impl Store for Siltstone {
    type View<'a> = &'a Siltstone;

    fn open(cell: &Cell, dir: &Path) -> Result<Siltstone> {
        Ok(Siltstone(cell.open(dir)?))
    }

    fn put(&self, key: &[u8], value: &[u8]) -> Result<()> {
        Ok(self.0.put(key, value)?)
    }

    fn put_expiring(&self, key: &[u8], value: &[u8], lives: Duration) -> Result<()> {
        Ok(self.0.put_with_ttl(key, value, lives)?)
    }

    fn delete(&self, key: &[u8]) -> Result<()> {
        Ok(self.0.delete(key)?)
    }

    fn write_batch<'a>(&self, writes: impl IntoIterator<Item = Write<'a>>) -> Result<()> {
        self.0.write(&mut batch(writes))?;
        Ok(())
    }

    fn load_batch<'a>(&self, writes: impl IntoIterator<Item = Write<'a>>) -> Result<()> {
        self.0.write_with(&mut batch(writes), Durability::Buffered)?;
        Ok(())
    }

    fn view(&self) -> Result<&Siltstone> {
        Ok(self)
    }

    fn settle(&self) -> Result<Duration> {
        settle::settle(&self.0).map_err(|error| anyhow!("{error}"))
    }

    fn stats(&self) -> Result<Option<Stats>> {
        Ok(Some(self.0.stats()?))
    }

    fn close(self) -> Result<()> {
        Ok(self.0.close()?)
    }
}

fn batch<'a>(writes: impl IntoIterator<Item = Write<'a>>) -> WriteBatch {
    let mut batch = WriteBatch::new();
    for write in writes {
        match write {
            Write::Put(key, value) => batch.put(key, value),
            Write::Delete(key) => batch.delete(key),
        };
    }
    batch
}

impl View for &Siltstone {
    type Cursor<'a>
        = DbCursor
    where
        Self: 'a;

    fn get_with<T>(&self, key: &[u8], read: impl FnOnce(&[u8]) -> T) -> Result<Option<T>> {
        Ok(self.0.get_with(key, read)?)
    }

    fn cursor(&self) -> Result<DbCursor> {
        Ok(self.0.cursor()?)
    }
}

impl Cursor for DbCursor {
    fn first(&mut self) -> Result<()> {
        Ok(DbCursor::first(self)?)
    }

    fn last(&mut self) -> Result<()> {
        Ok(DbCursor::last(self)?)
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        Ok(DbCursor::seek(self, key)?)
    }

    fn next(&mut self) -> Result<()> {
        Ok(DbCursor::next(self)?)
    }

    fn prev(&mut self) -> Result<()> {
        Ok(DbCursor::prev(self)?)
    }

    fn entry(&self) -> Option<(&[u8], &[u8])> {
        self.valid().then(|| (self.key(), self.value()))
    }
}

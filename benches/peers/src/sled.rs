//! sled behind the trait.

use std::{ops::Bound, path::Path, time::Duration};

use anyhow::Result;
use siltstone::{Clock as _, OsClock};
use siltstone_benches::{
    cell::Cell,
    store::{Store, View, Write},
};
use sled::{Batch, Config, Db, IVec, Iter};

use crate::range_cursor::{RangeCursor, Ranges};

/// A database, of which the default tree is used.
pub(crate) struct Sled {
    db: Db,
    syncs: bool,
}

impl Sled {
    fn synced(&self) -> Result<()> {
        if self.syncs {
            self.db.flush()?;
        }
        Ok(())
    }
}

impl Store for Sled {
    type View<'a> = &'a Sled;

    fn open(cell: &Cell, dir: &Path) -> Result<Sled> {
        // Half a second is what it does by default.
        let flush_every_ms = (!cell.syncs()).then_some(500);
        let config =
            Config::new().path(dir).cache_capacity(cell.cache_bytes.0).flush_every_ms(flush_every_ms);
        Ok(Sled { db: config.open()?, syncs: cell.syncs() })
    }

    fn put(&self, key: &[u8], value: &[u8]) -> Result<()> {
        self.db.insert(key, value)?;
        self.synced()
    }

    fn delete(&self, key: &[u8]) -> Result<()> {
        self.db.remove(key)?;
        self.synced()
    }

    fn write_batch<'a>(&self, writes: impl IntoIterator<Item = Write<'a>>) -> Result<()> {
        self.load_batch(writes)?;
        self.synced()
    }

    fn load_batch<'a>(&self, writes: impl IntoIterator<Item = Write<'a>>) -> Result<()> {
        let mut batch = Batch::default();
        for write in writes {
            match write {
                Write::Put(key, value) => batch.insert(key, value),
                Write::Delete(key) => batch.remove(key),
            }
        }
        Ok(self.db.apply_batch(batch)?)
    }

    fn view(&self) -> Result<&Sled> {
        Ok(self)
    }

    fn settle(&self) -> Result<Duration> {
        let began = OsClock.monotonic();
        self.db.flush()?;
        Ok(OsClock.monotonic().saturating_sub(began))
    }

    fn close(self) -> Result<()> {
        self.db.flush()?;
        Ok(())
    }
}

impl View for &Sled {
    type Cursor<'a>
        = RangeCursor<&'a Db>
    where
        Self: 'a;

    fn get_with<T>(&self, key: &[u8], read: impl FnOnce(&[u8]) -> T) -> Result<Option<T>> {
        Ok(self.db.get(key)?.map(|value| read(&value)))
    }

    fn cursor(&self) -> Result<RangeCursor<&Db>> {
        Ok(RangeCursor::new(&self.db))
    }
}

impl Ranges for &Db {
    type Key = IVec;
    type Value = IVec;
    type Iter = Iter;

    fn forward(&self, from: Bound<&[u8]>) -> Result<Iter> {
        Ok(self.range::<&[u8], _>((from, Bound::Unbounded)))
    }

    fn backward(&self, to: Bound<&[u8]>) -> Result<Iter> {
        Ok(self.range::<&[u8], _>((Bound::Unbounded, to)))
    }

    fn step(iter: &mut Iter) -> Result<Option<(IVec, IVec)>> {
        Ok(iter.next().transpose()?)
    }

    fn step_back(iter: &mut Iter) -> Result<Option<(IVec, IVec)>> {
        Ok(iter.next_back().transpose()?)
    }
}

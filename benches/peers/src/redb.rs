//! redb behind the trait: one table, and a transaction for each write.

use std::{fs, ops::Bound, path::Path, time::Duration};

use anyhow::Result;
use redb::{AccessGuard, Database, Durability, Range, ReadOnlyTable, ReadableDatabase, TableDefinition};
use siltstone::{Clock as _, OsClock};
use siltstone_benches::{
    cell::Cell,
    store::{Store, View, Write},
};

use crate::range_cursor::{RangeCursor, Ranges};

const TABLE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("default");

/// A database.
pub(crate) struct Redb {
    db: Database,
    durability: Durability,
}

/// A read transaction's table, which keeps the transaction.
pub(crate) struct Table(ReadOnlyTable<&'static [u8], &'static [u8]>);

/// What lends a key or a value.
pub(crate) struct Lent(AccessGuard<'static, &'static [u8]>);

impl Redb {
    fn commit<'a>(&self, writes: impl IntoIterator<Item = Write<'a>>, durability: Durability) -> Result<()> {
        let mut transaction = self.db.begin_write()?;
        transaction.set_durability(durability)?;
        let mut table = transaction.open_table(TABLE)?;
        for write in writes {
            match write {
                Write::Put(key, value) => table.insert(key, value)?,
                Write::Delete(key) => table.remove(key)?,
            };
        }
        drop(table);
        Ok(transaction.commit()?)
    }
}

impl Store for Redb {
    type View<'a> = Table;

    fn open(cell: &Cell, dir: &Path) -> Result<Redb> {
        fs::create_dir_all(dir)?;
        let cache_bytes = usize::try_from(cell.cache_bytes.0)?;
        let db = Database::builder().set_cache_size(cache_bytes).create(dir.join("redb"))?;
        let durability = if cell.syncs() { Durability::Immediate } else { Durability::None };
        let store = Redb { db, durability };
        // Readers expect the table.
        store.commit([], Durability::Immediate)?;
        Ok(store)
    }

    fn put(&self, key: &[u8], value: &[u8]) -> Result<()> {
        self.commit([Write::Put(key, value)], self.durability)
    }

    fn delete(&self, key: &[u8]) -> Result<()> {
        self.commit([Write::Delete(key)], self.durability)
    }

    fn write_batch<'a>(&self, writes: impl IntoIterator<Item = Write<'a>>) -> Result<()> {
        self.commit(writes, self.durability)
    }

    fn load_batch<'a>(&self, writes: impl IntoIterator<Item = Write<'a>>) -> Result<()> {
        self.commit(writes, Durability::None)
    }

    fn view(&self) -> Result<Table> {
        Ok(Table(self.db.begin_read()?.open_table(TABLE)?))
    }

    fn settle(&self) -> Result<Duration> {
        let began = OsClock.monotonic();
        // Makes what was committed without durability durable, and lets pages go that it had kept.
        self.commit([], Durability::Immediate)?;
        Ok(OsClock.monotonic().saturating_sub(began))
    }

    fn close(self) -> Result<()> {
        self.settle()?;
        Ok(())
    }
}

impl View for Table {
    type Cursor<'a> = RangeCursor<&'a Table>;

    fn get_with<T>(&self, key: &[u8], read: impl FnOnce(&[u8]) -> T) -> Result<Option<T>> {
        Ok(self.0.get(key)?.map(|value| read(value.value())))
    }

    fn cursor(&self) -> Result<RangeCursor<&Table>> {
        Ok(RangeCursor::new(self))
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        self.0.value()
    }
}

impl Ranges for &Table {
    type Key = Lent;
    type Value = Lent;
    type Iter = Range<'static, &'static [u8], &'static [u8]>;

    fn forward(&self, from: Bound<&[u8]>) -> Result<Self::Iter> {
        Ok(self.0.range::<&[u8]>((from, Bound::Unbounded))?)
    }

    fn backward(&self, to: Bound<&[u8]>) -> Result<Self::Iter> {
        Ok(self.0.range::<&[u8]>((Bound::Unbounded, to))?)
    }

    fn step(iter: &mut Self::Iter) -> Result<Option<(Lent, Lent)>> {
        Ok(iter.next().transpose()?.map(|(key, value)| (Lent(key), Lent(value))))
    }

    fn step_back(iter: &mut Self::Iter) -> Result<Option<(Lent, Lent)>> {
        Ok(iter.next_back().transpose()?.map(|(key, value)| (Lent(key), Lent(value))))
    }
}

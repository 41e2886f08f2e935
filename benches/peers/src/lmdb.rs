//! LMDB behind the trait: the unnamed database, and a transaction for each write.

use std::{fs, ops::Bound, path::Path, time::Duration};

use anyhow::Result;
use heed::{Database, Env, EnvFlags, EnvOpenOptions, RoRange, RoRevRange, RoTxn, WithoutTls, types::Bytes};
use siltstone::{Clock as _, OsClock};
use siltstone_benches::{
    cell::Cell,
    store::{Store, View, Write},
};

use crate::range_cursor::{RangeCursor, Ranges};

/// Room for the map: addresses, of which only those in use take memory or disk.
const MAP_BYTES: usize = 64 << 30;

/// An environment with its unnamed database.
pub(crate) struct Lmdb {
    env: Env<WithoutTls>,
    db: Database<Bytes, Bytes>,
}

/// A read transaction.
pub(crate) struct Transaction<'a> {
    transaction: RoTxn<'a, WithoutTls>,
    db: Database<Bytes, Bytes>,
}

/// An iterator in either direction.
pub(crate) enum Either<'a> {
    Forward(RoRange<'a, Bytes, Bytes>),
    Backward(RoRevRange<'a, Bytes, Bytes>),
}

/// That of the C library.
pub(crate) fn version() -> String {
    let version = heed::lmdb_version();
    format!(
        "{}.{}.{} (heed {})",
        version.major,
        version.minor,
        version.patch,
        crate::peer::crate_version("heed")
    )
}

#[expect(
    unsafe_code,
    reason = "the interface of heed: LMDB maps a file, which nobody else may change, and flags give up durability"
)]
fn environment(cell: &Cell, dir: &Path) -> Result<Env<WithoutTls>> {
    let mut options = EnvOpenOptions::new().read_txn_without_tls();
    options.map_size(MAP_BYTES);
    if !cell.syncs() {
        // SAFETY: without syncs a power cut may leave a damaged file, and this one is of a benchmark.
        unsafe { options.flags(EnvFlags::NO_SYNC) };
    }
    // SAFETY: the folder is of this process alone, which opens it once at a time and changes its files in no other way.
    Ok(unsafe { options.open(dir) }?)
}

impl Store for Lmdb {
    type View<'a> = Transaction<'a>;

    fn open(cell: &Cell, dir: &Path) -> Result<Lmdb> {
        fs::create_dir_all(dir)?;
        let env = environment(cell, dir)?;
        let mut transaction = env.write_txn()?;
        let db = env.create_database(&mut transaction, None)?;
        transaction.commit()?;
        Ok(Lmdb { env, db })
    }

    fn put(&self, key: &[u8], value: &[u8]) -> Result<()> {
        self.write_batch([Write::Put(key, value)])
    }

    fn delete(&self, key: &[u8]) -> Result<()> {
        self.write_batch([Write::Delete(key)])
    }

    fn write_batch<'a>(&self, writes: impl IntoIterator<Item = Write<'a>>) -> Result<()> {
        let mut transaction = self.env.write_txn()?;
        for write in writes {
            match write {
                Write::Put(key, value) => self.db.put(&mut transaction, key, value)?,
                Write::Delete(key) => {
                    self.db.delete(&mut transaction, key)?;
                }
            }
        }
        Ok(transaction.commit()?)
    }

    fn view(&self) -> Result<Transaction<'_>> {
        Ok(Transaction { transaction: self.env.read_txn()?, db: self.db })
    }

    fn settle(&self) -> Result<Duration> {
        let began = OsClock.monotonic();
        self.env.force_sync()?;
        Ok(OsClock.monotonic().saturating_sub(began))
    }

    fn close(self) -> Result<()> {
        self.env.force_sync()?;
        self.env.prepare_for_closing().wait();
        Ok(())
    }
}

impl View for Transaction<'_> {
    type Cursor<'a>
        = RangeCursor<&'a Self>
    where
        Self: 'a;

    fn get_with<T>(&self, key: &[u8], read: impl FnOnce(&[u8]) -> T) -> Result<Option<T>> {
        Ok(self.db.get(&self.transaction, key)?.map(read))
    }

    fn cursor(&self) -> Result<RangeCursor<&Self>> {
        Ok(RangeCursor::new(self))
    }
}

impl<'a> Ranges for &'a Transaction<'_> {
    type Key = &'a [u8];
    type Value = &'a [u8];
    type Iter = Either<'a>;

    fn forward(&self, from: Bound<&[u8]>) -> Result<Either<'a>> {
        let transaction: &'a Transaction<'_> = self;
        Ok(Either::Forward(transaction.db.range(&transaction.transaction, &(from, Bound::Unbounded))?))
    }

    fn backward(&self, to: Bound<&[u8]>) -> Result<Either<'a>> {
        let transaction: &'a Transaction<'_> = self;
        Ok(Either::Backward(transaction.db.rev_range(&transaction.transaction, &(Bound::Unbounded, to))?))
    }

    fn step(iter: &mut Either<'a>) -> Result<Option<(&'a [u8], &'a [u8])>> {
        let Either::Forward(iter) = iter else { return Ok(None) };
        Ok(iter.next().transpose()?)
    }

    fn step_back(iter: &mut Either<'a>) -> Result<Option<(&'a [u8], &'a [u8])>> {
        let Either::Backward(iter) = iter else { return Ok(None) };
        Ok(iter.next().transpose()?)
    }
}

//! Stores with one fault each, all of which the check must find.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use siltstone::DbCursor;

use super::*;
use crate::{engine::Siltstone, matrix::Matrix};

const NONE: u64 = 0;
const KEEPS_DELETED: u64 = 1;
const KEEPS_OVERWRITTEN: u64 = 2;
const TEARS_BATCHES: u64 = 3;
const SEEKS_BEHIND: u64 = 4;
const PREV_IS_LOST_AFTER_NEXT: u64 = 5;
const LAST_IS_FIRST: u64 = 6;
const GETS_PREFIX: u64 = 7;
const LOSES_A_PUT_IN_A_HUNDRED: u64 = 8;
const STEPS_OFF_THE_END_TO_THE_FIRST: u64 = 9;

/// The engine with the fault `F`.
struct Faulty<const F: u64>(Siltstone, AtomicU64);

struct FaultyView<'a, const F: u64>(&'a Siltstone);

struct FaultyCursor<const F: u64>(DbCursor, bool);

impl<const F: u64> Store for Faulty<F> {
    type View<'a> = FaultyView<'a, F>;

    fn open(cell: &Cell, dir: &Path) -> Result<Self> {
        Ok(Faulty(Siltstone::open(cell, dir)?, AtomicU64::new(0)))
    }

    fn put(&self, key: &[u8], value: &[u8]) -> Result<()> {
        if F == KEEPS_OVERWRITTEN && self.0.view()?.get_with(key, <[u8]>::len)?.is_some_and(|len| len > 190) {
            return Ok(());
        }
        if F == LOSES_A_PUT_IN_A_HUNDRED && self.1.fetch_add(1, Ordering::Relaxed) % 100 == 99 {
            return Ok(());
        }
        self.0.put(key, value)
    }

    fn delete(&self, key: &[u8]) -> Result<()> {
        if F == KEEPS_DELETED { Ok(()) } else { self.0.delete(key) }
    }

    fn write_batch<'a>(&self, writes: impl IntoIterator<Item = Write<'a>>) -> Result<()> {
        let left_out = if F == TEARS_BATCHES { 20 } else { usize::MAX };
        self.0.write_batch(writes.into_iter().take(left_out - 1))
    }

    fn view(&self) -> Result<FaultyView<'_, F>> {
        Ok(FaultyView(&self.0))
    }

    fn settle(&self) -> Result<Duration> {
        self.0.settle()
    }

    fn close(self) -> Result<()> {
        self.0.close()
    }
}

impl<const F: u64> View for FaultyView<'_, F> {
    type Cursor<'a>
        = FaultyCursor<F>
    where
        Self: 'a;

    fn get_with<T>(&self, key: &[u8], read: impl FnOnce(&[u8]) -> T) -> Result<Option<T>> {
        if F == GETS_PREFIX {
            return self
                .0
                .0
                .get(key)
                .map(|value| value.map(|value| read(&value[..value.len().min(150)])))
                .map_err(Into::into);
        }
        self.0.view()?.get_with(key, read)
    }

    fn cursor(&self) -> Result<FaultyCursor<F>> {
        Ok(FaultyCursor(self.0.view()?.cursor()?, false))
    }
}

impl<const F: u64> Cursor for FaultyCursor<F> {
    fn first(&mut self) -> Result<()> {
        Cursor::first(&mut self.0)
    }

    fn last(&mut self) -> Result<()> {
        if F == LAST_IS_FIRST { Cursor::first(&mut self.0) } else { Cursor::last(&mut self.0) }
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        Cursor::seek(&mut self.0, key)?;
        if F == SEEKS_BEHIND && self.entry().is_some_and(|(found, _)| found == key) {
            self.next()?;
        }
        Ok(())
    }

    fn next(&mut self) -> Result<()> {
        self.1 = true;
        let was_on_one = self.0.valid();
        Cursor::next(&mut self.0)?;
        if F == STEPS_OFF_THE_END_TO_THE_FIRST && was_on_one && !self.0.valid() {
            Cursor::first(&mut self.0)?;
        }
        Ok(())
    }

    fn prev(&mut self) -> Result<()> {
        if F == PREV_IS_LOST_AFTER_NEXT && std::mem::take(&mut self.1) {
            return Ok(());
        }
        Cursor::prev(&mut self.0)
    }

    fn entry(&self) -> Option<(&[u8], &[u8])> {
        Cursor::entry(&self.0)
    }
}

fn outcome<S: Store>() -> Result<()> {
    let text = "about = ''\n[axes]\nmemtable-bytes = ['256KiB']";
    let cell = &Matrix::parse(text).unwrap().cells("m")[0];
    let dir = tempfile::tempdir().unwrap();
    check::<S>(cell, &dir.path().join("db"), 1, 3_000)
}

#[test]
fn a_store_that_is_right_passes() {
    outcome::<Siltstone>().unwrap();
    outcome::<Faulty<NONE>>().unwrap();
}

#[test]
fn every_fault_is_found() {
    let found = [
        outcome::<Faulty<KEEPS_DELETED>>(),
        outcome::<Faulty<KEEPS_OVERWRITTEN>>(),
        outcome::<Faulty<TEARS_BATCHES>>(),
        outcome::<Faulty<SEEKS_BEHIND>>(),
        outcome::<Faulty<PREV_IS_LOST_AFTER_NEXT>>(),
        outcome::<Faulty<LAST_IS_FIRST>>(),
        outcome::<Faulty<GETS_PREFIX>>(),
        outcome::<Faulty<LOSES_A_PUT_IN_A_HUNDRED>>(),
        outcome::<Faulty<STEPS_OFF_THE_END_TO_THE_FIRST>>(),
    ];
    for (fault, outcome) in (1..).zip(found) {
        let error = outcome.expect_err(&format!("fault {fault} was not found")).to_string();
        assert!(error.contains("should"), "fault {fault}: {error}");
    }
}

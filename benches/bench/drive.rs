//! Carries steps out, and times each.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Result, anyhow, bail};
use hdrhistogram::Histogram;
use siltstone::{Clock, Db, DbCursor, OsClock, WriteBatch};
use siltstone_benches::keys::Values;

use crate::stream::{Step, Streams, Verb};

/// Nanoseconds of every operation of one or several threads.
pub(crate) type Latencies = Histogram<u64>;

/// What a run of all threads came to.
#[derive(Debug)]
pub(crate) struct Driven {
    pub(crate) elapsed: Duration,
    pub(crate) latencies: Latencies,
    /// What the writer beside the readers wrote.
    pub(crate) written_beside: u64,
}

/// To three digits, up to a minute.
fn latencies() -> Result<Latencies> {
    Ok(Histogram::new_with_bounds(1, 60_000_000_000, 3)?)
}

/// Writes what is there before anything is timed.
pub(crate) fn load(db: &Db, steps: &[Step], values: &Values) -> Result<()> {
    let mut batch = WriteBatch::new();
    for steps in steps.chunks(100) {
        for step in steps {
            batch.put(step.key, values.of(step.number.into()));
        }
        db.write_with(&mut batch, siltstone::Durability::Buffered)?;
    }
    Ok(())
}

/// All threads at once. The clock runs from before the first begins until the last has ended.
pub(crate) fn all(db: &Db, streams: &Streams, values: &Values, batch_entries: usize) -> Result<Driven> {
    let is_over = AtomicBool::new(false);
    let mut driven = Driven { elapsed: Duration::ZERO, latencies: latencies()?, written_beside: 0 };
    let started = OsClock.monotonic();
    thread::scope(|scope| -> Result<()> {
        let threads: Vec<_> = streams
            .threads
            .iter()
            .map(|steps| scope.spawn(move || drive(db, steps, values, batch_entries)))
            .collect();
        let writer = scope.spawn(|| write_beside(db, &streams.writer, values, &is_over));
        let mut outcomes = Vec::new();
        for thread in threads {
            outcomes.push(thread.join());
        }
        driven.elapsed = OsClock.monotonic().saturating_sub(started);
        is_over.store(true, Ordering::Relaxed);
        driven.written_beside = writer.join().map_err(|_| anyhow!("the writer has panicked"))??;
        for outcome in outcomes {
            driven.latencies.add(outcome.map_err(|_| anyhow!("a thread has panicked"))??)?;
        }
        Ok(())
    })?;
    Ok(driven)
}

/// Writes over and over until the readers are through.
fn write_beside(db: &Db, steps: &[Step], values: &Values, is_over: &AtomicBool) -> Result<u64> {
    let mut written = 0;
    for step in steps.iter().cycle() {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        db.put(step.key, values.of(step.number.into()))?;
        written += 1;
    }
    Ok(written)
}

fn drive(db: &Db, steps: &[Step], values: &Values, batch_entries: usize) -> Result<Latencies> {
    let mut latencies = latencies()?;
    let mut hands = Hands { db, values, cursor: db.cursor()?, batch: WriteBatch::new() };
    // The end of one is the beginning of the next: one look at the clock for each.
    let mut began = OsClock.monotonic();
    for steps in steps.chunks(batch_entries) {
        match steps {
            [step] => hands.carry_out(step)?,
            _ => hands.write_together(steps)?,
        }
        let now = OsClock.monotonic();
        let ns = u64::try_from(now.saturating_sub(began).as_nanos()).unwrap_or(u64::MAX);
        latencies.saturating_record_n(ns.max(1), 1);
        began = now;
    }
    Ok(latencies)
}

/// What one thread works with.
struct Hands<'a> {
    db: &'a Db,
    values: &'a Values,
    cursor: DbCursor,
    batch: WriteBatch,
}

impl Hands<'_> {
    fn carry_out(&mut self, step: &Step) -> Result<()> {
        let value = || self.values.of(step.number.into());
        match step.verb {
            Verb::Put => self.db.put(step.key, value())?,
            Verb::Delete => self.db.delete(step.key)?,
            Verb::Get => self.expect(step)?,
            Verb::Look => {
                self.db.get(step.key)?;
            }
            Verb::Miss => {
                if self.db.get(step.key)?.is_some() {
                    bail!("key {} is there and should not be", step.number);
                }
            }
            Verb::Modify => {
                self.expect(step)?;
                self.db.put(step.key, value())?;
            }
            Verb::Seek(nexts) => {
                let mut cursor = self.db.cursor()?;
                cursor.seek(step.key)?;
                for _ in 0..nexts {
                    if !cursor.valid() {
                        break;
                    }
                    cursor.next()?;
                }
            }
            Verb::Next if self.cursor.valid() => self.cursor.next()?,
            Verb::Next => self.cursor.first()?,
            Verb::Prev if self.cursor.valid() => self.cursor.prev()?,
            Verb::Prev => self.cursor.last()?,
        }
        Ok(())
    }

    fn expect(&self, step: &Step) -> Result<()> {
        match self.db.get_with(step.key, |value| value == self.values.of(step.number.into()))? {
            Some(true) => Ok(()),
            Some(false) => bail!("key {} has another value than was written", step.number),
            None => bail!("key {} is not there", step.number),
        }
    }

    fn write_together(&mut self, steps: &[Step]) -> Result<()> {
        for step in steps {
            self.batch.put(step.key, self.values.of(step.number.into()));
        }
        self.db.write(&mut self.batch)?;
        Ok(())
    }
}

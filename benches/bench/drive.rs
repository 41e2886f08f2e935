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
    let mut hands = Hands { db, values, cursor: None, batch: WriteBatch::new() };
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
    /// Made when the first step needs it: it keeps what it can see from being merged away.
    cursor: Option<DbCursor>,
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
            Verb::Next | Verb::Prev => self.walk(step.verb)?,
        }
        Ok(())
    }

    fn walk(&mut self, verb: Verb) -> Result<()> {
        let cursor = match &mut self.cursor {
            Some(cursor) => cursor,
            none => none.insert(self.db.cursor()?),
        };
        match verb {
            Verb::Prev if cursor.valid() => cursor.prev()?,
            Verb::Prev => cursor.last()?,
            _ if cursor.valid() => cursor.next()?,
            _ => cursor.first()?,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Matrix;

    /// Carries a workload out in memory, and says how many operations were timed and which entries are there then.
    fn run(workload: &str, threads: usize) -> (u64, Vec<Vec<u8>>) {
        let text =
            format!("about = ''\n[axes]\nkeys = [2000]\nworkload = ['{workload}']\nthreads = [{threads}]");
        let cell = &Matrix::parse(&text).unwrap().cells("m")[0];
        let streams = Streams::new(cell).unwrap();
        let db = Db::builder("/db").in_memory().open().unwrap();
        let values = Values::new(100);
        load(&db, &streams.load, &values).unwrap();
        let driven = all(&db, &streams, &values, cell.workload.batch_entries()).unwrap();
        let entries = db.range(..).map(|entry| entry.unwrap().0.to_vec()).collect();
        (driven.latencies.len(), entries)
    }

    #[test]
    fn every_workload_leaves_what_it_should() {
        for workload in [
            "readrandom",
            "readmissing",
            "readseq",
            "readreverse",
            "seekrandom",
            "overwrite",
            "ycsb-a",
            "ycsb-f",
        ] {
            assert_eq!((run(workload, 2).0, run(workload, 1).1.len()), (2_000, 2_000), "{workload}");
        }
        assert_eq!(run("fillseq", 3).1.len(), 2_000);
        let (batches, entries) = run("fillbatch", 1);
        assert_eq!((batches, entries.len()), (2, 2_000));
        assert!((1_100..1_400).contains(&run("fillrandom", 1).1.len()), "e^-1 of the keys are never drawn");
        assert!((600..900).contains(&run("deleterandom", 1).1.len()));
        assert!(run("ycsb-d", 2).1.len() > 2_050 && run("ycsb-e", 1).1.len() > 2_050);
        assert_eq!(run("readwhilewriting", 1).1.len(), 2_000);
    }

    #[test]
    fn a_key_that_lost_its_value_fails_the_cell() {
        let db = Db::builder("/db").in_memory().open().unwrap();
        let values = Values::new(100);
        let text = "about = ''\n[axes]\nkeys = [10]\nworkload = ['readrandom']";
        let streams = Streams::new(&Matrix::parse(text).unwrap().cells("m")[0]).unwrap();
        load(&db, &streams.load, &values).unwrap();
        let step = streams.threads[0][0];
        db.put(step.key, "other").unwrap();
        assert!(all(&db, &streams, &values, 1).unwrap_err().to_string().contains("another value"));
        db.delete(step.key).unwrap();
        assert!(all(&db, &streams, &values, 1).unwrap_err().to_string().contains("is not there"));
    }
}

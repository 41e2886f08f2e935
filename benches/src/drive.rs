//! Carries steps out, and times each.

use std::{
    cell::OnceCell,
    hint::black_box,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Result, anyhow, bail};
use hdrhistogram::Histogram;
use siltstone::{Clock, OsClock};

use crate::{
    keys::Values,
    store::{Cursor as _, Store, View, Write},
    stream::{Step, Streams, Verb},
};

/// Nanoseconds of every operation of one or several threads.
pub type Latencies = Histogram<u64>;

/// What a run of all threads came to.
#[derive(Debug)]
pub struct Driven {
    /// From before the first thread began until the last had ended.
    pub elapsed: Duration,
    /// Of all threads that are timed.
    pub latencies: Latencies,
    /// What the writer beside the readers wrote.
    pub written_beside: u64,
}

/// To three digits, up to a minute.
fn latencies() -> Result<Latencies> {
    Ok(Histogram::new_with_bounds(1, 60_000_000_000, 3)?)
}

/// Writes what is there before anything is timed.
pub fn load<S: Store>(store: &S, steps: &[Step], values: &Values) -> Result<()> {
    for steps in steps.chunks(100) {
        store.load_batch(steps.iter().map(|step| put(step, values)))?;
    }
    Ok(())
}

fn put<'a>(step: &'a Step, values: &'a Values) -> Write<'a> {
    Write::Put(&step.key, values.of(step.number.into()))
}

/// All threads at once. The clock runs from before the first begins until the last has ended.
pub fn all<S: Store>(store: &S, streams: &Streams, values: &Values, batch_entries: usize) -> Result<Driven> {
    let is_over = AtomicBool::new(false);
    let mut driven = Driven { elapsed: Duration::ZERO, latencies: latencies()?, written_beside: 0 };
    let sight = if streams.write() { Sight::Newest } else { Sight::Held };
    let started = OsClock.monotonic();
    thread::scope(|scope| -> Result<()> {
        let threads: Vec<_> = streams
            .threads
            .iter()
            .map(|steps| scope.spawn(move || drive(store, steps, values, batch_entries, sight)))
            .collect();
        let writer = scope.spawn(|| write_beside(store, &streams.writer, values, &is_over));
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
fn write_beside<S: Store>(store: &S, steps: &[Step], values: &Values, is_over: &AtomicBool) -> Result<u64> {
    let mut written = 0;
    for step in steps.iter().cycle() {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        store.put(&step.key, values.of(step.number.into()))?;
        written += 1;
    }
    Ok(written)
}

fn drive<S: Store>(
    store: &S,
    steps: &[Step],
    values: &Values,
    batch_entries: usize,
    sight: Sight,
) -> Result<Latencies> {
    let mut latencies = latencies()?;
    let held = OnceCell::new();
    let mut hands = Hands { store, values, sight, held: &held, cursor: None };
    // The end of one is the beginning of the next: one look at the clock for each.
    let mut began = OsClock.monotonic();
    for steps in steps.chunks(batch_entries) {
        match steps {
            [step] => hands.carry_out(step)?,
            _ => store.write_batch(steps.iter().map(|step| put(step, values)))?,
        }
        let now = OsClock.monotonic();
        let ns = u64::try_from(now.saturating_sub(began).as_nanos()).unwrap_or(u64::MAX);
        latencies.saturating_record_n(ns.max(1), 1);
        began = now;
    }
    Ok(latencies)
}

/// Through which view a thread reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sight {
    /// One that is made for each read: somebody writes meanwhile.
    Newest,
    /// One for all reads: nobody does.
    Held,
}

/// What one thread works with.
struct Hands<'a, 'h, S: Store> {
    store: &'a S,
    values: &'a Values,
    sight: Sight,
    /// Made when the first step needs it, as the cursor is: they keep what they can see from being merged away.
    held: &'h OnceCell<S::View<'a>>,
    cursor: Option<<S::View<'a> as View>::Cursor<'h>>,
}

impl<'a, 'h, S: Store> Hands<'a, 'h, S> {
    fn carry_out(&mut self, step: &Step) -> Result<()> {
        match step.verb {
            Verb::Put => self.store.put(&step.key, self.value(step))?,
            Verb::Delete => self.store.delete(&step.key)?,
            Verb::Get => self.expect(step)?,
            Verb::Look => {
                self.get_with(step, <[u8]>::len)?;
            }
            Verb::Miss => {
                if self.get_with(step, |_| ())?.is_some() {
                    bail!("key {} is there and should not be", step.number);
                }
            }
            Verb::Modify => {
                self.expect(step)?;
                self.store.put(&step.key, self.value(step))?;
            }
            Verb::Seek(nexts) => match self.sight {
                Sight::Newest => scan(&self.store.view()?, step, nexts)?,
                Sight::Held => scan(self.held()?, step, nexts)?,
            },
            Verb::Next | Verb::Prev => self.walk(step.verb)?,
        }
        Ok(())
    }

    fn value(&self, step: &Step) -> &'a [u8] {
        self.values.of(step.number.into())
    }

    fn held(&self) -> Result<&'h S::View<'a>> {
        match self.held.get() {
            Some(view) => Ok(view),
            None => {
                let view = self.store.view()?;
                Ok(self.held.get_or_init(|| view))
            }
        }
    }

    fn get_with<T>(&self, step: &Step, read: impl FnOnce(&[u8]) -> T) -> Result<Option<T>> {
        match self.sight {
            Sight::Newest => self.store.view()?.get_with(&step.key, read),
            Sight::Held => self.held()?.get_with(&step.key, read),
        }
    }

    fn expect(&self, step: &Step) -> Result<()> {
        match self.get_with(step, |value| value == self.value(step))? {
            Some(true) => Ok(()),
            Some(false) => bail!("key {} has another value than was written", step.number),
            None => bail!("key {} is not there", step.number),
        }
    }

    /// One entry on or back, and from the end to the other one.
    fn walk(&mut self, verb: Verb) -> Result<()> {
        if self.cursor.is_none() {
            self.cursor = Some(self.held()?.cursor()?);
        }
        let Some(cursor) = &mut self.cursor else { return Ok(()) };
        match (verb, cursor.entry().is_some()) {
            (Verb::Prev, true) => cursor.prev()?,
            (Verb::Prev, false) => cursor.last()?,
            (_, true) => cursor.next()?,
            (_, false) => cursor.first()?,
        }
        black_box(cursor.entry());
        Ok(())
    }
}

/// A new cursor, a seek, and so many steps; every entry is looked at.
fn scan<V: View>(view: &V, step: &Step, nexts: u16) -> Result<()> {
    let mut cursor = view.cursor()?;
    cursor.seek(&step.key)?;
    for _ in 0..nexts {
        if black_box(cursor.entry()).is_none() {
            break;
        }
        cursor.next()?;
    }
    black_box(cursor.entry());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine::Siltstone, matrix::Matrix};

    fn in_memory() -> Siltstone {
        Siltstone(siltstone::Db::builder("/db").in_memory().open().unwrap())
    }

    /// Carries a workload out in memory, and says how many operations were timed and which entries are there then.
    fn run(workload: &str, threads: usize) -> (u64, Vec<Vec<u8>>) {
        let text =
            format!("about = ''\n[axes]\nkeys = [2000]\nworkload = ['{workload}']\nthreads = [{threads}]");
        let cell = &Matrix::parse(&text).unwrap().cells("m")[0];
        let streams = Streams::new(cell).unwrap();
        let db = in_memory();
        let values = Values::new(100);
        load(&db, &streams.load, &values).unwrap();
        let driven = all(&db, &streams, &values, cell.workload.batch_entries()).unwrap();
        let entries = db.0.range(..).map(|entry| entry.unwrap().0.to_vec()).collect();
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
        let db = in_memory();
        let values = Values::new(100);
        let text = "about = ''\n[axes]\nkeys = [10]\nworkload = ['readrandom']";
        let streams = Streams::new(&Matrix::parse(text).unwrap().cells("m")[0]).unwrap();
        load(&db, &streams.load, &values).unwrap();
        let step = streams.threads[0][0];
        db.put(&step.key, b"other").unwrap();
        assert!(all(&db, &streams, &values, 1).unwrap_err().to_string().contains("another value"));
        db.delete(&step.key).unwrap();
        assert!(all(&db, &streams, &values, 1).unwrap_err().to_string().contains("is not there"));
    }
}

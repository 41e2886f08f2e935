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
    process,
    store::{Cursor as _, Store, View, Write},
    stream::{Step, Streams, TTL, Verb},
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
    /// For how long threads that are timed waited for a processor, all of them together.
    pub waited: Duration,
}

impl Driven {
    pub(crate) fn nothing() -> Result<Driven> {
        Ok(Driven {
            elapsed: Duration::ZERO,
            latencies: latencies()?,
            written_beside: 0,
            waited: Duration::ZERO,
        })
    }
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
    let mut driven = Driven::nothing()?;
    let sight = if streams.write() { Sight::Newest } else { Sight::Held };
    let started = OsClock.monotonic();
    let threads = streams.threads.len();
    thread::scope(|scope| -> Result<()> {
        let threads: Vec<_> = streams
            .threads
            .iter()
            .enumerate()
            .map(|(thread, steps)| {
                let arrivals = Arrivals::of_thread(started, streams.arrivals_per_second, (thread, threads));
                scope.spawn(move || drive(store, steps, values, batch_entries, (sight, arrivals)))
            })
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
            let (latencies, waited) = outcome.map_err(|_| anyhow!("a thread has panicked"))??;
            driven.latencies.add(latencies)?;
            driven.waited += waited;
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
    (sight, arrivals): (Sight, Option<Arrivals>),
) -> Result<(Latencies, Duration)> {
    let mut latencies = latencies()?;
    let waited = process::waited();
    let held = OnceCell::new();
    let mut hands = Hands { store, values, sight, held: &held, cursor: None };
    // The end of one is the beginning of the next: one look at the clock for each.
    let mut began = OsClock.monotonic();
    for (at, steps) in steps.chunks(batch_entries).enumerate() {
        if let Some(arrivals) = arrivals {
            // Whoever asks has asked then, whether the store is ready or not.
            began = arrivals.wait_for(at);
        }
        match steps {
            [step] => hands.carry_out(step)?,
            _ => store.write_batch(steps.iter().map(|step| put(step, values)))?,
        }
        let now = OsClock.monotonic();
        let ns = u64::try_from(now.saturating_sub(began).as_nanos()).unwrap_or(u64::MAX);
        latencies.saturating_record_n(ns.max(1), 1);
        began = now;
    }
    Ok((latencies, process::waited().saturating_sub(waited)))
}

/// When the operations of one thread begin if they come at a fixed rate: an open loop. A store that is slow for a moment is then as late for all who came meanwhile, as it
/// would be where requests come from people; a closed loop counts such a moment once ("coordinated omission").
#[derive(Clone, Copy, Debug)]
struct Arrivals {
    first: Duration,
    every: Duration,
}

impl Arrivals {
    /// The share of one of several threads; `None` when nothing arrives by itself.
    fn of_thread(started: Duration, per_second: u32, (thread, threads): (usize, usize)) -> Option<Arrivals> {
        let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        (per_second > 0).then(|| Arrivals {
            first: started + Duration::from_secs_f64(number(thread) / f64::from(per_second)),
            every: Duration::from_secs_f64(number(threads) / f64::from(per_second)),
        })
    }

    /// Waits until an operation is to begin, if that is not over yet; returns the moment.
    fn wait_for(&self, at: usize) -> Duration {
        let due = self.first + self.every.saturating_mul(u32::try_from(at).unwrap_or(u32::MAX));
        loop {
            let left = due.saturating_sub(OsClock.monotonic());
            if left.is_zero() {
                return due;
            }
            if left > SLEEP_MIN {
                // Sleeping takes longer than it should.
                thread::sleep(left.saturating_sub(SLEEP_MIN));
            } else {
                thread::yield_now();
            }
        }
    }
}

/// Shorter times are waited for awake.
const SLEEP_MIN: Duration = Duration::from_micros(200);

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
            Verb::Pop => self.pop(step)?,
            Verb::PutExpiring => self.store.put_expiring(&step.key, self.value(step), TTL)?,
        }
        Ok(())
    }

    fn pop(&self, step: &Step) -> Result<()> {
        let is_it = {
            let view = self.store.view()?;
            let mut cursor = view.cursor()?;
            cursor.first()?;
            cursor.entry().map(|(key, _)| key == step.key)
        };
        match is_it {
            Some(true) => self.store.delete(&step.key),
            Some(false) => bail!("the first entry is not key {}", step.number),
            None => bail!("there is no entry, and key {} should be", step.number),
        }
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
    use std::sync::atomic::AtomicUsize;

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
            "seekrandom-10",
            "seekrandom-100",
            "updaterandom",
            "hotoverwrite",
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

    /// A store that sleeps once.
    struct Sleepy {
        store: Siltstone,
        puts: AtomicUsize,
    }

    impl Store for Sleepy {
        type View<'a> = &'a Siltstone;

        fn open(cell: &crate::cell::Cell, dir: &std::path::Path) -> Result<Sleepy> {
            Ok(Sleepy { store: Siltstone::open(cell, dir)?, puts: AtomicUsize::new(0) })
        }

        fn put(&self, key: &[u8], value: &[u8]) -> Result<()> {
            if self.puts.fetch_add(1, Ordering::Relaxed) == 50 {
                thread::sleep(Duration::from_millis(100));
            }
            self.store.put(key, value)
        }

        fn delete(&self, key: &[u8]) -> Result<()> {
            self.store.delete(key)
        }

        fn write_batch<'a>(&self, writes: impl IntoIterator<Item = Write<'a>>) -> Result<()> {
            self.store.write_batch(writes)
        }

        fn view(&self) -> Result<&Siltstone> {
            self.store.view()
        }

        fn settle(&self) -> Result<Duration> {
            self.store.settle()
        }

        fn close(self) -> Result<()> {
            self.store.close()
        }
    }

    #[test]
    fn in_an_open_loop_a_pause_is_long_for_all_who_came_meanwhile() {
        let delayed = |arrivals: u32| {
            let text = format!(
                "about = ''\n[axes]\nkeys = [300]\nworkload = ['fillseq']\narrivals-per-second = [{arrivals}]"
            );
            let streams = Streams::new(&Matrix::parse(&text).unwrap().cells("m")[0]).unwrap();
            let store = Sleepy { store: in_memory(), puts: AtomicUsize::new(0) };
            let driven = all(&store, &streams, &Values::new(100), 1).unwrap();
            let latencies = driven.latencies;
            let above_20_ms = latencies.iter_recorded().filter(|one| one.value_iterated_to() > 20_000_000);
            (above_20_ms.map(|one| one.count_at_value()).sum::<u64>(), driven.elapsed)
        };
        // One comes each millisecond: when the pause ends, the one behind it has waited for 99, the next for 98.
        let (of_open, elapsed) = delayed(1_000);
        assert!(of_open >= 75, "{of_open} of the hundred that came waited for more than 20 ms");
        assert!(elapsed >= Duration::from_millis(299), "{elapsed:?}: they come no faster");
        let (of_closed, _) = delayed(0);
        assert!(of_closed < 20, "{of_closed}: a closed loop hides it");
    }

    #[test]
    fn several_threads_together_keep_the_rate() {
        let started = OsClock.monotonic();
        let due = |thread: usize, at: usize| {
            let arrivals = Arrivals::of_thread(started, 1_000, (thread, 4)).unwrap();
            arrivals.wait_for(at).saturating_sub(started).as_micros()
        };
        assert_eq!([due(0, 0), due(1, 0), due(3, 0), due(0, 1), due(1, 2)], [0, 1_000, 3_000, 4_000, 9_000]);
        assert!(Arrivals::of_thread(started, 0, (0, 1)).is_none());
    }

    #[test]
    fn a_queue_moves_on_and_is_as_long_as_before() {
        let (operations, entries) = run("queue", 1);
        assert_eq!((operations, entries.len()), (2_000, 2_000));
        let key = |number| crate::keys::present(number).to_vec();
        assert_eq!((entries.first(), entries.last()), (Some(&key(1_000)), Some(&key(2_999))));
        let text = "about = ''\n[axes]\nkeys = [10]\nworkload = ['queue']";
        let streams = Streams::new(&Matrix::parse(text).unwrap().cells("m")[0]).unwrap();
        let error = all(&in_memory(), &streams, &Values::new(100), 1).unwrap_err().to_string();
        assert!(error.contains("the first entry is not key 0"), "it was not loaded: {error}");
    }

    #[test]
    fn entries_with_a_time_to_live_are_gone_after_it() {
        let text = "about = ''\n[axes]\nkeys = [2000]\nworkload = ['timeseries-ttl']";
        let streams = Streams::new(&Matrix::parse(text).unwrap().cells("m")[0]).unwrap();
        let clock = std::sync::Arc::new(siltstone::TestClock::new(1));
        let db = Siltstone(siltstone::Db::builder("/db").in_memory().clock(clock.clone()).open().unwrap());
        all(&db, &streams, &Values::new(100), 1).unwrap();
        let count = || db.0.range(..).map(Result::unwrap).count();
        assert_eq!(count(), 2_000, "each is a key of its own");
        clock.advance(999);
        assert_eq!(count(), 2_000);
        clock.advance(1);
        assert_eq!(count(), 0);
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

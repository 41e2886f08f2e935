//! Writers at full speed: how fast they are, and how long they are made to wait.

use std::{
    env,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use hdrhistogram::Histogram;
use siltstone::{Clock, Db, Durability, OsClock, Settings};
use siltstone_benches::settle::settle;

use super::{Outcome, sequential::ratio, strategies};

const WRITERS: u32 = 2;
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// Two threads overwrite ten million keys for `SECONDS` (60) under each strategy; prints writes a second, latencies, the share of time that writers waited, and how
/// long the debt took to be paid afterwards.
///
/// # Errors
///
/// When a write takes longer than 500 ms.
pub(crate) fn run(folder: &Path) -> Outcome {
    let seconds: u64 = env::var("SECONDS").map_or(Ok(60), |text| text.parse())?;
    let mut too_long = Vec::new();
    for (name, compaction) in strategies::chosen() {
        let settings = Settings { compaction, durability: Durability::Buffered, ..Settings::default() };
        let dir = folder.join(name);
        let db = Db::builder(&dir).settings(settings).open()?;
        let (latencies, took) = write_for(&db, Duration::from_secs(seconds))?;
        let stats = db.stats()?;
        let paid = settle(&db)?;
        let of = |quantile| Duration::from_nanos(latencies.value_at_quantile(quantile));
        let longest = Duration::from_nanos(latencies.max());
        let waited = stats.stalls.slowed().time + stats.stalls.stopped().time;
        let writing = took.as_secs_f64() * f64::from(WRITERS);
        println!(
            "{name}: {:.0} writes/s; p50 {:?}, p99 {:?}, p99.9 {:?}, longest {longest:?}; writers waited {:.1} % of the time; debt paid in {paid:?}; {} runs at the end of the load, {} after",
            ratio(latencies.len(), 1) / took.as_secs_f64(),
            of(0.5),
            of(0.99),
            of(0.999),
            100.0 * waited.as_secs_f64() / writing,
            stats.levels.values().map(|level| level.runs).sum::<u64>(),
            db.stats()?.levels.values().map(|level| level.runs).sum::<u64>(),
        );
        db.close()?;
        std::fs::remove_dir_all(&dir)?;
        if longest > PAUSE_MAX {
            too_long.push(name);
        }
    }
    if too_long.is_empty() {
        Ok(())
    } else {
        Err(format!("a write took longer than {PAUSE_MAX:?} under {}", too_long.join(", ")).into())
    }
}

fn write_for(db: &Db, duration: Duration) -> Outcome<(Histogram<u64>, Duration)> {
    let failures = AtomicU64::new(0);
    let started = OsClock.monotonic();
    let histograms = thread::scope(|scope| {
        let failures = &failures;
        let writer = |seed: u64| {
            let mut latencies = Histogram::<u64>::new(3).ok()?;
            let mut key = seed;
            loop {
                let begun = OsClock.monotonic();
                if begun.saturating_sub(started) > duration {
                    return Some(latencies);
                }
                key = key.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                if db.put(format!("{:016}", (key >> 33) % 10_000_000), [7; 100]).is_err() {
                    failures.fetch_add(1, Ordering::Relaxed);
                }
                let nanos = OsClock.monotonic().saturating_sub(begun).as_nanos();
                latencies.record(u64::try_from(nanos).unwrap_or(u64::MAX)).ok()?;
            }
        };
        let threads: Vec<_> =
            (0..WRITERS).map(|seed| scope.spawn(move || writer(u64::from(seed) + 1))).collect();
        threads.into_iter().map(|thread| thread.join().ok().flatten()).collect::<Vec<_>>()
    });
    let took = OsClock.monotonic().saturating_sub(started);
    let mut all = Histogram::<u64>::new(3)?;
    for histogram in histograms {
        all.add(histogram.ok_or("a writer failed")?)?;
    }
    if failures.into_inner() > 0 { Err("a write failed".into()) } else { Ok((all, took)) }
}

//! What durable writers gain from each other: single puts by 1, 8 and 32 threads.
//!
//! Without a folder on a file system in memory whose syncs take 4 ms. With one, in it, beside a bare append and sync of one file: one thread alone,
//! several as leader and followers. Each figure is the median of `ROUNDS` (5) runs of `MILLISECONDS` (1000). `WRITERS=8,32` chooses the numbers of
//! threads. `ONLY=engine` and `ONLY=bare` leave the other out, for a profiler. The bare file is reserved in steps of
//! `RESERVE_BYTES` (1 MiB, as the engine does); with 0 it grows with each append.
#![expect(clippy::print_stdout, reason = "a program that prints figures")]

mod bare;

use std::{
    env,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use siltstone::{Clock, Db, OsClock};
use siltstone_vfs::{DelayFs, Fs, MemFs, OpKind, OsFs};

const VALUE: [u8; 100] = [7; 100];

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// What one run did.
pub(crate) struct Figures {
    writes: u64,
    per_second: f64,
}

fn main() -> Outcome<()> {
    let rounds: usize = if env::args().any(|arg| arg == "--test") { 1 } else { number("ROUNDS", 5)? };
    let folder = env::args().skip(1).find(|arg| !arg.starts_with("--")).map(PathBuf::from);
    let only = env::var("ONLY").unwrap_or_default();
    let mut of_one = None;
    for writers in env::var("WRITERS").as_deref().unwrap_or("1,8,32").split(',') {
        let writers = writers.parse()?;
        let (mut engine, mut bare) = (Vec::new(), Vec::new());
        let mut record_bytes = 164;
        for round in 0..rounds {
            // Turn by turn, so that whatever else the machine does meets both.
            let Some(folder) = &folder else {
                engine.push(puts(slow(), Path::new("db"), writers)?.0);
                continue;
            };
            if only != "bare" {
                let dir = folder.join(format!("engine-{writers}-{round}"));
                let (per_second, bytes) = puts(Arc::new(OsFs::new()), &dir, writers)?;
                record_bytes = bytes;
                engine.push(per_second);
            }
            if only != "engine" {
                let dir = folder.join(format!("bare-{writers}-{round}"));
                bare.push(
                    bare::appends(&dir, writers, record_bytes, number("RESERVE_BYTES", 1 << 20)?)?.per_second,
                );
            }
        }
        // Of runs that follow each other.
        let mut pairs: Vec<_> = engine.iter().zip(&bare).map(|(engine, bare)| engine / bare).collect();
        print!("{writers:>2} writers:");
        if let Some(figure) = median(&mut engine) {
            let of_one = *of_one.get_or_insert(figure);
            print!(" {figure:>9.1} puts/s, {:>5.2} times the first;", figure / of_one);
        }
        if let Some(figure) = median(&mut bare) {
            print!(" bare {figure:>9.1}/s;");
        }
        if let Some(ratio) = median(&mut pairs) {
            let (least, most) = (pairs.first().copied(), pairs.last().copied());
            print!(
                " the engine has {ratio:.3} of it ({:.3} to {:.3})",
                least.unwrap_or(0.0),
                most.unwrap_or(0.0)
            );
        }
        println!();
    }
    Ok(())
}

fn number<T: std::str::FromStr>(name: &str, default: T) -> Result<T, T::Err> {
    env::var(name).map_or(Ok(default), |text| text.parse())
}

fn median(figures: &mut [f64]) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied()
}

fn slow() -> Arc<dyn Fs> {
    Arc::new(DelayFs::new(Arc::new(MemFs::new()), &OpKind::SYNCS, Duration::from_millis(4)))
}

pub(crate) fn key(writer: usize, number: u64) -> String {
    format!("{writer:02}-{number:010}")
}

/// Puts by so many threads: how many a second, and how long a record of theirs is in the log.
fn puts(fs: Arc<dyn Fs>, dir: &Path, writers: usize) -> Outcome<(f64, usize)> {
    let db = Db::builder(dir).fs(fs).open()?;
    let figures = rate(writers, |writer, number| db.put(key(writer, number), VALUE).is_ok())?;
    let record_bytes = db.stats()?.writes.log_bytes / figures.writes.max(1);
    db.close()?;
    Ok((figures.per_second, usize::try_from(record_bytes)?))
}

/// How often a second `work` is done by so many threads together.
pub(crate) fn rate(writers: usize, work: impl Fn(usize, u64) -> bool + Sync) -> Outcome<Figures> {
    let duration = Duration::from_millis(number("MILLISECONDS", 1000)?);
    let (is_over, done, failed) = (AtomicBool::new(false), AtomicU64::new(0), AtomicBool::new(false));
    let started = OsClock.monotonic();
    let took = thread::scope(|scope| {
        for writer in 0..writers {
            let (is_over, done, failed, work) = (&is_over, &done, &failed, &work);
            scope.spawn(move || {
                for number in 0.. {
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    if !work(writer, number) {
                        failed.store(true, Ordering::Relaxed);
                        break;
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        thread::sleep(duration);
        is_over.store(true, Ordering::Relaxed);
        // What is done later does not count much: one write for each thread.
        OsClock.monotonic().saturating_sub(started)
    });
    if failed.into_inner() {
        return Err("a write failed".into());
    }
    let total = done.into_inner();
    #[expect(clippy::cast_precision_loss, reason = "a count of seconds' work is far below 2^52")]
    let per_second = total as f64 / took.as_secs_f64();
    Ok(Figures { writes: total, per_second })
}

//! What durable writers gain from each other: single puts by 1, 8 and 32 threads.
//!
//! Without an argument on a file system in memory whose syncs take 4 ms. With a folder, in it, beside a bare append and sync of one file: one
//! thread alone, several as leader and followers. Each figure is the median of `ROUNDS` (5) runs of `MILLISECONDS` (1000).
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

const WRITERS: [usize; 3] = [1, 8, 32];
const VALUE: [u8; 100] = [7; 100];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rounds = number("ROUNDS", 5)?;
    let folder = env::args().nth(1).map(PathBuf::from);
    let mut of_one = 0.0;
    for writers in WRITERS {
        let (mut engine, mut bare) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            // Turn by turn, so that whatever else the machine does meets both.
            match &folder {
                None => engine.push(puts(slow(), Path::new("db"), writers)?),
                Some(folder) => {
                    let dir = folder.join(format!("db-{writers}-{round}"));
                    engine.push(puts(Arc::new(OsFs::new()), &dir, writers)?);
                    bare.push(bare::syncs(&folder.join(format!("bare-{writers}-{round}")), writers)?);
                }
            }
        }
        let engine = median(&mut engine);
        if writers == 1 {
            of_one = engine;
        }
        print!("{writers:>2} writers: {engine:>9.1} puts/s, {:>5.2} times one", engine / of_one);
        if !bare.is_empty() {
            let bare = median(&mut bare);
            print!("; bare {bare:>9.1}/s, the engine has {:.3} of it", engine / bare);
        }
        println!();
    }
    Ok(())
}

fn number(name: &str, default: u64) -> Result<u64, std::num::ParseIntError> {
    env::var(name).map_or(Ok(default), |text| text.parse())
}

fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn slow() -> Arc<dyn Fs> {
    Arc::new(DelayFs::new(Arc::new(MemFs::new()), &OpKind::SYNCS, Duration::from_millis(4)))
}

fn puts(fs: Arc<dyn Fs>, dir: &Path, writers: usize) -> Result<f64, Box<dyn std::error::Error>> {
    let db = Db::builder(dir).fs(fs).open()?;
    let figure = rate(writers, |writer, number| db.put(format!("{writer:02}-{number:010}"), VALUE).is_ok())?;
    db.close()?;
    Ok(figure)
}

/// How often a second `work` is done by so many threads together.
fn rate(writers: usize, work: impl Fn(usize, u64) -> bool + Sync) -> Result<f64, Box<dyn std::error::Error>> {
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
    #[expect(clippy::cast_precision_loss, reason = "a count of seconds' work is far below 2^52")]
    let done = done.into_inner() as f64;
    Ok(done / took.as_secs_f64())
}

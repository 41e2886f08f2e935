//! The first figures to know of the engine: a million keys of 16 bytes with values of 100, written, read and scanned, buffered.
//!
//! Databases are made in a new folder within the one that is given (or the system's folder for temporary files), and removed. Memtable 64 MiB, cache 256 MiB,
//! everything else as by default. Keys are made before a clock runs, and kept in the order in which they are used. What is there when:
//!
//! - *Sequential puts*, *random puts* and *2 writers*, each with half of the keys in random order, fill an empty database each. The clock stops with the last
//!   put: flushes and merges may be behind.
//! - All reads are of the database that random puts have filled, when nothing is flushed or merged any more. About a tenth of the entries is still in the
//!   memtable, the others are in tables; the program prints how many are where. Nothing has synced the tables out of the page cache.
//! - *First gets* read every key once, in another random order, and fill the cache. *Second gets* read every key again, in a third order, from memtable and
//!   cache. All values are looked at.
//! - *Absent gets* ask for keys that lie between those that are there: first with the memtable as it is, and at the end of it all once more when the
//!   memtable was flushed.
//! - *Scans* walk over all entries with a cursor, forward and backward, looking at keys and values, with the cache as the gets have left it.
//!
//! `ROUNDS` (3) databases of each kind take turns, and the medians are printed. `ENTRIES` (1,000,000) is how many keys there are. `--memory` fills, asks and
//! scans one database with memtable and cache of 16 MiB instead, and prints how much memory the process has taken at most (Linux only). `--test` makes one
//! small round of everything. `ONLY=sequential`, `random` (with the reads) or `writers` leaves the others out, for a profiler.
#![expect(clippy::print_stdout, reason = "a program that prints figures")]

mod memory;
mod phases;

use std::{env, path::Path, str::FromStr};

use siltstone::{Db, Durability, LevelStats, Settings, Stats};
use siltstone_benches::{
    Outcome,
    keys::{KEY_BYTES, VALUE_BYTES},
};

use crate::phases::Figure;

fn main() -> Outcome<()> {
    let is_test = env::args().any(|arg| arg == "--test");
    let count = number("ENTRIES", if is_test { 20_000 } else { 1_000_000 })?;
    let rounds: usize = number("ROUNDS", if is_test { 1 } else { 3 })?;
    let folder = match env::args().skip(1).find(|arg| !arg.starts_with("--")) {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    if is_test || env::args().any(|arg| arg == "--memory") {
        print_memory(&folder.path().join("memory"), count)?;
        if !is_test {
            return Ok(());
        }
    }
    let only = env::var("ONLY").unwrap_or_default();
    let mut figures: Vec<Figure> = Vec::new();
    let mut when_read = None;
    for round in 0..rounds {
        let dir = |name: &str| folder.path().join(format!("{name}-{round}"));
        if only.is_empty() || only == "sequential" {
            figures.push(phases::sequential_puts(&dir("sequential"), count)?);
        }
        if only.is_empty() || only == "random" {
            let (of_round, of_database) = phases::random_puts_and_reads(&dir("random"), count)?;
            figures.extend(of_round);
            when_read = Some(of_database);
        }
        if only.is_empty() || only == "writers" {
            figures.push(phases::two_writers(&dir("writers"), count)?);
        }
    }
    if let Some(stats) = when_read {
        println!("when reads are timed: {}", places(&stats));
    }
    print_table(&figures);
    Ok(())
}

fn number<T: FromStr>(name: &str, default: T) -> Result<T, T::Err> {
    env::var(name).map_or(Ok(default), |text| text.parse())
}

/// Opens an empty database whose writes are handed to the operating system, not synced.
pub(crate) fn open(dir: &Path, settings: Settings) -> Outcome<Db> {
    Ok(Db::builder(dir).settings(Settings { durability: Durability::Buffered, ..settings }).open()?)
}

/// Where the entries are.
fn places(stats: &Stats) -> String {
    let of_level = |(level, figures): (&u32, &LevelStats)| {
        format!(", {} in level {level} (runs: {}, tables: {})", figures.entries, figures.runs, figures.tables)
    };
    let levels: String = stats.levels.iter().map(of_level).collect();
    format!("{} entries in memtables{levels}", stats.memtable_entries)
}

/// One line for each operation, in the order in which they first ran.
fn print_table(figures: &[Figure]) {
    println!("{:<28} {:>12} {:>9}  of the rounds, least to most", "operation", "median per s", "MB/s");
    let mut names: Vec<_> = Vec::new();
    for figure in figures {
        if !names.contains(&figure.name) {
            names.push(figure.name);
        }
    }
    for name in names {
        let mut of_name: Vec<_> =
            figures.iter().filter(|figure| figure.name == name).map(|figure| figure.per_second).collect();
        of_name.sort_by(f64::total_cmp);
        let at = |index: usize| of_name.get(index).copied().unwrap_or_default();
        let median = at(of_name.len() / 2);
        let bytes = if name.starts_with("absent") {
            0.0
        } else {
            f64::from(u32::try_from(KEY_BYTES + VALUE_BYTES).unwrap_or_default())
        };
        println!(
            "{name:<28} {median:>12.0} {:>9.1}  {:.0} to {:.0}",
            median * bytes / 1e6,
            at(0),
            at(of_name.len() - 1)
        );
    }
}

fn print_memory(dir: &Path, count: u64) -> Outcome<()> {
    let peaks = memory::peaks(dir, count)?;
    println!("at the end: {}", places(&peaks.stats));
    println!("peak of the resident memory, in MB (10^6 bytes):");
    let phases = [
        ("program, before opening", peaks.before),
        ("fill", peaks.fill),
        ("100,000 gets", peaks.gets),
        ("scan", peaks.scan),
    ];
    for (name, bytes) in phases {
        println!("{name:<28} {:>6}.{}", bytes / 1_000_000, bytes / 100_000 % 10);
    }
    Ok(())
}

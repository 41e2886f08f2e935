//! Measures one cell, in a process of its own.

use std::{fs, path::Path, time::Duration};

use anyhow::{Result, anyhow, bail};
use siltstone::{Clock, OsClock, ReadStats, Stats, compaction::Operation};

use crate::{
    Outcome,
    cell::Cell,
    drive::{self, Driven},
    history::History,
    keys::{KEY_BYTES, Values},
    machine::Pace,
    openings::{self, Crashed},
    predict, process,
    row::{Amplification, Bytes, Latency, LevelRow, Reads, Row},
    store::{Cursor as _, Store, View as _},
    stream::Streams,
    units::number,
    watch::{self, Seen},
    workload::Workload,
};

/// What was seen of the workload, before the store was closed.
struct Worked {
    /// When the first operation began, by the clock that counts from some moment on.
    began: Duration,
    driven: Driven,
    settling: Duration,
    cpu: (process::CpuTime, process::CpuTime),
    written: process::Written,
    /// Of the store; what it says of itself, if it does.
    stats: Option<Watch>,
    pace: Pace,
    /// Entries that live yet, where that is a matter of time.
    living: Option<u64>,
    /// What is opened again and again.
    crashed: Option<Crashed>,
}

/// What a store said of itself.
struct Watch {
    before: Stats,
    /// When the last operation had ended.
    at_end: Stats,
    settled: Stats,
}

/// Measures a cell in a folder that does not exist yet.
///
/// # Errors
///
/// The store's; a read that did not find what was written; and a tree that is not what the matrix requires.
pub fn measure<S: Store>(cell: &Cell, repeat: u32, dir: &Path) -> Result<Row> {
    let streams = Streams::new(cell)?;
    let values = Values::new(usize::try_from(cell.value_bytes.0)?);
    let memory_before_bytes = plain(process::resident_bytes())?;
    plain(process::forget_peak())?;
    let written_before = plain(process::written())?;
    let store = S::open(cell, dir)?;
    let opened = OsClock.monotonic();
    let (worked, watched) = watch::while_watched(&store, || work(cell, &store, &streams, &values, dir));
    let mut worked = worked?;
    worked.written.write_calls -= written_before.write_calls;
    worked.written.dirtied -= written_before.dirtied;
    let memory_peak_bytes = plain(process::peak_bytes())?;
    store.close()?;
    let seen = watched.as_ref().map(|watched| watched.seen);
    check(cell, worked.stats.as_ref(), seen)?;
    if let (Some(count), Some(last)) = (cell.workload.openings(), streams.load.last()) {
        let count = if cell.operations == 0 { count } else { cell.operations };
        let crashed = worked.crashed.take();
        worked.driven = openings::all::<S>(cell, dir, crashed.as_ref(), count, (last, &values))?;
    }
    let disk_bytes = bytes_below(dir)?;
    let began = OsClock.monotonic();
    S::open(cell, dir)?.close()?;
    let open_ms = OsClock.monotonic().saturating_sub(began).as_secs_f64() * 1e3;
    let mut row = row(cell, repeat, &streams, &worked, seen)?;
    if let Some(watched) = watched {
        let began = worked.began.saturating_sub(opened).as_secs_f64();
        row.history = History {
            workload_from: began,
            workload_to: began + row.seconds,
            writing_threads: writing_threads(&streams),
            samples: watched.moments.into_samples(),
        };
    }
    (row.memory_before_bytes, row.memory_peak_bytes) = (memory_before_bytes, memory_peak_bytes);
    (row.disk_bytes, row.open_ms) = (disk_bytes, open_ms);
    Ok(row)
}

/// Errors of the shared parts cannot leave their thread; their words can.
fn plain<T>(outcome: Outcome<T>) -> Result<T> {
    outcome.map_err(|error| anyhow!("{error}"))
}

fn work<S: Store>(cell: &Cell, store: &S, streams: &Streams, values: &Values, dir: &Path) -> Result<Worked> {
    let mut crashed = None;
    if !streams.load.is_empty() {
        drive::load(store, &streams.load, values)?;
        if cell.workload == Workload::OpenReplay {
            crashed = Some(Crashed::copy(dir)?);
        }
        store.settle()?;
    }
    let pace_before = Pace::now();
    let before = store.stats()?;
    let cpu_before = plain(process::cpu_time())?;
    let began = OsClock.monotonic();
    let driven = drive::all(store, streams, values, cell.workload.batch_entries())?;
    let at_end = store.stats()?;
    let settling = store.settle()?;
    let cpu = (cpu_before, plain(process::cpu_time())?);
    let stats = match (before, at_end, store.stats()?) {
        (Some(before), Some(at_end), Some(settled)) => Some(Watch { before, at_end, settled }),
        _ => None,
    };
    let written = plain(process::written())?;
    let living = cell.workload.expires().then(|| entries(store)).transpose()?;
    let pace = pace_before.midpoint(Pace::now());
    Ok(Worked { began, driven, settling, cpu, written, stats, pace, living, crashed })
}

/// How many there are.
fn entries<S: Store>(store: &S) -> Result<u64> {
    let view = store.view()?;
    let mut cursor = view.cursor()?;
    cursor.first()?;
    let mut entries = 0;
    while cursor.entry().is_some() {
        entries += 1;
        cursor.next()?;
    }
    Ok(entries)
}

/// Whether the tree has been through what the cell requires. Nothing is required of a store that has no tree to look at.
fn check(cell: &Cell, stats: Option<&Watch>, seen: Option<Seen>) -> Result<()> {
    let (Some(stats), Some(seen)) = (stats, seen) else { return Ok(()) };
    let require = cell.require;
    let compactions = stats.settled.writes.compactions;
    if compactions < require.compactions {
        bail!("{compactions} compactions, and {} are required", require.compactions);
    }
    let is_asked = require.levels > 0 || require.runs > 0;
    let is_deep = require.levels > 0 && seen.levels >= require.levels;
    let is_wide = require.runs > 0 && seen.runs >= require.runs;
    if is_asked && !is_deep && !is_wide {
        bail!(
            "at most {} levels and {} runs at a time, and {} or {} are required",
            seen.levels,
            seen.runs,
            require.levels,
            require.runs
        );
    }
    Ok(())
}

/// With what every store has; the rest is added for a store that says something of itself.
fn row(cell: &Cell, repeat: u32, streams: &Streams, worked: &Worked, seen: Option<Seen>) -> Result<Row> {
    let Worked { driven, written, .. } = worked;
    let writes = predict::writes(streams, driven.written_beside);
    let user = predict::user_bytes(&writes, cell.value_bytes.0);
    let steps = streams.threads.iter().map(Vec::len).sum::<usize>() as u64;
    // Openings are no steps.
    let operations = if steps > 0 { steps } else { driven.latencies.len() };
    let seconds = driven.elapsed.as_secs_f64();
    let settling_seconds = worked.settling.as_secs_f64();
    let (cpu_before, cpu_after) = worked.cpu;
    let mut row = Row {
        cell: cell.clone(),
        repeat,
        operations,
        seconds,
        settling_seconds,
        per_second: ratio(number(operations), seconds),
        settled_per_second: ratio(number(operations), seconds + settling_seconds),
        latency_us: latency(driven),
        amplification: Amplification {
            write: None,
            write_calls: ratio(number(written.write_calls), number(user)),
            write_dirtied: ratio(number(written.dirtied), number(user)),
            table_write: None,
            read: None,
            space: None,
        },
        predicted: None,
        bytes: Bytes {
            user,
            log: None,
            flush: None,
            compaction: None,
            write_calls: written.write_calls,
            dirtied: written.dirtied,
        },
        flushes: None,
        compactions: None,
        moves: None,
        stall_share: None,
        seen,
        levels: Vec::new(),
        history: History::default(),
        reads: None,
        cpu_user_seconds: cpu_after.user.saturating_sub(cpu_before.user).as_secs_f64(),
        cpu_system_seconds: cpu_after.system.saturating_sub(cpu_before.system).as_secs_f64(),
        memory_peak_bytes: 0,
        memory_before_bytes: 0,
        disk_bytes: 0,
        open_ms: 0.0,
        pace: worked.pace,
        waited_share: ratio(
            driven.waited.as_secs_f64(),
            seconds * number(streams.threads.len().max(1) as u64),
        )
        .min(1.0),
    };
    if let (Some(stats), Some(seen)) = (&worked.stats, seen) {
        add_stats(&mut row, stats, (&writes, worked.living), seen)?;
        row.stall_share = Some(stall_share(stats, seconds * number(writing_threads(streams))));
    }
    Ok(row)
}

/// Adds what the store counted itself.
fn add_stats(
    row: &mut Row,
    stats: &Watch,
    (writes, living): (&[Operation], Option<u64>),
    seen: Seen,
) -> Result<()> {
    let Watch { before, at_end, settled } = stats;
    let live_keys = living.unwrap_or_else(|| predict::live_keys(writes));
    let live_bytes = live_keys * (KEY_BYTES as u64 + row.cell.value_bytes.0);
    let entries: u64 = settled.levels.values().map(|level| level.entries).sum();
    let file_bytes = settled.file_bytes().checked_div(entries).unwrap_or(0);
    let raw_bytes: u64 = settled.levels.values().map(|level| level.raw_bytes).sum();
    let written = settled.writes;
    let (log, flush, compaction) = (written.log_bytes, written.flush_bytes, written.compaction_bytes);
    row.bytes = Bytes {
        user: written.user_bytes,
        log: Some(log),
        flush: Some(flush),
        compaction: Some(compaction),
        ..row.bytes
    };
    row.amplification = Amplification {
        write: Some(ratio(number(log + flush + compaction), number(written.user_bytes))),
        table_write: Some(ratio(number(flush + compaction), number(flush))),
        read: read_amplification(before.reads, at_end.reads),
        space: Some(ratio(number(raw_bytes), number(live_bytes))),
        ..row.amplification
    };
    // The simulation knows nothing of time.
    if living.is_none() {
        row.predicted = predict::predict(&row.cell, writes, seen.memory_bytes_per_entry, file_bytes)?;
    }
    row.flushes = Some(written.flushes);
    row.compactions = Some(written.compactions);
    row.moves = Some(written.moves);
    row.levels = levels(settled);
    row.reads = Some(reads(before.reads, at_end.reads));
    Ok(())
}

/// Of so many seconds of all threads that write.
fn stall_share(stats: &Watch, seconds: f64) -> f64 {
    let held_up = |stats: &Stats| stats.stalls.slowed().time + stats.stalls.stopped().time;
    let stalled = held_up(&stats.at_end).saturating_sub(held_up(&stats.before)).as_secs_f64();
    ratio(stalled, seconds).min(1.0)
}

/// Those that can be held up.
fn writing_threads(streams: &Streams) -> u64 {
    if streams.writer.is_empty() { streams.threads.len() as u64 } else { 1 }
}

/// 0 where there is nothing to compare with.
fn ratio(of: f64, to: f64) -> f64 {
    if to > 0.0 { of / to } else { 0.0 }
}

fn share(part: u64, rest: u64) -> Option<f64> {
    (part + rest > 0).then(|| number(part) / number(part + rest))
}

fn latency(driven: &Driven) -> Latency {
    let us = |ns: u64| number(ns) / 1e3;
    let at = |quantile: f64| us(driven.latencies.value_at_quantile(quantile));
    Latency { p50: at(0.5), p95: at(0.95), p99: at(0.99), p999: at(0.999), max: us(driven.latencies.max()) }
}

fn read_amplification(before: ReadStats, after: ReadStats) -> Option<f64> {
    let gets = after.gets - before.gets;
    (gets > 0).then(|| number(after.tables_read - before.tables_read) / number(gets))
}

fn reads(before: ReadStats, after: ReadStats) -> Reads {
    Reads {
        gets: after.gets - before.gets,
        cache_hit_rate: share(
            after.blocks_from_cache - before.blocks_from_cache,
            after.blocks_from_file - before.blocks_from_file,
        ),
        filter_hit_rate: share(
            after.filter_skips - before.filter_skips,
            after.filter_false_positives - before.filter_false_positives,
        ),
    }
}

fn levels(stats: &Stats) -> Vec<LevelRow> {
    let row = |(number, level): (&u32, &siltstone::LevelStats)| LevelRow {
        level: *number,
        runs: level.runs,
        tables: level.tables,
        file_bytes: level.file_bytes,
    };
    stats.levels.iter().map(row).collect()
}

fn bytes_below(dir: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { bytes_below(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}

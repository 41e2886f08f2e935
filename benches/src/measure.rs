//! Measures one cell, in a process of its own.

use std::{fs, path::Path, time::Duration};

use anyhow::{Result, anyhow, bail};
use siltstone::{Clock, OsClock, ReadStats, Stats};

use crate::{
    Outcome,
    cell::Cell,
    drive::{self, Driven},
    engine::Siltstone,
    history::History,
    keys::{KEY_BYTES, Values},
    machine::Pace,
    openings::{self, Crashed},
    predict, process,
    row::{Amplification, Bytes, Latency, LevelRow, Reads, Row},
    store::Store as _,
    stream::Streams,
    units::number,
    watch::{self, Seen},
    workload::Workload,
};

/// What was seen of the workload, before the database was closed.
struct Worked {
    /// When the first operation began, by the clock that counts from some moment on.
    began: Duration,
    driven: Driven,
    settling: Duration,
    cpu: (process::CpuTime, process::CpuTime),
    before: Stats,
    /// When the last operation had ended.
    at_end: Stats,
    settled: Stats,
    pace: Pace,
    /// Entries that live yet, where that is a matter of time.
    living: Option<u64>,
    /// What is opened again and again.
    crashed: Option<Crashed>,
}

/// Measures a cell in a folder that does not exist yet.
///
/// # Errors
///
/// The engine's; a read that did not find what was written; and a tree that is not what the matrix requires.
pub fn measure(cell: &Cell, repeat: u32, dir: &Path) -> Result<Row> {
    let streams = Streams::new(cell)?;
    let values = Values::new(usize::try_from(cell.value_bytes.0)?);
    let memory_before_bytes = plain(process::resident_bytes())?;
    plain(process::forget_peak())?;
    let store = Siltstone::open(cell, dir)?;
    let opened = OsClock.monotonic();
    let (worked, watched) = watch::while_watched(&store.0, || work(cell, &store, &streams, &values, dir));
    let mut worked = worked?;
    let memory_peak_bytes = plain(process::peak_bytes())?;
    store.close()?;
    check(cell, &worked.settled, watched.seen)?;
    if let (Some(count), Some(last)) = (cell.workload.openings(), streams.load.last()) {
        let count = if cell.operations == 0 { count } else { cell.operations };
        let crashed = worked.crashed.take();
        worked.driven = openings::all::<Siltstone>(cell, dir, crashed.as_ref(), count, (last, &values))?;
    }
    let disk_bytes = bytes_below(dir)?;
    let began = OsClock.monotonic();
    Siltstone::open(cell, dir)?.close()?;
    let open_ms = OsClock.monotonic().saturating_sub(began).as_secs_f64() * 1e3;
    let mut row = row(cell, repeat, &streams, &worked, watched.seen)?;
    let began = worked.began.saturating_sub(opened).as_secs_f64();
    row.history = History {
        workload_from: began,
        workload_to: began + row.seconds,
        writing_threads: writing_threads(&streams),
        samples: watched.moments.into_samples(),
    };
    (row.memory_before_bytes, row.memory_peak_bytes) = (memory_before_bytes, memory_peak_bytes);
    (row.disk_bytes, row.open_ms) = (disk_bytes, open_ms);
    Ok(row)
}

/// Errors of the shared parts cannot leave their thread; their words can.
fn plain<T>(outcome: Outcome<T>) -> Result<T> {
    outcome.map_err(|error| anyhow!("{error}"))
}

fn work(cell: &Cell, store: &Siltstone, streams: &Streams, values: &Values, dir: &Path) -> Result<Worked> {
    let mut crashed = None;
    if !streams.load.is_empty() {
        drive::load(store, &streams.load, values)?;
        if cell.workload == Workload::OpenReplay {
            crashed = Some(Crashed::copy(dir)?);
        }
        settle(store)?;
    }
    let pace_before = Pace::now();
    let before = store.0.stats()?;
    let cpu_before = plain(process::cpu_time())?;
    let began = OsClock.monotonic();
    let driven = drive::all(store, streams, values, cell.workload.batch_entries())?;
    let at_end = store.0.stats()?;
    let settling = settle(store)?;
    let cpu = (cpu_before, plain(process::cpu_time())?);
    let settled = store.0.stats()?;
    let living = cell.workload.expires().then(|| store.0.range(..).count() as u64);
    let pace = pace_before.midpoint(Pace::now());
    Ok(Worked { began, driven, settling, cpu, before, at_end, settled, pace, living, crashed })
}

/// How long it took.
fn settle(store: &Siltstone) -> Result<Duration> {
    let began = OsClock.monotonic();
    store.settle()?;
    Ok(OsClock.monotonic().saturating_sub(began))
}

/// Whether the tree has been through what the cell requires.
fn check(cell: &Cell, settled: &Stats, seen: Seen) -> Result<()> {
    let require = cell.require;
    let compactions = settled.writes.compactions;
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

fn row(cell: &Cell, repeat: u32, streams: &Streams, worked: &Worked, seen: Seen) -> Result<Row> {
    let Worked { driven, settled, before, at_end, .. } = worked;
    let writes = predict::writes(streams, driven.written_beside);
    let live_keys = worked.living.unwrap_or_else(|| predict::live_keys(&writes));
    let live_bytes = live_keys * (KEY_BYTES as u64 + cell.value_bytes.0);
    let entries: u64 = settled.levels.values().map(|level| level.entries).sum();
    let file_bytes = settled.file_bytes().checked_div(entries).unwrap_or(0);
    let raw_bytes: u64 = settled.levels.values().map(|level| level.raw_bytes).sum();
    let bytes = Bytes {
        user: settled.writes.user_bytes,
        log: settled.writes.log_bytes,
        flush: settled.writes.flush_bytes,
        compaction: settled.writes.compaction_bytes,
    };
    let steps = streams.threads.iter().map(Vec::len).sum::<usize>() as u64;
    // Openings are no steps.
    let operations = if steps > 0 { steps } else { driven.latencies.len() };
    let seconds = driven.elapsed.as_secs_f64();
    let settling_seconds = worked.settling.as_secs_f64();
    let held_up = |stats: &Stats| stats.stalls.slowed().time + stats.stalls.stopped().time;
    let stalled = held_up(at_end).saturating_sub(held_up(before)).as_secs_f64();
    let (cpu_before, cpu_after) = worked.cpu;
    Ok(Row {
        cell: cell.clone(),
        repeat,
        operations,
        seconds,
        settling_seconds,
        per_second: ratio(number(operations), seconds),
        settled_per_second: ratio(number(operations), seconds + settling_seconds),
        latency_us: latency(driven),
        amplification: Amplification {
            write: ratio(number(bytes.log + bytes.flush + bytes.compaction), number(bytes.user)),
            table_write: ratio(number(bytes.flush + bytes.compaction), number(bytes.flush)),
            read: read_amplification(before.reads, at_end.reads),
            space: ratio(number(raw_bytes), number(live_bytes)),
        },
        // The simulation knows nothing of time.
        predicted: if cell.workload.expires() {
            None
        } else {
            predict::predict(cell, &writes, seen.memory_bytes_per_entry, file_bytes)?
        },
        bytes,
        flushes: settled.writes.flushes,
        compactions: settled.writes.compactions,
        moves: settled.writes.moves,
        stall_share: ratio(stalled, seconds * number(writing_threads(streams))).min(1.0),
        seen,
        levels: levels(settled),
        history: History::default(),
        reads: reads(before.reads, at_end.reads),
        cpu_user_seconds: cpu_after.user.saturating_sub(cpu_before.user).as_secs_f64(),
        cpu_system_seconds: cpu_after.system.saturating_sub(cpu_before.system).as_secs_f64(),
        memory_peak_bytes: 0,
        memory_before_bytes: 0,
        disk_bytes: 0,
        open_ms: 0.0,
        pace: worked.pace,
    })
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

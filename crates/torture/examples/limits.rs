//! Runs a database against its limits on the real disk: `limits idle [MIB]`, `limits tables [COUNT]`, `limits memory [MIB]`. Prints what it saw; fails when a limit did not hold.
#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use std::{error::Error, fs, path::Path};

use siltstone::{Db, Durability, Settings, WriteBatch};

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().unwrap_or_default();
    let number: Option<u32> = arguments.next().map(|number| number.parse()).transpose()?;
    let dir = tempfile::tempdir()?;
    match what.as_str() {
        "idle" => idle_keyspaces(dir.path(), number.unwrap_or(2048)),
        "tables" => many_tables(dir.path(), number.unwrap_or(2000)),
        "memory" => memory_budget(dir.path(), number.unwrap_or(32)),
        _ => Err("say `limits idle [MIB]`, `limits tables [COUNT]` or `limits memory [MIB]`".into()),
    }
}

/// A hundred keyspaces are written once, and then many megabytes go through another: the logs stay below their limit.
fn idle_keyspaces(dir: &Path, mebibytes: u32) -> Outcome {
    let settings = Settings { durability: Durability::Buffered, ..Settings::default() };
    let limit = settings.logs_bytes_max;
    let db = Db::builder(dir).settings(settings).open()?;
    for i in 0..100 {
        db.keyspace(&format!("idle{i}"))?.put("once", "only")?;
    }
    let value = vec![7; 64 << 10];
    let mut batch = WriteBatch::new();
    let mut most = 0;
    for i in 0..mebibytes {
        for part in 0..16 {
            batch.put((i * 16 + part).to_le_bytes(), &value);
        }
        db.write(&mut batch)?;
        most = most.max(bytes_of(&dir.join("wal"))?);
    }
    println!("{mebibytes} MiB written: logs took {} MiB at most, the limit is {}", most >> 20, limit >> 20);
    for i in 0..100 {
        if db.keyspace(&format!("idle{i}"))?.get("once")?.as_deref() != Some(b"only") {
            return Err("an idle keyspace lost its entry".into());
        }
    }
    db.close()?;
    if most > limit { Err("the logs exceeded their limit".into()) } else { Ok(()) }
}

/// Many small tables in a few runs, filled, overwritten, scanned and compacted: for running under a low limit of open files.
fn many_tables(dir: &Path, tables: u32) -> Outcome {
    // Two entries to a table, once they are merged.
    let settings = Settings {
        memtable_entries_max: 500,
        table_bytes_max: 2000,
        durability: Durability::Buffered,
        ..Settings::default()
    };
    let value = vec![7; 1000];
    let db = Db::builder(dir).settings(settings).open()?;
    for round in 0..2 {
        for i in 0..2 * tables {
            db.put(format!("{i:08}"), &value)?;
        }
        check_many(&db, tables)?;
        let report = db.compact()?;
        println!("round {round}: {} tables compacted into {}", report.tables_before, report.tables_after);
        check_many(&db, tables)?;
    }
    db.close()?;
    let db = Db::builder(dir).open()?;
    check_many(&db, tables)?;
    let enough = db.stats()?.tables() >= u64::from(tables);
    db.close()?;
    if enough { Ok(()) } else { Err("there were fewer tables than asked for".into()) }
}

fn check_many(db: &Db, tables: u32) -> Outcome {
    for i in (0..2 * tables).step_by(7) {
        if db.get(format!("{i:08}"))?.is_none() {
            return Err(format!("{i} is missing").into());
        }
    }
    let count = db.range(..).try_fold(0_u32, |count, entry| entry.map(|_| count + 1))?;
    let stats = db.stats()?;
    println!("{} tables, {} open, {count} entries", stats.tables(), stats.open_tables);
    if count == 2 * tables { Ok(()) } else { Err("entries are missing".into()) }
}

/// Ten times the budget is filled, overwritten, scanned both ways and compacted. The account stays within the budget; what the process takes is printed beside it.
fn memory_budget(dir: &Path, mebibytes: u32) -> Outcome {
    let budget = u64::from(mebibytes) << 20;
    let settings =
        Settings { memory_bytes_max: budget, durability: Durability::Buffered, ..Settings::default() };
    let before = resident_bytes()?;
    let entries = 10 * budget / 1000;
    println!("budget {mebibytes} MiB, {entries} entries of 1000 bytes, {} MiB resident before", before >> 20);
    let db = Db::builder(dir).settings(settings).open()?;
    for round in 0..2 {
        for number in 0..entries {
            db.put(spread(number), incompressible(number * 2 + round))?;
        }
        report(&db, if round == 0 { "filled" } else { "overwritten" })?;
    }
    let forward = db.range(..).try_fold(0, |count, entry| entry.map(|_| count + 1))?;
    report(&db, "scanned")?;
    let backward = db.range(..).rev().try_fold(0, |count, entry| entry.map(|_| count + 1))?;
    report(&db, "scanned backwards")?;
    db.compact()?;
    report(&db, "compacted")?;
    for number in (0..entries).step_by(101) {
        if db.get(spread(number))?.as_deref() != Some(&*incompressible(number * 2 + 1)) {
            return Err(format!("{number} is wrong").into());
        }
    }
    report(&db, "read")?;
    let memory = db.stats()?.memory;
    db.close()?;
    if forward != entries || backward != entries {
        return Err("entries are missing".into());
    }
    if memory.peak_bytes > budget { Err("the budget was exceeded".into()) } else { Ok(()) }
}

fn spread(number: u64) -> [u8; 8] {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()
}

fn incompressible(seed: u64) -> Vec<u8> {
    let mut state = seed + 1;
    let next = |state: &mut u64| {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state
    };
    (0..124).flat_map(|_| next(&mut state).to_le_bytes()).collect()
}

fn report(db: &Db, what: &str) -> Outcome {
    let stats = db.stats()?;
    let memory = stats.memory;
    println!(
        "{what}: {} MiB in {} tables, {} open; memtables {} KiB, cache {} KiB, tables {} KiB, buffers {} KiB; accounted at most {} KiB, resident at most {} KiB",
        stats.file_bytes() >> 20,
        stats.tables(),
        stats.open_tables,
        memory.memtable_bytes >> 10,
        memory.cache_bytes >> 10,
        memory.table_bytes >> 10,
        memory.buffer_bytes >> 10,
        memory.peak_bytes >> 10,
        resident_bytes()? >> 10,
    );
    Ok(())
}

/// The most this process had in memory so far, as Linux counts it.
fn resident_bytes() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM in /proc/self/status")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? << 10)
}

fn bytes_of(dir: &Path) -> Result<u64, std::io::Error> {
    // A log may be removed between listing and measuring.
    Ok(fs::read_dir(dir)?
        .flatten()
        .filter_map(|entry| entry.metadata().ok())
        .map(|metadata| metadata.len())
        .sum())
}

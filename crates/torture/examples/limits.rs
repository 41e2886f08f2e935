//! Runs a database against its limits on the real disk: `limits idle [MIB]`, `limits tables [COUNT]`. Prints what it saw; fails when a limit did not hold.
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
        _ => Err("say `limits idle [MIB]` or `limits tables [COUNT]`".into()),
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

fn bytes_of(dir: &Path) -> Result<u64, std::io::Error> {
    // A log may be removed between listing and measuring.
    Ok(fs::read_dir(dir)?
        .flatten()
        .filter_map(|entry| entry.metadata().ok())
        .map(|metadata| metadata.len())
        .sum())
}

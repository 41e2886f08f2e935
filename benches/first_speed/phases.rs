//! The timed phases.

use std::{path::Path, thread, time::Duration};

use siltstone::{Clock, Db, OsClock, Settings, Stats};
use siltstone_benches::{
    Outcome,
    keys::{self, KEY_BYTES, Key, VALUE_BYTES, Values},
};

use crate::open;

/// How often a second something was done, in one round.
#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) per_second: f64,
}

/// A key, and the number that its value follows from.
type Numbered = (Key, u64);

/// Ascending keys into an empty database.
pub(crate) fn sequential_puts(dir: &Path, count: u64) -> Outcome<Figure> {
    let values = Values::new(VALUE_BYTES);
    let keys: Vec<_> = (0..count).map(numbered).collect();
    let db = open(dir, settings())?;
    let figure = timed("sequential puts", count, || put_all(&db, &keys, &values))?;
    db.close()?;
    Ok(figure)
}

/// All that is measured of one database that is filled in random order, and what it was like when reads began.
pub(crate) fn random_puts_and_reads(dir: &Path, count: u64) -> Outcome<(Vec<Figure>, Stats)> {
    let values = Values::new(VALUE_BYTES);
    let mut figures = Vec::new();
    let db = open(dir, settings())?;
    {
        let keys: Vec<_> = keys::shuffled(count, 1).map(numbered).collect();
        figures.push(timed("random puts", count, || put_all(&db, &keys, &values))?);
    }
    let stats = when_at_rest(&db)?;
    for (name, seed) in [("first gets", 2), ("second gets", 3)] {
        let keys: Vec<_> = keys::shuffled(count, seed).map(numbered).collect();
        figures.push(timed(name, count, || get_all(&db, &keys, &values))?);
    }
    let absent: Vec<_> = keys::shuffled(count, 4).map(keys::absent).collect();
    figures.push(timed("absent gets", count, || get_none(&db, &absent))?);
    figures.push(timed("scan forward", count, || scan_forward(&db, count))?);
    figures.push(timed("scan backward", count, || scan_backward(&db, count))?);
    db.flush()?;
    when_at_rest(&db)?;
    figures.push(timed("absent gets, all in tables", count, || get_none(&db, &absent))?);
    db.close()?;
    Ok((figures, stats))
}

/// Two threads, each with half of the keys.
pub(crate) fn two_writers(dir: &Path, count: u64) -> Outcome<Figure> {
    let values = Values::new(VALUE_BYTES);
    let keys: Vec<_> = keys::shuffled(count, 1).map(numbered).collect();
    let (one, other) = keys.split_at(keys.len() / 2);
    let db = open(dir, settings())?;
    let figure = timed("2 writers", count, || {
        thread::scope(|scope| {
            let second = scope.spawn(|| put_all(&db, other, &values).map_err(|error| error.to_string()));
            put_all(&db, one, &values)?;
            second.join().map_err(|_| "a writer has panicked")??;
            Ok(())
        })
    })?;
    db.close()?;
    Ok(figure)
}

fn settings() -> Settings {
    Settings { memtable_bytes_max: 64 << 20, cache_bytes: 256 << 20, ..Settings::default() }
}

fn numbered(number: u64) -> Numbered {
    (keys::present(number), number)
}

fn timed(name: &'static str, count: u64, work: impl FnOnce() -> Outcome<()>) -> Outcome<Figure> {
    let started = OsClock.monotonic();
    work()?;
    let took = OsClock.monotonic().saturating_sub(started);
    let count = f64::from(u32::try_from(count)?);
    Ok(Figure { name, per_second: count / took.as_secs_f64() })
}

fn put_all(db: &Db, keys: &[Numbered], values: &Values) -> Outcome<()> {
    for (key, number) in keys {
        db.put(key, values.of(*number))?;
    }
    Ok(())
}

fn get_all(db: &Db, keys: &[Numbered], values: &Values) -> Outcome<()> {
    for (key, number) in keys {
        let found = db.get_with(key, |value| value == values.of(*number))?;
        if found != Some(true) {
            return Err(format!("key {number} does not have its value").into());
        }
    }
    Ok(())
}

fn get_none(db: &Db, keys: &[Key]) -> Outcome<()> {
    for key in keys {
        if db.get(key)?.is_some() {
            return Err("a key is there that was never written".into());
        }
    }
    Ok(())
}

fn scan_forward(db: &Db, count: u64) -> Outcome<()> {
    let mut cursor = db.cursor()?;
    let mut entries = 0;
    cursor.first()?;
    while cursor.valid() {
        entries += look_at(cursor.key(), cursor.value());
        cursor.next()?;
    }
    expect_all(entries, count)
}

fn scan_backward(db: &Db, count: u64) -> Outcome<()> {
    let mut cursor = db.cursor()?;
    let mut entries = 0;
    cursor.last()?;
    while cursor.valid() {
        entries += look_at(cursor.key(), cursor.value());
        cursor.prev()?;
    }
    expect_all(entries, count)
}

/// 1 for an entry that is one of ours.
fn look_at(key: &[u8], value: &[u8]) -> u64 {
    u64::from(key.len() == KEY_BYTES && value.len() == VALUE_BYTES)
}

fn expect_all(entries: u64, count: u64) -> Outcome<()> {
    if entries == count { Ok(()) } else { Err(format!("the scan met {entries} of {count} entries").into()) }
}

/// Waits until nothing is flushed and nothing merged any more: nothing was for half a second.
fn when_at_rest(db: &Db) -> Outcome<Stats> {
    let mut at_rest_for = 0;
    let mut stats = db.stats()?;
    while at_rest_for < 10 {
        thread::sleep(Duration::from_millis(50));
        let before = std::mem::replace(&mut stats, db.stats()?);
        let is_busy = stats.writes != before.writes || stats.memory.buffer_bytes > 0;
        at_rest_for = if is_busy { 0 } else { at_rest_for + 1 };
    }
    Ok(stats)
}

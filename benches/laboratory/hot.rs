//! Few keys that are overwritten again and again: reading them costs about what it costs when they are fresh.

use std::{path::Path, time::Duration};

use siltstone::{Clock, Db, Durability, OsClock, Settings};

use super::Outcome;

const KEYS: u32 = 50;
const OVERWRITES: u32 = 20_000;
const SCANS: usize = 201;

/// Prints the time of a scan over the keys after the overwrites and after a flush, each beside one over keys that were written once. The two take turns, so that a
/// machine that becomes slower meanwhile is slower for both.
///
/// # Errors
///
/// When a scan takes more than three times as long as that of the fresh keys.
pub(crate) fn run(folder: &Path) -> Outcome {
    let settings = Settings { durability: Durability::Buffered, ..Settings::default() };
    let open = |name: &str| Db::builder(folder.join(name)).settings(settings.clone()).open();
    let (fresh, hot) = (open("fresh")?, open("hot")?);
    put_all(&fresh, 0)?;
    (0..=OVERWRITES).try_for_each(|round| put_all(&hot, round))?;
    let before_flush = compare("before the flush", &fresh, &hot)?;
    hot.flush()?;
    let after_flush = compare("after it", &fresh, &hot)?;
    fresh.close()?;
    hot.close()?;
    if before_flush.max(after_flush) > 3.0 {
        Err("a scan takes more than three times as long".into())
    } else {
        Ok(())
    }
}

fn put_all(db: &Db, round: u32) -> Outcome {
    let value = [round.to_le_bytes()[0]; 100];
    (0..KEYS).try_for_each(|key| db.put(format!("hot{key:013}"), value)).map_err(Into::into)
}

/// How many times as long a scan takes over overwritten keys: medians.
fn compare(when: &str, fresh: &Db, hot: &Db) -> Outcome<f64> {
    let (mut of_fresh, mut of_hot) = (Vec::new(), Vec::new());
    for _ in 0..SCANS {
        of_fresh.push(scan(fresh)?);
        of_hot.push(scan(hot)?);
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        times.get(SCANS / 2).copied().unwrap_or_default()
    };
    let (of_fresh, of_hot) = (median(&mut of_fresh), median(&mut of_hot));
    let ratio = of_hot.as_secs_f64() / of_fresh.as_secs_f64();
    println!(
        "{KEYS} keys, overwritten {OVERWRITES} times each: a scan takes {of_hot:?} {when}, {of_fresh:?} over fresh keys: {ratio:.2} times as long"
    );
    Ok(ratio)
}

/// The time of a scan over everything.
fn scan(db: &Db) -> Outcome<Duration> {
    let started = OsClock.monotonic();
    let count = db.range(..).try_fold(0, |count, entry| entry.map(|_| count + 1))?;
    let time = OsClock.monotonic().saturating_sub(started);
    if count == KEYS { Ok(time) } else { Err(format!("{count} keys instead of {KEYS}").into()) }
}

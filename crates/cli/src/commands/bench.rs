//! `bench`: measures writes and random reads in a scratch directory.

use std::{io::Write as _, time::Duration};

use anyhow::{Context as _, bail, ensure};
use siltstone::{Clock as _, Db, Durability, OsClock};

use crate::{CommandResult, figures, interrupt::Interrupt, output::Output, status::Outcome};

const VALUE: [u8; 100] = [b'v'; 100];

/// How much to measure.
#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// How many of each
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
}

/// Measures both modes, one behind the other, each with a database of its own.
pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    let count = arguments.count;
    let mut out = Output::new();
    // The directory is removed on every way out of this function.
    let interrupt = Interrupt::listen().context("cannot listen for Ctrl-C")?;
    let scratch = tempfile::Builder::new().prefix("siltstone-bench-").tempdir();
    let scratch = scratch.context("cannot create a scratch directory; TMPDIR names another place for it")?;
    writeln!(out, "scratch directory {}", scratch.path().display())?;
    for (name, durability) in [("sync", Durability::Sync), ("buffered", Durability::Buffered)] {
        out.flush()?;
        let db = Db::open(scratch.path().join(name))?;
        let writes = timed(count, &interrupt, |number| Ok(db.put_with(key(number), VALUE, durability)?))?;
        print(
            &mut out,
            name,
            &format!("{} of 100 bytes", figures::count(count.into(), "write")),
            count,
            writes,
        )?;
        out.flush()?;
        let mut random = Random(u64::from(count));
        let reads = timed(count, &interrupt, |_| {
            let value = db.get(key(random.below(count)))?;
            ensure!(value.as_deref() == Some(&VALUE), "a key that was written is not there");
            Ok(())
        })?;
        print(&mut out, name, &figures::count(count.into(), "random read"), count, reads)?;
        db.close()?;
    }
    out.flush()?;
    Ok(Outcome::Done)
}

/// How long something takes that is done for each number below `count`.
fn timed(
    count: u32,
    interrupt: &Interrupt,
    mut step: impl FnMut(u32) -> anyhow::Result<()>,
) -> anyhow::Result<Duration> {
    let started = OsClock.monotonic();
    for number in 0..count {
        if interrupt.is_asked() {
            bail!("interrupted; the scratch directory was removed");
        }
        step(number)?;
    }
    Ok(OsClock.monotonic().saturating_sub(started))
}

fn print(out: &mut Output, mode: &str, what: &str, count: u32, took: Duration) -> anyhow::Result<()> {
    let seconds = took.as_secs_f64();
    let per_second = f64::from(count) / seconds.max(1e-9);
    writeln!(out, "{mode:<9} {what:<30} {seconds:>9.3} s {per_second:>12.0} op/s")?;
    Ok(())
}

fn key(number: u32) -> String {
    format!("key {number:012}")
}

/// Numbers without a pattern that a cache could follow (splitmix64, <https://prng.di.unimi.it/splitmix64.c>).
struct Random(u64);

impl Random {
    fn below(&mut self, count: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((mixed ^ (mixed >> 31)) % u64::from(count)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_16_bytes_and_random_numbers_reach_everything() {
        assert!(key(0).len() == 16 && key(u32::MAX).len() == 16);
        let mut random = Random(7);
        let mut seen = [false; 10];
        (0..1000).for_each(|_| seen[random.below(10) as usize] = true);
        assert_eq!(seen, [true; 10]);
    }
}

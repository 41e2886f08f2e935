//! What a workload does, step by step, made before a clock runs: the loop that is timed only takes the next step.

use std::time::Duration;

use anyhow::{Result, bail};
use siltstone::compaction;
use siltstone_testkit::Rng;

use crate::{
    cell::Cell,
    keys::{self, Key},
    values,
    workload::Workload,
};

/// What is done with a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verb {
    /// Write a key.
    Put,
    /// Remove a key.
    Delete,
    /// Ask for a key that is there.
    Get,
    /// Ask for a key that may have been deleted, or that is about to be written by another thread.
    Look,
    /// Ask for a key that is not there.
    Miss,
    /// Go to a key and so many entries further.
    Seek(u16),
    /// Read a key and write it again.
    Modify,
    /// Go on to the next entry, and from the last one to the first.
    Next,
    /// Go back.
    Prev,
    /// Remove the first entry, which is this key.
    Pop,
    /// Write a key that is gone after [`TTL`].
    PutExpiring,
}

/// One operation.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// What is done.
    pub verb: Verb,
    /// Which key, and which value it gets.
    pub number: u32,
    /// The key that has this number.
    pub key: Key,
}

impl Step {
    fn new(verb: Verb, number: u32) -> Step {
        let key = if verb == Verb::Miss { keys::absent(number.into()) } else { keys::present(number.into()) };
        Step { verb, number, key }
    }

    /// What a simulation is to write for it.
    pub fn write(&self) -> Option<compaction::Operation> {
        let kind = match self.verb {
            Verb::Put | Verb::Modify | Verb::PutExpiring => siltstone::types::Kind::Put,
            Verb::Delete | Verb::Pop => siltstone::types::Kind::Delete,
            _ => return None,
        };
        Some(compaction::Operation { key: self.number, kind })
    }
}

/// Everything that a cell does.
#[derive(Debug)]
pub struct Streams {
    /// Written before anything is timed; each key once, in random order.
    pub load: Vec<Step>,
    /// What each thread does.
    pub threads: Vec<Vec<Step>>,
    /// What one more thread writes as long as the others read.
    pub writer: Vec<Step>,
    /// How many operations begin in a second, of all threads together, however long they take; 0 when the next one waits for the one before.
    pub arrivals_per_second: u32,
}

const SEED: u64 = 1;

/// How long an entry lives that expires.
pub const TTL: Duration = Duration::from_secs(1);
/// Keys that are overwritten over and over.
const HOT_KEYS: u32 = 50;
/// One in so many operations on them is a scan.
const HOT_SCAN_EVERY: u32 = 100;
/// Series that grow side by side.
const SERIES: u32 = 1_000;

impl Streams {
    /// Those of a cell.
    pub fn new(cell: &Cell) -> Result<Streams> {
        let load: Vec<u32> = if cell.workload.is_fresh() { Vec::new() } else { shuffled(cell.keys) };
        let steps = steps(cell)?;
        if steps.is_empty() && cell.workload.openings().is_none() {
            bail!("there is nothing to do");
        }
        if cell.workload == Workload::Queue && cell.threads > 1 {
            bail!("`queue` has one thread: two would take the same entry");
        }
        let each = steps.len().div_ceil(cell.threads).max(1);
        let writer = if cell.workload == Workload::ReadWhileWriting {
            numbers(cell, cell.keys, SEED + 2)?
                .into_iter()
                .map(|number| Step::new(Verb::Put, number))
                .collect()
        } else {
            Vec::new()
        };
        Ok(Streams {
            load: load.into_iter().map(|number| Step::new(Verb::Put, number)).collect(),
            threads: steps.chunks(each).map(<[Step]>::to_vec).collect(),
            writer,
            arrivals_per_second: cell.arrivals_per_second,
        })
    }

    /// Whether anything is written while it is timed.
    pub fn write(&self) -> bool {
        !self.writer.is_empty() || self.threads.iter().flatten().any(|step| step.write().is_some())
    }
}

fn steps(cell: &Cell) -> Result<Vec<Step>> {
    let count = if cell.operations == 0 { cell.keys } else { cell.operations };
    let all = |verb: Verb| -> Result<Vec<Step>> {
        Ok(numbers(cell, count, SEED)?.into_iter().map(|number| Step::new(verb, number)).collect())
    };
    Ok(match cell.workload {
        Workload::FillSeq | Workload::FillBatch => {
            (0..count).map(|number| Step::new(Verb::Put, number)).collect()
        }
        Workload::FillRandom | Workload::Overwrite => all(Verb::Put)?,
        // A hundredth, as each takes so much longer.
        Workload::FillSync => all(Verb::Put)?.into_iter().take((count as usize).div_ceil(100)).collect(),
        Workload::ReadRandom | Workload::ReadWhileWriting | Workload::YcsbC => all(Verb::Get)?,
        Workload::ReadMissing => all(Verb::Miss)?,
        Workload::ReadSeq => vec![Step::new(Verb::Next, 0); count as usize],
        Workload::ReadReverse => vec![Step::new(Verb::Prev, 0); count as usize],
        Workload::SeekRandom10 => all(Verb::Seek(10))?,
        Workload::SeekRandom100 => all(Verb::Seek(100))?,
        Workload::UpdateRandom => all(Verb::Modify)?,
        Workload::HotOverwrite => hot(cell, count),
        Workload::Queue => queue(cell, count),
        Workload::TimeSeriesTtl => series(count),
        Workload::OpenClose | Workload::OpenReplay => Vec::new(),
        Workload::DeleteRandom => all(Verb::Delete)?,
        Workload::YcsbA => mixed(cell, count, 50, Verb::Put)?,
        Workload::YcsbB => mixed(cell, count, 95, Verb::Put)?,
        Workload::YcsbF => mixed(cell, count, 50, Verb::Modify)?,
        Workload::YcsbD => latest(cell, count),
        Workload::YcsbE => scans(cell, count)?,
    })
}

/// Reads, so many in a hundred, and something else.
fn mixed(cell: &Cell, count: u32, reads_percent: u64, other: Verb) -> Result<Vec<Step>> {
    let mut rng = Rng::new(SEED + 3);
    let verb = |is_read: bool| if is_read { Verb::Get } else { other };
    let numbers = numbers(cell, count, SEED)?.into_iter();
    Ok(numbers.map(|number| Step::new(verb(rng.next_u64() % 100 < reads_percent), number)).collect())
}

/// 95 % reads, of keys the more often the later they were inserted, and 5 % inserts of new keys.
fn latest(cell: &Cell, count: u32) -> Vec<Step> {
    let mut rng = Rng::new(SEED + 4);
    let mut newest = cell.keys - 1;
    // The number of keys raised to a uniform power is distributed as 1 / rank: zipfian with a skew of 1, next to YCSB's 0.99. The simulator's own draws are keys in
    // disorder, and a rank is needed here, the distance from the newest key.
    let reach = f64::from(cell.keys).ln();
    let steps = (0..count).map(|_| {
        if rng.next_u64() % 100 < 5 {
            newest += 1;
            return Step::new(Verb::Put, newest);
        }
        let back = (uniform(&mut rng) * reach).exp() - 1.0;
        // With several threads the newest key may not be written yet.
        Step::new(Verb::Look, newest.saturating_sub(whole(back)))
    });
    steps.collect()
}

/// 95 % scans of 1 to 100 entries, and 5 % inserts of new keys.
fn scans(cell: &Cell, count: u32) -> Result<Vec<Step>> {
    let mut rng = Rng::new(SEED + 5);
    let mut next = cell.keys;
    let steps = numbers(cell, count, SEED)?.into_iter().map(|number| {
        if rng.next_u64() % 100 < 5 {
            next += 1;
            return Step::new(Verb::Put, next - 1);
        }
        let length = u16::try_from(rng.next_u64() % 100).unwrap_or_default();
        Step::new(Verb::Seek(length), number)
    });
    Ok(steps.collect())
}

/// Puts of few keys, and now and then a scan of all of them.
fn hot(cell: &Cell, count: u32) -> Vec<Step> {
    let keys = HOT_KEYS.min(cell.keys);
    let steps = (1..=count).map(|at| {
        if at.is_multiple_of(HOT_SCAN_EVERY) {
            Step::new(Verb::Seek(u16::try_from(keys).unwrap_or_default()), 0)
        } else {
            Step::new(Verb::Put, at % keys)
        }
    });
    steps.collect()
}

/// One entry comes at the end, one goes at the front.
fn queue(cell: &Cell, count: u32) -> Vec<Step> {
    let step = |at: u32| {
        if at.is_multiple_of(2) {
            Step::new(Verb::Put, cell.keys + at / 2)
        } else {
            Step::new(Verb::Pop, at / 2)
        }
    };
    (0..count).map(step).collect()
}

/// The next entry of each series in turn; the keys of a series lie together.
fn series(count: u32) -> Vec<Step> {
    let length = count.div_ceil(SERIES);
    (0..count).map(|at| Step::new(Verb::PutExpiring, at % SERIES * length + at / SERIES)).collect()
}

/// At least 0 and below 1.
fn uniform(rng: &mut Rng) -> f64 {
    f64::from(u32::try_from(rng.next_u64() >> 32).unwrap_or_default()) / 4_294_967_296.0
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is at least 0 and below 2^32"
)]
fn whole(number: f64) -> u32 {
    number as u32
}

fn shuffled(count: u32) -> Vec<u32> {
    keys::shuffled(count.into(), SEED).filter_map(|number| u32::try_from(number).ok()).collect()
}

/// Keys of those that are there, as the distribution has it.
fn numbers(cell: &Cell, count: u32, seed: u64) -> Result<Vec<u32>> {
    let source = match values::distribution(&cell.distribution.0)? {
        Some(theta) => compaction::Workload::Zipfian { theta },
        None => compaction::Workload::Uniform,
    };
    let operations = source.operations(cell.keys, count.div_ceil(cell.keys), seed);
    Ok(operations.take(count as usize).map(|operation| operation.key).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Matrix;

    fn streams(workload: &str, rest: &str) -> Streams {
        let text = format!("about = ''\n[axes]\nkeys = [1000]\nworkload = ['{workload}']\n{rest}");
        Streams::new(&Matrix::parse(&text).unwrap().cells("m")[0]).unwrap()
    }

    fn count(streams: &Streams, verb: Verb) -> usize {
        streams.threads.iter().flatten().filter(|step| step.verb == verb).count()
    }

    #[test]
    fn every_workload_has_its_shares() {
        let a = streams("ycsb-a", "operations = [10000]");
        assert!((4_800..5_200).contains(&count(&a, Verb::Put)) && a.load.len() == 1_000);
        let d = streams("ycsb-d", "operations = [10000]");
        assert!((400..600).contains(&count(&d, Verb::Put)));
        let recent = d.threads[0].iter().filter(|step| step.verb == Verb::Look && step.number >= 900);
        assert!(recent.count() > 5_000, "most reads are of what came last");
        let e = streams("ycsb-e", "operations = [10000]");
        assert!(e.threads[0].iter().all(|step| !matches!(step.verb, Verb::Seek(100..))));
        assert_eq!(count(&streams("fillsync", ""), Verb::Put), 10);
        assert!(streams("fillseq", "").load.is_empty());
        let hot = streams("hotoverwrite", "operations = [10000]");
        assert_eq!((count(&hot, Verb::Seek(50)), count(&hot, Verb::Put)), (100, 9_900));
        assert!(hot.threads[0].iter().all(|step| step.number < 50));
        assert_eq!(count(&streams("seekrandom-100", ""), Verb::Seek(100)), 1_000);
        assert_eq!(count(&streams("seekrandom", ""), Verb::Seek(10)), 1_000, "its name in older files");
        assert_eq!(count(&streams("updaterandom", ""), Verb::Modify), 1_000);
        let series = streams("timeseries-ttl", "operations = [2500]");
        let mut numbers: Vec<u32> = series.threads[0].iter().map(|step| step.number).collect();
        assert_eq!(numbers[..2], [0, 3], "the keys of a series lie together");
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 2_500);
        assert_eq!(streams("readwhilewriting", "").writer.len(), 1_000);
    }

    #[test]
    fn zipfian_keys_are_skewed_and_threads_share_the_steps() {
        let skewed =
            streams("readrandom", "operations = [10000]\ndistribution = ['zipfian-0.99']\nthreads = [3]");
        assert_eq!(skewed.threads.iter().map(Vec::len).collect::<Vec<_>>(), [3_334, 3_334, 3_332]);
        let mut times = vec![0; 1_000];
        skewed.threads.iter().flatten().for_each(|step| times[step.number as usize] += 1);
        times.sort_unstable();
        assert!(times[990..].iter().sum::<i32>() > 3_000, "ten keys get a third: {:?}", &times[990..]);
    }
}

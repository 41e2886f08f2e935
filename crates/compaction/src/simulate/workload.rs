//! What users write: five kinds of it, each a function of its seed.

use siltstone_types::Kind;

use super::{random::Random, zipfian::Zipfian};

/// One write of a user.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Operation {
    /// The number of the key. Keys sort as their numbers do.
    pub key: u32,
    /// Whether it is put or deleted.
    pub kind: Kind,
}

/// Which keys are written, and in which order.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum Workload {
    /// Every key is overwritten as often as every other.
    Uniform,
    /// Few keys are overwritten often: the k-th most popular in proportion to 1 / k^theta. Popular keys lie anywhere.
    Zipfian {
        /// Above 0 and below 1; 0.99 is usual.
        theta: f64,
    },
    /// New keys, each behind all before it.
    Sequential,
    /// New points of many series: a point goes to the end of its series, and the keys of a series lie together. So
    /// every flush reaches from the first series to the last. One point in a hundred is written again, soon after.
    TimeSeries {
        /// How many, 1 at least.
        series: u32,
    },
    /// Random keys, of which some are deleted instead of overwritten, whether they are there or not.
    DeleteHeavy {
        /// Deletes in a hundred operations.
        delete_percent: u32,
    },
}

impl Workload {
    /// True when there is nothing to overwrite: data grows by what is written.
    pub fn appends(self) -> bool {
        matches!(self, Workload::Sequential | Workload::TimeSeries { .. })
    }

    /// What is written before anything is measured: each of the keys once, in random order. Nothing for workloads that
    /// append.
    pub fn load(self, keys: u32, seed: u64) -> impl Iterator<Item = Operation> {
        let count = if self.appends() { 0 } else { keys };
        Random::new(seed).permutation(count).into_iter().map(|key| Operation { key, kind: Kind::Put })
    }

    /// What is written then: `overwrites` operations for each of the keys, or one for workloads that append.
    pub fn operations(self, keys: u32, overwrites: u32, seed: u64) -> Operations {
        let times = if self.appends() { 1 } else { overwrites };
        // Not the numbers that the load draws.
        let mut random = Random::new(seed ^ 0x5bd1_e995);
        let source = match self {
            Workload::Uniform => Source::Uniform { delete_percent: 0 },
            Workload::DeleteHeavy { delete_percent } => Source::Uniform { delete_percent },
            Workload::Zipfian { theta } => {
                Source::Zipfian { zipfian: Zipfian::new(keys, theta), key_of_rank: random.permutation(keys) }
            }
            Workload::Sequential => Source::Sequential { next_key: 0 },
            Workload::TimeSeries { series } => Source::TimeSeries(TimeSeries::new(keys, series)),
        };
        Operations { source, random, keys, left: u64::from(keys) * u64::from(times) }
    }
}

/// The operations of a workload.
#[derive(Clone, Debug)]
pub struct Operations {
    source: Source,
    random: Random,
    keys: u32,
    left: u64,
}

#[derive(Clone, Debug)]
enum Source {
    Uniform { delete_percent: u32 },
    Zipfian { zipfian: Zipfian, key_of_rank: Vec<u32> },
    Sequential { next_key: u32 },
    TimeSeries(TimeSeries),
}

impl Iterator for Operations {
    type Item = Operation;

    fn next(&mut self) -> Option<Operation> {
        self.left = self.left.checked_sub(1)?;
        let random = &mut self.random;
        let mut kind = Kind::Put;
        let key = match &mut self.source {
            Source::Uniform { delete_percent } => {
                if random.percent(*delete_percent) {
                    kind = Kind::Delete;
                }
                random.below(self.keys)
            }
            Source::Zipfian { zipfian, key_of_rank } => *key_of_rank.get(zipfian.draw(random) as usize)?,
            Source::Sequential { next_key } => {
                *next_key = next_key.checked_add(1)?;
                *next_key - 1
            }
            Source::TimeSeries(series) => series.next_key(random)?,
        };
        Some(Operation { key, kind })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        (left, usize::try_from(self.left).ok())
    }
}

/// Where each series ends. Series have room for twice as many points as they get on average.
#[derive(Clone, Debug)]
struct TimeSeries {
    points: Vec<u32>,
    points_max: u32,
}

/// One point in so many is written again.
const CORRECTION_ONE_IN: u32 = 100;
/// It is among the last so many of its series.
const CORRECTION_WITHIN: u32 = 100;

impl TimeSeries {
    fn new(keys: u32, series: u32) -> TimeSeries {
        let series = series.clamp(1, keys.max(1));
        let points_max = (keys / series).saturating_mul(2).saturating_add(64).min(u32::MAX / series);
        TimeSeries { points: vec![0; series as usize], points_max }
    }

    fn next_key(&mut self, random: &mut Random) -> Option<u32> {
        let count = u32::try_from(self.points.len()).ok()?;
        // A series that is full leaves its point to the next one.
        let drawn = random.below(count);
        let with_room =
            |&series: &u32| self.points.get(series as usize).is_some_and(|at| *at < self.points_max);
        let series = (drawn..count).chain(0..drawn).find(with_room)?;
        let points = self.points.get_mut(series as usize)?;
        let first_key = series * self.points_max;
        if *points > 0 && random.below(CORRECTION_ONE_IN) == 0 {
            return Some(first_key + *points - 1 - random.below(CORRECTION_WITHIN.min(*points)));
        }
        *points += 1;
        Some(first_key + *points - 1)
    }
}

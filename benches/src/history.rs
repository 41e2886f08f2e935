//! What a tree and its writers went through while a cell was measured: a number of samples that does not grow with the time it takes.

use serde::{Deserialize, Serialize};

/// Samples of a row are fewer than this, and at least half as many if it took long enough.
const SAMPLES_MAX: usize = 32;

/// A history, in seconds from the opening of the empty database on.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize, Debug)]
pub struct History {
    /// When the workload's first operation began.
    pub workload_from: f64,
    /// When its last one had ended: what comes then is settling.
    pub workload_to: f64,
    /// Threads that wrote in the workload, and can be held up.
    pub writing_threads: u64,
    /// In the order of time.
    pub samples: Vec<Sample>,
}

/// The database at one moment.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize, Debug)]
pub struct Sample {
    /// From the opening on.
    pub seconds: f64,
    /// Bytes of the files of each level that has any, by its number.
    pub levels: Vec<(u32, u64)>,
    /// Sorted runs of level 0.
    pub level0_runs: u64,
    /// That compactions were due to read.
    pub debt_bytes: u64,
    /// For how long writers were held up until then, all of them together.
    pub stalled_seconds: f64,
}

impl Sample {
    /// All files of tables.
    pub fn file_bytes(&self) -> u64 {
        self.levels.iter().map(|(_, bytes)| bytes).sum()
    }
}

impl History {
    /// The share of the writers' time between two samples in which they were held up. What is there before the workload is written by one thread.
    pub fn stall_share(&self, from: &Sample, to: &Sample) -> f64 {
        let middle = f64::midpoint(from.seconds, to.seconds);
        let is_workload = (self.workload_from..=self.workload_to).contains(&middle);
        let threads = if is_workload { self.writing_threads.max(1) } else { 1 };
        let time = (to.seconds - from.seconds) * crate::units::number(threads);
        if time > 0.0 { ((to.stalled_seconds - from.stalled_seconds) / time).clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// Keeps samples that come at even distances: whenever there are too many, every second one goes, and from then on only half as many are kept.
#[derive(Default, Debug)]
pub struct Moments {
    kept: Vec<Sample>,
    newest: Option<Sample>,
    seen: usize,
    /// One of so many is kept, as a power of two.
    power: u32,
}

impl Moments {
    /// One more.
    pub fn note(&mut self, sample: Sample) {
        if self.seen.is_multiple_of(1 << self.power) {
            self.kept.push(sample.clone());
        }
        self.seen += 1;
        self.newest = Some(sample);
        if self.kept.len() >= SAMPLES_MAX - 1 {
            let mut at = 0;
            self.kept.retain(|_| {
                at += 1;
                at % 2 == 1
            });
            self.power += 1;
        }
    }

    /// What was kept, and the last of all.
    pub fn into_samples(mut self) -> Vec<Sample> {
        let newest = self.newest.filter(|newest| self.kept.last() != Some(newest));
        self.kept.extend(newest);
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(seconds: f64, stalled_seconds: f64) -> Sample {
        Sample { seconds, stalled_seconds, ..Sample::default() }
    }

    #[test]
    fn samples_are_few_and_even_however_long_it_takes() {
        for count in [1_u16, 5, 30, 31, 32, 100, 1_000, 54_321] {
            let mut moments = Moments::default();
            (0..count).for_each(|at| moments.note(sample(f64::from(at), 0.0)));
            let samples = moments.into_samples();
            let seconds: Vec<f64> = samples.iter().map(|sample| sample.seconds).collect();
            assert!(samples.len() < SAMPLES_MAX, "{count}: {}", samples.len());
            assert!(samples.len() >= (SAMPLES_MAX / 2).min(usize::from(count)), "{count}: {}", samples.len());
            assert_eq!((seconds[0], seconds.last().copied()), (0.0, Some(f64::from(count - 1))));
            let steps: Vec<f64> = seconds.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let even = &steps[..steps.len().saturating_sub(1)];
            assert!(even.iter().all(|step| (step - even[0]).abs() < 0.1), "{count}: {steps:?}");
        }
    }

    #[test]
    fn shares_of_stalls_are_those_of_each_writing_thread() {
        let history = History {
            workload_from: 1.0,
            workload_to: 3.0,
            writing_threads: 4,
            samples: vec![sample(0.0, 0.0), sample(1.0, 0.5), sample(3.0, 4.5)],
        };
        let share = |at: usize| history.stall_share(&history.samples[at], &history.samples[at + 1]);
        assert!(
            (share(0) - 0.5).abs() < 1e-9 && (share(1) - 0.5).abs() < 1e-9,
            "one thread loads, four work"
        );
        assert!(history.stall_share(&history.samples[1], &history.samples[1]) < 1e-9);
    }
}

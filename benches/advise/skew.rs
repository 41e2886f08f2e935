//! How unequally keys are used: the skew of the zipfian distribution that is as concentrated.

use siltstone_benches::units::number;

/// The skew, from 0 for keys that are used equally often, as far as that can be told, to [`SKEW_MAX`].
///
/// What is compared is how likely two operations meet the same key. The estimate of that from counts is without bias, while shares of the most popular keys look skewed even
/// where every key is used once on average.
pub(crate) fn skew(counts: impl Iterator<Item = u64>) -> f64 {
    let (mut keys, mut operations, mut pairs) = (0_u64, 0.0, 0.0);
    for count in counts {
        let count = number(count);
        keys += 1;
        operations += count;
        pairs += count * (count - 1.0);
    }
    if keys < 2 || operations < 2.0 {
        return 0.0;
    }
    let meeting = pairs / (operations * (operations - 1.0));
    let (mut low, mut high) = (0.0, SKEW_MAX);
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        if meeting_of(keys, middle) < meeting { low = middle } else { high = middle }
    }
    (low * 100.0).round() / 100.0
}

/// The most that is told apart, which is the usual skew of benchmarks.
pub(crate) const SKEW_MAX: f64 = 0.99;

/// How likely two zipfian draws meet the same key.
fn meeting_of(keys: u64, theta: f64) -> f64 {
    let sum = harmonic(keys, theta);
    harmonic(keys, 2.0 * theta) / (sum * sum)
}

/// The sum of `1 / k^exponent`. The first terms one by one, the others as an integral.
fn harmonic(keys: u64, exponent: f64) -> f64 {
    const EXACT: u64 = 1_000;
    let first: f64 = (1..=keys.min(EXACT)).map(|rank| number(rank).powf(-exponent)).sum();
    if keys <= EXACT {
        return first;
    }
    let (from, to) = (number(EXACT) + 0.5, number(keys) + 0.5);
    let slope = 1.0 - exponent;
    let rest =
        if slope.abs() < 1e-9 { (to / from).ln() } else { (to.powf(slope) - from.powf(slope)) / slope };
    first + rest
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use siltstone_compaction::Workload;

    use super::*;

    fn skew_of(workload: Workload, keys: u32, times: u32) -> f64 {
        let mut counts = BTreeMap::new();
        for operation in workload.operations(keys, times, 1) {
            *counts.entry(operation.key).or_insert(0) += 1;
        }
        skew(counts.into_values())
    }

    #[test]
    fn the_skew_of_draws_is_found_again() {
        for theta in [0.5, 0.8, 0.95] {
            let found = skew_of(Workload::Zipfian { theta }, 20_000, 5);
            assert!((found - theta).abs() < 0.06, "{found} instead of {theta}");
        }
        assert!(skew_of(Workload::Uniform, 20_000, 5) < 0.15);
        // Once for each key on average: a third of the keys are not seen, and some often.
        assert!(skew_of(Workload::Uniform, 20_000, 1) < 0.15);
    }

    #[test]
    fn too_little_to_tell_is_no_skew() {
        assert!(skew([].into_iter()).abs() < 1e-9);
        assert!(skew([7].into_iter()).abs() < 1e-9);
        assert!(skew([1; 100].into_iter()).abs() < 1e-9);
    }

    #[test]
    fn long_sums_are_close() {
        for exponent in [0.0, 0.5, 1.0, 1.98] {
            let exact: f64 = (1..=50_000_u64).map(|rank| number(rank).powf(-exponent)).sum();
            assert!((harmonic(50_000, exponent) / exact - 1.0).abs() < 1e-6, "{exponent}");
        }
    }
}

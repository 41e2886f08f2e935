//! Random numbers that a seed fixes.

use std::env;

/// A small random number generator: `SplitMix64` (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", OOPSLA 2014).
///
/// Equal seeds give equal numbers, on every platform and in every release.
#[derive(Clone, Debug)]
pub struct Rng {
    state: u64,
}

impl Rng {
    /// The generator of a seed.
    pub const fn new(seed: u64) -> Rng {
        Rng { state: seed }
    }

    /// The next 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The next 8 bits.
    pub const fn next_u8(&mut self) -> u8 {
        let [low, ..] = self.next_u64().to_le_bytes();
        low
    }

    /// A number below `end`.
    ///
    /// # Panics
    ///
    /// When `end` is 0.
    pub const fn below(&mut self, end: u64) -> u64 {
        // The bias of the remainder is below 2^-32 for what tests ask for.
        self.next_u64() % end
    }

    /// An index into something of `len` items.
    ///
    /// # Panics
    ///
    /// When `len` is 0.
    pub fn index(&mut self, len: usize) -> usize {
        let below = self.below(len as u64);
        usize::try_from(below).unwrap_or_else(|_| unreachable!("it is below a usize"))
    }

    /// A number from `first` to `last`, both included.
    ///
    /// # Panics
    ///
    /// When `last` is below `first`.
    pub fn between(&mut self, first: usize, last: usize) -> usize {
        assert!(first <= last, "no number lies between {first} and {last}");
        first + self.index(last - first + 1)
    }

    /// True once in `times` draws, on average.
    ///
    /// # Panics
    ///
    /// When `times` is 0.
    pub const fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of the items.
    ///
    /// # Panics
    ///
    /// When there are none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.index(items.len())]
    }

    /// So many random bytes.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len + 7);
        while bytes.len() < len {
            bytes.extend_from_slice(&self.next_u64().to_le_bytes());
        }
        bytes.truncate(len);
        bytes
    }

    /// Brings the items into a random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.index(end + 1));
        }
    }

    /// A generator of its own, for a part of the test whose draws must not depend on how many others draw.
    #[must_use]
    pub const fn split(&mut self) -> Rng {
        Rng::new(self.next_u64())
    }
}

/// The seed of a random test: the environment variable `SEED`, or 17. It is printed, for a failure to show
/// it.
///
/// # Panics
///
/// When `SEED` is not a number.
#[expect(
    clippy::print_stderr,
    reason = "a failed test shows what it printed, and the seed is needed to repeat it"
)]
pub fn seed() -> u64 {
    let given = env::var("SEED").ok();
    let seed = given.as_ref().map_or(Ok(17), |text| text.parse());
    assert!(seed.is_ok(), "SEED must be a number below 2^64, it is {given:?}");
    let seed = seed.unwrap_or_default();
    eprintln!("SEED={seed}");
    seed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_seed_never_change() {
        // Vectors of the reference implementation for seed 1234567.
        let mut rng = Rng::new(1_234_567);
        assert_eq!(rng.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(rng.next_u64(), 3_203_168_211_198_807_973);
        assert_eq!(rng.next_u64(), 9_817_491_932_198_370_423);
    }

    #[test]
    fn draws_stay_within_their_bounds_and_reach_them() {
        let mut rng = Rng::new(seed());
        let drawn: Vec<usize> = (0..1000).map(|_| rng.between(3, 5)).collect();
        assert!((3..=5).all(|wanted| drawn.contains(&wanted)) && drawn.iter().all(|n| (3..=5).contains(n)));
        assert_eq!((0..20).map(|len| rng.bytes(len).len()).collect::<Vec<_>>(), (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn a_shuffle_keeps_the_items_and_changes_their_order() {
        let mut items: Vec<u32> = (0..100).collect();
        Rng::new(seed()).shuffle(&mut items);
        assert!(!items.is_sorted());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}

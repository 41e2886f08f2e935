//! Draws numbers that a seed fixes.

/// `SplitMix64` (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub(super) fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 when `end` is 0. It is the upper half of a product, whose bias is below `end` / 2^64.
    pub(super) fn below_u64(&mut self, end: u64) -> u64 {
        let product = u128::from(self.next_u64()) * u128::from(end);
        u64::try_from(product >> 64).unwrap_or(0)
    }

    pub(super) fn below(&mut self, end: u32) -> u32 {
        u32::try_from(self.below_u64(end.into())).unwrap_or(0)
    }

    /// True in so many of a hundred draws, on average.
    pub(super) fn percent(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// A number from 0, which it may be, to 1, which it is never.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what such a number holds")]
    pub(super) fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The numbers below `end` in a random order (Fisher and Yates).
    pub(super) fn permutation(&mut self, end: u32) -> Vec<u32> {
        let mut numbers: Vec<u32> = (0..end).collect();
        for at in (1..end).rev() {
            numbers.swap(at as usize, self.below(at + 1) as usize);
        }
        numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_seed_never_change() {
        // Vectors of the reference implementation for seed 1234567.
        let mut random = Random::new(1_234_567);
        assert_eq!(random.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(random.next_u64(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn draws_stay_below_their_end_and_reach_what_is_below() {
        let mut random = Random::new(1);
        let drawn: Vec<u32> = (0..1_000).map(|_| random.below(3)).collect();
        assert!((0..3).all(|wanted| drawn.contains(&wanted)) && drawn.iter().all(|number| *number < 3));
        assert!((0..1_000).map(|_| random.unit()).all(|number| (0.0..1.0).contains(&number)));
        assert_eq!((random.below(0), random.below(1)), (0, 0));
        let mut numbers = random.permutation(100);
        assert!(!numbers.is_sorted());
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..100));
    }
}

//! Who decides what a power cut takes, and the seeded dice behind it.

/// Decides, once for each thing that is not durable, which of its versions is found after the power cut.
#[derive(Debug)]
pub(super) enum Fate {
    /// Nothing unsynced survives.
    Worst,
    /// Everything survives.
    Best,
    /// Each thing on its own.
    Dice(Dice),
}

/// A cut in which most is lost and a cut in which most is kept find other mistakes than a cut in which half
/// is; so how likely things are kept is thrown first, for content and for names apart.
#[derive(Debug)]
pub(super) struct Dice {
    random: SplitMix64,
    content_kept_in_8: u64,
    names_kept_in_8: u64,
}

impl Fate {
    pub(super) fn seeded(seed: u64) -> Self {
        const KEPT_IN_8: [u64; 4] = [1, 4, 4, 7];
        let mut random = SplitMix64(seed);
        let mut throw = || KEPT_IN_8.get(random.below(4)).copied().unwrap_or(4);
        let (content_kept_in_8, names_kept_in_8) = (throw(), throw());
        Self::Dice(Dice { random, content_kept_in_8, names_kept_in_8 })
    }

    /// Picks one of `count` versions of a page or a length; 0 is the durable one, the last is the latest.
    pub(super) fn pick_content(&mut self, count: usize) -> usize {
        let latest = count.saturating_sub(1);
        match self {
            Self::Worst => 0,
            Self::Best => latest,
            Self::Dice(_) if latest == 0 => 0,
            Self::Dice(dice) => {
                let is_kept = dice.random.next() % 8 < dice.content_kept_in_8;
                if is_kept { latest } else { dice.random.below(latest) }
            }
        }
    }

    /// True when a change of names is kept.
    pub(super) fn keeps_name(&mut self) -> bool {
        match self {
            Self::Worst => false,
            Self::Best => true,
            Self::Dice(dice) => dice.random.next() % 8 < dice.names_kept_in_8,
        }
    }
}

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014. Small, and the same on
/// every machine.
#[derive(Clone, Debug)]
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number under `bound`; 0 when `bound` is 0.
    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % bound).unwrap_or_default()
    }
}

//! Bloom filters, by fastbloom.

use std::{fmt, sync::Arc};

use fastbloom::BloomFilter;

use crate::{
    DamagedFilter, Filter, FilterBuilder, FilterContext, FilterPolicy, format,
    sizing::{self, BITS_PER_KEY_MAX, PROBE_COUNT_MAX},
};

/// Bloom filters of a chosen size, written under the name `fastbloom.1`.
///
/// The size can be chosen by level, which spends the same memory better: the deepest level holds most keys,
/// and a search for an absent key asks the levels above it just as often (Dayan, Athanassoulis and Idreos,
/// "Monkey: optimal navigable key-value store", SIGMOD 2017). In a list, entry 0 is level 0 and the last
/// entry is for all deeper levels; an empty list makes no filters.
///
/// Bits for each key are bounded to [`BITS_PER_KEY_MAX`](sizing::BITS_PER_KEY_MAX); 0, less, or no number
/// means no filter. Rates become bits by [`sizing::bits_per_key`].
#[derive(Clone, PartialEq, Debug)]
pub struct Bloom {
    bits_per_key_by_level: Vec<f64>,
}

impl Bloom {
    /// So many bits for each key, which may be a fraction. 10 bits: one absent key in 122 is taken for a
    /// present one.
    pub fn bits_per_key(bits: f64) -> Bloom {
        Bloom::bits_per_key_by_level([bits])
    }

    /// As many bits as it takes to be wrong about this share of the absent keys. 0.01 takes 9.6 bits for each
    /// key.
    pub fn false_positive_rate(rate: f64) -> Bloom {
        Bloom::false_positive_rate_by_level([rate])
    }

    /// Bits for each key, by level.
    pub fn bits_per_key_by_level(bits: impl IntoIterator<Item = f64>) -> Bloom {
        let bound = |bits: f64| if bits > 0.0 { bits.min(BITS_PER_KEY_MAX) } else { 0.0 };
        Bloom { bits_per_key_by_level: bits.into_iter().map(bound).collect() }
    }

    /// Rates, by level.
    pub fn false_positive_rate_by_level(rates: impl IntoIterator<Item = f64>) -> Bloom {
        Bloom::bits_per_key_by_level(rates.into_iter().map(sizing::bits_per_key))
    }

    /// How many bits a key gets at a level; 0 where there is no filter.
    pub fn bits_per_key_at(&self, level: u32) -> f64 {
        let of_level = usize::try_from(level).ok().and_then(|level| self.bits_per_key_by_level.get(level));
        of_level.or(self.bits_per_key_by_level.last()).copied().unwrap_or(0.0)
    }
}

impl Default for Bloom {
    /// 10 bits for each key, at all levels.
    fn default() -> Bloom {
        Bloom::bits_per_key(10.0)
    }
}

impl FilterPolicy for Bloom {
    fn name(&self) -> &'static str {
        format::NAME
    }

    fn builder(&self, context: FilterContext) -> Option<Box<dyn FilterBuilder>> {
        let bits_per_key = self.bits_per_key_at(context.level);
        if bits_per_key <= 0.0 {
            return None;
        }
        Some(Box::new(Builder { bits_per_key, hashes: Vec::new() }))
    }

    fn open(&self, bytes: &[u8]) -> Result<Arc<dyn Filter>, DamagedFilter> {
        let parts = format::decode(bytes)?;
        // The seed is for fastbloom's own hasher, which is not asked here; a fixed one spares it drawing its
        // own.
        let bloom = BloomFilter::from_vec(parts.words).seed(&0).hashes(parts.probe_count);
        Ok(Arc::new(Opened { bloom }))
    }
}

/// Keeps the hashes until their number is known: a filter that is sized by a bound wastes the difference.
struct Builder {
    bits_per_key: f64,
    hashes: Vec<u64>,
}

impl FilterBuilder for Builder {
    fn add(&mut self, hash: u64) {
        if self.hashes.last() != Some(&hash) {
            self.hashes.push(hash);
        }
    }

    fn bytes(&self) -> usize {
        self.hashes.capacity() * size_of::<u64>()
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        let word_count = word_count(self.hashes.len(), self.bits_per_key);
        let probe_count = probe_count(self.bits_per_key);
        let words = vec![0; usize::try_from(word_count).unwrap_or(usize::MAX)];
        let mut bloom = BloomFilter::from_vec(words).seed(&0).hashes(u32::from(probe_count));
        for hash in &self.hashes {
            bloom.insert_hash(*hash);
        }
        format::encode(probe_count, word_count, bloom.as_slice())
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Builder { bits_per_key, hashes } = self;
        write!(f, "Builder {{ bits_per_key: {bits_per_key}, keys: {} }}", hashes.len())
    }
}

/// Words for so many keys: at least 1, so that a filter without keys is one too.
#[expect(clippy::cast_precision_loss, reason = "2^53 hashes do not fit into memory")]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float becomes an integer by `as` alone; the value lies between 1 and 2^28"
)]
fn word_count(key_count: usize, bits_per_key: f64) -> u32 {
    let words = (key_count as f64 * bits_per_key / 64.0).ceil();
    words.clamp(1.0, f64::from(format::WORD_COUNT_MAX)) as u32
}

fn probe_count(bits_per_key: f64) -> u8 {
    const { assert!(PROBE_COUNT_MAX <= u8::MAX as u32) };
    u8::try_from(sizing::probe_count(bits_per_key)).unwrap_or(u8::MAX)
}

/// A filter in memory.
struct Opened {
    bloom: BloomFilter,
}

impl Filter for Opened {
    fn may_contain(&self, hash: u64) -> bool {
        self.bloom.contains_hash(hash)
    }

    fn bytes(&self) -> usize {
        size_of::<Opened>() + size_of_val(self.bloom.as_slice())
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bloom filter of {} bits, {} probes", self.bloom.num_bits(), self.bloom.num_hashes())
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the bounds are exact")]
mod tests {
    use super::*;

    #[test]
    fn the_last_entry_of_a_list_is_for_all_deeper_levels() {
        let bloom = Bloom::bits_per_key_by_level([16.0, 10.5, 0.0]);
        assert_eq!(
            [0, 1, 2, 3, u32::MAX].map(|level| bloom.bits_per_key_at(level)),
            [16.0, 10.5, 0.0, 0.0, 0.0]
        );
        let at = |level| FilterContext { level, level_count: 4, key_count_max: 1 };
        assert!(bloom.builder(at(1)).is_some());
        assert!(bloom.builder(at(3)).is_none(), "no bits, no filter");
        assert!(Bloom::bits_per_key_by_level([]).builder(at(0)).is_none());
    }

    #[test]
    fn tunings_that_make_no_sense_are_bounded() {
        for (bits, bounded) in [(-1.0, 0.0), (f64::NAN, 0.0), (f64::INFINITY, 64.0), (1e9, 64.0)] {
            assert_eq!(Bloom::bits_per_key(bits).bits_per_key_at(0), bounded, "{bits}");
        }
        assert_eq!(Bloom::false_positive_rate(1.0).bits_per_key_at(0), 0.0);
    }

    #[test]
    fn a_builder_tells_what_its_hashes_take() {
        let mut builder =
            Bloom::default().builder(FilterContext { level: 0, level_count: 1, key_count_max: 9 });
        let builder = builder.as_mut().unwrap();
        assert_eq!(builder.bytes(), 0);
        (0..1000).for_each(|hash| builder.add(hash));
        assert!((8000..=16_000).contains(&builder.bytes()), "{}", builder.bytes());
    }

    #[test]
    fn words_hold_the_bits_and_not_many_more() {
        assert_eq!(word_count(0, 10.0), 1);
        assert_eq!(word_count(6, 10.0), 1);
        assert_eq!(word_count(7, 10.0), 2);
        assert_eq!(word_count(1_000, 9.6), 150);
        assert_eq!(word_count(1_000, 9.601), 151, "fractions of a bit count");
        assert_eq!(word_count(usize::MAX, 64.0), format::WORD_COUNT_MAX);
    }
}

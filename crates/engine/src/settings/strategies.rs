//! Names the built-in memtables and filters with their parameters, as data.

use serde::{Deserialize, Serialize};
use siltstone_bloom::{Bloom, sizing::BITS_PER_KEY_MAX};

/// How writes are kept in memory until they are in a table.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MemtableSettings {
    /// A skip list, whose readers and writers never wait for each other.
    #[default]
    #[serde(rename = "skiplist")]
    SkipList,
    /// A map under a lock: smaller, and for one writer at a time.
    #[serde(rename = "btree")]
    BTree,
    /// One that is not shipped, by its name: the component itself is given to the builder.
    Custom(String),
}

/// Which tables get a filter, that tells most reads of absent keys that the table need not be read.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FilterSettings {
    /// No table.
    None,
    /// Every table gets a Bloom filter.
    Bloom(BloomSettings),
    /// One that is not shipped, by its name: the component itself is given to the builder.
    Custom(String),
}

/// How large Bloom filters are.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum BloomSettings {
    /// Bits for each key: 0 for no filter, at most 64.
    BitsPerKey(ByLevel),
    /// As many bits as it takes to be wrong about this share of the absent keys: above 0, at most 1, which is no filter.
    FalsePositiveRate(ByLevel),
}

/// A number for each level, from level 0; the last one holds for all deeper levels. In TOML one number, or a list.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(from = "OneOrMany", into = "OneOrMany")]
pub struct ByLevel(pub Vec<f64>);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(f64),
    Many(Vec<f64>),
}

impl From<OneOrMany> for ByLevel {
    fn from(numbers: OneOrMany) -> ByLevel {
        match numbers {
            OneOrMany::One(number) => ByLevel(vec![number]),
            OneOrMany::Many(numbers) => ByLevel(numbers),
        }
    }
}

impl From<ByLevel> for OneOrMany {
    fn from(ByLevel(numbers): ByLevel) -> OneOrMany {
        match numbers.as_slice() {
            [number] => OneOrMany::One(*number),
            _ => OneOrMany::Many(numbers),
        }
    }
}

impl From<f64> for ByLevel {
    fn from(number: f64) -> ByLevel {
        ByLevel(vec![number])
    }
}

impl<const N: usize> From<[f64; N]> for ByLevel {
    fn from(numbers: [f64; N]) -> ByLevel {
        ByLevel(numbers.into())
    }
}

impl FilterSettings {
    /// Bloom filters of so many bits for each key: `10.0`, or a list by level.
    pub fn bits_per_key(bits: impl Into<ByLevel>) -> FilterSettings {
        FilterSettings::Bloom(BloomSettings::BitsPerKey(bits.into()))
    }

    /// Bloom filters that are wrong about this share of the absent keys: `0.01`, or a list by level.
    pub fn false_positive_rate(rate: impl Into<ByLevel>) -> FilterSettings {
        FilterSettings::Bloom(BloomSettings::FalsePositiveRate(rate.into()))
    }

    /// Every limit, with the field's name.
    pub(crate) fn checks(&self) -> Vec<(bool, &'static str)> {
        let FilterSettings::Bloom(bloom) = self else { return Vec::new() };
        match bloom {
            BloomSettings::BitsPerKey(ByLevel(bits)) => vec![
                (!bits.is_empty(), "filter.bloom.bits-per-key must have a number"),
                (
                    bits.iter().all(|bits| (0.0..=BITS_PER_KEY_MAX).contains(bits)),
                    "filter.bloom.bits-per-key must be from 0 to 64",
                ),
            ],
            BloomSettings::FalsePositiveRate(ByLevel(rates)) => vec![
                (!rates.is_empty(), "filter.bloom.false-positive-rate must have a number"),
                (
                    rates.iter().all(|rate| *rate > 0.0 && *rate <= 1.0),
                    "filter.bloom.false-positive-rate must be above 0 and at most 1",
                ),
            ],
        }
    }
}

impl BloomSettings {
    pub(crate) fn policy(&self) -> Bloom {
        match self {
            BloomSettings::BitsPerKey(ByLevel(bits)) => Bloom::bits_per_key_by_level(bits.iter().copied()),
            BloomSettings::FalsePositiveRate(ByLevel(rates)) => {
                Bloom::false_positive_rate_by_level(rates.iter().copied())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_sized_by_bits_or_by_rate_and_by_level() {
        let FilterSettings::Bloom(bits) = FilterSettings::bits_per_key([16.0, 8.0]) else { unreachable!() };
        assert_eq!(bits.policy(), Bloom::bits_per_key_by_level([16.0, 8.0]));
        let FilterSettings::Bloom(rate) = FilterSettings::false_positive_rate(0.01) else { unreachable!() };
        assert_eq!(rate.policy(), Bloom::false_positive_rate(0.01));
    }
}

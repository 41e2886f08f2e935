//! Names the built-in strategies with their parameters, as data: memtable, filter, compaction.

use serde::{Deserialize, Serialize};
use siltstone_bloom::{Bloom, sizing::BITS_PER_KEY_MAX};
use siltstone_compaction::{Similarity, SizeTiered};

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

/// How tables are merged.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CompactionSettings {
    /// Runs of similar size: little is written, and many runs are read.
    SizeTiered(SizeTieredSettings),
    /// One that is not shipped, by its name: the component itself is given to the builder.
    Custom(String),
}

/// Parameters of size-tiered compaction; [`SizeTiered`] says what each does.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SizeTieredSettings {
    /// A tree with fewer runs is left alone. At least 2.
    pub runs_min: u32,
    /// A tree with more runs is never left alone. At least 1.
    pub runs_max: u32,
    /// A merge for similar sizes takes at least so many runs. At least 2.
    pub merge_runs_min: u32,
    /// A merge takes at most so many runs. At least 2.
    pub merge_runs_max: u32,
    /// What the size of the next older run is compared with.
    pub similarity: SimilaritySettings,
    /// By how many percent a run may exceed that and still be similar.
    pub size_ratio_percent: u32,
    /// How many bytes all other runs may hold together, in percent of the oldest run.
    pub space_amplification_percent_max: u32,
}

/// What the size of the next older run is compared with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SimilaritySettings {
    /// The sum of the newer runs in the merge.
    Sum,
    /// Their mean.
    Mean,
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

impl Default for CompactionSettings {
    fn default() -> CompactionSettings {
        CompactionSettings::SizeTiered(SizeTieredSettings::default())
    }
}

impl Default for SizeTieredSettings {
    fn default() -> SizeTieredSettings {
        SizeTieredSettings {
            runs_min: 4,
            runs_max: 16,
            merge_runs_min: 2,
            merge_runs_max: 32,
            similarity: SimilaritySettings::Sum,
            size_ratio_percent: 50,
            space_amplification_percent_max: 200,
        }
    }
}

impl CompactionSettings {
    /// Size-tiered compaction that begins at so many runs.
    pub fn size_tiered(runs_min: u32) -> CompactionSettings {
        CompactionSettings::SizeTiered(SizeTieredSettings { runs_min, ..SizeTieredSettings::default() })
    }

    /// Every built-in strategy, with its default parameters.
    pub fn built_in() -> Vec<CompactionSettings> {
        vec![CompactionSettings::SizeTiered(SizeTieredSettings::default())]
    }

    /// Every limit, with the field's name.
    pub(crate) fn checks(&self) -> Vec<(bool, &'static str)> {
        let CompactionSettings::SizeTiered(tiers) = self else { return Vec::new() };
        vec![
            (tiers.runs_min >= 2, "compaction.size-tiered.runs-min must be at least 2"),
            (tiers.runs_max >= 1, "compaction.size-tiered.runs-max must be at least 1"),
            (tiers.merge_runs_min >= 2, "compaction.size-tiered.merge-runs-min must be at least 2"),
            (tiers.merge_runs_max >= 2, "compaction.size-tiered.merge-runs-max must be at least 2"),
        ]
    }
}

impl From<&SizeTiered> for SizeTieredSettings {
    /// Its parameters, but for the size of tables.
    fn from(tiers: &SizeTiered) -> SizeTieredSettings {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        SizeTieredSettings {
            runs_min: count(tiers.runs_min),
            runs_max: count(tiers.runs_max),
            merge_runs_min: count(tiers.merge_runs_min),
            merge_runs_max: count(tiers.merge_runs_max),
            similarity: match tiers.similarity {
                Similarity::Sum => SimilaritySettings::Sum,
                Similarity::Mean => SimilaritySettings::Mean,
            },
            size_ratio_percent: tiers.size_ratio_percent,
            space_amplification_percent_max: tiers.space_amplification_percent_max,
        }
    }
}

impl SizeTieredSettings {
    pub(crate) fn strategy(&self, table_bytes_max: u64) -> SizeTiered {
        let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        SizeTiered {
            runs_min: count(self.runs_min),
            runs_max: count(self.runs_max),
            merge_runs_min: count(self.merge_runs_min),
            merge_runs_max: count(self.merge_runs_max),
            similarity: match self.similarity {
                SimilaritySettings::Sum => Similarity::Sum,
                SimilaritySettings::Mean => Similarity::Mean,
            },
            size_ratio_percent: self.size_ratio_percent,
            space_amplification_percent_max: self.space_amplification_percent_max,
            table_bytes_max,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_strategy() {
        let strategy = SizeTieredSettings::default().strategy(SizeTiered::default().table_bytes_max);
        assert_eq!(strategy, SizeTiered::default());
    }

    #[test]
    fn filters_are_sized_by_bits_or_by_rate_and_by_level() {
        let FilterSettings::Bloom(bits) = FilterSettings::bits_per_key([16.0, 8.0]) else { unreachable!() };
        assert_eq!(bits.policy(), Bloom::bits_per_key_by_level([16.0, 8.0]));
        let FilterSettings::Bloom(rate) = FilterSettings::false_positive_rate(0.01) else { unreachable!() };
        assert_eq!(rate.policy(), Bloom::false_positive_rate(0.01));
    }
}

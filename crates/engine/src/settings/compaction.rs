//! Names the built-in compaction strategies with their parameters, as data.

use std::any::Any;

use serde::{Deserialize, Serialize};
use siltstone_compaction::{
    CompactionStrategy, Cuts, Fifo, LEVELS_MAX, LazyLeveled, Leveled, Similarity, SizeTiered,
};

use super::is_unlimited;
use crate::sync::Arc;

/// How tables are merged.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CompactionSettings {
    /// Runs of similar size: little is written, and many runs are read.
    SizeTiered(SizeTieredSettings),
    /// One run for each level: few runs are read and little space is wasted, and more is written.
    Leveled(LeveledSettings),
    /// Tiers above one large run: in between.
    LazyLeveled(LazyLeveledSettings),
    /// The oldest tables are dropped, beyond limits that are none by default.
    Fifo(FifoSettings),
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

/// Parameters of leveled compaction; [`Leveled`] says what each does.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct LeveledSettings {
    /// How many times larger each level is than the one above. At least 2.
    pub ratio: u32,
    /// Bytes that the level which level 0 goes to may hold. At least 1.
    pub base_bytes: u64,
    /// The deepest level. From 1 to 63.
    pub last_level: u32,
    /// Runs of level 0 at which they go down. At least 1.
    pub level0_runs: u32,
    /// Runs of level 0 that are merged with each other while their way down is taken. At least 2.
    pub level0_merge_runs_min: u32,
    /// Whether tables that overlap nothing are moved instead of rewritten.
    pub moves: bool,
    /// Share of its size, in percent, from which on a table may end where one of the next level ends; 100 and more: never.
    pub boundary_percent_min: u32,
    /// A table ends before it overlaps more bytes of the next level. `None`: 25 tables. At least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlap_bytes_max: Option<u64>,
    /// Share of tombstones, in percent, from which on a table is compacted; above 100: never.
    pub tombstone_percent_min: u32,
    /// Age of a tombstone, in milliseconds, from which on its table is compacted; `u64::MAX`: never.
    #[serde(skip_serializing_if = "is_unlimited")]
    pub tombstone_age_ms_max: u64,
    /// Reads of a range that asked several runs, from which on it is compacted. At least 1; `u64::MAX`: never.
    #[serde(skip_serializing_if = "is_unlimited")]
    pub hot_reads_min: u64,
}

/// Parameters of lazy-leveled compaction; [`LazyLeveled`] says what each does.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct LazyLeveledSettings {
    /// Runs of a level that are merged together, and how many times larger a run of the next level is. At least 2.
    pub ratio: u32,
    /// The deepest level. From 1 to 63.
    pub last_level: u32,
    /// A merge takes at most so many runs of a level. At least 2.
    pub merge_runs_max: u32,
    /// Share of tombstones, in percent, from which on a table of the last level is rewritten; above 100: never.
    pub tombstone_percent_min: u32,
    /// Age of a tombstone, in milliseconds, from which on its table is compacted; `u64::MAX`: never.
    #[serde(skip_serializing_if = "is_unlimited")]
    pub tombstone_age_ms_max: u64,
}

/// Limits of first-in-first-out compaction; [`Fifo`] says what each does. Data beyond them is lost.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct FifoSettings {
    /// Bytes of tables that stay; `u64::MAX`: no limit.
    #[serde(skip_serializing_if = "is_unlimited")]
    pub bytes_max: u64,
    /// Age of a table, in milliseconds, at which it is dropped; `u64::MAX`: never.
    #[serde(skip_serializing_if = "is_unlimited")]
    pub age_ms_max: u64,
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

impl Default for CompactionSettings {
    fn default() -> CompactionSettings {
        CompactionSettings::Leveled(LeveledSettings::default())
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
        vec![
            CompactionSettings::Leveled(LeveledSettings::default()),
            CompactionSettings::SizeTiered(SizeTieredSettings::default()),
            CompactionSettings::LazyLeveled(LazyLeveledSettings::default()),
            CompactionSettings::Fifo(FifoSettings::default()),
        ]
    }

    /// What the settings say of a strategy that is shipped, and the size of tables if it has one. `None` for any other.
    pub(crate) fn of(strategy: &dyn Any) -> Option<(CompactionSettings, Option<u64>)> {
        if let Some(tiers) = strategy.downcast_ref::<SizeTiered>() {
            return Some((CompactionSettings::SizeTiered(tiers.into()), Some(tiers.table_bytes_max)));
        }
        if let Some(leveled) = strategy.downcast_ref::<Leveled>() {
            return Some((CompactionSettings::Leveled(leveled.into()), Some(leveled.table_bytes_max)));
        }
        if let Some(lazy) = strategy.downcast_ref::<LazyLeveled>() {
            return Some((CompactionSettings::LazyLeveled(lazy.into()), Some(lazy.table_bytes_max)));
        }
        let fifo = strategy.downcast_ref::<Fifo>()?;
        Some((CompactionSettings::Fifo(fifo.into()), None))
    }

    /// The strategy that is named, if it is a shipped one; otherwise the name.
    pub(crate) fn strategy(&self, table_bytes_max: u64) -> Result<Arc<dyn CompactionStrategy>, &str> {
        Ok(match self {
            CompactionSettings::SizeTiered(tiers) => Arc::new(tiers.strategy(table_bytes_max)),
            CompactionSettings::Leveled(leveled) => Arc::new(leveled.strategy(table_bytes_max)),
            CompactionSettings::LazyLeveled(lazy) => Arc::new(lazy.strategy(table_bytes_max)),
            CompactionSettings::Fifo(fifo) => Arc::new(fifo.strategy()),
            CompactionSettings::Custom(name) => return Err(name),
        })
    }

    /// Every limit, with the field's name.
    pub(crate) fn checks(&self) -> Vec<(bool, &'static str)> {
        let is_level = |level: u32| (1..LEVELS_MAX).contains(&level);
        let fits = |number: u64| (1..=i64::MAX.unsigned_abs()).contains(&number);
        let fits_or_none = |number: u64| number == u64::MAX || number <= i64::MAX.unsigned_abs();
        match self {
            CompactionSettings::SizeTiered(tiers) => vec![
                (tiers.runs_min >= 2, "compaction.size-tiered.runs-min must be at least 2"),
                (tiers.runs_max >= 1, "compaction.size-tiered.runs-max must be at least 1"),
                (tiers.merge_runs_min >= 2, "compaction.size-tiered.merge-runs-min must be at least 2"),
                (tiers.merge_runs_max >= 2, "compaction.size-tiered.merge-runs-max must be at least 2"),
            ],
            CompactionSettings::Leveled(leveled) => vec![
                (leveled.ratio >= 2, "compaction.leveled.ratio must be at least 2"),
                (fits(leveled.base_bytes), "compaction.leveled.base-bytes must be from 1 to 2^63 - 1"),
                (is_level(leveled.last_level), "compaction.leveled.last-level must be from 1 to 63"),
                (leveled.level0_runs >= 1, "compaction.leveled.level0-runs must be at least 1"),
                (
                    leveled.level0_merge_runs_min >= 2,
                    "compaction.leveled.level0-merge-runs-min must be at least 2",
                ),
                (
                    leveled.overlap_bytes_max.is_none_or(fits),
                    "compaction.leveled.overlap-bytes-max must be from 1 to 2^63 - 1",
                ),
                (
                    fits_or_none(leveled.tombstone_age_ms_max),
                    "compaction.leveled.tombstone-age-ms-max must be from 0 to 2^63 - 1",
                ),
                (
                    leveled.hot_reads_min >= 1 && fits_or_none(leveled.hot_reads_min),
                    "compaction.leveled.hot-reads-min must be from 1 to 2^63 - 1",
                ),
            ],
            CompactionSettings::LazyLeveled(lazy) => vec![
                (lazy.ratio >= 2, "compaction.lazy-leveled.ratio must be at least 2"),
                (is_level(lazy.last_level), "compaction.lazy-leveled.last-level must be from 1 to 63"),
                (lazy.merge_runs_max >= 2, "compaction.lazy-leveled.merge-runs-max must be at least 2"),
                (
                    fits_or_none(lazy.tombstone_age_ms_max),
                    "compaction.lazy-leveled.tombstone-age-ms-max must be from 0 to 2^63 - 1",
                ),
            ],
            CompactionSettings::Fifo(fifo) => vec![
                (fits_or_none(fifo.bytes_max), "compaction.fifo.bytes-max must be from 0 to 2^63 - 1"),
                (fits_or_none(fifo.age_ms_max), "compaction.fifo.age-ms-max must be from 0 to 2^63 - 1"),
            ],
            CompactionSettings::Custom(_) => Vec::new(),
        }
    }
}

/// A number of runs in memory.
fn many(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A number of runs in settings.
fn few(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// How many tables of the next level a table may overlap, if nothing else is said.
const OVERLAP_TABLES_MAX: u64 = 25;

impl Default for LeveledSettings {
    fn default() -> LeveledSettings {
        LeveledSettings::from(&Leveled::default())
    }
}

impl Default for LazyLeveledSettings {
    fn default() -> LazyLeveledSettings {
        LazyLeveledSettings::from(&LazyLeveled::default())
    }
}

impl Default for FifoSettings {
    fn default() -> FifoSettings {
        FifoSettings::from(&Fifo::default())
    }
}

impl From<&Leveled> for LeveledSettings {
    /// Its parameters, but for the size of tables.
    fn from(leveled: &Leveled) -> LeveledSettings {
        let Cuts { boundary_percent_min, overlap_bytes_max } = leveled.cuts;
        let usual = leveled.table_bytes_max.saturating_mul(OVERLAP_TABLES_MAX);
        LeveledSettings {
            ratio: leveled.ratio,
            base_bytes: leveled.base_bytes,
            last_level: leveled.last_level,
            level0_runs: few(leveled.level0_runs),
            level0_merge_runs_min: few(leveled.level0_merge_runs_min),
            moves: leveled.moves,
            boundary_percent_min,
            // TOML has no larger integer, and nobody has more bytes.
            overlap_bytes_max: (overlap_bytes_max != usual)
                .then_some(overlap_bytes_max.min(i64::MAX.unsigned_abs())),
            tombstone_percent_min: leveled.tombstone_percent_min,
            tombstone_age_ms_max: leveled.tombstone_age_ms_max,
            hot_reads_min: leveled.hot_reads_min,
        }
    }
}

impl LeveledSettings {
    fn strategy(&self, table_bytes_max: u64) -> Leveled {
        let usual = table_bytes_max.saturating_mul(OVERLAP_TABLES_MAX);
        Leveled {
            ratio: self.ratio,
            base_bytes: self.base_bytes,
            last_level: self.last_level,
            table_bytes_max,
            level0_runs: many(self.level0_runs),
            level0_merge_runs_min: many(self.level0_merge_runs_min),
            moves: self.moves,
            cuts: Cuts {
                boundary_percent_min: self.boundary_percent_min,
                overlap_bytes_max: self.overlap_bytes_max.unwrap_or(usual),
            },
            tombstone_percent_min: self.tombstone_percent_min,
            tombstone_age_ms_max: self.tombstone_age_ms_max,
            hot_reads_min: self.hot_reads_min,
        }
    }
}

impl From<&LazyLeveled> for LazyLeveledSettings {
    /// Its parameters, but for the size of tables.
    fn from(lazy: &LazyLeveled) -> LazyLeveledSettings {
        LazyLeveledSettings {
            ratio: lazy.ratio,
            last_level: lazy.last_level,
            merge_runs_max: few(lazy.merge_runs_max),
            tombstone_percent_min: lazy.tombstone_percent_min,
            tombstone_age_ms_max: lazy.tombstone_age_ms_max,
        }
    }
}

impl LazyLeveledSettings {
    fn strategy(&self, table_bytes_max: u64) -> LazyLeveled {
        LazyLeveled {
            ratio: self.ratio,
            last_level: self.last_level,
            merge_runs_max: many(self.merge_runs_max),
            table_bytes_max,
            tombstone_percent_min: self.tombstone_percent_min,
            tombstone_age_ms_max: self.tombstone_age_ms_max,
        }
    }
}

impl From<&Fifo> for FifoSettings {
    fn from(fifo: &Fifo) -> FifoSettings {
        FifoSettings { bytes_max: fifo.bytes_max, age_ms_max: fifo.age_ms_max }
    }
}

impl FifoSettings {
    fn strategy(&self) -> Fifo {
        Fifo { bytes_max: self.bytes_max, age_ms_max: self.age_ms_max }
    }
}

impl From<&SizeTiered> for SizeTieredSettings {
    /// Its parameters, but for the size of tables.
    fn from(tiers: &SizeTiered) -> SizeTieredSettings {
        SizeTieredSettings {
            runs_min: few(tiers.runs_min),
            runs_max: few(tiers.runs_max),
            merge_runs_min: few(tiers.merge_runs_min),
            merge_runs_max: few(tiers.merge_runs_max),
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
    fn strategy(&self, table_bytes_max: u64) -> SizeTiered {
        SizeTiered {
            runs_min: many(self.runs_min),
            runs_max: many(self.runs_max),
            merge_runs_min: many(self.merge_runs_min),
            merge_runs_max: many(self.merge_runs_max),
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

    #[track_caller]
    fn comes_back(strategy: &(impl CompactionStrategy + 'static)) {
        let (settings, table_bytes_max) = CompactionSettings::of(strategy).unwrap();
        let again = settings.strategy(table_bytes_max.unwrap_or(1)).unwrap();
        assert_eq!(format!("{again:?}"), format!("{strategy:?}"));
        assert_eq!(again.name(), strategy.name());
    }

    #[test]
    fn strategies_are_known_by_their_parameters() {
        comes_back(&SizeTiered { table_bytes_max: 7, ..SizeTiered::tiers(3) });
        comes_back(&Leveled { table_bytes_max: 7, ratio: 3, moves: false, ..Leveled::default() });
        comes_back(&LazyLeveled { table_bytes_max: 7, merge_runs_max: 9, ..LazyLeveled::default() });
        comes_back(&Fifo { bytes_max: 7, age_ms_max: 8 });
        assert_eq!(CompactionSettings::of(&7), None);
    }

    #[test]
    fn the_defaults_are_those_of_the_strategies() {
        let tiers = SizeTieredSettings::default().strategy(SizeTiered::default().table_bytes_max);
        assert_eq!(tiers, SizeTiered::default());
        let leveled = LeveledSettings::default();
        assert_eq!(leveled.strategy(Leveled::default().table_bytes_max), Leveled::default());
        assert_eq!(leveled.strategy(1).cuts.overlap_bytes_max, 25, "it goes with the size of tables");
        let lazy = LazyLeveledSettings::default().strategy(LazyLeveled::default().table_bytes_max);
        assert_eq!(lazy, LazyLeveled::default());
        assert_eq!(FifoSettings::default().strategy(), Fifo::default());
    }
}

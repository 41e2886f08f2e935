//! The settings that are tried: the shipped strategies that lose no data, each with a few parameters.

use anyhow::{Context as _, Result};
use serde::Serialize;
use siltstone::{CompactionSettings, LazyLeveledSettings, LeveledSettings, Settings, SizeTieredSettings};
use siltstone_benches::units;

/// A strategy with the parameters that differ from its defaults.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Candidate {
    /// The level that level 0 goes to holds so many memtables.
    Leveled {
        ratio: u32,
        base_memtables: u32,
    },
    SizeTiered {
        runs_min: u32,
        space_amplification_percent_max: u32,
    },
    LazyLeveled {
        ratio: u32,
    },
}

/// All of them; the first is the default. FIFO is none: it drops data.
pub(crate) const CANDIDATES: &[Candidate] = &[
    Candidate::Leveled { ratio: 10, base_memtables: 1 },
    Candidate::Leveled { ratio: 10, base_memtables: 4 },
    Candidate::Leveled { ratio: 6, base_memtables: 4 },
    Candidate::Leveled { ratio: 4, base_memtables: 4 },
    Candidate::SizeTiered { runs_min: 4, space_amplification_percent_max: 200 },
    Candidate::SizeTiered { runs_min: 4, space_amplification_percent_max: 50 },
    Candidate::SizeTiered { runs_min: 8, space_amplification_percent_max: 200 },
    Candidate::LazyLeveled { ratio: 3 },
    Candidate::LazyLeveled { ratio: 4 },
    Candidate::LazyLeveled { ratio: 8 },
];

impl Candidate {
    /// As `cargo xtask sim` and `cargo xtask bench` read it, for memtables of so many bytes. What differs from the defaults is said, and what depends on the size of memtables.
    pub(crate) fn text(self, memtable_bytes: u64) -> String {
        match self {
            Candidate::Leveled { ratio, base_memtables } => {
                let base_bytes = u64::from(base_memtables) * memtable_bytes;
                format!("leveled,ratio={ratio},base-bytes={}", in_a_word(base_bytes))
            }
            Candidate::SizeTiered { runs_min, space_amplification_percent_max: 200 } => {
                format!("size-tiered,runs-min={runs_min}")
            }
            Candidate::SizeTiered { runs_min, space_amplification_percent_max: percent } => {
                format!("size-tiered,runs-min={runs_min},space-amplification-percent-max={percent}")
            }
            Candidate::LazyLeveled { ratio } => format!("lazy-leveled,ratio={ratio}"),
        }
    }

    /// The same for tables of so many bytes, of which the setting that is not set lets a table overlap 25.
    pub(crate) fn text_with_tables(self, memtable_bytes: u64, table_bytes: u64) -> String {
        let text = self.text(memtable_bytes);
        match self {
            Candidate::Leveled { .. } => format!("{text},overlap-bytes-max={}", 25 * table_bytes),
            _ => text,
        }
    }

    /// The same as a setting.
    pub(crate) fn settings(self, memtable_bytes: u64) -> CompactionSettings {
        match self {
            Candidate::Leveled { ratio, base_memtables } => CompactionSettings::Leveled(LeveledSettings {
                ratio,
                base_bytes: u64::from(base_memtables).saturating_mul(memtable_bytes),
                ..LeveledSettings::default()
            }),
            Candidate::SizeTiered { runs_min, space_amplification_percent_max } => {
                CompactionSettings::SizeTiered(SizeTieredSettings {
                    runs_min,
                    space_amplification_percent_max,
                    ..SizeTieredSettings::default()
                })
            }
            Candidate::LazyLeveled { ratio } => CompactionSettings::LazyLeveled(LazyLeveledSettings {
                ratio,
                ..LazyLeveledSettings::default()
            }),
        }
    }

    /// What it is good for and what it costs, in a sentence.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Candidate::Leveled { .. } => {
                "leveled compaction keeps one run for each level: few runs are read and little space is wasted, for the most writing unless keys come in order"
            }
            Candidate::SizeTiered { .. } => {
                "size-tiered compaction merges runs of similar size: little is written, for many runs to read and a merge of everything that needs as much space again"
            }
            Candidate::LazyLeveled { .. } => {
                "lazy-leveled compaction has tiers above one large run: little is written while most of the data is in one run, for large merges of the last level"
            }
        }
    }
}

/// Bytes without a blank, in full where they are not round.
fn in_a_word(bytes: u64) -> String {
    if bytes.is_multiple_of(1 << 20) { units::bytes(bytes).replace(' ', "") } else { bytes.to_string() }
}

/// What is pasted into a configuration.
#[derive(Serialize, Debug)]
#[serde(rename_all = "kebab-case")]
struct Pasted {
    memtable_bytes_max: u64,
    table_bytes_max: u64,
    compaction: toml::Table,
}

/// The settings of a candidate as TOML: what differs from the defaults of its strategy. It was read back by the engine's own settings.
pub(crate) fn toml(candidate: Candidate, memtable_bytes: u64, table_bytes: u64) -> Result<String> {
    let chosen = toml::Table::try_from(candidate.settings(memtable_bytes))?;
    let (name, parameters) = chosen.into_iter().next().context("the strategy has no name")?;
    // What an empty table of the strategy stands for.
    let empty = format!("[compaction.{name}]");
    let defaults = toml::Table::try_from(toml::from_str::<Settings>(&empty)?.compaction)?;
    let default = |parameter: &String| defaults.get(&name).and_then(|table| table.get(parameter));
    let parameters = parameters.as_table().cloned().unwrap_or_default();
    let differing: toml::Table =
        parameters.into_iter().filter(|(parameter, value)| default(parameter) != Some(value)).collect();
    let compaction = toml::Table::from_iter([(name, toml::Value::Table(differing))]);
    let pasted = Pasted { memtable_bytes_max: memtable_bytes, table_bytes_max: table_bytes, compaction };
    let text = toml::to_string(&pasted)?;
    let settings: Settings = toml::from_str(&text).context("the engine does not read what is recommended")?;
    settings.validate().context("the engine refuses what is recommended")?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use siltstone::{CompactionStrategy, LazyLeveled, Leveled, SizeTiered, compaction::Cuts};
    use siltstone_benches::{databases, strategies::Chosen};

    use super::*;

    #[test]
    fn every_candidate_is_a_setting_and_a_strategy_and_both_are_the_same() {
        for (candidate, memtable_bytes) in
            CANDIDATES.iter().flat_map(|candidate| [(*candidate, 64 << 20), (*candidate, 150_000)])
        {
            let text = toml(candidate, memtable_bytes, memtable_bytes / 2).unwrap();
            let settings: Settings = toml::from_str(&text).unwrap();
            assert_eq!(settings.compaction, candidate.settings(memtable_bytes), "{text}");
            assert_eq!(
                (settings.memtable_bytes_max, settings.table_bytes_max),
                (memtable_bytes, memtable_bytes / 2)
            );
            check_strategy(candidate, memtable_bytes);
        }
    }

    fn check_strategy(candidate: Candidate, memtable_bytes: u64) {
        let table_bytes_max = memtable_bytes / 2;
        match candidate {
            Candidate::Leveled { ratio, base_memtables } => {
                let base_bytes = u64::from(base_memtables) * memtable_bytes;
                let cuts = Cuts { overlap_bytes_max: 25 * table_bytes_max, ..Leveled::default().cuts };
                let strategy = Leveled { ratio, base_bytes, table_bytes_max, cuts, ..Leveled::default() };
                check_same(candidate, memtable_bytes, strategy);
            }
            Candidate::SizeTiered { runs_min, space_amplification_percent_max } => {
                let (default, runs_min) = (SizeTiered::default(), runs_min as usize);
                let strategy =
                    SizeTiered { runs_min, space_amplification_percent_max, table_bytes_max, ..default };
                check_same(candidate, memtable_bytes, strategy);
            }
            Candidate::LazyLeveled { ratio } => {
                let strategy = LazyLeveled { ratio, table_bytes_max, ..LazyLeveled::default() };
                check_same(candidate, memtable_bytes, strategy);
            }
        }
    }

    /// What the simulator runs is this strategy, and so are the settings: a shipped strategy that is given to the builder is stored as if it stood in them.
    #[track_caller]
    fn check_same(candidate: Candidate, memtable_bytes: u64, strategy: impl CompactionStrategy + 'static) {
        let chosen = Chosen::parse(
            &candidate.text_with_tables(memtable_bytes, memtable_bytes / 2),
            memtable_bytes / 2,
        )
        .unwrap();
        assert_eq!(format!("{:?}", chosen.make().unwrap()), format!("{strategy:?}"));
        let db = databases::create_with(strategy).unwrap();
        assert_eq!(db.settings().compaction, candidate.settings(memtable_bytes));
    }

    #[test]
    fn the_first_is_the_default() {
        assert_eq!(CANDIDATES[0].settings(64 << 20), Settings::default().compaction);
        let text = toml(CANDIDATES[0], 64 << 20, 32 << 20).unwrap();
        assert!(text.ends_with("[compaction.leveled]\n"), "{text}");
        assert_eq!(CANDIDATES[1].text(64 << 20), "leveled,ratio=10,base-bytes=256MiB");
        let text = toml(CANDIDATES[6], 64 << 20, 32 << 20).unwrap();
        assert!(text.ends_with("[compaction.size-tiered]\nruns-min = 8\n"), "{text}");
    }
}

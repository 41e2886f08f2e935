//! The strategies that are compared.

use std::env;

use siltstone::{CompactionSettings, LazyLeveledSettings, LeveledSettings, SizeTieredSettings};

/// Every built-in strategy that keeps all data, with its default parameters, by name; the one that `STRATEGY` names, if it does.
pub(crate) fn chosen() -> Vec<(&'static str, CompactionSettings)> {
    let only = env::var("STRATEGY").ok();
    let all = vec![
        ("leveled", CompactionSettings::Leveled(LeveledSettings::default())),
        ("size-tiered", CompactionSettings::SizeTiered(SizeTieredSettings::default())),
        ("lazy-leveled", CompactionSettings::LazyLeveled(LazyLeveledSettings::default())),
    ];
    all.into_iter().filter(|(name, _)| only.as_deref().is_none_or(|only| only == *name)).collect()
}

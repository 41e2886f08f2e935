//! docs/settings.md names every setting with its default, and its example is valid.

use siltstone::{
    CompactionSettings, Db, FifoSettings, FilterSettings, KeyspaceSettings, LazyLeveledSettings,
    LeveledSettings, Settings, SizeTieredSettings,
};
use toml::{Table, Value};

const PAGE: &str = include_str!("../../../../docs/settings.md");

/// The row of a setting.
fn row(name: &str) -> Vec<&'static str> {
    let start = format!("| `{name}` |");
    let rows: Vec<_> = PAGE.lines().filter(|line| line.starts_with(&start)).collect();
    assert_eq!(rows.len(), 1, "the page has {} rows for {name}", rows.len());
    rows[0].split(" | ").collect()
}

fn table(settings: &Settings) -> Table {
    Table::try_from(settings).unwrap()
}

/// Every leaf with its whole name.
fn leaves(table: &Table, prefix: &str, found: &mut Vec<(String, Value)>) {
    for (name, value) in table {
        let name = format!("{prefix}{name}");
        match value {
            Value::Table(inner) => leaves(inner, &format!("{name}."), found),
            leaf => found.push((name, leaf.clone())),
        }
    }
}

#[track_caller]
fn check_default(name: &str, default: &Value) {
    let default = match default {
        // As the page writes lists.
        Value::Array(_) => default.to_string().replace("[ ", "[").replace(" ]", "]"),
        other => other.to_string(),
    };
    let columns = row(name);
    assert!(columns[2].starts_with(&format!("`{default}`")), "{name}: {} is not {default}", columns[2]);
    assert_eq!(columns.len(), 5, "{name}");
}

#[test]
fn every_setting_is_there_with_its_default() {
    let mut found = Vec::new();
    leaves(&table(&Settings::default()), "", &mut found);
    assert!(found.len() > 20, "{found:?}");
    found.into_iter().for_each(|(name, default)| check_default(&name, &default));
    let default = table(&Settings::default())["compaction"].as_table().unwrap().keys().next().cloned();
    assert_eq!(row("compaction")[2], format!("`{}`", default.unwrap()));
    // What the defaults leave out.
    assert_eq!(row("memtable-entries-max")[2], "no limit");
    assert_eq!(row("filter.bloom.false-positive-rate")[2], "not set");
    assert_eq!(row("ttl-ms")[2], "`0`");
    assert_eq!(row("subcompactions-max")[2], "`0`");
    let all = Settings {
        memtable_entries_max: 1,
        ttl_ms: 1,
        subcompactions_max: 1,
        keyspaces: [("a".to_owned(), KeyspaceSettings::default())].into(),
        ..Settings::default()
    };
    for name in table(&all).keys().filter(|name| *name != "keyspaces") {
        row(name);
    }
}

#[test]
fn every_strategy_is_there_with_its_defaults() {
    let strategies = [
        CompactionSettings::SizeTiered(SizeTieredSettings::default()),
        CompactionSettings::Leveled(LeveledSettings::default()),
        CompactionSettings::LazyLeveled(LazyLeveledSettings::default()),
        CompactionSettings::Fifo(FifoSettings::default()),
    ];
    let mut found = Vec::new();
    for compaction in strategies {
        leaves(&table(&Settings { compaction, ..Settings::default() }), "", &mut found);
    }
    found.retain(|(name, _)| name.starts_with("compaction."));
    assert!(found.len() > 10, "{found:?}");
    found.into_iter().for_each(|(name, default)| check_default(&name, &default));
    // What the defaults leave out, all of it, or these settings would not be complete.
    let leveled =
        LeveledSettings { overlap_bytes_max: Some(1), tombstone_age_ms_max: 1, ..Default::default() };
    let lazy = LazyLeveledSettings { tombstone_age_ms_max: 1, ..Default::default() };
    let fifo = FifoSettings { bytes_max: 1, age_ms_max: 1 };
    let all = [
        CompactionSettings::Leveled(leveled),
        CompactionSettings::LazyLeveled(lazy),
        CompactionSettings::Fifo(fifo),
    ];
    for compaction in all {
        let mut found = Vec::new();
        leaves(&table(&Settings { compaction, ..Settings::default() }), "", &mut found);
        found.iter().for_each(|(name, _)| assert!(!row(name).is_empty()));
    }
    assert_eq!(row("compaction.leveled.overlap-bytes-max")[2], "not set");
    for unlimited in [
        "compaction.leveled.tombstone-age-ms-max",
        "compaction.lazy-leveled.tombstone-age-ms-max",
        "compaction.fifo.bytes-max",
        "compaction.fifo.age-ms-max",
    ] {
        assert_eq!(row(unlimited)[2], "no limit");
    }
}

#[test]
fn every_setting_of_a_keyspace_is_named() {
    let all = Settings::default();
    let own = KeyspaceSettings {
        memtable: Some(all.memtable),
        memtable_bytes_max: Some(1),
        memtable_entries_max: Some(1),
        block_bytes: Some(64),
        table_bytes_max: Some(1),
        filter: Some(all.filter),
        compression: Some(all.compression),
        compaction: Some(all.compaction),
        level0_runs_slow: Some(2),
        level0_runs_stop: Some(2),
        debt_bytes_slow: Some(1),
        debt_bytes_stop: Some(1),
        ttl_ms: Some(1),
    };
    let section = PAGE.split("## Keyspaces").nth(1).unwrap().split("\n## ").next().unwrap();
    for name in Table::try_from(own).unwrap().keys() {
        assert!(section.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn the_example_can_be_used() {
    let example = PAGE.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let settings: Settings = toml::from_str(example).unwrap();
    let db = Db::builder("db").in_memory().settings(settings).open().unwrap();
    assert_eq!(db.settings().of_keyspace("events").filter, FilterSettings::None);
    assert_eq!(db.settings().of_keyspace("events").memtable_bytes_max, 4_194_304);
    assert_eq!(db.settings().memory_bytes_max, 256 << 20);
}

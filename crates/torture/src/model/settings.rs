//! Settings under which everything happens after a few entries, each different in one respect.

use siltstone::{
    CompactionSettings, Compression, FifoSettings, FilterSettings, KeyspaceSettings, LazyLeveledSettings,
    LeveledSettings, MemtableSettings, Settings, SimilaritySettings, SizeTieredSettings,
};

/// Settings with a name.
#[derive(Clone, Debug)]
pub struct Variant {
    /// What is special about them.
    pub name: &'static str,
    /// The settings: those of the first open, of the second, and so on, and then from the beginning. At least one.
    pub settings: Vec<Settings>,
}

/// Leveled compaction under which little data has several levels.
pub fn tiny_leveled(ratio: u32) -> CompactionSettings {
    CompactionSettings::Leveled(LeveledSettings {
        ratio,
        base_bytes: 1500,
        level0_runs: 2,
        ..LeveledSettings::default()
    })
}

/// Lazy-leveled compaction, whose levels are as small as its ratio makes them.
pub fn tiny_lazy_leveled(ratio: u32) -> CompactionSettings {
    CompactionSettings::LazyLeveled(LazyLeveledSettings { ratio, ..LazyLeveledSettings::default() })
}

/// First-in-first-out, with nothing that ever has to go out.
pub fn unlimited_fifo() -> CompactionSettings {
    CompactionSettings::Fifo(FifoSettings::default())
}

/// The same with sizes under which everything happens after a few entries.
pub fn shrunk(settings: Settings) -> Settings {
    Settings {
        memtable_entries_max: 24,
        block_bytes: 128,
        table_bytes_max: 1000,
        log_bytes_max: 4000,
        manifest_bytes_max: 20_000,
        open_tables_max: 8,
        cache_bytes: 10_000,
        ..settings
    }
}

fn tiny() -> Settings {
    shrunk(Settings { compaction: CompactionSettings::size_tiered(4), workers: 1, ..Settings::default() })
}

fn variant(name: &'static str, change: impl FnOnce(&mut Settings)) -> Variant {
    let mut settings = tiny();
    change(&mut settings);
    Variant { name, settings: vec![settings] }
}

/// All of them; the first one is the plain one.
pub fn variants() -> Vec<Variant> {
    let mut all = of_sizes_and_components();
    all.extend(of_strategies());
    all
}

fn of_sizes_and_components() -> Vec<Variant> {
    vec![
        variant("tiny", |_| ()),
        variant("memtables of 4 entries", |settings| settings.memtable_entries_max = 4),
        variant("memtables of 2 KiB", |settings| {
            settings.memtable_entries_max = u64::MAX;
            settings.memtable_bytes_max = 2048;
        }),
        variant("one large memtable", |settings| settings.memtable_entries_max = 100_000),
        variant("blocks of 64 bytes", |settings| settings.block_bytes = 64),
        variant("blocks of 4 KiB, and large tables", |settings| {
            settings.block_bytes = 4096;
            settings.table_bytes_max = 1 << 20;
        }),
        variant("zstd", |settings| settings.compression = vec![Compression::Zstd { level: 1 }]),
        variant("no compression", |settings| settings.compression = vec![Compression::None]),
        variant("no filters", |settings| settings.filter = FilterSettings::None),
        variant("compactions of two runs, two at a time", |settings| {
            settings.compaction = CompactionSettings::size_tiered(2);
            settings.workers = 2;
        }),
        variant("compactions of eight runs", |settings| {
            settings.compaction = CompactionSettings::size_tiered(8);
        }),
        variant("three workers, and little room in level 0", |settings| {
            settings.workers = 3;
            settings.compaction = CompactionSettings::size_tiered(2);
            settings.level0_runs_stop = 3;
        }),
        variant("one table open, and no cache", |settings| {
            settings.open_tables_max = 1;
            settings.cache_bytes = 0;
        }),
        variant("memtables as B-trees", |settings| settings.memtable = MemtableSettings::BTree),
        variant("filters by rate, and none below level 0", |settings| {
            settings.filter = FilterSettings::false_positive_rate([0.05, 1.0]);
        }),
        variant("a keyspace with settings of its own", |settings| {
            let own = KeyspaceSettings {
                memtable: Some(MemtableSettings::BTree),
                memtable_entries_max: Some(5),
                block_bytes: Some(64),
                filter: Some(FilterSettings::None),
                compaction: Some(CompactionSettings::size_tiered(2)),
                ..KeyspaceSettings::default()
            };
            settings.keyspaces.insert("second".to_owned(), own);
        }),
    ]
}

fn of_strategies() -> Vec<Variant> {
    let under = |name, compaction| variant(name, |settings| settings.compaction = compaction);
    vec![
        variant("tiers of three runs", |settings| {
            settings.compaction = CompactionSettings::SizeTiered(SizeTieredSettings {
                runs_min: 3,
                runs_max: 5,
                merge_runs_min: 3,
                merge_runs_max: 3,
                similarity: SimilaritySettings::Mean,
                size_ratio_percent: 100,
                space_amplification_percent_max: 400,
            });
        }),
        under("leveled, each level twice as large", tiny_leveled(2)),
        under("leveled, each level ten times as large", tiny_leveled(10)),
        variant("leveled without moves, three at a time", |settings| {
            settings.compaction = CompactionSettings::Leveled(LeveledSettings {
                ratio: 2,
                base_bytes: 600,
                level0_runs: 2,
                level0_merge_runs_min: 2,
                moves: false,
                boundary_percent_min: 0,
                tombstone_percent_min: 20,
                tombstone_age_ms_max: 40,
                hot_reads_min: 1,
                ..LeveledSettings::default()
            });
            settings.workers = 3;
            settings.level0_runs_stop = 3;
        }),
        under("lazy-leveled, two runs for each level", tiny_lazy_leveled(2)),
        variant("lazy-leveled, old tombstones go", |settings| {
            settings.compaction = CompactionSettings::LazyLeveled(LazyLeveledSettings {
                ratio: 3,
                tombstone_percent_min: 20,
                tombstone_age_ms_max: 40,
                ..LazyLeveledSettings::default()
            });
            settings.workers = 3;
        }),
        under("first-in-first-out without limits", unlimited_fifo()),
        variant("keyspaces with strategies of their own", |settings| {
            let own = |compaction| KeyspaceSettings { compaction: Some(compaction), ..Default::default() };
            settings.keyspaces.insert("second".to_owned(), own(tiny_leveled(2)));
            settings.keyspaces.insert("third".to_owned(), own(tiny_lazy_leveled(2)));
            settings.compaction = unlimited_fifo();
        }),
        Variant {
            name: "another strategy at each open",
            settings: [
                tiny_leveled(2),
                CompactionSettings::size_tiered(2),
                unlimited_fifo(),
                tiny_lazy_leveled(2),
                tiny_leveled(10),
                unlimited_fifo(),
                CompactionSettings::size_tiered(4),
            ]
            .map(|compaction| Settings { compaction, ..tiny() })
            .into(),
        },
    ]
}

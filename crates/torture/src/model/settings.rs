//! Settings under which everything happens after a few entries, each different in one respect.

use siltstone::{
    CompactionSettings, Compression, FilterSettings, KeyspaceSettings, MemtableSettings, Settings,
    SimilaritySettings, SizeTieredSettings,
};

/// Settings with a name.
#[derive(Clone, Debug)]
pub struct Variant {
    /// What is special about them.
    pub name: &'static str,
    /// The settings.
    pub settings: Settings,
}

fn tiny() -> Settings {
    Settings {
        memtable_entries_max: 24,
        block_bytes: 128,
        table_bytes_max: 1000,
        log_bytes_max: 4000,
        manifest_bytes_max: 20_000,
        open_tables_max: 8,
        cache_bytes: 10_000,
        compaction: CompactionSettings::size_tiered(4),
        workers: 1,
        ..Settings::default()
    }
}

/// All of them; the first one is the plain one.
pub fn variants() -> Vec<Variant> {
    let variant = |name, change: fn(&mut Settings)| {
        let mut settings = tiny();
        change(&mut settings);
        Variant { name, settings }
    };
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

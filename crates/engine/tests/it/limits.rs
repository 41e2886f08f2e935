//! Keys and values of the largest and the smallest size.

use siltstone::{
    CompactionSettings, Compression, Error, FifoSettings, FilterSettings, LazyLeveledSettings,
    LeveledSettings, Settings, SizeTieredSettings, WriteBatch,
};
use siltstone_vfs::MemFs;

use crate::on;

#[test]
fn keys_and_values_at_their_limits_survive_log_memtable_and_table() {
    let fs = MemFs::new();
    let long_key = vec![b'k'; 65_536];
    let large: Vec<u8> = (0..64_u32 << 20).map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    let db = on(&fs).open().unwrap();
    db.put("", "").unwrap();
    db.put(&long_key, "v").unwrap();
    db.put("large", &large).unwrap();
    let check = |db: &siltstone::Db, place: &str| {
        assert_eq!(db.get("").unwrap().as_deref(), Some(&b""[..]), "{place}");
        assert_eq!(db.get(&long_key).unwrap().as_deref(), Some(&b"v"[..]), "{place}");
        assert!(db.get("large").unwrap().is_some_and(|value| *value == *large), "{place}");
        assert_eq!(db.range(..).count(), 3, "{place}");
    };
    check(&db, "memtable");
    let crashed = fs.clone_now();
    db.flush().unwrap();
    check(&db, "table");
    // Replayed from the log.
    check(&on(&crashed).open().unwrap(), "log");
}

#[test]
fn a_byte_more_is_refused_before_anything_is_written() {
    let fs = MemFs::new();
    let db = on(&fs).open().unwrap();
    let before = fs.op_count();
    let error = db.put(vec![0; 65_537], "v").unwrap_err();
    assert!(matches!(error, Error::InvalidArgument { .. }), "{error}");
    let error = db.get(vec![0; 65_537]).unwrap_err();
    assert!(matches!(error, Error::InvalidArgument { .. }), "{error}");
    // Never touched, so it costs no memory.
    let too_large = vec![0; (1 << 30) + 1];
    let error = db.put("k", &too_large).unwrap_err();
    assert!(error.to_string().contains("1073741825"), "{error}");
    let mut batch = WriteBatch::new();
    batch.put("fine", "v").put("k", &too_large);
    assert!(db.write(&mut batch).is_err());
    assert_eq!(fs.op_count(), before, "the file system was touched");
    assert_eq!(db.get("fine").unwrap(), None);
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let tiers = SizeTieredSettings::default();
    let compaction = CompactionSettings::SizeTiered;
    let wrong = [
        (Settings { memtable_bytes_max: 0, ..Settings::default() }, "memtable-bytes-max"),
        (Settings { memtable_bytes_max: u64::MAX, ..Settings::default() }, "memtable-bytes-max"),
        (Settings { memtable_entries_max: 0, ..Settings::default() }, "memtable-entries-max"),
        (Settings { memtables_bytes_max: 0, ..Settings::default() }, "memtables-bytes-max"),
        (Settings { log_bytes_max: 0, ..Settings::default() }, "log-bytes-max"),
        (Settings { logs_bytes_max: 0, ..Settings::default() }, "logs-bytes-max"),
        (Settings { manifest_bytes_max: 0, ..Settings::default() }, "manifest-bytes-max"),
        (Settings { block_bytes: 63, ..Settings::default() }, "block-bytes"),
        (Settings { table_bytes_max: 0, ..Settings::default() }, "table-bytes-max"),
        (Settings { cache_bytes: 1 << 63, ..Settings::default() }, "cache-bytes"),
        (Settings { open_tables_max: 0, ..Settings::default() }, "open-tables-max"),
        (
            Settings { filter: FilterSettings::bits_per_key(f64::NAN), ..Settings::default() },
            "filter.bloom.bits-per-key",
        ),
        (
            Settings { filter: FilterSettings::bits_per_key([]), ..Settings::default() },
            "filter.bloom.bits-per-key",
        ),
        (
            Settings { filter: FilterSettings::bits_per_key([10.0, 65.0]), ..Settings::default() },
            "filter.bloom.bits-per-key",
        ),
        (
            Settings { filter: FilterSettings::false_positive_rate(0.0), ..Settings::default() },
            "filter.bloom.false-positive-rate",
        ),
        (
            Settings { filter: FilterSettings::false_positive_rate([]), ..Settings::default() },
            "filter.bloom.false-positive-rate",
        ),
        (Settings { compression: vec![], ..Settings::default() }, "compression"),
        (
            Settings { compression: vec![Compression::Zstd { level: 23 }], ..Settings::default() },
            "compression",
        ),
        (
            Settings { compaction: CompactionSettings::size_tiered(1), ..Settings::default() },
            "compaction.size-tiered.runs-min",
        ),
        (
            Settings {
                compaction: compaction(SizeTieredSettings { runs_max: 0, ..tiers.clone() }),
                ..Settings::default()
            },
            "compaction.size-tiered.runs-max",
        ),
        (
            Settings {
                compaction: compaction(SizeTieredSettings { merge_runs_min: 1, ..tiers.clone() }),
                ..Settings::default()
            },
            "compaction.size-tiered.merge-runs-min",
        ),
        (
            Settings {
                compaction: compaction(SizeTieredSettings { merge_runs_max: 1, ..tiers }),
                ..Settings::default()
            },
            "compaction.size-tiered.merge-runs-max",
        ),
        (Settings { level0_runs_stop: 1, ..Settings::default() }, "level0-runs-stop"),
    ];
    for (settings, field) in wrong {
        let error = on(&MemFs::new()).settings(settings).open().unwrap_err();
        assert!(error.to_string().contains(field), "{error}");
    }
}

#[test]
fn parameters_of_strategies_out_of_range_are_refused_by_name() {
    let leveled = |change: fn(&mut LeveledSettings)| {
        let mut settings = LeveledSettings::default();
        change(&mut settings);
        CompactionSettings::Leveled(settings)
    };
    let lazy = |change: fn(&mut LazyLeveledSettings)| {
        let mut settings = LazyLeveledSettings::default();
        change(&mut settings);
        CompactionSettings::LazyLeveled(settings)
    };
    let fifo = |bytes_max, age_ms_max| CompactionSettings::Fifo(FifoSettings { bytes_max, age_ms_max });
    let strategies = [
        (leveled(|leveled| leveled.ratio = 1), "compaction.leveled.ratio"),
        (leveled(|leveled| leveled.base_bytes = 0), "compaction.leveled.base-bytes"),
        (leveled(|leveled| leveled.last_level = 0), "compaction.leveled.last-level"),
        (leveled(|leveled| leveled.last_level = 64), "compaction.leveled.last-level"),
        (leveled(|leveled| leveled.level0_runs = 0), "compaction.leveled.level0-runs"),
        (leveled(|leveled| leveled.level0_merge_runs_min = 1), "compaction.leveled.level0-merge-runs-min"),
        (leveled(|leveled| leveled.overlap_bytes_max = Some(0)), "compaction.leveled.overlap-bytes-max"),
        (
            leveled(|leveled| leveled.tombstone_age_ms_max = 1 << 63),
            "compaction.leveled.tombstone-age-ms-max",
        ),
        (leveled(|leveled| leveled.hot_reads_min = 0), "compaction.leveled.hot-reads-min"),
        (lazy(|lazy| lazy.ratio = 1), "compaction.lazy-leveled.ratio"),
        (lazy(|lazy| lazy.last_level = 0), "compaction.lazy-leveled.last-level"),
        (lazy(|lazy| lazy.merge_runs_max = 1), "compaction.lazy-leveled.merge-runs-max"),
        (lazy(|lazy| lazy.tombstone_age_ms_max = 1 << 63), "compaction.lazy-leveled.tombstone-age-ms-max"),
        (fifo(1 << 63, 0), "compaction.fifo.bytes-max"),
        (fifo(0, 1 << 63), "compaction.fifo.age-ms-max"),
    ];
    for (compaction, field) in strategies {
        let settings = Settings { compaction, ..Settings::default() };
        let error = on(&MemFs::new()).settings(settings).open().unwrap_err();
        assert!(error.to_string().contains(field), "{error}");
    }
}

#[test]
fn few_tables_are_open_however_many_there_are() {
    let fs = MemFs::new();
    let never = 1_000_000;
    let settings = Settings {
        memtable_entries_max: 2,
        compaction: CompactionSettings::size_tiered(never),
        level0_runs_stop: never,
        open_tables_max: 3,
        ..Settings::default()
    };
    let db = on(&fs).settings(settings).open().unwrap();
    for i in 0..100_u32 {
        db.put(format!("{i:03}"), "v").unwrap();
    }
    db.flush().unwrap();
    assert!(db.stats().unwrap().tables() >= 50);
    for i in (0..100_u32).rev() {
        assert!(db.contains_key(format!("{i:03}")).unwrap());
    }
    assert_eq!(db.range(..).count(), 100);
    assert!(db.stats().unwrap().open_tables <= 3, "{:?}", db.stats());
}

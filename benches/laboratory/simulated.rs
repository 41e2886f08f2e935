//! The engine beside its simulation: what both write and keep under each strategy, for the same writes and the same parameters.

use std::{env, path::Path};

use siltstone::{
    CompactionSettings, CompactionStrategy, Compression, Db, Durability, LazyLeveled, Leveled, Settings,
    SizeTiered, WriteStats,
    compaction::{Cuts, EngineParameters, EngineReport, EngineSimulation, EntrySizes, Workload},
};
use siltstone_benches::settle::{is_in_debt, settle};

use super::{Outcome, sequential::ratio};

const SEED: u64 = 1;
const VALUE_BYTES: usize = 100;
const TABLE_BYTES: u64 = 2 << 20;
/// How far the engine may be from the simulation.
const TOLERANCE: f64 = 0.15;

/// What is compared.
struct Figures {
    table_write_amplification: f64,
    /// The mean of the moments after a flush in which nothing was due.
    space_amplification: f64,
    /// At most.
    runs: u64,
    levels: u64,
}

/// Loads a million keys (`KEYS`) and overwrites each five times (`OVERWRITES`) on average, at random, under each strategy; the writer waits until nothing is due after
/// every flush, as that of the simulation does. Prints both.
///
/// # Errors
///
/// When table write amplification or space amplification are further apart than 15 %, or a tree has fewer than three levels and fewer than four runs.
pub(crate) fn run(folder: &Path) -> Outcome {
    let keys: u32 = number("KEYS", 1_000_000)?;
    let overwrites: u32 = number("OVERWRITES", 5)?;
    println!(
        "{keys} keys, each overwritten {overwrites} times on average, memtables of 1 MiB, tables of 2 MiB, no compression"
    );
    println!(
        "strategy      write amplification  (simulated)   space amplification  (simulated)   runs, levels  (simulated)"
    );
    let mut too_far = Vec::new();
    for (name, strategy) in strategies() {
        let (measured, entries) = measure(&folder.join(name), strategy.settings(), keys, overwrites)?;
        let simulated = simulate(strategy, entries, keys, overwrites)?;
        println!(
            "{name:<13} {:>19.2}  {:>11.2}   {:>19.3}  {:>11.3}   {:>4}, {:>6}  {:>4}, {:>4}",
            measured.table_write_amplification,
            simulated.table_write_amplification,
            measured.space_amplification,
            simulated.space_amplification,
            measured.runs,
            measured.levels,
            simulated.runs,
            simulated.levels,
        );
        if measured.runs < 4 && measured.levels < 3 {
            return Err(format!("{name}: the tree is too small to say anything").into());
        }
        let is_near = |measured: f64, simulated: f64| (measured / simulated - 1.0).abs() <= TOLERANCE;
        if !is_near(measured.table_write_amplification, simulated.table_write_amplification)
            || !is_near(measured.space_amplification, simulated.space_amplification)
        {
            too_far.push(name);
        }
    }
    if too_far.is_empty() {
        Ok(())
    } else {
        Err(format!("further apart than 15 %: {}", too_far.join(", ")).into())
    }
}

/// Strategies with parameters for small trees. The parameters of the engine and of the simulation are these same.
enum Small {
    Leveled(Leveled),
    SizeTiered(SizeTiered),
    LazyLeveled(LazyLeveled),
}

fn strategies() -> Vec<(&'static str, Small)> {
    let cuts = Cuts { overlap_bytes_max: 25 * TABLE_BYTES, ..Leveled::default().cuts };
    let leveled = Leveled { base_bytes: 4 << 20, table_bytes_max: TABLE_BYTES, cuts, ..Leveled::default() };
    vec![
        ("leveled", Small::Leveled(leveled)),
        (
            "size-tiered",
            Small::SizeTiered(SizeTiered { table_bytes_max: TABLE_BYTES, ..SizeTiered::default() }),
        ),
        (
            "lazy-leveled",
            Small::LazyLeveled(LazyLeveled { table_bytes_max: TABLE_BYTES, ..LazyLeveled::default() }),
        ),
    ]
}

impl Small {
    fn settings(&self) -> CompactionSettings {
        match self {
            Small::Leveled(leveled) => CompactionSettings::Leveled(leveled.into()),
            Small::SizeTiered(tiers) => CompactionSettings::SizeTiered(tiers.into()),
            Small::LazyLeveled(lazy) => CompactionSettings::LazyLeveled(lazy.into()),
        }
    }

    fn boxed(self) -> Box<dyn CompactionStrategy> {
        match self {
            Small::Leveled(leveled) => Box::new(leveled),
            Small::SizeTiered(tiers) => Box::new(tiers),
            Small::LazyLeveled(lazy) => Box::new(lazy),
        }
    }
}

/// What entries take in memory and in tables, as the engine counts it.
#[derive(Clone, Copy)]
struct Sizes {
    memory_bytes: u64,
    file_bytes: u64,
}

fn measure(
    dir: &Path,
    compaction: CompactionSettings,
    keys: u32,
    overwrites: u32,
) -> Outcome<(Figures, Sizes)> {
    let settings = Settings {
        compaction,
        memtable_bytes_max: 1 << 20,
        table_bytes_max: TABLE_BYTES,
        compression: vec![Compression::None],
        durability: Durability::Buffered,
        workers: 1,
        ..Settings::default()
    };
    let db = Db::builder(dir).settings(settings).open()?;
    for operation in Workload::Uniform.load(keys, SEED) {
        put(&db, operation.key)?;
    }
    let before_flush = db.stats()?;
    let memory_bytes = before_flush.memtable_bytes / before_flush.memtable_entries.max(1);
    settle(&db)?;
    let loaded = db.stats()?;
    let file_bytes =
        loaded.file_bytes() / loaded.levels.values().map(|level| level.entries).sum::<u64>().max(1);
    let (mut flushes, mut runs, mut spaces) = (loaded.writes.flushes, 0, Vec::new());
    let live_bytes = u64::from(keys) * file_bytes;
    for (count, operation) in (1_u64..).zip(Workload::Uniform.operations(keys, overwrites, SEED)) {
        put(&db, operation.key)?;
        // Now and then is enough: a memtable takes thousands.
        if count % 64 == 0 {
            let stats = db.stats()?;
            let now = stats.writes.flushes;
            runs = runs.max(stats.levels.values().map(|level| level.runs).sum());
            if now != flushes {
                while is_in_debt(&db)? {
                    std::thread::yield_now();
                }
                spaces.push(ratio(db.stats()?.file_bytes(), live_bytes));
            }
            flushes = now;
        }
    }
    settle(&db)?;
    let stats = db.stats()?;
    let figures = Figures {
        table_write_amplification: amplification(loaded.writes, stats.writes),
        space_amplification: spaces.iter().sum::<f64>() / ratio(spaces.len() as u64, 1),
        runs,
        levels: stats.levels.len() as u64,
    };
    db.close()?;
    std::fs::remove_dir_all(dir)?;
    Ok((figures, Sizes { memory_bytes, file_bytes }))
}

fn put(db: &Db, key: u32) -> siltstone::Result<()> {
    db.put(format!("{key:016}"), [7; VALUE_BYTES])
}

fn amplification(before: WriteStats, after: WriteStats) -> f64 {
    let flushed = after.flush_bytes - before.flush_bytes;
    ratio(flushed + after.compaction_bytes - before.compaction_bytes, flushed)
}

fn simulate(strategy: Small, sizes: Sizes, keys: u32, overwrites: u32) -> Outcome<Figures> {
    let parameters = EngineParameters {
        memory: EntrySizes { put_bytes: sizes.memory_bytes, tombstone_bytes: sizes.memory_bytes },
        file: EntrySizes { put_bytes: sizes.file_bytes, tombstone_bytes: sizes.file_bytes },
        memtable_bytes_max: 1 << 20,
        ..EngineParameters::default()
    };
    let mut simulation = EngineSimulation::new(strategy.boxed(), parameters);
    simulation.run(Workload::Uniform.load(keys, SEED))?;
    let report: EngineReport = simulation.run(Workload::Uniform.operations(keys, overwrites, SEED))?;
    Ok(Figures {
        table_write_amplification: report.table_write_amplification,
        space_amplification: report.space_amplification_mean,
        runs: report.runs_max,
        levels: report.levels_settled,
    })
}

fn number<T: std::str::FromStr>(name: &str, default: T) -> Result<T, T::Err> {
    env::var(name).map_or(Ok(default), |text| text.parse())
}

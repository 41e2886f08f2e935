//! The command line: which strategies, which workload, which engine.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use siltstone_benches::{
    entries,
    strategies::{self, Chosen},
    units::{self, parse_bytes},
};
use siltstone_compaction::{Backpressure, EngineParameters, Timing, Workload};

/// Runs compaction strategies without files, and says what they cost at which size of the data
#[derive(Parser, Debug)]
#[command(name = "cargo xtask sim", after_help = strategies::help())]
pub(crate) struct Arguments {
    /// A strategy with its parameters, such as `size-tiered,runs-min=4`; give several to compare them. All that exist,
    /// as they come, if none is given
    #[arg(long = "strategy", value_name = "NAME[,PARAMETER=VALUE]...")]
    strategies: Vec<String>,
    /// What is written
    #[arg(long, value_enum, default_value_t = WorkloadName::Uniform)]
    workload: WorkloadName,
    /// Skew of the zipfian workload, above 0 and below 1
    #[arg(long, default_value_t = 0.99, value_parser = parse_theta)]
    theta: f64,
    /// Series of the time series
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    series: u32,
    /// Deletes in a hundred operations of the delete-heavy workload
    #[arg(long, value_name = "PERCENT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(0..=100))]
    deletes: u32,
    /// Keys at the largest size
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..=200_000_000))]
    pub(crate) keys: u32,
    /// Sizes: the largest, half of it, half of that, and so on
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=30))]
    pub(crate) sizes: u32,
    /// Operations for each key, once all are loaded; workloads that append write each key once and nothing else
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) overwrites: u32,
    /// Size of a key
    #[arg(long, value_name = "BYTES", default_value = "16", value_parser = parse_bytes)]
    key_bytes: u64,
    /// Size of a value
    #[arg(long, value_name = "BYTES", default_value = "100", value_parser = parse_bytes)]
    value_bytes: u64,
    /// Size at which a memtable is flushed, as the engine counts it
    #[arg(long, value_name = "BYTES", default_value = "1MiB", value_parser = parse_bytes)]
    memtable_bytes: u64,
    /// Size at which a merge ends a table and begins the next
    #[arg(long, value_name = "BYTES", default_value = "2MiB", value_parser = parse_bytes)]
    table_bytes: u64,
    /// Flushes and merges take no time: nothing stalls, and there is no debt
    #[arg(long)]
    instant: bool,
    /// Operations in a second while nothing holds the writer up
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    write_rate: u64,
    /// What a flush writes in a second
    #[arg(long, value_name = "BYTES", default_value = "200MiB", value_parser = parse_bytes)]
    flush_bandwidth: u64,
    /// What each worker reads and writes in a second, together
    #[arg(long, value_name = "BYTES", default_value = "100MiB", value_parser = parse_bytes)]
    compaction_bandwidth: u64,
    /// What a flush or a merge takes besides, for syncs and the manifest, in microseconds
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    job_us: u64,
    /// Merges at a time
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    workers: u32,
    /// Debt from which on the writer is slowed down [default: the loaded data, and 64 memtables]
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes)]
    debt_slow: Option<u64>,
    /// Debt at which the writer waits [default: four times that]
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes)]
    debt_stop: Option<u64>,
    /// Runs of level 0 from which on the writer is slowed down
    #[arg(long, value_name = "N", default_value_t = 12)]
    level0_slow: u64,
    /// Runs of level 0 at which the writer waits
    #[arg(long, value_name = "N", default_value_t = 24)]
    level0_stop: u64,
    /// How often a filter says "maybe" for a key that its table does not have, from 0 to 1
    #[arg(long, value_name = "RATE", default_value_t = 0.01, value_parser = parse_rate)]
    false_positives: f64,
    /// Equal seeds give equal figures
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Also write the figures to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Also draw them into this file
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

/// The workloads by name.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum WorkloadName {
    /// Every key is overwritten as often as every other
    Uniform,
    /// Few keys are overwritten often
    Zipfian,
    /// New keys, each behind all before it
    Sequential,
    /// New points at the ends of many series
    TimeSeries,
    /// Puts and deletes of random keys
    DeleteHeavy,
}

fn parse_theta(word: &str) -> Result<f64, String> {
    let theta: f64 = word.parse().map_err(|_| "it is not a number".to_owned())?;
    if theta > 0.0 && theta < 1.0 { Ok(theta) } else { Err("it must be above 0 and below 1".to_owned()) }
}

fn parse_rate(word: &str) -> Result<f64, String> {
    let rate: f64 = word.parse().map_err(|_| "it is not a number".to_owned())?;
    if (0.0..=1.0).contains(&rate) { Ok(rate) } else { Err("it must be from 0 to 1".to_owned()) }
}

impl Arguments {
    pub(crate) fn strategies(&self) -> Result<Vec<Chosen>> {
        if self.strategies.is_empty() {
            return strategies::all(self.table_bytes);
        }
        self.strategies.iter().map(|text| Chosen::parse(text, self.table_bytes)).collect()
    }

    pub(crate) fn workload(&self) -> Workload {
        match self.workload {
            WorkloadName::Uniform => Workload::Uniform,
            WorkloadName::Zipfian => Workload::Zipfian { theta: self.theta },
            WorkloadName::Sequential => Workload::Sequential,
            WorkloadName::TimeSeries => Workload::TimeSeries { series: self.series },
            WorkloadName::DeleteHeavy => Workload::DeleteHeavy { delete_percent: self.deletes },
        }
    }

    /// The engine, at a size of the data.
    pub(crate) fn engine(&self, keys: u32) -> EngineParameters {
        let (memory, file) = entries::sizes(self.key_bytes, self.value_bytes);
        let mut parameters = EngineParameters {
            memory,
            file,
            memtable_bytes_max: self.memtable_bytes,
            filter_false_positive_rate: self.false_positives,
            seed: self.seed,
            ..EngineParameters::default()
        };
        if self.instant {
            return parameters;
        }
        let loaded = file.bytes_of(keys.into(), 0);
        let debt_bytes_slow = self.debt_slow.unwrap_or(loaded + 64 * self.memtable_bytes);
        parameters.backpressure = Backpressure {
            debt_bytes_slow,
            debt_bytes_stop: self.debt_stop.unwrap_or(debt_bytes_slow.saturating_mul(4)),
            level0_runs_slow: self.level0_slow,
            level0_runs_stop: self.level0_stop,
        };
        parameters.timing = Timing {
            writes_per_s: self.write_rate,
            flush_bytes_per_s: self.flush_bandwidth,
            compaction_bytes_per_s: self.compaction_bandwidth,
            job_us: self.job_us,
            workers: usize::try_from(self.workers).unwrap_or(1),
        };
        parameters
    }

    /// The workload and the engine in words.
    pub(crate) fn describe(&self) -> String {
        let operations = match self.workload {
            WorkloadName::Sequential | WorkloadName::TimeSeries => "each key written once".to_owned(),
            _ => format!("{} operations for each key after loading", self.overwrites),
        };
        let workload = match self.workload {
            WorkloadName::Uniform => "Uniform".to_owned(),
            WorkloadName::Zipfian => format!("Zipfian {}", self.theta),
            WorkloadName::Sequential => "Sequential".to_owned(),
            WorkloadName::TimeSeries => format!("Time series ({})", self.series),
            WorkloadName::DeleteHeavy => format!("Delete-heavy ({} %)", self.deletes),
        };
        let time = if self.instant {
            "compaction takes no time".to_owned()
        } else {
            format!(
                "{} writes/s, {} workers of {}/s, flushes at {}/s",
                units::grouped(self.write_rate),
                self.workers,
                units::bytes(self.compaction_bandwidth),
                units::bytes(self.flush_bandwidth)
            )
        };
        format!(
            "{workload}, {operations}, seed {}\nkeys of {} bytes, values of {}, memtable {}, tables {}; {time}",
            self.seed,
            self.key_bytes,
            self.value_bytes,
            units::bytes(self.memtable_bytes),
            units::bytes(self.table_bytes)
        )
    }
}

//! The machine, and what it can do at best: limits that no cell can beat, measured in the same run.

use std::{fs, io::IoSlice, path::Path, time::Duration};

use anyhow::Result;
use serde::{Deserialize, Serialize};
use siltstone::{Clock, OsClock};
use siltstone_vfs::{Fs, OsFs};

use crate::{keys::Values, units::number};

/// What the run ran on.
#[derive(Clone, PartialEq, Serialize, Deserialize, Debug)]
pub struct Machine {
    /// Its name.
    pub processor: String,
    /// Those that the process may use.
    pub processors: u64,
    /// Of the machine.
    pub memory_bytes: u64,
    /// Release of Linux.
    pub system: String,
    /// Processes that wanted a processor, on average over the minute before the run.
    pub load: f64,
    /// What it can do at best.
    pub limits: Limits,
}

/// Medians of repeated measurements, on one thread.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize, Debug)]
pub struct Limits {
    /// Appending 128 bytes to a file and syncing its data, in microseconds.
    pub fdatasync_us: f64,
    /// Megabytes (10^6) a second: the checksum of 4 KiB.
    pub crc32c_mb_s: f64,
    /// Compressing blocks of 4 KiB, half of which is random.
    pub lz4_mb_s: f64,
    /// The same, at level 1.
    pub zstd_mb_s: f64,
    /// Copying 32 MiB.
    pub memcpy_mb_s: f64,
}

/// Looks at the machine, with files in a folder that exists.
pub fn look(folder: &Path) -> Result<Machine> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':'))
            .map(|(_, value)| value.trim().to_owned())
            .unwrap_or_default()
    };
    let kibibytes = field(&read("/proc/meminfo"), "MemTotal");
    let kibibytes: u64 = kibibytes.trim_end_matches(" kB").parse().unwrap_or_default();
    Ok(Machine {
        processor: field(&read("/proc/cpuinfo"), "model name"),
        processors: std::thread::available_parallelism().map_or(0, |count| count.get() as u64),
        memory_bytes: kibibytes << 10,
        system: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        load: read("/proc/loadavg").split(' ').next().and_then(|word| word.parse().ok()).unwrap_or_default(),
        limits: limits(folder)?,
    })
}

fn limits(folder: &Path) -> Result<Limits> {
    let values = Values::new(4096);
    let block = values.of(0);
    let mut zstd = zstd::bulk::Compressor::new(1)?;
    let megabytes = |bytes: usize, took: Duration| number(bytes as u64) / 1e6 / took.as_secs_f64();
    let large = vec![7_u8; 32 << 20];
    let mut copy = vec![0_u8; 32 << 20];
    Ok(Limits {
        fdatasync_us: fdatasync(folder)?.as_secs_f64() * 1e6,
        crc32c_mb_s: megabytes(
            4096,
            median(201, 100, || u64::from(crc32c::crc32c(std::hint::black_box(block)))),
        ),
        lz4_mb_s: megabytes(
            4096,
            median(51, 20, || lz4_flex::block::compress(std::hint::black_box(block)).len() as u64),
        ),
        zstd_mb_s: megabytes(
            4096,
            median(51, 20, || zstd.compress(std::hint::black_box(block)).map_or(0, |out| out.len() as u64)),
        ),
        memcpy_mb_s: megabytes(
            large.len(),
            median(5, 1, || {
                copy.copy_from_slice(std::hint::black_box(&large));
                u64::from(*std::hint::black_box(&copy).first().unwrap_or(&0))
            }),
        ),
    })
}

/// How fast the machine is at this moment: blocks of 4 KiB that are compressed for twenty milliseconds, whatever else runs beside it, in megabytes (10^6) a second. What two runs
/// differ in here they differ in without the engine.
#[derive(Clone, Copy, PartialEq, Default, Serialize, Deserialize, Debug)]
pub struct Pace {
    /// All of them, with the time in which the thread had to wait for a processor.
    pub mean_mb_s: f64,
    /// The median of groups of twenty: a processor while the thread has it.
    pub median_mb_s: f64,
}

impl Pace {
    /// Measures it.
    pub fn now() -> Pace {
        const GROUP: u32 = 20;
        let values = Values::new(4096);
        let block = values.of(0);
        let began = OsClock.monotonic();
        let mut groups = vec![began];
        let mut took = Duration::ZERO;
        while took < Duration::from_millis(20) {
            for _ in 0..GROUP {
                std::hint::black_box(lz4_flex::block::compress(std::hint::black_box(block)));
            }
            groups.push(OsClock.monotonic());
            took = groups.last().map_or(took, |now| now.saturating_sub(began));
        }
        let mut times: Vec<Duration> =
            groups.windows(2).filter_map(|pair| Some(pair.last()?.saturating_sub(*pair.first()?))).collect();
        times.sort_unstable();
        let median = times.get(times.len() / 2).copied().unwrap_or(took);
        let megabytes = f64::from(GROUP) * 4096.0 / 1e6;
        Pace {
            mean_mb_s: megabytes * number(times.len() as u64) / took.as_secs_f64(),
            median_mb_s: megabytes / median.max(Duration::from_nanos(1)).as_secs_f64(),
        }
    }

    /// What lies between two.
    #[must_use]
    pub fn midpoint(self, other: Pace) -> Pace {
        Pace {
            mean_mb_s: f64::midpoint(self.mean_mb_s, other.mean_mb_s),
            median_mb_s: f64::midpoint(self.median_mb_s, other.median_mb_s),
        }
    }
}

/// What one call takes: the median of samples of some calls each.
fn median(samples: u32, calls: u32, mut call: impl FnMut() -> u64) -> Duration {
    let mut took = |_| {
        let began = OsClock.monotonic();
        for _ in 0..calls {
            std::hint::black_box(call());
        }
        OsClock.monotonic().saturating_sub(began) / calls
    };
    let mut samples: Vec<Duration> = (0..samples).map(&mut took).collect();
    samples.sort_unstable();
    samples.get(samples.len() / 2).copied().unwrap_or_default().max(Duration::from_nanos(1))
}

fn fdatasync(folder: &Path) -> Result<Duration> {
    let fs = OsFs::new();
    let path = folder.join("fdatasync");
    let file = fs.create(&path)?;
    let mut at = 0;
    let mut failed = None;
    let took = median(101, 1, || {
        let appended = file.write_at(&[IoSlice::new(&[7; 128])], at).and_then(|()| file.sync_data());
        at += 128;
        failed = appended.err().or(failed.take());
        at
    });
    drop(file);
    fs.remove(&path)?;
    failed.map_or(Ok(took), |error| Err(error.into()))
}

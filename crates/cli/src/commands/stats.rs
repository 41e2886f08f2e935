//! `stats`: figures about a database, as text or as JSON.

use std::{fmt, io::Write as _, path::Path};

use serde::Serialize;
use siltstone::{Db, ReadStats, Stats, WriteStats};

use crate::{CommandResult, config::Config, open, output::Output, status::Outcome, text::escape};

/// Which figures, and how.
#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// Read everything, to tell the space amplification instead of estimating it
    #[arg(long)]
    exact: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Prints the figures.
pub(crate) fn run(config: &Config, arguments: &Arguments) -> CommandResult {
    let db = open::for_reading(config)?;
    let live = if arguments.exact { Some(live_bytes(&db)?) } else { None };
    let report = Report::new(&config.absolute_db(), &db.stats()?, live);
    let mut out = Output::new();
    if arguments.json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
    } else {
        write!(out, "{report}")?;
        writeln!(out, "  (stats only reads: by itself it has written and compacted nothing)")?;
    }
    out.flush()?;
    Ok(Outcome::Done)
}

/// Bytes of all keys and values that a scan returns.
fn live_bytes(db: &Db) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for name in db.keyspaces()? {
        for entry in db.keyspace(&name)?.range(..) {
            let (key, value) = entry?;
            bytes += (key.len() + value.len()) as u64;
        }
    }
    Ok(bytes)
}

/// Everything that is told.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    database: String,
    sequence: u64,
    memtable: Memtable,
    tables: Tables,
    levels: Vec<Level>,
    keyspaces: Vec<Keyspace>,
    amplification: Amplification,
    /// Counted in memory, from the opening on.
    since_open: SinceOpen,
}

#[derive(Debug, Serialize)]
struct Memtable {
    keys: u64,
    bytes: u64,
}

#[derive(Debug, Serialize)]
struct Tables {
    count: u64,
    bytes: u64,
    mb: f64,
}

#[derive(Debug, Serialize)]
struct Level {
    number: u32,
    runs: u64,
    tables: u64,
    bytes: u64,
    raw_bytes: u64,
    entries: u64,
    tombstones: u64,
}

#[derive(Debug, Serialize)]
struct Keyspace {
    name: String,
    memtable_keys: u64,
    memtable_bytes: u64,
    runs: u64,
    tables: u64,
    bytes: u64,
}

/// Ratios as `docs/usage.md` defines them; `None` where there is nothing to divide by, or nobody has looked.
#[derive(Debug, Serialize)]
struct Amplification {
    write: Option<f64>,
    read: u64,
    space: Option<f64>,
    space_estimate: Option<f64>,
}

#[derive(Debug, Serialize)]
struct SinceOpen {
    gets: u64,
    filter_hits: u64,
    filter_misses: u64,
    filter_hit_rate: Option<f64>,
    filter_false_positives: u64,
    blocks_from_cache: u64,
    blocks_from_file: u64,
    batches: u64,
    entries_written: u64,
    user_bytes: u64,
    log_bytes: u64,
    flushes: u64,
    flush_bytes: u64,
    compactions: u64,
    compaction_bytes: u64,
    keys_removed: u64,
    bytes_reclaimed: u64,
    last_compaction_unix_ms: Option<u64>,
}

impl Report {
    /// Puts figures into words. `live_bytes` are known when everything was read.
    pub(crate) fn new(database: &Path, stats: &Stats, live_bytes: Option<u64>) -> Report {
        let (bytes, largest_runs) = (
            stats.file_bytes(),
            stats.keyspaces.values().map(|keyspace| keyspace.largest_run_raw_bytes).sum(),
        );
        let written = stats.writes.log_bytes + stats.writes.flush_bytes + stats.writes.compaction_bytes;
        Report {
            database: database.display().to_string(),
            sequence: stats.sequence,
            memtable: Memtable { keys: stats.memtable_entries, bytes: stats.memtable_bytes },
            tables: Tables { count: stats.tables(), bytes, mb: mb(bytes) },
            levels: levels(stats),
            keyspaces: keyspaces(stats),
            amplification: Amplification {
                write: ratio(written, stats.writes.user_bytes),
                read: stats.keyspaces.values().map(|keyspace| keyspace.runs).max().unwrap_or(0),
                space: live_bytes.and_then(|live| ratio(bytes, live)),
                space_estimate: ratio(bytes, largest_runs),
            },
            since_open: SinceOpen::new(&stats.reads, &stats.writes),
        }
    }
}

impl SinceOpen {
    fn new(reads: &ReadStats, writes: &WriteStats) -> SinceOpen {
        SinceOpen {
            gets: reads.gets,
            filter_hits: reads.filter_skips,
            filter_misses: reads.tables_read,
            filter_hit_rate: ratio(reads.filter_skips, reads.filter_skips + reads.tables_read),
            filter_false_positives: reads.filter_false_positives,
            blocks_from_cache: reads.blocks_from_cache,
            blocks_from_file: reads.blocks_from_file,
            batches: writes.batches,
            entries_written: writes.entries,
            user_bytes: writes.user_bytes,
            log_bytes: writes.log_bytes,
            flushes: writes.flushes,
            flush_bytes: writes.flush_bytes,
            compactions: writes.compactions,
            compaction_bytes: writes.compaction_bytes,
            keys_removed: writes.entries_removed,
            bytes_reclaimed: writes.bytes_reclaimed,
            last_compaction_unix_ms: (writes.last_compaction_unix_ms > 0)
                .then_some(writes.last_compaction_unix_ms),
        }
    }
}

fn levels(stats: &Stats) -> Vec<Level> {
    let level = |(&number, of): (&u32, &siltstone::LevelStats)| Level {
        number,
        runs: of.runs,
        tables: of.tables,
        bytes: of.file_bytes,
        raw_bytes: of.raw_bytes,
        entries: of.entries,
        tombstones: of.tombstones,
    };
    stats.levels.iter().map(level).collect()
}

fn keyspaces(stats: &Stats) -> Vec<Keyspace> {
    let keyspace = |(name, of): (&String, &siltstone::KeyspaceStats)| Keyspace {
        name: name.clone(),
        memtable_keys: of.memtable_entries,
        memtable_bytes: of.memtable_bytes,
        runs: of.runs,
        tables: of.tables,
        bytes: of.file_bytes,
    };
    stats.keyspaces.iter().map(keyspace).collect()
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { database, sequence, memtable, tables, .. } = self;
        writeln!(f, "database              {database}")?;
        writeln!(f, "last sequence number  {sequence}")?;
        let mb = mb(memtable.bytes);
        writeln!(f, "memtable              {} keys, {} bytes ({mb:.3} MB)", memtable.keys, memtable.bytes)?;
        writeln!(f, "tables                {}, {} bytes ({:.3} MB)", tables.count, tables.bytes, tables.mb)?;
        for Level { number, runs, tables, bytes, raw_bytes, entries, tombstones } in &self.levels {
            write!(f, "  level {number}: {runs} runs, {tables} tables, {bytes} bytes, {raw_bytes} before ")?;
            writeln!(f, "compression, {entries} entries, {tombstones} of them deletes")?;
        }
        for Keyspace { name, memtable_keys, memtable_bytes, runs, tables, bytes } in &self.keyspaces {
            let name = escape(name.as_bytes());
            write!(f, "  keyspace {name}: {memtable_keys} keys and {memtable_bytes} bytes in memory, ")?;
            writeln!(f, "{runs} runs, {tables} tables, {bytes} bytes")?;
        }
        self.amplification.fmt(f)?;
        writeln!(f, "since this process opened the database:")?;
        self.since_open.fmt(f)
    }
}

impl fmt::Display for Amplification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let write = self.write.map_or_else(
            || "unknown: nothing was written since this process opened the database".to_owned(),
            |ratio| format!("{ratio:.2} since this process opened the database"),
        );
        writeln!(f, "write amplification   {write}")?;
        writeln!(f, "read amplification    {} runs at most for a lookup", self.read)?;
        let space = match (self.space, self.space_estimate) {
            (Some(exact), _) => format!("{exact:.2}"),
            (None, Some(estimate)) => format!("about {estimate:.2}; --exact reads everything to tell"),
            (None, None) => "unknown: there are no tables".to_owned(),
        };
        writeln!(f, "space amplification   {space}")
    }
}

impl fmt::Display for SinceOpen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  lookups             {}", self.gets)?;
        let rate =
            self.filter_hit_rate.map_or_else(|| "none yet".into(), |rate| format!("{:.1} %", rate * 100.0));
        writeln!(f, "  filter hits         {} tables not read", self.filter_hits)?;
        writeln!(
            f,
            "  filter misses       {} tables read, {} in vain",
            self.filter_misses, self.filter_false_positives
        )?;
        writeln!(f, "  filter hit rate     {rate}")?;
        writeln!(
            f,
            "  blocks              {} from the cache, {} from files",
            self.blocks_from_cache, self.blocks_from_file
        )?;
        writeln!(
            f,
            "  written             {} entries in {} batches, {} bytes",
            self.entries_written, self.batches, self.user_bytes
        )?;
        writeln!(f, "  log                 {} bytes", self.log_bytes)?;
        writeln!(f, "  flushes             {}, {} bytes", self.flushes, self.flush_bytes)?;
        writeln!(f, "  compactions         {}, {} bytes", self.compactions, self.compaction_bytes)?;
        writeln!(f, "  keys removed        {}", self.keys_removed)?;
        writeln!(f, "  bytes reclaimed     {}", self.bytes_reclaimed)?;
        let last = self.last_compaction_unix_ms.map_or_else(|| "none yet".into(), utc);
        writeln!(f, "  last compaction     {last}")
    }
}

/// A moment as people write it, in UTC. The days are counted by Howard Hinnant's `civil_from_days` (<https://howardhinnant.github.io/date_algorithms.html>).
fn utc(unix_ms: u64) -> String {
    let (days, ms) = (unix_ms / 86_400_000, unix_ms % 86_400_000);
    // From the first of March of the year 0, so that leap days come last.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    format!("{year}-{month:02}-{day:02} {hours:02}:{minutes:02}:{seconds:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_calendar() {
        for (unix_s, expected) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (951_868_800, "2000-03-01 00:00:00 UTC"),
            (1_234_567_890, "2009-02-13 23:31:30 UTC"),
            (4_107_542_399, "2100-02-28 23:59:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ] {
            assert_eq!(utc(unix_s * 1000), expected);
        }
    }

    #[test]
    fn ratios_follow_their_definitions() {
        let mut stats = Stats::default();
        stats.writes.user_bytes = 100;
        (stats.writes.log_bytes, stats.writes.flush_bytes, stats.writes.compaction_bytes) = (120, 90, 40);
        (stats.reads.filter_skips, stats.reads.tables_read) = (3, 1);
        let report = Report::new(Path::new("db"), &stats, None);
        assert_eq!(report.amplification.write, Some(2.5));
        assert_eq!(report.since_open.filter_hit_rate, Some(0.75));
        assert_eq!((report.amplification.space, report.amplification.space_estimate), (None, None));
    }
}

//! `import` and `export`: whole databases as lines of KEY, tab, VALUE.

use std::{
    fs::File,
    io::{BufRead, BufReader, BufWriter, Write as _, stdin, stdout},
    path::Path,
};

use anyhow::{Context as _, anyhow};
use siltstone::{Clock as _, Db, Durability, OsClock, WriteBatch};
use siltstone_types::limits::check_key;

use crate::{
    CommandResult,
    status::Outcome,
    text::{escape, unescape},
};

/// A batch is written when it has this many bytes, however few records it holds.
const BATCH_BYTES_MAX: usize = 8 << 20;

/// The lines to import.
pub(crate) struct Source {
    /// The file, or what stands for it in messages.
    name: String,
    lines: Box<dyn BufRead>,
}

impl Source {
    /// Opens a file; `-` is standard input.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Source> {
        if path == Path::new("-") {
            return Ok(Source { name: "standard input".to_owned(), lines: Box::new(stdin().lock()) });
        }
        let name = path.display().to_string();
        #[expect(clippy::disallowed_methods, reason = "a user's file, not one of a database")]
        let file = File::open(path).with_context(|| format!("cannot open {name}"))?;
        Ok(Source { name, lines: Box::new(BufReader::with_capacity(1 << 20, file)) })
    }
}

/// Writes the records of a file, `batch_records` at a time, and syncs once at the end.
pub(crate) fn import(db: &Db, source: Source, batch_records: u32) -> CommandResult {
    let started = OsClock.monotonic();
    let Source { name, mut lines } = source;
    let mut batch = WriteBatch::new();
    let (mut records, mut bytes) = (0_u64, 0_u64);
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        if lines.read_until(b'\n', &mut line).with_context(|| format!("reading {name} failed"))? == 0 {
            break;
        }
        let (key, value) = parse(&line).map_err(|what| anyhow!("{name} line {number}: {what}"))?;
        bytes += (key.len() + value.len()) as u64;
        records += 1;
        batch.put(key, value);
        if batch.len() >= batch_records || batch.bytes() >= BATCH_BYTES_MAX {
            db.write_with(&mut batch, Durability::Buffered)?;
        }
    }
    db.write_with(&mut batch, Durability::Buffered)?;
    db.sync()?;
    let seconds = OsClock.monotonic().saturating_sub(started).as_secs_f64();
    db.close()?;
    println_summary(records, bytes, seconds)?;
    Ok(Outcome::Done)
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn println_summary(records: u64, bytes: u64, seconds: f64) -> anyhow::Result<()> {
    let (records_per_s, mb_per_s) = (records as f64 / seconds, bytes as f64 / seconds / 1e6);
    let mut out = stdout().lock();
    writeln!(
        out,
        "imported {records} records, {bytes} bytes in {seconds:.3} s: {records_per_s:.0} records/s, {mb_per_s:.1} MB/s"
    )?;
    Ok(())
}

/// Reads one line, with or without its newline.
fn parse(line: &[u8]) -> Result<(Vec<u8>, Vec<u8>), String> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let tab = line.iter().position(|&byte| byte == b'\t');
    let (key, value) =
        tab.and_then(|at| line.split_at_checked(at)).ok_or("there is no tab between key and value")?;
    let value = value.get(1..).unwrap_or_default();
    if value.contains(&b'\t') {
        return Err("a tab within a value must be written as \\t".to_owned());
    }
    let (key, value) = (unescape(key)?, unescape(value)?);
    // The database would refuse it too, but does not know the line.
    check_key(&key).map_err(|error| error.to_string())?;
    Ok((key, value))
}

/// Prints everything, in key order.
pub(crate) fn export(db: &Db) -> CommandResult {
    let mut out = BufWriter::new(stdout().lock());
    for entry in db.range(..) {
        let (key, value) = entry?;
        writeln!(out, "{}\t{}", escape(&key), escape(&value))?;
    }
    out.flush()?;
    Ok(Outcome::Done)
}

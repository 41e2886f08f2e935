//! `dump`: the content of one file as text, one fact a line.
//!
//! Keys and values are printed as ASCII; a backslash and every other byte as `\xHH`. A program written from the documents under `docs/format` prints the
//! same lines for logs and tables (`docs/format/decode.py`).

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use siltstone::{
    SequenceNumber,
    batch_format::Batch,
    files::{Closing, Current},
    manifest::{self, format::Edit},
};
use siltstone_sstable::{CursorOptions, FillCache, OpenOptions, Table};
use siltstone_types::{Cursor as _, Expiring, Kind};
use siltstone_vfs::{Fs as _, OsFs};
use siltstone_wal::{Expect, LogEnd, LogReader, LogRecord, Purpose, ReadMode, RecordKind};

use crate::{CommandResult, formats::hex::encode, output::Output, status::Outcome, text::push_hex};

const LOG_MAGIC: &[u8] = b"SILTLOG\n";
const CURRENT_MAGIC: &[u8] = b"siltstone ";
const TABLE_MAGIC: &[u8] = b"SILTSST\n";

/// What to print.
#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// The file
    file: PathBuf,
}

/// Prints whatever kind of file it is.
pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    let path = arguments.file.as_path();
    let mut out = Output::new();
    let (head, tail) = read_ends(path).with_context(|| format!("cannot read {}", path.display()))?;
    if head.starts_with(LOG_MAGIC) {
        dump_log(path, &mut out)?;
    } else if head.starts_with(CURRENT_MAGIC) {
        dump_current(Current::decode(&head, path)?, &mut out)?;
    } else if tail == TABLE_MAGIC {
        dump_table(path, &mut out)?;
    } else {
        bail!(
            "{} is no log, manifest, table or CURRENT: its magic bytes are unknown; name a file of a database",
            path.display()
        );
    }
    out.flush()?;
    Ok(Outcome::Done)
}

/// The first bytes of a file, enough for all of CURRENT, and the last ones, enough for the magic number of a
/// table.
fn read_ends(path: &Path) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
    let file = OsFs::new().open(path)?;
    let len = file.len()?;
    let mut head = vec![0; usize::try_from(len.min(4096))?];
    file.read_exact_at(&mut head, 0)?;
    let mut tail = vec![0; head.len().min(TABLE_MAGIC.len())];
    let tail_at = len - tail.len() as u64;
    file.read_exact_at(&mut tail, tail_at)?;
    Ok((head, tail))
}

fn dump_current(current: Current, out: &mut impl Write) -> anyhow::Result<()> {
    let Current { manifest, identity, closing } = current;
    write!(out, "current manifest={manifest} identity={} ", encode(&identity))?;
    match closing {
        Closing::Open => writeln!(out, "open")?,
        Closing::Closed { manifest_bytes } => writeln!(out, "closed manifest-bytes={manifest_bytes}")?,
    }
    Ok(())
}

fn dump_log(path: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    let mut reader = LogReader::open(&OsFs::new(), path, Expect::Any, ReadMode::Salvage)?;
    let id = reader.id();
    writeln!(out, "log number={} purpose={} identity={}", id.number, id.purpose.0, encode(&id.identity))?;
    while let Some(record) = reader.next_of_any_kind()? {
        let LogRecord { offset, ordinal, tag, synced_to, kind, payload, .. } = record;
        let bytes = payload.len();
        writeln!(
            out,
            "{kind} offset={offset} ordinal={ordinal} synced-to={synced_to} tag={tag} bytes={bytes}"
        )?;
        match (kind, id.purpose) {
            (RecordKind::Data, Purpose::WRITE_AHEAD) => dump_batch(tag, payload, out)?,
            (RecordKind::Data, Purpose::MANIFEST) => dump_edit(payload, out)?,
            _ => {}
        }
    }
    let report = reader.report();
    for gap in &report.gaps {
        writeln!(out, "gap from={} to={} rule={}", gap.start, gap.end, gap.rule)?;
    }
    let finished = report.end == Some(LogEnd::Finished);
    writeln!(out, "summary records={} bytes={} finished={finished}", report.records, report.bytes)?;
    Ok(())
}

fn dump_batch(tag: u64, payload: &[u8], out: &mut impl Write) -> anyhow::Result<()> {
    let batch = SequenceNumber::new(tag).map(|first| Batch::decode(payload, first));
    match batch {
        Some(Ok(batch)) => {
            for (sequence, entry) in batch.entries() {
                write!(
                    out,
                    "  {} keyspace={} sequence={sequence} key={}",
                    word(entry.kind),
                    entry.keyspace,
                    plain(entry.key)
                )?;
                dump_value(entry.kind, entry.value, out)?;
            }
        }
        Some(Err(broken)) => writeln!(out, "  no batch: {broken}")?,
        None => writeln!(out, "  no batch: the sequence number exceeds 56 bits")?,
    }
    Ok(())
}

fn dump_edit(payload: &[u8], out: &mut impl Write) -> anyhow::Result<()> {
    match Edit::decode(payload) {
        Ok(edit) => {
            writeln!(out, "  {}", if edit.snapshot { "snapshot" } else { "edit" })?;
            for field in &edit.fields {
                writeln!(out, "  {field:?}")?;
            }
        }
        Err(manifest::format::Broken::TooNew(what)) => writeln!(out, "  written by a newer version: {what}")?,
        Err(broken) => writeln!(out, "  no edit: {broken}")?,
    }
    Ok(())
}

fn dump_table(path: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    let table = Table::open(&OsFs::new(), path, OpenOptions::default())?;
    let properties = table.properties();
    writeln!(out, "table unique-id={} bytes={}", encode(table.unique_id()), table.file_bytes())?;
    writeln!(
        out,
        "properties entries={} tombstones={} raw-key-bytes={} raw-value-bytes={} data-blocks={} first-sequence={} last-sequence={} keyspace={} level={} smallest={} largest={}",
        properties.entries,
        properties.tombstones,
        properties.raw_key_bytes,
        properties.raw_value_bytes,
        properties.data_blocks,
        properties.first_sequence,
        properties.last_sequence,
        properties.keyspace,
        properties.level,
        plain(&properties.smallest),
        plain(&properties.largest),
    )?;
    let mut cursor = table.cursor(CursorOptions { fill_cache: FillCache::No, ..CursorOptions::default() });
    cursor.first()?;
    while cursor.valid() {
        let key = cursor.key();
        // The cursor has refused every other kind.
        let kind = key.kind().unwrap_or(Kind::Delete);
        write!(out, "  {} sequence={} key={}", word(kind), key.sequence(), plain(key.user_key))?;
        dump_value(kind, cursor.value(), out)?;
        cursor.next()?;
    }
    Ok(())
}

/// The rest of an entry's line.
fn dump_value(kind: Kind, value: &[u8], out: &mut impl Write) -> anyhow::Result<()> {
    match (kind, Expiring::decode(value)) {
        (Kind::ExpiringPut, Ok(Expiring { expires_at_unix_ms, value })) => {
            writeln!(out, " expires={expires_at_unix_ms} value={}", plain(value))?;
        }
        _ if kind.has_value() => writeln!(out, " value={}", plain(value))?,
        _ => writeln!(out)?,
    }
    Ok(())
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Put => "put",
        Kind::Delete => "delete",
        Kind::ExpiringPut => "expiring-put",
        _ => "unknown",
    }
}

/// Bytes as printable ASCII, the rest as `\xHH`.
fn plain(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        if (0x20..=0x7e).contains(&byte) && byte != b'\\' {
            out.push(char::from(byte));
        } else {
            push_hex(&mut out, &[byte]);
        }
    }
    out
}

//! Replays the logs of a database that was not closed.

use std::{collections::BTreeMap, time::Duration};

use siltstone_memtable::Memtable;
use siltstone_types::{Entry, InternalKey, Kind, SequenceNumber};
use siltstone_wal::{ChainLog, ChainReader, ChainReport, Ending, LogId, Purpose, ReadMode};

use crate::{
    Error, Result,
    batch::format::Batch,
    db::Shared,
    files::{Identity, Layout},
    manifest::{
        format::LogEnding,
        state::{LogPosition, State},
    },
    planted::Bug,
    sync::Arc,
};

/// What opening the database found and did.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct Recovery {
    /// True when the database had been closed cleanly: there was nothing to recover.
    pub was_closed: bool,
    /// Log records (write batches) replayed.
    pub records: u64,
    /// Entries in them that were applied.
    pub entries: u64,
    /// Bytes of log read.
    pub bytes: u64,
    /// Bytes at the end of the logs that held no complete record, and were dropped. They were never acknowledged as durable, unless the disk was
    /// damaged there (`docs/durability.md`).
    pub dropped_bytes: u64,
    /// Edits at the end of the manifest that were incomplete, in bytes.
    pub dropped_manifest_bytes: u64,
    /// How long opening took.
    pub duration: Duration,
}

/// A memtable for each keyspace.
pub(crate) type Memtables = BTreeMap<u32, Arc<dyn Memtable>>;

pub(crate) fn log_id(number: u64, identity: Identity) -> LogId {
    LogId { purpose: Purpose::WRITE_AHEAD, number, identity }
}

/// What the logs say beside their entries.
pub(crate) struct Replayed {
    pub(crate) last_sequence: SequenceNumber,
    /// Whether one of the entries expires. The manifest may not say so yet, when it was read while another process wrote.
    pub(crate) is_expiring: bool,
}

/// Replays the live logs into a memtable, in order, by the chain rule of `docs/format/wal.md`.
pub(crate) fn replay(
    shared: &Shared,
    state: &State,
    memtables: &Memtables,
    recovery: &mut Recovery,
) -> Result<Replayed> {
    let Shared { layout, identity, .. } = shared;
    let logs = state.logs.iter().map(|(&number, log)| ChainLog {
        path: layout.log(number),
        id: log_id(number, *identity),
        ending: match log.finished {
            None => Ending::Unknown,
            Some((_, LogEnding::EndRecord)) => Ending::Finished,
            Some((length, LogEnding::Cut)) => Ending::GivenUp { length },
        },
        synced_to: positions_in(state, number),
    });
    let mut chain = ChainReader::open(&*shared.fs, logs.collect(), ReadMode::CrashTail)?;
    let loses_last_entry = shared.planted.is(Bug::PartialBatch);
    let mut replay = Replay { state, memtables, recovery, loses_last_entry, last: None, is_expiring: false };
    while let Some((log, record)) = chain.next()? {
        let at = LogPosition { log: log.id.number, offset: record.offset };
        replay.apply(&log.path, at, record.tag, record.payload)?;
    }
    let (last, is_expiring) = (replay.last.unwrap_or(SequenceNumber::ZERO), replay.is_expiring);
    let report = chain.report();
    recovery.bytes = report.logs.iter().map(|log| log.bytes).sum();
    // No log of this version is a recycled file, so what looks like the remains of another one is damage.
    let remains: u64 = report.logs.iter().map(|log| log.remains_bytes).sum();
    recovery.dropped_bytes = report.dropped_bytes + remains;
    // Logs that are not replayed may come back, their removal undone by a power cut: what they hold must then be known to the manifest.
    let dropped = if shared.planted.is(Bug::DroppedNumbersForgotten) { 0 } else { report.dropped_tag_max };
    let known = state.last_sequence.max(dropped);
    check_lengths(layout, state, report)?;
    let last_sequence = last.max(SequenceNumber::new(known).unwrap_or(SequenceNumber::MAX));
    Ok(Replayed { last_sequence, is_expiring })
}

/// The highest position in a log that a keyspace's tables reach; 0 for none.
fn positions_in(state: &State, log: u64) -> u64 {
    let positions = state.keyspaces.values().map(|keyspace| keyspace.position);
    positions.filter(|position| position.log == log).map(|position| position.offset).max().unwrap_or(0)
}

/// A finished log is as long as the manifest says.
fn check_lengths(layout: &Layout, state: &State, report: &ChainReport) -> Result<()> {
    for ((&number, log), read) in state.logs.iter().zip(&report.logs) {
        if let Some((bytes, LogEnding::EndRecord)) = log.finished
            && bytes != read.bytes
        {
            let what = format!("the log ends at {} where the manifest says {bytes}", read.bytes);
            return Err(Error::corruption(&layout.log(number), read.bytes, what));
        }
    }
    Ok(())
}

struct Replay<'a> {
    state: &'a State,
    memtables: &'a Memtables,
    recovery: &'a mut Recovery,
    /// A planted bug.
    loses_last_entry: bool,
    last: Option<SequenceNumber>,
    is_expiring: bool,
}

impl Replay<'_> {
    fn apply(&mut self, path: &std::path::Path, at: LogPosition, tag: u64, payload: &[u8]) -> Result<()> {
        let damaged = |what: String| Error::corruption(path, at.offset, what);
        let first = SequenceNumber::new(tag)
            .ok_or_else(|| damaged("a sequence number exceeds 56 bits".to_owned()))?;
        let batch = Batch::decode(payload, first).map_err(|broken| {
            if broken.is_too_new() {
                Error::format_too_new(path, broken.to_string())
            } else {
                damaged(broken.to_string())
            }
        })?;
        if let Some(last) = self.last
            && Some(first) != last.checked_add(1)
        {
            return Err(damaged(format!("sequence number {first} follows {last}")));
        }
        self.last = Some(batch.last());
        self.recovery.records += 1;
        for (_, entry) in batch.entries() {
            self.is_expiring |= entry.kind == Kind::ExpiringPut;
            let known = self.state.keyspaces.contains_key(&entry.keyspace);
            if !known && u64::from(entry.keyspace) >= self.state.next_keyspace {
                return Err(damaged(format!("keyspace {} was never created", entry.keyspace)));
            }
        }
        for (id, memtable) in self.memtables {
            // What lies below is in tables.
            let position = self.state.keyspaces.get(id).map(|keyspace| keyspace.position);
            if position.is_some_and(|position| at < position) {
                continue;
            }
            let is_lost = |sequence| self.loses_last_entry && sequence == batch.last() && sequence != first;
            let entries = batch.entries().filter(|(at, entry)| entry.keyspace == *id && !is_lost(*at));
            let before = memtable.entry_count();
            memtable.insert_batch(&mut entries.map(|(sequence, entry)| Entry {
                key: InternalKey::new(entry.key, sequence, entry.kind),
                value: entry.value,
            }));
            self.recovery.entries += memtable.entry_count() - before;
        }
        Ok(())
    }
}

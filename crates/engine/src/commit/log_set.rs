//! The appending side of the logs: the one that is written, and the one that comes next.

use std::collections::VecDeque;

use siltstone_types::{IoResultExt, SequenceNumber};
use siltstone_wal::{LogWriter, Predecessors, Record, WriterOptions};

use crate::{
    Error, Result,
    commit::pending::Pending,
    db::Shared,
    manifest::{format::Field, state::LogPosition},
    recovery::log_id,
    sync::Arc,
};

/// Logs are longer than their records by up to so much, so that most syncs make no file longer: `docs/design.md`, "Logs".
const RESERVE_BYTES: u64 = 1 << 20;

/// Behind the log's lock: log order is sequence order, and both are assigned here.
#[derive(Debug)]
pub(crate) struct LogSet {
    pub(crate) writer: LogWriter,
    /// The last sequence number that was given to a record that is in a log.
    pub(crate) last_sequence: SequenceNumber,
    /// The last one that was ever handed to a log: what an append that failed has left behind may have numbers above those that are used.
    pub(crate) last_tried: SequenceNumber,
    /// Logs that were left and may still be needed, oldest first, with their lengths in bytes.
    pub(crate) left: VecDeque<(u64, u64)>,
}

impl LogSet {
    pub(crate) fn new(writer: LogWriter, last_sequence: SequenceNumber) -> LogSet {
        LogSet { writer, last_sequence, last_tried: last_sequence, left: VecDeque::new() }
    }

    /// The oldest log that keeps the logs from fitting into `bytes_max`; `None` when they fit. Logs below `first_needed` are gone.
    pub(crate) fn oldest_beyond(&mut self, bytes_max: u64, first_needed: u64) -> Option<u64> {
        self.left.retain(|(number, _)| *number >= first_needed);
        let bytes = self.left.iter().map(|(_, bytes)| bytes).sum::<u64>() + self.writer.len();
        self.left.front().filter(|_| bytes > bytes_max).map(|(number, _)| *number)
    }

    /// For the manifest: the numbers of what a failed append may have left behind the end of a log. If the log is removed, and the removal undone by a
    /// power cut, they must be known, or they would prove that an edit was lost.
    pub(crate) fn numbers_left_behind(&self) -> Option<Field> {
        (self.last_tried > self.last_sequence).then(|| Field::LastSequence(self.last_tried.get()))
    }

    /// Where the next record goes.
    pub(crate) fn end(&self) -> LogPosition {
        LogPosition { log: self.writer.number(), offset: self.writer.len() }
    }

    /// Appends batches, in this order, with one write call. Returns the first sequence number of the first one, and where the last one ends; numbers follow each other.
    pub(crate) fn append(&mut self, batches: &[Arc<Pending>]) -> Result<(SequenceNumber, LogPosition)> {
        let used_up = || Error::invalid_argument("all sequence numbers are used up");
        let first = self.last_sequence.checked_add(1).ok_or_else(used_up)?;
        let count = batches.iter().map(|batch| u64::from(batch.count)).sum();
        let last = self.last_sequence.checked_add(count).ok_or_else(used_up)?;
        self.last_tried = self.last_tried.max(last);
        let appended = match batches {
            [one] => self.writer.append(&[Record { tag: first.get(), payload: one.payload() }]),
            several => {
                let mut next = first.get();
                let mut records = Vec::with_capacity(several.len());
                for batch in several {
                    records.push(Record { tag: next, payload: batch.payload() });
                    next += u64::from(batch.count);
                }
                self.writer.append(&records)
            }
        }?;
        // Not before: numbers of a failed append go to the next records, so that there is no gap.
        self.last_sequence = last;
        Ok((first, LogPosition { log: self.writer.number(), offset: appended.end }))
    }
}

/// Creates a log that nothing refers to yet: header and name are durable.
pub(crate) fn create_log(shared: &Shared, number: u64, predecessors: Predecessors) -> Result<LogWriter> {
    let id = log_id(number, shared.identity);
    let reserve_bytes = RESERVE_BYTES.min(shared.settings.log_bytes_max);
    let options = WriterOptions { predecessors, reserve_bytes, ..WriterOptions::default() };
    let log = LogWriter::create(&*shared.fs, &shared.layout.log(number), id, options)?;
    let wal_dir = shared.layout.wal_dir();
    let synced = shared.fs.sync_dir(wal_dir).on("sync the folder", wal_dir);
    if let Err(error) = synced {
        // The first error counts. What is left is an empty log that nothing refers to.
        let _ = shared.fs.remove(&shared.layout.log(number));
        return Err(error.into());
    }
    Ok(log)
}

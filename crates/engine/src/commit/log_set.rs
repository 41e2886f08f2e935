//! The appending side of the logs: the one that is written, and the one that comes next.

use std::collections::VecDeque;

use siltstone_types::{IoResultExt, SequenceNumber};
use siltstone_wal::{LogWriter, Predecessors, Record, WriterOptions};

use crate::{
    Error, Result, commit::pending::Pending, db::Shared, manifest::state::LogPosition, recovery::log_id,
    sync::Arc,
};

/// Behind the log's lock: log order is sequence order, and both are assigned here.
#[derive(Debug)]
pub(crate) struct LogSet {
    pub(crate) writer: LogWriter,
    /// The last sequence number that was given to a record that is in a log.
    pub(crate) last_sequence: SequenceNumber,
    /// Logs that were left and may still be needed, oldest first, with their lengths in bytes.
    pub(crate) left: VecDeque<(u64, u64)>,
}

impl LogSet {
    pub(crate) fn new(writer: LogWriter, last_sequence: SequenceNumber) -> LogSet {
        LogSet { writer, last_sequence, left: VecDeque::new() }
    }

    /// The oldest log that keeps the logs from fitting into `bytes_max`; `None` when they fit. Logs below `first_needed` are gone.
    pub(crate) fn oldest_beyond(&mut self, bytes_max: u64, first_needed: u64) -> Option<u64> {
        self.left.retain(|(number, _)| *number >= first_needed);
        let bytes = self.left.iter().map(|(_, bytes)| bytes).sum::<u64>() + self.writer.len();
        self.left.front().filter(|_| bytes > bytes_max).map(|(number, _)| *number)
    }

    /// Where the next record goes.
    pub(crate) fn end(&self) -> LogPosition {
        LogPosition { log: self.writer.number(), offset: self.writer.len() }
    }

    /// Appends batches, in this order, with one write call. Returns the first sequence number of each, and where the last one ends.
    pub(crate) fn append(&mut self, batches: &[Arc<Pending>]) -> Result<(Vec<SequenceNumber>, LogPosition)> {
        let mut firsts = Vec::with_capacity(batches.len());
        let mut last = self.last_sequence;
        for batch in batches {
            let used_up = || Error::invalid_argument("all sequence numbers are used up");
            firsts.push(last.checked_add(1).ok_or_else(used_up)?);
            last = last.checked_add(u64::from(batch.count)).ok_or_else(used_up)?;
        }
        let records = batches.iter().zip(&firsts);
        let records: Vec<_> =
            records.map(|(batch, first)| Record { tag: first.get(), payload: batch.payload() }).collect();
        let appended = self.writer.append(&records)?;
        // Not before: numbers of a failed append go to the next records, so that there is no gap.
        self.last_sequence = last;
        Ok((firsts, LogPosition { log: self.writer.number(), offset: appended.end }))
    }
}

/// Creates a log that nothing refers to yet: header and name are durable.
pub(crate) fn create_log(shared: &Shared, number: u64, predecessors: Predecessors) -> Result<LogWriter> {
    let id = log_id(number, shared.identity);
    let options = WriterOptions { predecessors, ..WriterOptions::default() };
    let log = LogWriter::create(&*shared.fs, &shared.layout.log(number), id, options)?;
    let wal_dir = shared.layout.wal_dir();
    shared.fs.sync_dir(wal_dir).on("sync the folder", wal_dir)?;
    Ok(log)
}

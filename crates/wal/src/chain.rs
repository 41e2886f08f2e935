//! Reads the logs of one owner one after the other, and decides which of them may have lost their ends.

use std::path::PathBuf;

use siltstone_types::{Error, Result};
use siltstone_vfs::Fs;

use crate::{Expect, LogEnd, LogId, LogReader, LogRecord, ReadMode, ReadReport};

/// A log of a chain, with what its owner knows about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChainLog {
    /// Its file.
    pub path: PathBuf,
    /// What it is tied to.
    pub id: LogId,
    /// How it ended, if that was recorded.
    pub ending: Ending,
    /// A position below which the owner knows it to be synced; 0 when it knows of none.
    pub synced_to: u64,
}

/// What the owner of a log recorded about its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Ending {
    /// Nothing.
    #[default]
    Unknown,
    /// It was finished: there is an end record.
    Finished,
    /// It was given up after a failed append, and ends here as if an end record stood there.
    GivenUp {
        /// Length in bytes of what counts.
        length: u64,
    },
}

/// Reads the live logs of one owner and purpose, oldest first, by the chain rule of `docs/format/wal.md`.
///
/// - [`ReadMode::Strict`]: every log is read strictly, because all were finished.
/// - [`ReadMode::CrashTail`]: logs whose end was recorded are read strictly, and so are those below the highest
///   log that proves its predecessors synced. The others are read as after a crash. Reading stops at the first
///   log without an end, and what later ones hold is dropped.
/// - [`ReadMode::PointInTime`]: point in time, up to the first log without an end.
/// - [`ReadMode::Salvage`]: salvage, all of them.
#[derive(Debug)]
pub struct ChainReader<'a> {
    fs: &'a dyn Fs,
    logs: Vec<ChainLog>,
    mode: ReadMode,
    /// Logs below this index are complete, or damaged.
    strict_below: usize,
    current: Option<LogReader>,
    failure: Option<Error>,
    report: ChainReport,
}

/// What was found in a chain; complete when the reader has returned `None`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ChainReport {
    /// One report for each log that was read to its end, oldest first.
    pub logs: Vec<ReadReport>,
    /// Valid data records in the logs behind the one at which reading stopped. They are not returned.
    pub dropped_records: u64,
    /// The highest tag among them; 0 when there are none.
    pub dropped_tag_max: u64,
    /// Bytes that are not returned, in all logs.
    pub dropped_bytes: u64,
}

impl<'a> ChainReader<'a> {
    /// Prepares to read `logs`, which are in the order of their numbers. In crash-tail mode the newest logs
    /// are looked through for a promise, until one is found.
    ///
    /// # Errors
    ///
    /// Those of opening and reading a log.
    pub fn open(fs: &'a dyn Fs, logs: Vec<ChainLog>, mode: ReadMode) -> Result<ChainReader<'a>> {
        let strict_below = match mode {
            ReadMode::Strict => logs.len(),
            ReadMode::CrashTail => highest_with_promise(fs, &logs)?,
            ReadMode::PointInTime | ReadMode::Salvage => 0,
        };
        Ok(ChainReader {
            fs,
            logs,
            mode,
            strict_below,
            current: None,
            failure: None,
            report: ChainReport::default(),
        })
    }

    /// The next data record and the log that holds it; `None` at the end of the last log, or where reading
    /// stops.
    ///
    /// # Errors
    ///
    /// Those of [`LogReader::next`]; after an error every call returns it again.
    #[expect(clippy::should_implement_trait, reason = "the record is lent, which an iterator cannot do")]
    pub fn next(&mut self) -> Result<Option<(&ChainLog, LogRecord<'_>)>> {
        if let Some(error) = &self.failure {
            return Err(error.clone());
        }
        match self.find_next() {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(error) => {
                self.failure = Some(error.clone());
                return Err(error);
            }
        }
        let log = self.logs.get(self.report.logs.len());
        let record = self.current.as_mut().and_then(LogReader::take_next);
        Ok(log.zip(record))
    }

    /// What was found so far.
    pub fn report(&self) -> &ChainReport {
        &self.report
    }

    fn find_next(&mut self) -> Result<bool> {
        loop {
            if let Some(reader) = &mut self.current
                && reader.find_next()?
            {
                return Ok(true);
            }
            if !self.open_next()? {
                return Ok(false);
            }
        }
    }

    /// Closes the current log and opens the one behind it, if reading goes on.
    fn open_next(&mut self) -> Result<bool> {
        if let Some(reader) = self.current.take() {
            self.report.dropped_bytes += reader.report().dropped_bytes;
            let end = reader.report().end;
            self.report.logs.push(reader.report().clone());
            let complete = matches!(end, Some(LogEnd::Finished | LogEnd::GivenUp));
            if !complete && self.mode != ReadMode::Salvage {
                self.drop_rest()?;
            }
        }
        let index = self.report.logs.len();
        let Some(log) = self.logs.get(index) else { return Ok(false) };
        let complete = log.ending != Ending::Unknown || index < self.strict_below;
        let mode = match self.mode {
            ReadMode::CrashTail if complete => ReadMode::Strict,
            mode => mode,
        };
        self.current = Some(open(self.fs, log, mode)?);
        Ok(true)
    }

    fn drop_rest(&mut self) -> Result<()> {
        for log in self.logs.drain(self.report.logs.len()..) {
            let mut reader = open(self.fs, &log, ReadMode::PointInTime)?;
            let records_at = reader.report().bytes;
            while let Some(record) = reader.next()? {
                self.report.dropped_tag_max = self.report.dropped_tag_max.max(record.tag);
            }
            self.report.dropped_records += reader.report().records;
            self.report.dropped_bytes += reader.report().bytes - records_at + reader.report().dropped_bytes;
        }
        Ok(())
    }
}

fn open(fs: &dyn Fs, log: &ChainLog, mode: ReadMode) -> Result<LogReader> {
    let reader = LogReader::open(fs, &log.path, Expect::Log(log.id), mode)?.with_synced_to(log.synced_to);
    Ok(match log.ending {
        Ending::GivenUp { length } => reader.with_given_up_at(length),
        Ending::Unknown | Ending::Finished => reader,
    })
}

/// Index of the highest log that proves that all before it were synced.
fn highest_with_promise(fs: &dyn Fs, logs: &[ChainLog]) -> Result<usize> {
    for (index, log) in logs.iter().enumerate().rev() {
        if log.synced_to > 0 {
            return Ok(index);
        }
        let mut reader = open(fs, log, ReadMode::PointInTime)?;
        // Most often the first record has a promise.
        while reader.next()?.is_some() && reader.report().last_promise == 0 {}
        if reader.report().last_promise > 0 {
            return Ok(index);
        }
    }
    Ok(0)
}

//! A log without an end: a folder of numbered logs, of which the newest is written and the oldest are
//! removed.

use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
};

use siltstone_types::{Error, IoResultExt, Result};
use siltstone_vfs::{FileLock, Fs};

use crate::{
    ChainReport, LogId, LogRecord, LogWriter, Predecessors, Purpose, ReadMode, Record, WriterOptions,
    format::RECORD_HEADER_BYTES,
    segment_files::{TEMPORARY, segment_path, temporary_path},
    segment_recovery::{following, recover},
    sync::Arc,
};

/// How a [`SegmentedLog`] is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SegmentOptions {
    /// What the records are for.
    pub purpose: Purpose,
    /// Names the owner: 16 random bytes, the same at every open. Segments of another owner are refused.
    pub identity: [u8; 16],
    /// A segment that would grow longer is finished, and a new one begun. A longer group of records has a
    /// segment of its own.
    pub segment_bytes_max: u64,
    /// Whether a segment's bytes are reserved when it is begun.
    pub preallocate: Preallocate,
    /// Most removed segments whose files are kept to be overwritten.
    pub recycled_max: usize,
}

/// Whether the bytes of a segment are reserved when it is begun.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Preallocate {
    /// The file grows as it is written.
    #[default]
    No,
    /// The file has its full length from the start, zero-filled.
    Yes,
}

impl SegmentOptions {
    /// Segments of 64 MiB that are neither preallocated nor recycled.
    pub fn new(identity: [u8; 16]) -> SegmentOptions {
        SegmentOptions {
            purpose: Purpose::CUSTOM,
            identity,
            segment_bytes_max: 64 << 20,
            preallocate: Preallocate::No,
            recycled_max: 0,
        }
    }

    pub(crate) fn id(&self, number: u64) -> LogId {
        LogId { purpose: self.purpose, number, identity: self.identity }
    }

    fn writer_options(&self) -> WriterOptions {
        let preallocate_bytes = match self.preallocate {
            Preallocate::No => 0,
            Preallocate::Yes => self.segment_bytes_max,
        };
        // A segment is begun only when the one before is finished and synced.
        WriterOptions { preallocate_bytes, reserve_bytes: 0, predecessors: Predecessors::Synced }
    }
}

/// A place in a [`SegmentedLog`], ordered as the log is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Position {
    /// Number of the segment.
    pub segment: u64,
    /// Offset in its file.
    pub offset: u64,
}

/// A log over many files, for those who use this crate alone.
///
/// The folder holds `000001.log`, `000002.log` and so on without a gap, the lock file `LOCK`, and files
/// ending in `.tmp` that mean nothing. A segment gets its name when its header is synced, and the next one is
/// begun when it is finished and synced, so only the newest can be torn.
#[derive(Debug)]
pub struct SegmentedLog {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    options: SegmentOptions,
    /// Number of the oldest segment.
    first: u64,
    /// `None` after a failure.
    active: Option<LogWriter>,
    recycled: VecDeque<PathBuf>,
    failure: Option<Error>,
    _lock: Box<dyn FileLock>,
}

impl SegmentedLog {
    /// Opens the log in `dir`, a folder that exists, and hands every record in it to `replay`, oldest first.
    /// A folder without segments is an empty log.
    ///
    /// What is replayed is durable when this returns: the newest segment, if it was left without an end, is
    /// copied to a new file and finished. What the report counts as dropped is removed from the folder by
    /// then.
    ///
    /// # Errors
    ///
    /// - Those of the file system; `WouldBlock` when the log is open elsewhere.
    /// - `Corruption` as `mode` says, and for a segment that is missing between two others.
    /// - `InvalidArgument` for [`ReadMode::Salvage`]: a log with holes cannot be continued. Use a
    ///   [`LogReader`](crate::LogReader).
    /// - Those of `replay`; nothing has been changed then.
    pub fn open(
        fs: Arc<dyn Fs>,
        dir: &Path,
        options: SegmentOptions,
        mode: ReadMode,
        replay: &mut dyn FnMut(Position, &LogRecord<'_>) -> Result<()>,
    ) -> Result<(SegmentedLog, ChainReport)> {
        if mode == ReadMode::Salvage {
            return Err(Error::InvalidArgument { what: "a log with holes cannot be continued".to_owned() });
        }
        let lock_path = dir.join("LOCK");
        let lock = fs.lock(&lock_path).on("lock a log", &lock_path)?;
        let recovered = recover(&*fs, dir, &options, mode, replay)?;
        let mut log = SegmentedLog {
            fs,
            dir: dir.to_owned(),
            options,
            first: recovered.first,
            active: None,
            recycled: VecDeque::new(),
            failure: None,
            _lock: lock,
        };
        log.active = Some(log.begin(recovered.next)?);
        Ok((log, recovered.report))
    }

    /// Appends a group of records to one segment, with one write call, and says where the first begins. They
    /// are durable after [`SegmentedLog::sync`].
    ///
    /// # Errors
    ///
    /// As [`LogWriter::append`]. A failed append changes nothing, and can be tried again. A failure to finish
    /// a segment or to begin one is final, as is a failed sync: every later call returns it, and the log has
    /// to be opened anew.
    pub fn append(&mut self, records: &[Record<'_>]) -> Result<Position> {
        let bytes = |record: &Record<'_>| record.payload.len().saturating_add(RECORD_HEADER_BYTES) as u64;
        let group_bytes = records.iter().map(bytes).fold(0, u64::saturating_add);
        let active = self.active()?;
        let full =
            !active.is_empty() && active.len().saturating_add(group_bytes) > self.options.segment_bytes_max;
        if full || active.check().is_err() {
            self.rotate()?;
        }
        let active = self.active.as_mut().ok_or_else(|| failed(self.failure.as_ref()))?;
        let appended = active.append(records)?;
        Ok(Position { segment: active.number(), offset: appended.start })
    }

    /// Makes everything appended so far durable.
    ///
    /// # Errors
    ///
    /// As [`LogSyncer::sync`](crate::LogSyncer::sync): a failure is final.
    pub fn sync(&self) -> Result<()> {
        self.active()?.sync().map(drop)
    }

    /// Finishes the newest segment, durably, and begins another.
    ///
    /// # Errors
    ///
    /// Those of the file system. They are final: see [`SegmentedLog::append`].
    pub fn rotate(&mut self) -> Result<()> {
        let Some(active) = self.active.take() else { return Err(failed(self.failure.as_ref())) };
        let number = active.number();
        let next = active.finish().and_then(|_| self.begin(following(number)?));
        match next {
            Ok(writer) => {
                self.active = Some(writer);
                Ok(())
            }
            Err(error) => {
                self.failure = Some(error.clone());
                Err(error)
            }
        }
    }

    /// Removes the segments that lie before `position` as a whole; the newest always stays. Returns how many.
    ///
    /// # Errors
    ///
    /// Those of the file system. What was not removed can be removed by another call.
    pub fn remove_before(&mut self, position: Position) -> Result<u64> {
        let end = position.segment.min(self.active()?.number());
        let before = self.first;
        while self.first < end {
            self.remove_first()?;
        }
        Ok(self.first - before)
    }

    /// Finishes the newest segment. The log can then be opened in strict mode, which sees any damage to it:
    /// one more segment, without records, proves that the last one with records is whole.
    ///
    /// # Errors
    ///
    /// Those of the file system; the log is then read as after a crash.
    pub fn close(mut self) -> Result<()> {
        if !self.active()?.is_empty() {
            self.rotate()?;
        }
        match self.active.take() {
            Some(active) => active.finish()?,
            None => return Err(failed(self.failure.as_ref())),
        };
        for path in &self.recycled {
            self.fs.remove(path).on("remove a recycled segment", path)?;
        }
        self.fs.sync_dir(&self.dir).on("sync a folder", &self.dir)
    }

    /// Where the oldest segment begins.
    pub fn start(&self) -> Position {
        Position { segment: self.first, offset: 0 }
    }

    /// Behind the last record.
    ///
    /// # Errors
    ///
    /// The failure after which the log has to be opened anew.
    pub fn end(&self) -> Result<Position> {
        let active = self.active()?;
        Ok(Position { segment: active.number(), offset: active.len() })
    }

    fn active(&self) -> Result<&LogWriter> {
        self.active.as_ref().ok_or_else(|| failed(self.failure.as_ref()))
    }

    /// Begins a segment. Its name appears when its header is durable, in place of an empty segment of that
    /// name.
    fn begin(&mut self, number: u64) -> Result<LogWriter> {
        let (id, options) = (self.options.id(number), self.options.writer_options());
        let path = segment_path(&self.dir, number);
        let writer = if let Some(old_path) = self.recycled.pop_front() {
            LogWriter::recycle(&*self.fs, &old_path, &path, id, options)?
        } else {
            let temporary = temporary_path(&path);
            let file = self.fs.create(&temporary).on("create a segment", &temporary)?;
            let writer = LogWriter::start(file, &path, id, options)?;
            self.fs.rename(&temporary, &path).on("rename a segment", &temporary)?;
            writer
        };
        self.fs.sync_dir(&self.dir).on("sync a folder", &self.dir)?;
        Ok(writer)
    }

    fn remove_first(&mut self) -> Result<()> {
        let path = segment_path(&self.dir, self.first);
        let removed = if self.recycled.len() < self.options.recycled_max {
            let kept = self.dir.join(format!("recycled-{:06}{TEMPORARY}", self.first));
            let renamed = self.fs.rename(&path, &kept);
            if renamed.is_ok() {
                self.recycled.push_back(kept);
            }
            renamed
        } else {
            self.fs.remove(&path)
        };
        match removed {
            // An earlier call has removed it, and failed to sync the folder.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.on("remove a segment", &path)?,
        }
        // One by one: a power cut must not bring back a segment whose successor is gone.
        self.fs.sync_dir(&self.dir).on("sync a folder", &self.dir)?;
        self.first += 1;
        Ok(())
    }
}

/// The failure that took the active segment; there always is one.
fn failed(failure: Option<&Error>) -> Error {
    failure.cloned().unwrap_or_else(|| Error::InvalidArgument { what: "the log is closed".to_owned() })
}

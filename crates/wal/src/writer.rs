//! Appends records to a log, one write call per group.

use std::{io::IoSlice, path::Path};

use siltstone_types::{Error, IoResultExt, Result};
use siltstone_vfs::{Fs, WriteFile};

use crate::{
    LogId, LogSyncer, ReadReport, Record,
    format::{FILE_HEADER_BYTES, FileSeed, PAYLOAD_BYTES_MAX, RECORD_HEADER_BYTES, RecordHeader, RecordKind},
    sync::Arc,
};

/// How to start a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct WriterOptions {
    /// Bytes of the file to reserve and zero-fill; 0 lets the file grow as it is written.
    /// [`LogWriter::finish`] gives back what was not used.
    pub preallocate_bytes: u64,
    /// Reserves so many bytes more whenever the records reach the end of the file, and at the start; 0 lets the
    /// file grow with each append. A sync of bytes within the file's length has less to write than one that makes it longer.
    /// A file that cannot be reserved is no error: appending will tell.
    pub reserve_bytes: u64,
    /// What is known about the owner's earlier logs.
    pub predecessors: Predecessors,
}

/// What is known about the earlier logs of the same owner when a log is started.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Predecessors {
    /// Some may not be synced in full: records promise nothing until [`LogWriter::predecessors_synced`] is
    /// called.
    #[default]
    Unsynced,
    /// All are synced in full, or there are none.
    Synced,
}

/// Where a group of records was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Appended {
    /// Offset of the first record.
    pub start: u64,
    /// Offset behind the last one: what [`LogSyncer::sync`] has to reach for the group to be durable.
    pub end: u64,
}

/// A log that was finished.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Finished {
    /// Length of the file in bytes, the end record included.
    pub length: u64,
    /// Data records in it.
    pub records: u64,
}

/// Writes one log. Appending wants a lock of the caller's; syncing does not: see [`LogWriter::syncer`].
#[derive(Debug)]
pub struct LogWriter {
    syncer: LogSyncer,
    id: LogId,
    seed: FileSeed,
    /// Offset of the next record.
    end: u64,
    /// Length of the file: more than `end` when it was preallocated, reserved, recycled, or an append failed.
    file_bytes: u64,
    reserve_bytes: u64,
    ordinal: u64,
    records: u64,
    /// Why nothing can be appended any more, short of a failed sync.
    given_up: Option<Error>,
    has_end_record: bool,
    /// Where small groups are put together. Empty between appends; keeps its memory.
    gathered: Vec<u8>,
}

/// Groups up to here are copied together: one piece costs the kernel less than several, and no list of them has to be made.
const GATHERED_BYTES_MAX: u64 = 16 << 10;

impl LogWriter {
    /// Creates the file, reserves its bytes, writes the header and syncs the file.
    ///
    /// The *name* is not durable yet: sync the folder before anything refers to the log, and before anything
    /// in it is acknowledged.
    ///
    /// # Errors
    ///
    /// Those of the file system; a name that is taken is one. A file that could not be prepared is removed
    /// again if possible.
    pub fn create(fs: &dyn Fs, path: &Path, id: LogId, options: WriterOptions) -> Result<LogWriter> {
        let file = fs.create(path).on("create a log", path)?;
        let started = LogWriter::start(file, path, id, options);
        if started.is_err() {
            // The first error counts. What is left is an unfinished file that nothing refers to.
            let _ = fs.remove(path);
        }
        started
    }

    /// Overwrites a finished log: writes the new header, syncs, and gives the file its new name. What the
    /// file held is no record of the new log, because each record is tied to its log's header.
    ///
    /// Only for a log that this process has finished, and to which nothing refers any more. Sync the folder
    /// as after [`LogWriter::create`].
    ///
    /// # Errors
    ///
    /// Those of the file system. The file may then have the new header under either name.
    pub fn recycle(
        fs: &dyn Fs,
        old_path: &Path,
        new_path: &Path,
        id: LogId,
        options: WriterOptions,
    ) -> Result<LogWriter> {
        let file = fs.open_for_overwrite(old_path).on("open a log to recycle it", old_path)?;
        let writer = LogWriter::start(file, new_path, id, options)?;
        fs.rename(old_path, new_path).on("rename a recycled log", old_path)?;
        Ok(writer)
    }

    /// `path` is the name in the end, for messages.
    pub(crate) fn start(
        file: Arc<dyn WriteFile>,
        path: &Path,
        id: LogId,
        options: WriterOptions,
    ) -> Result<LogWriter> {
        let header = id.encode();
        let end = FILE_HEADER_BYTES as u64;
        let mut file_bytes = file.len().on("measure a log", path)?;
        if options.preallocate_bytes > file_bytes {
            file.allocate(0, options.preallocate_bytes).on("preallocate a log", path)?;
            file_bytes = options.preallocate_bytes;
        }
        if options.reserve_bytes > 0 && file_bytes <= end && file.allocate(0, options.reserve_bytes).is_ok() {
            file_bytes = options.reserve_bytes;
        }
        file.write_at(&[IoSlice::new(&header)], 0).on("write the header of a log", path)?;
        file.sync_data().on("sync the header of a log", path)?;
        let predecessors = options.predecessors == Predecessors::Synced;
        Ok(LogWriter {
            syncer: LogSyncer::new(file, path.to_owned(), end, predecessors),
            id,
            seed: id.seed(),
            end,
            file_bytes: file_bytes.max(end),
            reserve_bytes: options.reserve_bytes,
            ordinal: 0,
            records: 0,
            given_up: None,
            has_end_record: false,
            gathered: Vec::new(),
        })
    }

    /// Goes on behind the records that a reader has found, in a file that holds a durable copy of them. All
    /// earlier logs are synced.
    pub(crate) fn resume(file: Arc<dyn WriteFile>, path: &Path, id: LogId, found: &ReadReport) -> LogWriter {
        LogWriter {
            syncer: LogSyncer::new(file, path.to_owned(), found.bytes, true),
            id,
            seed: id.seed(),
            end: found.bytes,
            file_bytes: found.bytes,
            reserve_bytes: 0,
            ordinal: found.next_ordinal,
            records: found.records,
            given_up: None,
            has_end_record: false,
            gathered: Vec::new(),
        }
    }

    /// Appends a group of records with one write call. They are in the operating system's hands when it
    /// returns, and durable after a sync.
    ///
    /// # Errors
    ///
    /// - `InvalidArgument` for a payload above [`PAYLOAD_BYTES_MAX`] and for a log that holds 2^32 - 1
    ///   records; nothing was written.
    /// - A failed write. None of the group is in the log: the file is cut back to what was there before, and
    ///   synced, so that no power cut brings the remains back. When that works the log goes on as if nothing
    ///   had happened. When cutting does not, this and every later append fails: the caller records where the
    ///   log ends, and moves on to a new one. When syncing the cut does not, that is a failed sync.
    /// - The error of a sync that failed earlier.
    pub fn append(&mut self, records: &[Record<'_>]) -> Result<Appended> {
        self.check()?;
        check_lengths(records)?;
        if self.has_end_record {
            let what = format!("the log has its end record path={}", self.path().display());
            return Err(Error::InvalidArgument { what });
        }
        let start = self.end;
        let end = self.end_with(records)?;
        self.reserve(end);
        if end - start <= GATHERED_BYTES_MAX {
            let mut gathered = std::mem::take(&mut self.gathered);
            for (header, record) in self.headers(records).zip(records) {
                gathered.extend_from_slice(&header);
                record.payload.parts().into_iter().for_each(|part| gathered.extend_from_slice(part));
            }
            let written =
                if records.is_empty() { Ok(()) } else { self.write(&[IoSlice::new(&gathered)], end) };
            gathered.clear();
            self.gathered = gathered;
            written?;
        } else {
            let headers: Vec<_> = self.headers(records).collect();
            let mut parts = Vec::with_capacity(3 * records.len());
            for (header, record) in headers.iter().zip(records) {
                parts.push(IoSlice::new(header));
                let of_payload = record.payload.parts().into_iter().filter(|part| !part.is_empty());
                parts.extend(of_payload.map(IoSlice::new));
            }
            self.write(&parts, end)?;
        }
        self.ordinal += records.len() as u64;
        self.records += records.len() as u64;
        Ok(Appended { start, end })
    }

    /// Where the log ends with these records, if it has room for them.
    fn end_with(&self, records: &[Record<'_>]) -> Result<u64> {
        // The last ordinal is kept for the end record.
        let next_ordinal = self.ordinal.checked_add(records.len() as u64);
        next_ordinal.filter(|&next| u32::try_from(next).is_ok()).ok_or_else(|| self.full())?;
        let record_bytes = |record: &Record<'_>| record.payload.len().checked_add(RECORD_HEADER_BYTES);
        let end =
            records.iter().try_fold(self.end, |end, record| end.checked_add(record_bytes(record)? as u64));
        end.ok_or_else(|| self.full())
    }

    /// The encoded headers of records that the log has room for.
    fn headers(&self, records: &[Record<'_>]) -> impl Iterator<Item = [u8; RECORD_HEADER_BYTES]> {
        let promise = self.syncer.promise();
        let mut offset = self.end;
        records.iter().zip(self.ordinal..).map(move |(record, ordinal)| {
            let header = RecordHeader {
                payload_crc: record.payload.crc(),
                // Lengths and ordinals were checked.
                payload_bytes: u32::try_from(record.payload.len()).unwrap_or(u32::MAX),
                kind: RecordKind::Data,
                ordinal: u32::try_from(ordinal).unwrap_or(u32::MAX),
                number: self.id.number,
                synced_to: promise,
                tag: record.tag,
            };
            let encoded = header.encode(self.seed, offset);
            offset += RECORD_HEADER_BYTES as u64 + u64::from(header.payload_bytes);
            encoded
        })
    }

    fn write(&mut self, parts: &[IoSlice<'_>], end: u64) -> Result<()> {
        if parts.is_empty() {
            return Ok(());
        }
        let written = self.syncer.file().write_at(parts, self.end).on("append to a log", self.path());
        if let Err(error) = written {
            self.cut_back(&error);
            return Err(error);
        }
        self.end = end;
        self.file_bytes = self.file_bytes.max(end);
        self.syncer.set_appended(end);
        Ok(())
    }

    /// Makes the file longer than records up to `end` need, if it is not, and if it can.
    fn reserve(&mut self, end: u64) {
        if self.reserve_bytes == 0 || end <= self.file_bytes {
            return;
        }
        let bytes = (end - self.file_bytes).saturating_add(self.reserve_bytes);
        if self.syncer.file().allocate(self.file_bytes, bytes).is_ok() {
            self.file_bytes = self.file_bytes.saturating_add(bytes);
        }
    }

    /// Cuts off what a failed append may have left.
    fn cut_back(&mut self, error: &Error) {
        // Synced, because a record of the failed group that a power cut brought back behind a later record
        // could fit there.
        let cut = self.syncer.file().set_len(self.end).on("cut a log", self.path());
        if cut.and_then(|()| self.syncer.sync_always()).is_ok() {
            self.file_bytes = self.end;
        } else {
            self.given_up = Some(error.clone());
            self.file_bytes = u64::MAX;
        }
    }

    /// Makes durable what was appended so far: `syncer().sync()`.
    ///
    /// # Errors
    ///
    /// See [`LogSyncer::sync`].
    pub fn sync(&self) -> Result<u64> {
        self.syncer.sync()
    }

    /// A handle that syncs this log from any thread while records are appended.
    pub fn syncer(&self) -> LogSyncer {
        self.syncer.clone()
    }

    /// Says that every earlier log of the owner is synced in full. Until then records promise nothing.
    pub fn predecessors_synced(&self) {
        self.syncer.predecessors_synced();
    }

    /// Appends the end record, if it is not there yet: nothing can be appended any more. It is in the operating
    /// system's hands when this returns. Before anything goes to a newer log, so that a reader who finds what a
    /// killed process left goes on to that log; [`LogWriter::finish`] makes it durable.
    ///
    /// # Errors
    ///
    /// Those of [`LogWriter::append`].
    pub fn end(&mut self) -> Result<()> {
        self.check()?;
        self.append_end()
    }

    fn append_end(&mut self) -> Result<()> {
        if self.has_end_record {
            return Ok(());
        }
        let header = RecordHeader {
            payload_crc: crc32c::crc32c(&[]),
            payload_bytes: 0,
            kind: RecordKind::End,
            ordinal: u32::try_from(self.ordinal).map_err(|_| self.full())?,
            number: self.id.number,
            synced_to: self.syncer.promise(),
            tag: self.records,
        };
        let encoded = header.encode(self.seed, self.end);
        self.write(&[IoSlice::new(&encoded)], self.end + RECORD_HEADER_BYTES as u64)?;
        self.has_end_record = true;
        Ok(())
    }

    /// Appends the end record, if it is not there yet, cuts the file to its length, and syncs it. Works after an
    /// append that failed for good, too: what it left lies behind the end record.
    ///
    /// # Errors
    ///
    /// Those of the file system, and of an earlier sync. The log is then not finished: its tail has to be
    /// read as after a crash.
    pub fn finish(mut self) -> Result<Finished> {
        self.syncer.check()?;
        self.append_end()?;
        let end = self.end;
        if self.file_bytes > end {
            // Before the sync, which then makes the length durable too.
            self.syncer.file().set_len(end).on("cut a log", self.path())?;
        }
        self.syncer.sync()?;
        Ok(Finished { length: end, records: self.records })
    }

    /// What the log is tied to.
    pub fn id(&self) -> LogId {
        self.id
    }

    /// The log's number.
    pub fn number(&self) -> u64 {
        self.id.number
    }

    /// Offset behind the last record: length of the log, in bytes.
    pub fn len(&self) -> u64 {
        self.end
    }

    /// True for a log without records.
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Records appended.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Everything below this offset has been synced.
    pub fn synced_to(&self) -> u64 {
        self.syncer.synced_to()
    }

    /// The log's file.
    pub fn path(&self) -> &Path {
        self.syncer.path()
    }

    /// Whether the log can still be appended to.
    ///
    /// # Errors
    ///
    /// The failure after which it cannot.
    pub fn check(&self) -> Result<()> {
        self.syncer.check()?;
        self.given_up.clone().map_or(Ok(()), Err)
    }

    fn full(&self) -> Error {
        let (path, records) = (self.path().display(), self.records);
        Error::InvalidArgument {
            what: format!("the log is full; go on in a new one records={records} path={path}"),
        }
    }
}

fn check_lengths(records: &[Record<'_>]) -> Result<()> {
    let longest = records.iter().map(|record| record.payload.len()).max().unwrap_or(0);
    if longest as u64 <= u64::from(PAYLOAD_BYTES_MAX) {
        return Ok(());
    }
    Err(Error::InvalidArgument {
        what: format!("the payload has {longest} bytes, the limit is {PAYLOAD_BYTES_MAX}"),
    })
}

#[cfg(test)]
mod tests {
    use siltstone_vfs::MemFs;

    use super::*;
    use crate::{Payload, Purpose};

    #[test]
    fn groups_have_the_same_bytes_however_they_are_written() {
        let id = LogId { purpose: Purpose::CUSTOM, number: 1, identity: [0; 16] };
        let bytes_of = |groups: &[&[Vec<u8>]]| {
            let fs = MemFs::new();
            let path = Path::new("/1.log");
            let mut writer = LogWriter::create(&fs, path, id, WriterOptions::default()).unwrap();
            for group in groups {
                let records: Vec<_> = group
                    .iter()
                    .map(|bytes| bytes.split_at(bytes.len() / 3))
                    .map(|(front, back)| Record { tag: 9, payload: Payload::in_two(front, back) })
                    .collect();
                let start = writer.len();
                assert_eq!(writer.append(&records).unwrap(), Appended { start, end: writer.len() });
            }
            let file = fs.open(path).unwrap();
            let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
            file.read_exact_at(&mut bytes, 0).unwrap();
            bytes
        };
        let limit = usize::try_from(GATHERED_BYTES_MAX).unwrap();
        for last_bytes in
            [0, 1, limit - 3 * RECORD_HEADER_BYTES - 100, limit - 3 * RECORD_HEADER_BYTES - 99, limit]
        {
            let payloads = [vec![1; 100], vec![], vec![2; last_bytes]];
            let [a, b, c] = payloads.each_ref().map(std::slice::from_ref);
            assert_eq!(bytes_of(&[&payloads]), bytes_of(&[a, b, c]), "{last_bytes}");
        }
        assert_eq!(bytes_of(&[&[]]), bytes_of(&[]), "a group of nothing");
    }

    #[test]
    fn a_log_keeps_its_last_ordinal_for_the_end_record() {
        let id = LogId { purpose: Purpose::CUSTOM, number: 1, identity: [0; 16] };
        let mut writer =
            LogWriter::create(&MemFs::new(), Path::new("/1.log"), id, WriterOptions::default()).unwrap();
        writer.ordinal = u64::from(u32::MAX) - 1;
        let record = Record { tag: 0, payload: Payload::new(b"") };
        let length = writer.len();
        assert!(matches!(writer.append(&[record, record]), Err(Error::InvalidArgument { .. })));
        assert_eq!(writer.len(), length, "nothing was written");
        writer.append(&[record]).unwrap();
        assert!(matches!(writer.append(&[record]), Err(Error::InvalidArgument { .. })));
        writer.finish().unwrap();
    }

    #[test]
    fn nothing_follows_the_end_record_and_finishing_writes_no_second_one() {
        let id = LogId { purpose: Purpose::CUSTOM, number: 1, identity: [0; 16] };
        let path = Path::new("/1.log");
        let mut writer = LogWriter::create(&MemFs::new(), path, id, WriterOptions::default()).unwrap();
        let record = Record { tag: 0, payload: Payload::new(b"") };
        writer.append(&[record]).unwrap();
        writer.end().unwrap();
        let length = writer.len();
        assert!(matches!(writer.append(&[record]), Err(Error::InvalidArgument { .. })));
        writer.end().unwrap();
        assert_eq!(writer.finish().unwrap(), Finished { length, records: 1 });
    }
}

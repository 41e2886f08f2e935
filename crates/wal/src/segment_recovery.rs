//! Brings a folder of segments to a state from which the log can go on.

use std::{
    io,
    io::IoSlice,
    path::{Path, PathBuf},
};

use siltstone_types::{Error, IoResultExt, Result};
use siltstone_vfs::{Fs, WriteFile};

use crate::{
    ChainLog, ChainReader, ChainReport, Ending, LogEnd, LogRecord, LogWriter, Position, ReadMode, ReadReport,
    SegmentOptions,
    format::FILE_HEADER_BYTES,
    segment_files::{is_temporary, segment_number, segment_path, temporary_path},
    source::CHUNK_BYTES,
};

pub(crate) struct Recovered {
    /// Number of the oldest segment.
    pub(crate) first: u64,
    /// Number of the segment to begin.
    pub(crate) next: u64,
    pub(crate) report: ChainReport,
}

/// 1. Read all segments.
/// 2. Remove files that mean nothing.
/// 3. Remove the segments behind the one at which reading stopped.
/// 4. Make that one whole.
///
/// A crash in between leaves a folder that is recovered to the same log.
pub(crate) fn recover(
    fs: &dyn Fs,
    dir: &Path,
    options: &SegmentOptions,
    mode: ReadMode,
    replay: &mut dyn FnMut(Position, &LogRecord<'_>) -> Result<()>,
) -> Result<Recovered> {
    let paths = fs.list(dir).on("list a folder", dir)?;
    let numbers = numbers(dir, &paths)?;
    // 1.
    let report = read(fs, dir, options, mode, &numbers, replay)?;
    // 2.
    for path in paths.iter().filter(|path| is_temporary(path)) {
        fs.remove(path).on("remove a temporary file", path)?;
    }
    // 3. Newest first and one by one, so that no power cut leaves a hole.
    let (kept, dropped) = numbers.split_at_checked(report.logs.len()).unwrap_or((&numbers, &[]));
    for &number in dropped.iter().rev() {
        let path = segment_path(dir, number);
        fs.remove(&path).on("remove a segment", &path)?;
        fs.sync_dir(dir).on("sync a folder", dir)?;
    }
    // 4.
    let first = kept.first().copied().unwrap_or(1);
    let next = match (kept.last(), report.logs.last()) {
        // It is replaced by the new segment of that number. That it exists proves that the one before was
        // synced in full.
        (Some(&last), Some(found)) if found.next_ordinal == 0 || found.is_empty_and_finished() => last,
        (Some(&last), Some(found)) => {
            make_whole(fs, dir, options, last, found)?;
            following(last)?
        }
        _ => first,
    };
    Ok(Recovered { first, next, report })
}

impl ReadReport {
    fn is_empty_and_finished(&self) -> bool {
        self.end == Some(LogEnd::Finished) && self.next_ordinal == 1
    }
}

/// The numbers of the segments in a folder, in order and without a gap.
fn numbers(dir: &Path, paths: &[PathBuf]) -> Result<Vec<u64>> {
    let mut numbers: Vec<u64> = paths.iter().filter_map(|path| segment_number(path)).collect();
    numbers.sort_unstable();
    for (&older, &newer) in numbers.iter().zip(numbers.iter().skip(1)) {
        let expected = following(older)?;
        if newer != expected {
            let path = segment_path(dir, expected);
            return Err(Error::corruption(&path, 0, "a segment is missing between an older and a newer one"));
        }
    }
    Ok(numbers)
}

/// The number of the next segment.
pub(crate) fn following(number: u64) -> Result<u64> {
    let what = || Error::InvalidArgument { what: format!("there is no segment number after {number}") };
    number.checked_add(1).ok_or_else(what)
}

fn read(
    fs: &dyn Fs,
    dir: &Path,
    options: &SegmentOptions,
    mode: ReadMode,
    numbers: &[u64],
    replay: &mut dyn FnMut(Position, &LogRecord<'_>) -> Result<()>,
) -> Result<ChainReport> {
    let log = |&number| ChainLog {
        path: segment_path(dir, number),
        id: options.id(number),
        ending: Ending::Unknown,
        synced_to: 0,
    };
    // That there is a newer segment proves that the older ones are finished.
    let mut logs: Vec<_> = numbers.iter().map(log).collect();
    if let Some((_, older)) = logs.split_last_mut() {
        for log in older {
            log.ending = Ending::Finished;
        }
    }
    let mut chain = ChainReader::open(fs, logs, mode)?;
    while let Some((log, record)) = chain.next()? {
        replay(Position { segment: log.id.number, offset: record.offset }, &record)?;
    }
    Ok(chain.report().clone())
}

/// Replaces a segment by a durable copy of its valid records, with an end record.
///
/// A copy, because syncing the old file would prove nothing: after a sync that failed in an earlier process
/// the operating system may hold bytes that it takes for written and that the disk does not have.
fn make_whole(
    fs: &dyn Fs,
    dir: &Path,
    options: &SegmentOptions,
    number: u64,
    found: &ReadReport,
) -> Result<()> {
    let path = segment_path(dir, number);
    let temporary = temporary_path(&path);
    let file = fs.create(&temporary).on("create a segment", &temporary)?;
    copy(fs, &path, &*file, found.bytes).on("copy a segment", &path)?;
    file.sync_data().on("sync a segment", &temporary)?;
    if found.end != Some(LogEnd::Finished) {
        LogWriter::resume(file, &path, options.id(number), found).finish()?;
    }
    fs.rename(&temporary, &path).on("rename a segment", &temporary)?;
    fs.sync_dir(dir).on("sync a folder", dir)
}

fn copy(fs: &dyn Fs, from: &Path, to: &dyn WriteFile, bytes: u64) -> io::Result<()> {
    let from = fs.open(from)?;
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut at = 0;
    while at < bytes {
        let rest = usize::try_from(bytes - at).unwrap_or(usize::MAX).min(CHUNK_BYTES);
        let part = buffer.get_mut(..rest).unwrap_or_default();
        from.read_exact_at(part, at)?;
        to.write_at(&[IoSlice::new(part)], at)?;
        at += rest as u64;
    }
    debug_assert!(at >= FILE_HEADER_BYTES as u64, "a log that was read has a header");
    Ok(())
}

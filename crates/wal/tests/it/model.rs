//! What the documentation says about a damaged log, computed from what was written and without a decoder.

use siltstone_types::{Error, Result};
use siltstone_vfs::{Fs, MemFs};
use siltstone_wal::{LogEnd, LogId, LogWriter, ReadReport};

use crate::kit::{ALONE, HEADER, ID, Kept, create, file_bytes, path, read_bytes, record};

const FILE_HEADER: usize = 44;

/// What a test does to a log.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Payloads of these lengths, as one group.
    Append(Vec<usize>),
    Sync,
}

/// What the file was before the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ground {
    Nothing,
    Zeros,
    /// A finished log of the same owner.
    OtherLog,
}

/// A log, and what is in it.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) bytes: Vec<u8>,
    pub(crate) records: Vec<Kept>,
    /// Offset of the end record.
    pub(crate) end_record: Option<u64>,
}

fn payload(tag: u64, len: usize) -> Vec<u8> {
    // With zeros inside and at the end, which are easily taken for an unwritten rest.
    (0..len).map(|at| u8::try_from((at as u64 * 7 + tag) % 11).unwrap()).chain([0, 0]).skip(2).collect()
}

fn begin(fs: &MemFs, ground: Ground) -> LogWriter {
    match ground {
        Ground::Nothing => create(fs, ALONE),
        Ground::Zeros => create(fs, siltstone_wal::WriterOptions { preallocate_bytes: 2000, ..ALONE }),
        Ground::OtherLog => {
            let (old, old_id) = (path().with_file_name("000001.log"), LogId { number: 1, ..ID });
            let mut writer = LogWriter::create(fs, &old, old_id, ALONE).unwrap();
            for tag in 0..20 {
                writer.append(&[record(tag, &payload(tag, 30))]).unwrap();
            }
            writer.finish().unwrap();
            LogWriter::recycle(fs, &old, path(), ID, ALONE).unwrap()
        }
    }
}

impl Sample {
    pub(crate) fn write(steps: &[Step], ground: Ground, finish: bool) -> Sample {
        let fs = MemFs::new();
        let mut writer = begin(&fs, ground);
        let mut records = Vec::new();
        let (mut end, mut promise) = (FILE_HEADER as u64, FILE_HEADER as u64);
        for step in steps {
            match step {
                Step::Append(lens) => {
                    let first_tag = records.len() as u64;
                    let payloads: Vec<_> =
                        lens.iter().zip(first_tag..).map(|(&len, tag)| payload(tag, len)).collect();
                    let group: Vec<_> =
                        payloads.iter().zip(first_tag..).map(|(bytes, tag)| record(tag, bytes)).collect();
                    writer.append(&group).unwrap();
                    for (bytes, tag) in payloads.iter().zip(first_tag..) {
                        let offset = end;
                        end += (HEADER + bytes.len()) as u64;
                        records.push(Kept { offset, end, promise, tag, payload: bytes.clone() });
                    }
                }
                Step::Sync => {
                    writer.sync().unwrap();
                    promise = end;
                }
            }
        }
        let end_record = finish.then_some(end);
        if finish {
            writer.finish().unwrap();
        }
        Sample { bytes: file_bytes(&fs as &dyn Fs, path()), records, end_record }
    }

    /// Offset, promise and end of every record, the end record included.
    fn frames(&self) -> Vec<(usize, u64, usize)> {
        let at = |offset| usize::try_from(offset).unwrap();
        let mut frames: Vec<_> =
            self.records.iter().map(|found| (at(found.offset), found.promise, at(found.end))).collect();
        if let Some(end) = self.end_record {
            let promise = self.bytes[at(end) + 25..at(end) + 33].try_into().map(u64::from_le_bytes).unwrap();
            frames.push((at(end), promise, at(end) + HEADER));
        }
        frames
    }

    fn same(&self, damaged: &[u8], start: usize, end: usize) -> bool {
        damaged.get(start..end).is_some_and(|bytes| bytes == &self.bytes[start..end])
    }

    /// What crash-tail mode has to make of the log after it was damaged.
    pub(crate) fn after_crash(&self, damaged: &[u8]) -> Outcome {
        if !self.same(damaged, 0, FILE_HEADER) {
            return Outcome::BadHeader;
        }
        let frames = self.frames();
        let intact = frames.iter().take_while(|&&(start, _, end)| self.same(damaged, start, end)).count();
        if intact > self.records.len() {
            return Outcome::Ends {
                records: self.records.len(),
                dropped: 0,
                remains: 0,
                end: LogEnd::Finished,
            };
        }
        let x = frames[..intact].last().map_or(FILE_HEADER, |&(.., end)| end);
        let headers =
            || frames[intact..].iter().filter(|&&(start, ..)| self.same(damaged, start, start + HEADER));
        let later = headers().filter(|&&(start, ..)| start > x);
        let promise = frames[..intact].iter().chain(later).map(|&(_, promise, _)| promise).max().unwrap_or(0);
        if (x as u64) < promise {
            return Outcome::Damaged { records: intact, offset: x as u64 };
        }
        let nonzero = damaged.iter().rposition(|&byte| byte != 0).map_or(0, |at| at + 1).max(x);
        let named =
            damaged.get(x + 17..x + 25).map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().unwrap()));
        let dropped_end = match headers().map(|&(.., end)| end.min(damaged.len())).max() {
            Some(end) => end,
            None if named != 0 && named != ID.number => x,
            None => nonzero,
        };
        let dropped = (dropped_end - x) as u64;
        Outcome::Ends {
            records: intact,
            dropped,
            remains: nonzero.saturating_sub(dropped_end) as u64,
            end: if dropped == 0 { LogEnd::Open } else { LogEnd::Cut },
        }
    }

    /// The records that salvage has to bring back from a damaged log.
    pub(crate) fn intact(&self, damaged: &[u8]) -> Vec<Kept> {
        let at = |offset| usize::try_from(offset).unwrap();
        let is_intact = |found: &&Kept| self.same(damaged, at(found.offset), at(found.end));
        self.records.iter().filter(is_intact).cloned().collect()
    }

    /// Reads damaged bytes in each mode and compares with the model.
    pub(crate) fn check(&self, damaged: &[u8], what: &str) {
        use siltstone_wal::ReadMode;

        let (records, outcome, report) = read_bytes(damaged, ReadMode::CrashTail);
        let expected = self.after_crash(damaged);
        assert_eq!(Outcome::of(&records, &outcome, &report), expected, "crash tail, {what}: {outcome:?}");
        assert_eq!(records, self.records[..records.len()], "crash tail, {what}");

        let (records, outcome, _) = read_bytes(damaged, ReadMode::PointInTime);
        assert_eq!(outcome.is_ok(), expected != Outcome::BadHeader, "point in time, {what}: {outcome:?}");
        assert_eq!(records, self.records[..records.len()], "point in time, {what}");
        match expected {
            Outcome::BadHeader => {}
            Outcome::Ends { records: count, .. } | Outcome::Damaged { records: count, .. } => {
                assert_eq!(records.len(), count, "point in time, {what}");
            }
        }

        let (records, outcome, report) = read_bytes(damaged, ReadMode::Salvage);
        assert!(outcome.is_ok(), "salvage, {what}: {outcome:?}");
        assert_eq!(records, self.intact(damaged), "salvage, {what}");
        assert!(report.dropped_bytes <= damaged.len() as u64);
        let gaps: u64 = report.gaps.iter().map(|gap| gap.end - gap.start).sum();
        assert_eq!(report.dropped_bytes, gaps, "salvage, {what}");

        let (_, outcome, _) = read_bytes(damaged, ReadMode::Strict);
        let complete = matches!(expected, Outcome::Ends { end: LogEnd::Finished, .. });
        assert_eq!(outcome.is_ok(), complete, "strict, {what}: {outcome:?}");
        if let Err(error) = outcome {
            assert!(error.is_corruption(), "strict, {what}: {error}");
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    BadHeader,
    Damaged { records: usize, offset: u64 },
    Ends { records: usize, dropped: u64, remains: u64, end: LogEnd },
}

impl Outcome {
    fn of(records: &[Kept], outcome: &Result<()>, report: &ReadReport) -> Outcome {
        match outcome {
            Ok(()) => Outcome::Ends {
                records: records.len(),
                dropped: report.dropped_bytes,
                remains: report.remains_bytes,
                end: report.end.unwrap(),
            },
            Err(Error::Corruption { .. }) if report.bytes == 0 => Outcome::BadHeader,
            Err(Error::Corruption { offset, .. }) => {
                Outcome::Damaged { records: records.len(), offset: *offset }
            }
            Err(error) => panic!("neither an end nor damage: {error}"),
        }
    }
}

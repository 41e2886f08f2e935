//! What a reader found besides the records.

use crate::Rule;

/// What a reader has found so far; complete when it has returned `None`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ReadReport {
    /// Valid data records.
    pub records: u64,
    /// The ordinal that would come next: one more than the last valid record's, of whichever kind.
    pub next_ordinal: u64,
    /// Offset behind the last valid record, the end record included.
    pub bytes: u64,
    /// How the log ends; `None` before the end was reached, and after an error.
    pub end: Option<LogEnd>,
    /// Bytes that seem to have been written to this log and are not returned: from the first invalid record
    /// to the end of the last header of this log found behind it, with the payload that it claims; or,
    /// without any, to the last byte that is not zero.
    pub dropped_bytes: u64,
    /// Bytes behind those, up to the last one that is not zero: what the earlier life of a recycled file
    /// left. Zeros, and what lies behind an end record, count as neither.
    pub remains_bytes: u64,
    /// Offset of the first record that is not valid, and the rule it breaks. Zeros up to the end of the file
    /// are not a record.
    pub first_bad: Option<(u64, Rule)>,
    /// What [`ReadMode::Salvage`](crate::ReadMode::Salvage) left out, in order; the first [`GAPS_MAX`] of
    /// them.
    pub gaps: Vec<Gap>,
    /// All that it left out, counted.
    pub gap_count: u64,
    /// The largest promise seen, in valid records and behind the first bad one.
    pub last_promise: u64,
}

/// Most gaps that a report lists, so that a damaged file cannot ask for any amount of memory.
pub const GAPS_MAX: usize = 1000;

/// How a log ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogEnd {
    /// With an end record: nothing is missing.
    Finished,
    /// As a process that died leaves it: without an end record, and with nothing behind the last record that
    /// belongs to this log.
    Open,
    /// Where the caller knew that it was given up: see
    /// [`LogReader::with_given_up_at`](crate::LogReader::with_given_up_at).
    GivenUp,
    /// With bytes that are no valid record, and were dropped.
    Cut,
}

/// Bytes of a log that hold no valid record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gap {
    /// Offset of the first one.
    pub start: u64,
    /// Offset behind the last one.
    pub end: u64,
    /// The rule broken at `start`.
    pub rule: Rule,
}

impl ReadReport {
    /// Counts bytes that are left out.
    pub(crate) fn drop_bytes(&mut self, start: u64, end: u64, rule: Rule) {
        self.first_bad.get_or_insert((start, rule));
        self.dropped_bytes += end - start;
    }

    pub(crate) fn add_gap(&mut self, gap: Gap) {
        self.drop_bytes(gap.start, gap.end, gap.rule);
        self.gap_count += 1;
        if self.gaps.len() < GAPS_MAX {
            self.gaps.push(gap);
        }
    }
}

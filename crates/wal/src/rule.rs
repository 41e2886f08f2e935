//! The rules of the log format that bytes can break, numbered as in `docs/format/wal.md`.

use std::fmt;

/// A broken rule of the log format.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Rule {
    /// Rule 1.
    FileHeaderShort,
    /// Rule 2.
    Magic,
    /// Rule 3.
    FileHeaderCrc,
    /// Rule 4: not damage, but a newer format.
    Version,
    /// Rule 5, the purpose.
    Purpose,
    /// Rule 5, the log number.
    FileNumber,
    /// Rule 5, the identity.
    Identity,
    /// Rule 6.
    RecordHeaderShort,
    /// Rule 7.
    RecordCrc,
    /// Rule 8.
    RecordNumber,
    /// Rule 9.
    Ordinal,
    /// Rule 10.
    Promise,
    /// Rule 11: when it is the only one broken, not damage, but a newer format.
    Kind,
    /// Rule 12, the limit.
    PayloadTooLong,
    /// Rule 12, the file.
    PayloadOutsideFile,
    /// Rule 13.
    PayloadCrc,
    /// Rule 14, the payload.
    EndPayload,
    /// Rule 14, the count.
    EndCount,
}

impl Rule {
    /// Its number in `docs/format/wal.md`.
    pub const fn number(self) -> u8 {
        match self {
            Rule::FileHeaderShort => 1,
            Rule::Magic => 2,
            Rule::FileHeaderCrc => 3,
            Rule::Version => 4,
            Rule::Purpose | Rule::FileNumber | Rule::Identity => 5,
            Rule::RecordHeaderShort => 6,
            Rule::RecordCrc => 7,
            Rule::RecordNumber => 8,
            Rule::Ordinal => 9,
            Rule::Promise => 10,
            Rule::Kind => 11,
            Rule::PayloadTooLong | Rule::PayloadOutsideFile => 12,
            Rule::PayloadCrc => 13,
            Rule::EndPayload | Rule::EndCount => 14,
        }
    }

    /// What is wrong, in words, with the number.
    pub const fn what(self) -> &'static str {
        match self {
            Rule::FileHeaderShort => "the file is shorter than a log's header (wal.md rule 1)",
            Rule::Magic => "the magic of a log is missing (wal.md rule 2)",
            Rule::FileHeaderCrc => "the crc of the file header does not match (wal.md rule 3)",
            Rule::Version => "the version of the log format is unknown (wal.md rule 4)",
            Rule::Purpose => "the log is for another purpose (wal.md rule 5)",
            Rule::FileNumber => "the log has another number (wal.md rule 5)",
            Rule::Identity => "the log belongs to another owner (wal.md rule 5)",
            Rule::RecordHeaderShort => "the file ends inside a record header (wal.md rule 6)",
            Rule::RecordCrc => "the crc of a record header does not match (wal.md rule 7)",
            Rule::RecordNumber => "a record belongs to another log (wal.md rule 8)",
            Rule::Ordinal => "a record is out of order (wal.md rule 9)",
            Rule::Promise => "a record promises what cannot have been synced (wal.md rule 10)",
            Rule::Kind => "the kind of a record is unknown (wal.md rule 11)",
            Rule::PayloadTooLong => "a payload is longer than the limit (wal.md rule 12)",
            Rule::PayloadOutsideFile => "the file ends inside a payload (wal.md rule 12)",
            Rule::PayloadCrc => "the crc of a payload does not match (wal.md rule 13)",
            Rule::EndPayload => "an end record has a payload (wal.md rule 14)",
            Rule::EndCount => "an end record has the wrong count of records (wal.md rule 14)",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what())
    }
}

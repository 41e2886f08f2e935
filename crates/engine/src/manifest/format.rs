//! Layout of a manifest edit. Prose, rules and a worked example: `docs/format/manifest.md`.
//!
//! ```text
//! version u8 | flags u8 | field ...       field: id u8 | length varint | content
//! ```
#![deny(clippy::indexing_slicing)]

use std::fmt;

use siltstone_types::{
    Slice,
    limits::KEY_BYTES_MAX,
    varint::{self, put_u64, take_u64},
};

/// The version this code writes, and the newest one it reads.
pub const VERSION: u8 = 1;
/// The newest version of a database's formats as a whole that this code knows. It opens every older one.
pub const FORMAT_VERSION: u64 = FORMAT_VERSION_OF_EXPIRY;
/// The version that a new database has: it is raised only when something is written that older code does not know.
pub const FORMAT_VERSION_FIRST: u64 = 1;
/// The version from which on there may be entries that expire (kind 7 of `docs/format/batch.md`).
pub const FORMAT_VERSION_OF_EXPIRY: u64 = 2;

const FLAG_SNAPSHOT: u8 = 1;
const FLAGS_MUST_UNDERSTAND: u8 = 0x0f;
const FIELD_IGNORABLE: u8 = 0x80;

/// Ids of the fields. Part of the file format.
mod id {
    pub(super) const FORMAT_VERSION: u8 = 1;
    pub(super) const NEXT_FILE_NUMBER: u8 = 2;
    pub(super) const LAST_SEQUENCE: u8 = 3;
    pub(super) const NEXT_KEYSPACE: u8 = 4;
    pub(super) const NEXT_EPOCH: u8 = 5;
    pub(super) const KEYSPACE_CREATED: u8 = 6;
    pub(super) const KEYSPACE_DROPPED: u8 = 7;
    pub(super) const LOG_CREATED: u8 = 8;
    pub(super) const LOG_REMOVED: u8 = 9;
    pub(super) const LOG_POSITION: u8 = 10;
    pub(super) const TABLE_ADDED: u8 = 11;
    pub(super) const TABLE_REMOVED: u8 = 12;
    pub(super) const LOG_FINISHED: u8 = 13;
}

/// A table as the manifest knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TableRecord {
    /// Level, from 0.
    pub level: u32,
    /// The run within the level.
    pub epoch: u64,
    /// Number in the file's name.
    pub number: u64,
    /// Unique id in the file's footer.
    pub unique_id: [u8; 16],
    /// Length of the file, in bytes.
    pub file_bytes: u64,
    /// CRC-32C of the whole file.
    pub file_crc: u32,
    /// Uncompressed bytes of keys and values.
    pub raw_bytes: u64,
    /// All entries.
    pub entries: u64,
    /// Deletes among them.
    pub tombstones: u64,
    /// First user key.
    pub smallest: Slice,
    /// Last user key.
    pub largest: Slice,
    /// Lowest sequence number.
    pub first_sequence: u64,
    /// Highest sequence number.
    pub last_sequence: u64,
    /// When the table was written, in Unix milliseconds.
    pub created_unix_ms: u64,
    /// When its oldest tombstone was written, in Unix milliseconds; 0 when it holds none.
    pub oldest_tombstone_unix_ms: u64,
}

/// One change of the state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Field {
    /// The version of the database's formats.
    FormatVersion(u64),
    /// Every file number below is taken.
    NextFileNumber(u64),
    /// No higher sequence number is durable outside of the live logs.
    LastSequence(u64),
    /// Every keyspace id below is taken.
    NextKeyspace(u64),
    /// Every run epoch below is taken.
    NextEpoch(u64),
    /// A keyspace.
    KeyspaceCreated {
        /// Its id.
        id: u32,
        /// Its name.
        name: String,
        /// Name of its compaction strategy.
        strategy: String,
    },
    /// A keyspace and all its tables are gone.
    KeyspaceDropped {
        /// Its id.
        id: u32,
    },
    /// A log.
    LogCreated {
        /// Its number.
        number: u64,
    },
    /// A log is not needed any more.
    LogRemoved {
        /// Its number.
        number: u64,
    },
    /// Everything of a keyspace in older logs, and in this one below the offset, is in tables.
    LogPosition {
        /// The keyspace.
        keyspace: u32,
        /// The log.
        log: u64,
        /// Offset within it.
        offset: u64,
    },
    /// A table.
    TableAdded {
        /// Its keyspace.
        keyspace: u32,
        /// The table.
        table: Box<TableRecord>,
    },
    /// A table is not part of the tree any more.
    TableRemoved {
        /// Its keyspace.
        keyspace: u32,
        /// Its number.
        number: u64,
    },
    /// Nothing will be written to a log any more.
    LogFinished {
        /// Its number.
        number: u64,
        /// Its length in bytes.
        bytes: u64,
        /// How it ends.
        ending: LogEnding,
    },
}

/// How a finished log ends. The values are part of the file format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum LogEnding {
    /// With an end record, and synced.
    EndRecord = 1,
    /// It was given up after a failed append: what lies behind its length is never read.
    Cut = 2,
}

/// What one record of a manifest says.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Edit {
    /// True when the fields are the entire state.
    pub snapshot: bool,
    /// The changes, in order.
    pub fields: Vec<Field>,
}

/// The rule of `docs/format/manifest.md` that an edit breaks.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Broken {
    /// Rule 3: version or flags that a later version writes.
    TooNew(String),
    /// Rule 3: no header, or a version that never was.
    Header,
    /// Rule 4 or 11: a field is malformed.
    Field(&'static str),
    /// Rules 2 and 5 to 10: the edit contradicts the state.
    State(String),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::TooNew(what) | Broken::State(what) => f.write_str(what),
            Broken::Header => f.write_str("edit has no valid header (manifest rule 3)"),
            Broken::Field(what) => write!(f, "{what} (manifest rule 4)"),
        }
    }
}

impl From<varint::Broken> for Broken {
    fn from(broken: varint::Broken) -> Broken {
        Broken::Field(broken.what())
    }
}

impl Edit {
    /// The payload of the edit's record.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION, u8::from(self.snapshot)];
        let mut content = Vec::new();
        for field in &self.fields {
            content.clear();
            let id = encode_field(field, &mut content);
            out.push(id);
            put_bytes(&mut out, &content);
        }
        out
    }

    /// Reads a record's payload. Allocates in proportion to the payload's length.
    ///
    /// # Errors
    ///
    /// The first rule it breaks.
    pub fn decode(payload: &[u8]) -> Result<Edit, Broken> {
        let (&[version, flags], mut rest) = payload.split_first_chunk::<2>().ok_or(Broken::Header)?;
        if version == 0 {
            return Err(Broken::Header);
        }
        if version > VERSION {
            return Err(Broken::TooNew(format!("manifest edit of version {version}")));
        }
        if flags & FLAGS_MUST_UNDERSTAND & !FLAG_SNAPSHOT != 0 {
            return Err(Broken::TooNew(format!("manifest edit with flags {flags:#04x}")));
        }
        let mut fields = Vec::new();
        while let Some((&id, tail)) = rest.split_first() {
            let (content, tail) = take_bytes(tail)?;
            rest = tail;
            if let Some(field) = decode_field(id, content)? {
                fields.push(field);
            }
        }
        Ok(Edit { snapshot: flags & FLAG_SNAPSHOT != 0, fields })
    }
}

fn encode_field(field: &Field, out: &mut Vec<u8>) -> u8 {
    match field {
        Field::FormatVersion(number) => put_numbers(out, id::FORMAT_VERSION, &[*number]),
        Field::NextFileNumber(number) => put_numbers(out, id::NEXT_FILE_NUMBER, &[*number]),
        Field::LastSequence(number) => put_numbers(out, id::LAST_SEQUENCE, &[*number]),
        Field::NextKeyspace(number) => put_numbers(out, id::NEXT_KEYSPACE, &[*number]),
        Field::NextEpoch(number) => put_numbers(out, id::NEXT_EPOCH, &[*number]),
        Field::KeyspaceCreated { id: keyspace, name, strategy } => {
            put_u64(out, u64::from(*keyspace));
            put_bytes(out, name.as_bytes());
            put_bytes(out, strategy.as_bytes());
            id::KEYSPACE_CREATED
        }
        Field::KeyspaceDropped { id: keyspace } => {
            put_numbers(out, id::KEYSPACE_DROPPED, &[u64::from(*keyspace)])
        }
        Field::LogCreated { number } => put_numbers(out, id::LOG_CREATED, &[*number]),
        Field::LogRemoved { number } => put_numbers(out, id::LOG_REMOVED, &[*number]),
        Field::LogPosition { keyspace, log, offset } => {
            put_numbers(out, id::LOG_POSITION, &[u64::from(*keyspace), *log, *offset])
        }
        Field::TableAdded { keyspace, table } => {
            encode_table(*keyspace, table, out);
            id::TABLE_ADDED
        }
        Field::TableRemoved { keyspace, number } => {
            put_numbers(out, id::TABLE_REMOVED, &[u64::from(*keyspace), *number])
        }
        Field::LogFinished { number, bytes, ending } => {
            put_numbers(out, id::LOG_FINISHED, &[*number, *bytes, u64::from(*ending as u8)])
        }
    }
}

fn encode_table(keyspace: u32, table: &TableRecord, out: &mut Vec<u8>) {
    for number in [u64::from(keyspace), u64::from(table.level), table.epoch, table.number] {
        put_u64(out, number);
    }
    out.extend_from_slice(&table.unique_id);
    put_u64(out, table.file_bytes);
    out.extend_from_slice(&table.file_crc.to_le_bytes());
    for number in [table.raw_bytes, table.entries, table.tombstones] {
        put_u64(out, number);
    }
    put_bytes(out, &table.smallest);
    put_bytes(out, &table.largest);
    let times = [table.created_unix_ms, table.oldest_tombstone_unix_ms];
    for number in [table.first_sequence, table.last_sequence].into_iter().chain(times) {
        put_u64(out, number);
    }
}

fn put_numbers(out: &mut Vec<u8>, id: u8, numbers: &[u64]) -> u8 {
    for number in numbers {
        put_u64(out, *number);
    }
    id
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u64(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn take_bytes(bytes: &[u8]) -> Result<(&[u8], &[u8]), Broken> {
    let (len, rest) = take_u64(bytes)?;
    let len = usize::try_from(len).map_err(|_| Broken::Field("a length exceeds the edit"))?;
    rest.split_at_checked(len).ok_or(Broken::Field("a length exceeds the edit"))
}

/// Takes values off the front of a field's content.
struct Content<'a>(&'a [u8]);

impl<'a> Content<'a> {
    fn number(&mut self) -> Result<u64, Broken> {
        let (number, rest) = take_u64(self.0)?;
        self.0 = rest;
        Ok(number)
    }

    fn number_u32(&mut self) -> Result<u32, Broken> {
        u32::try_from(self.number()?).map_err(|_| Broken::Field("a number exceeds 32 bits"))
    }

    fn bytes(&mut self) -> Result<&'a [u8], Broken> {
        let (bytes, rest) = take_bytes(self.0)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn text(&mut self) -> Result<String, Broken> {
        let text = std::str::from_utf8(self.bytes()?).map_err(|_| Broken::Field("a name is not UTF-8"))?;
        Ok(text.to_owned())
    }

    fn key(&mut self) -> Result<Slice, Broken> {
        let key = self.bytes()?;
        if key.len() > KEY_BYTES_MAX {
            return Err(Broken::Field("a key is longer than a key may be"));
        }
        Ok(Slice::from(key))
    }

    fn ending(&mut self) -> Result<LogEnding, Broken> {
        match self.number()? {
            1 => Ok(LogEnding::EndRecord),
            2 => Ok(LogEnding::Cut),
            _ => Err(Broken::Field("a log ends in no known way")),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let (array, rest) = self.0.split_first_chunk::<N>().ok_or(Broken::Field("a field is cut short"))?;
        self.0 = rest;
        Ok(*array)
    }
}

/// `None` for an unknown field that may be skipped.
fn decode_field(id: u8, content: &[u8]) -> Result<Option<Field>, Broken> {
    let mut from = Content(content);
    let field = match id {
        id::FORMAT_VERSION => Field::FormatVersion(from.number()?),
        id::NEXT_FILE_NUMBER => Field::NextFileNumber(from.number()?),
        id::LAST_SEQUENCE => Field::LastSequence(from.number()?),
        id::NEXT_KEYSPACE => Field::NextKeyspace(from.number()?),
        id::NEXT_EPOCH => Field::NextEpoch(from.number()?),
        id::KEYSPACE_CREATED => {
            Field::KeyspaceCreated { id: from.number_u32()?, name: from.text()?, strategy: from.text()? }
        }
        id::KEYSPACE_DROPPED => Field::KeyspaceDropped { id: from.number_u32()? },
        id::LOG_CREATED => Field::LogCreated { number: from.number()? },
        id::LOG_REMOVED => Field::LogRemoved { number: from.number()? },
        id::LOG_POSITION => {
            Field::LogPosition { keyspace: from.number_u32()?, log: from.number()?, offset: from.number()? }
        }
        id::TABLE_ADDED => {
            let (keyspace, table) = decode_table(&mut from)?;
            Field::TableAdded { keyspace, table: Box::new(table) }
        }
        id::TABLE_REMOVED => Field::TableRemoved { keyspace: from.number_u32()?, number: from.number()? },
        id::LOG_FINISHED => {
            Field::LogFinished { number: from.number()?, bytes: from.number()?, ending: from.ending()? }
        }
        _ if id & FIELD_IGNORABLE != 0 => return Ok(None),
        _ => return Err(Broken::TooNew(format!("manifest field {id}"))),
    };
    if !from.0.is_empty() {
        return Err(Broken::Field("a field is longer than its content"));
    }
    Ok(Some(field))
}

fn decode_table(from: &mut Content<'_>) -> Result<(u32, TableRecord), Broken> {
    let keyspace = from.number_u32()?;
    // In the order of the format; struct fields are evaluated as written.
    let table = TableRecord {
        level: from.number_u32()?,
        epoch: from.number()?,
        number: from.number()?,
        unique_id: from.array()?,
        file_bytes: from.number()?,
        file_crc: u32::from_le_bytes(from.array()?),
        raw_bytes: from.number()?,
        entries: from.number()?,
        tombstones: from.number()?,
        smallest: from.key()?,
        largest: from.key()?,
        first_sequence: from.number()?,
        last_sequence: from.number()?,
        created_unix_ms: from.number()?,
        oldest_tombstone_unix_ms: from.number()?,
    };
    Ok((keyspace, table))
}

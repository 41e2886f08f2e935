//! Layout of a table file: footer, block trailer, handle. Prose and rules: `docs/format/sstable.md`.
//!
//! Everything here is part of the file format. A field is added or moved by changing its line in `encode` and
//! in `decode`; the sizes asserted below notice when only one of them was changed.
#![deny(clippy::indexing_slicing)]

use siltstone_types::{limits, varint};

use crate::Broken;

/// Bytes of the footer, which ends the file.
pub const FOOTER_BYTES: usize = FOOTER_CRC_AT + 4 + AFTER_CRC_BYTES;
/// Bytes of a block's trailer.
pub const TRAILER_BYTES: usize = TRAILER_CRC_AT + 4;
/// Longest block, stored or raw: a value and a key of full length, and some. Bounds what a damaged length can
/// make a reader allocate.
pub const BLOCK_BYTES_MAX: usize = limits::VALUE_BYTES_MAX + (1 << 20);

const HANDLE_BYTES: usize = 8 + 4;
const FOOTER_CRC_AT: usize = 16 + 3 * HANDLE_BYTES + 8 + 8 + 1 + 1 + 2 + 4;
const AFTER_CRC_BYTES: usize = 4 + 8;
const TRAILER_CRC_AT: usize = 4 + 4;
const _: () = assert!(FOOTER_BYTES == 92 && TRAILER_BYTES == 12, "part of the file format");

const MAGIC: [u8; 8] = *b"SILTSST\n";
const VERSION: u32 = 1;
const BLOCK_FORMAT: u8 = 1;
const INDEX_ONE_BLOCK: u8 = 1;
const FILTER_NONE: u8 = 0;
const FILTER_ONE_BLOCK: u8 = 1;
/// Flags of a trailer that a reader has to know. It knows none.
const TRAILER_FLAGS_STRICT: u8 = 0x0f;

/// Tells a table from every other. Chosen by the writer.
pub type UniqueId = [u8; 16];

/// Where a block is: its offset, and its stored length without the trailer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Handle {
    /// Bytes from the start of the file.
    pub offset: u64,
    /// Stored bytes, without the trailer.
    pub stored_bytes: u32,
}

impl Handle {
    /// The offset behind the block and its trailer; `None` past 64 bits.
    pub fn end(self) -> Option<u64> {
        self.offset.checked_add(u64::from(self.stored_bytes))?.checked_add(TRAILER_BYTES as u64)
    }

    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        varint::put_u64(out, self.offset);
        varint::put_u32(out, self.stored_bytes);
    }

    /// Reads the value of an index entry.
    ///
    /// # Errors
    ///
    /// Rules 15 and 20.
    pub fn decode(value: &[u8]) -> Result<Handle, Broken> {
        let (offset, rest) = varint::take_u64(value)?;
        let (stored_bytes, rest) = varint::take_u32(rest)?;
        if !rest.is_empty() {
            return Err(Broken::Rule(20, "an index value is longer than a handle"));
        }
        Ok(Handle { offset, stored_bytes })
    }
}

/// What a block is for. Part of the file format.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Role {
    /// Entries.
    Data = 1,
    /// Separators and handles of data blocks.
    Index = 2,
    /// A filter under its policy's name.
    Filter = 3,
    /// Properties.
    Properties = 4,
}

/// How a block is compressed. 0 to 2 are built in, 3 to 127 reserved, 128 and above free for users of this
/// crate. Part of the file format.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct CodecId(pub u8);

impl CodecId {
    /// Stored as it is.
    pub const NONE: CodecId = CodecId(0);
    /// The LZ4 block format, without a length in front.
    pub const LZ4: CodecId = CodecId(1);
    /// One Zstandard frame.
    pub const ZSTD: CodecId = CodecId(2);
    /// The first one that is free for users of this crate.
    pub const USER_MIN: CodecId = CodecId(0x80);
}

/// What follows a block's stored bytes, without its crc.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trailer {
    /// How the stored bytes are compressed.
    pub codec: CodecId,
    /// Bytes after decompression.
    pub raw_bytes: u32,
}

impl Trailer {
    /// The trailer of a block that is stored as `stored`.
    pub(crate) fn encode(self, role: Role, place: Place, stored: &[u8]) -> [u8; TRAILER_BYTES] {
        let [r0, r1, r2, r3] = self.raw_bytes.to_le_bytes();
        let fields = [BLOCK_FORMAT, 0, self.codec.0, role as u8, r0, r1, r2, r3];
        let [f0, f1, f2, f3, f4, f5, f6, f7] = fields;
        let [c0, c1, c2, c3] = crc32c::crc32c_append(place.crc(stored), &fields).to_le_bytes();
        [f0, f1, f2, f3, f4, f5, f6, f7, c0, c1, c2, c3]
    }

    /// Checks the trailer at the end of `block`, which is stored bytes and trailer.
    ///
    /// # Errors
    ///
    /// Rules 8 to 10, and of rule 11 what does not depend on the codec.
    pub(crate) fn check(block: &[u8], role: Role, place: Place) -> Result<Trailer, Broken> {
        const SHORT: Broken = Broken::Rule(8, "the block is shorter than its trailer");
        let (covered, crc) = block.split_last_chunk::<4>().ok_or(SHORT)?;
        if place.crc(covered) != u32::from_le_bytes(*crc) {
            return Err(Broken::Rule(9, "the block's crc does not match"));
        }
        let (stored, fields) = covered.split_last_chunk::<TRAILER_CRC_AT>().ok_or(SHORT)?;
        let [format, flags, codec, stored_role, r0, r1, r2, r3] = *fields;
        if format != BLOCK_FORMAT {
            return Err(Broken::TooNew("a block has an unknown format"));
        }
        if flags & TRAILER_FLAGS_STRICT != 0 {
            return Err(Broken::TooNew("a block has an unknown flag"));
        }
        if stored_role != role as u8 {
            return Err(Broken::Rule(10, "the block has another role than expected"));
        }
        let raw_bytes = u32::from_le_bytes([r0, r1, r2, r3]);
        if raw_bytes as usize > BLOCK_BYTES_MAX {
            return Err(Broken::Rule(11, "the block's raw length is above the limit"));
        }
        if codec == CodecId::NONE.0 && raw_bytes as usize != stored.len() {
            return Err(Broken::Rule(11, "the raw length of an uncompressed block is not its stored length"));
        }
        Ok(Trailer { codec: CodecId(codec), raw_bytes })
    }
}

/// What the crc of a block binds it to: the table, and the offset in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    id_crc: u32,
    offset: u64,
}

impl Place {
    /// The place at `offset` of a table. `id_crc` is the result of [`Place::id_crc`], computed once per
    /// table.
    pub(crate) fn new(id_crc: u32, offset: u64) -> Place {
        Place { id_crc, offset }
    }

    pub(crate) fn id_crc(id: &UniqueId) -> u32 {
        crc32c::crc32c(id)
    }

    fn crc(self, stored: &[u8]) -> u32 {
        let crc = crc32c::crc32c_append(self.id_crc, &self.offset.to_le_bytes());
        crc32c::crc32c_append(crc, stored)
    }
}

/// The end of a table file: who it is, and where its parts are. Holding one proves that rules 2 to 5 and 7
/// hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Footer {
    /// Chosen by the writer.
    pub unique_id: UniqueId,
    /// The filter block, if there is one.
    pub filter: Option<Handle>,
    /// The index block.
    pub index: Handle,
    /// The properties block.
    pub properties: Handle,
    /// Length of the file, with the footer.
    pub file_bytes: u64,
    /// Entries in all data blocks.
    pub entries: u64,
}

impl Footer {
    /// The offset behind the last data block.
    pub fn data_end(&self) -> u64 {
        self.filter.unwrap_or(self.index).offset
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.unique_id);
        let none = Handle { offset: 0, stored_bytes: 0 };
        for handle in [self.filter.unwrap_or(none), self.index, self.properties] {
            out.extend_from_slice(&handle.offset.to_le_bytes());
            out.extend_from_slice(&handle.stored_bytes.to_le_bytes());
        }
        out.extend_from_slice(&self.file_bytes.to_le_bytes());
        out.extend_from_slice(&self.entries.to_le_bytes());
        out.push(INDEX_ONE_BLOCK);
        out.push(if self.filter.is_some() { FILTER_ONE_BLOCK } else { FILTER_NONE });
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&VERSION.to_le_bytes());
        let mut after = Vec::with_capacity(AFTER_CRC_BYTES);
        after.extend_from_slice(&[0; 4]);
        after.extend_from_slice(&MAGIC);
        let crc = crc32c::crc32c_append(crc32c::crc32c(out.get(start..).unwrap_or_default()), &after);
        out.extend_from_slice(&crc.to_le_bytes());
        out.extend_from_slice(&after);
    }

    /// Reads the last [`FOOTER_BYTES`] bytes of a file of `file_bytes`.
    ///
    /// # Errors
    ///
    /// Rules 1 to 5 and 7.
    pub fn decode(bytes: &[u8; FOOTER_BYTES], file_bytes: u64) -> Result<Footer, Broken> {
        Footer::checked(bytes)?;
        let mut rest = bytes.as_slice();
        let unique_id = take::<16>(&mut rest)?;
        let filter = take_handle(&mut rest)?;
        let index = take_handle(&mut rest)?;
        let properties = take_handle(&mut rest)?;
        let stated_bytes = take_u64(&mut rest)?;
        let entries = take_u64(&mut rest)?;
        let [index_kind, filter_kind, flags_strict, _flags_ignored] = take::<4>(&mut rest)?;
        match u32::from_le_bytes(take(&mut rest)?) {
            0 => return Err(Broken::Rule(3, "the table has version 0")),
            VERSION => {}
            _ => return Err(Broken::TooNew("the table has an unknown version")),
        }
        if flags_strict != 0 {
            return Err(Broken::TooNew("the table has an unknown flag"));
        }
        if stated_bytes != file_bytes {
            return Err(Broken::Rule(4, "the file does not have the length that its footer states"));
        }
        if index_kind != INDEX_ONE_BLOCK {
            return Err(Broken::TooNew("the table has an unknown kind of index"));
        }
        let filter = match (filter_kind, filter) {
            (FILTER_NONE, Handle { offset: 0, stored_bytes: 0 }) => None,
            (FILTER_NONE, _) => return Err(Broken::Rule(5, "there is a filter where the footer says none")),
            (FILTER_ONE_BLOCK, handle) => Some(handle),
            _ => return Err(Broken::TooNew("the table has an unknown kind of filter")),
        };
        let footer = Footer { unique_id, filter, index, properties, file_bytes, entries };
        footer.check_tiling()?;
        Ok(footer)
    }

    /// Rules 1 and 2: whether these bytes are a footer at all, and whole.
    fn checked(bytes: &[u8; FOOTER_BYTES]) -> Result<(), Broken> {
        let (before, rest) = bytes.split_at(FOOTER_CRC_AT);
        let (crc, after) = rest.split_first_chunk::<4>().ok_or(SHORT_FOOTER)?;
        if !after.ends_with(&MAGIC) {
            return Err(Broken::Rule(1, "the file does not end as a table does"));
        }
        if crc32c::crc32c_append(crc32c::crc32c(before), after) != u32::from_le_bytes(*crc) {
            return Err(Broken::Rule(2, "the footer's crc does not match"));
        }
        Ok(())
    }

    /// Rule 7.
    fn check_tiling(&self) -> Result<(), Broken> {
        const GAP: Broken =
            Broken::Rule(7, "filter, index, properties and footer do not tile the end of the file");
        let mut end = self.data_end();
        for part in [self.filter, Some(self.index), Some(self.properties)].into_iter().flatten() {
            if part.offset != end {
                return Err(GAP);
            }
            end = part.end().ok_or(GAP)?;
        }
        if end.checked_add(FOOTER_BYTES as u64) == Some(self.file_bytes) { Ok(()) } else { Err(GAP) }
    }
}

const SHORT_FOOTER: Broken = Broken::Rule(1, "the file is shorter than a footer");

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], Broken> {
    let (head, tail) = bytes.split_first_chunk::<N>().ok_or(SHORT_FOOTER)?;
    *bytes = tail;
    Ok(*head)
}

fn take_u64(bytes: &mut &[u8]) -> Result<u64, Broken> {
    Ok(u64::from_le_bytes(take(bytes)?))
}

fn take_handle(bytes: &mut &[u8]) -> Result<Handle, Broken> {
    let offset = take_u64(bytes)?;
    let stored_bytes = u32::from_le_bytes(take(bytes)?);
    Ok(Handle { offset, stored_bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_value_is_one_handle_and_nothing_else() {
        let handle = Handle { offset: 300, stored_bytes: 200 };
        let mut value = Vec::new();
        handle.encode(&mut value);
        assert_eq!(Handle::decode(&value), Ok(handle));
        assert!(matches!(Handle::decode(&value[..3]), Err(Broken::Rule(15, _))));
        value.push(0);
        assert!(matches!(Handle::decode(&value), Err(Broken::Rule(20, _))));
        let end = Handle { offset: u64::MAX - 211, stored_bytes: 200 }.end();
        assert_eq!(end, None);
    }

    #[test]
    fn every_place_has_a_crc_of_its_own() {
        let id_crc = Place::id_crc(b"0123456789abcdef");
        let whole = [b"0123456789abcdef".as_slice(), &7_u64.to_le_bytes(), b"stored"].concat();
        assert_eq!(Place::new(id_crc, 7).crc(b"stored"), crc32c::crc32c(&whole));
    }
}

//! What a table says about itself.
#![deny(clippy::indexing_slicing)]

use siltstone_types::{Expiring, InternalKey, Kind, SequenceNumber, Slice, limits::KEY_BYTES_MAX, varint};

use crate::Broken;

/// Figures of a table, stored in it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Properties {
    /// Entries, of all kinds.
    pub entries: u64,
    /// Deletes among them.
    pub tombstones: u64,
    /// Bytes of the user keys, summed over entries.
    pub raw_key_bytes: u64,
    /// Bytes of the values, summed over entries.
    pub raw_value_bytes: u64,
    /// Data blocks.
    pub data_blocks: u64,
    /// The first user key.
    pub smallest: Slice,
    /// The last user key.
    pub largest: Slice,
    /// The lowest sequence number.
    pub first_sequence: SequenceNumber,
    /// The highest sequence number.
    pub last_sequence: SequenceNumber,
    /// When the table was written, in Unix milliseconds; 0 when it does not say.
    pub created_unix_ms: u64,
    /// When its oldest tombstone was written, in Unix milliseconds; 0 without tombstones.
    pub oldest_tombstone_unix_ms: u64,
    /// The keyspace it was written for.
    pub keyspace: u32,
    /// The level it was written for.
    pub level: u32,
    /// Program and version that wrote it.
    pub writer: String,
    /// The identity of the database it was written for; zeros when it does not say.
    pub database: [u8; 16],
    /// Puts among the entries that expire.
    pub expiring: u64,
    /// When the first of them expires, in Unix milliseconds; 0 without any.
    pub first_expiry_unix_ms: u64,
    /// When the last of them expires, in Unix milliseconds; 0 without any.
    pub last_expiry_unix_ms: u64,
}

/// Bit of an id that a reader may skip.
const SKIPPABLE: u8 = 0x80;

// Part of the file format.
const ENTRIES: u8 = 1;
const TOMBSTONES: u8 = 2;
const RAW_KEY_BYTES: u8 = 3;
const RAW_VALUE_BYTES: u8 = 4;
const DATA_BLOCKS: u8 = 5;
const SMALLEST: u8 = 6;
const LARGEST: u8 = 7;
const FIRST_SEQUENCE: u8 = 8;
const LAST_SEQUENCE: u8 = 9;
const CREATED: u8 = 0x8a;
const OLDEST_TOMBSTONE: u8 = 0x8b;
const KEYSPACE: u8 = 0x8c;
const LEVEL: u8 = 0x8d;
const WRITER: u8 = 0x8e;
const DATABASE: u8 = 0x8f;
const EXPIRING: u8 = 0x90;
const FIRST_EXPIRY: u8 = 0x91;
const LAST_EXPIRY: u8 = 0x92;
/// Ids up to here are always there.
const REQUIRED_MAX: u8 = LAST_SEQUENCE;

impl Properties {
    /// The properties of no entries, for [`Properties::count`]. They are no table's.
    pub(crate) fn uncounted() -> Properties {
        Properties { first_sequence: SequenceNumber::MAX, ..Properties::default() }
    }

    /// Counts an entry behind those counted so far. The largest key and the blocks are the caller's business.
    pub(crate) fn count(&mut self, key: InternalKey<'_>, value: &[u8]) {
        if self.entries == 0 {
            self.smallest = Slice::from(key.user_key);
        }
        self.entries += 1;
        self.tombstones += u64::from(key.kind() == Some(Kind::Delete));
        self.raw_key_bytes += key.user_key.len() as u64;
        self.raw_value_bytes += value.len() as u64;
        self.first_sequence = self.first_sequence.min(key.sequence());
        self.last_sequence = self.last_sequence.max(key.sequence());
        if key.kind() == Some(Kind::ExpiringPut) {
            // Rule 18 holds for every entry that is counted.
            let expires_at = Expiring::decode(value).map_or(0, |expiring| expiring.expires_at_unix_ms);
            let earlier = if self.expiring == 0 { u64::MAX } else { self.first_expiry_unix_ms };
            self.first_expiry_unix_ms = earlier.min(expires_at);
            self.last_expiry_unix_ms = self.last_expiry_unix_ms.max(expires_at);
            self.expiring += 1;
        }
    }

    /// The properties that the data decides (rule 23), without the rest.
    pub(crate) fn of_data(&self) -> Properties {
        Properties {
            created_unix_ms: 0,
            oldest_tombstone_unix_ms: 0,
            keyspace: 0,
            level: 0,
            writer: String::new(),
            database: [0; 16],
            ..self.clone()
        }
    }

    /// Appends the raw bytes of a properties block.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_number(out, ENTRIES, self.entries);
        put_number(out, TOMBSTONES, self.tombstones);
        put_number(out, RAW_KEY_BYTES, self.raw_key_bytes);
        put_number(out, RAW_VALUE_BYTES, self.raw_value_bytes);
        put_number(out, DATA_BLOCKS, self.data_blocks);
        put_bytes(out, SMALLEST, &self.smallest);
        put_bytes(out, LARGEST, &self.largest);
        put_number(out, FIRST_SEQUENCE, self.first_sequence.get());
        put_number(out, LAST_SEQUENCE, self.last_sequence.get());
        put_number(out, CREATED, self.created_unix_ms);
        put_number(out, OLDEST_TOMBSTONE, self.oldest_tombstone_unix_ms);
        put_number(out, KEYSPACE, u64::from(self.keyspace));
        put_number(out, LEVEL, u64::from(self.level));
        put_bytes(out, WRITER, self.writer.as_bytes());
        put_bytes(out, DATABASE, &self.database);
        if self.expiring > 0 {
            put_number(out, EXPIRING, self.expiring);
            put_number(out, FIRST_EXPIRY, self.first_expiry_unix_ms);
            put_number(out, LAST_EXPIRY, self.last_expiry_unix_ms);
        }
    }

    /// Reads the raw bytes of a properties block.
    ///
    /// # Errors
    ///
    /// Rule 22.
    pub fn decode(raw: &[u8]) -> Result<Properties, Broken> {
        let mut properties = Properties::default();
        let (mut last_id, mut required) = (0, 0);
        let mut rest = raw;
        while let Some((&id, tail)) = rest.split_first() {
            if id <= last_id {
                return Err(Broken::Rule(22, "property ids do not ascend from 1"));
            }
            let (field, tail) = take_field(tail)?;
            properties.set(id, field)?;
            required += u8::from(id <= REQUIRED_MAX);
            (last_id, rest) = (id, tail);
        }
        if required < REQUIRED_MAX {
            return Err(Broken::Rule(22, "a required property is missing"));
        }
        Ok(properties)
    }

    fn set(&mut self, id: u8, field: &[u8]) -> Result<(), Broken> {
        match id {
            ENTRIES => self.entries = number(field)?,
            TOMBSTONES => self.tombstones = number(field)?,
            RAW_KEY_BYTES => self.raw_key_bytes = number(field)?,
            RAW_VALUE_BYTES => self.raw_value_bytes = number(field)?,
            DATA_BLOCKS => self.data_blocks = number(field)?,
            SMALLEST => self.smallest = user_key(field)?,
            LARGEST => self.largest = user_key(field)?,
            FIRST_SEQUENCE => self.first_sequence = sequence(field)?,
            LAST_SEQUENCE => self.last_sequence = sequence(field)?,
            CREATED => self.created_unix_ms = number(field)?,
            OLDEST_TOMBSTONE => self.oldest_tombstone_unix_ms = number(field)?,
            KEYSPACE => self.keyspace = small_number(field)?,
            LEVEL => self.level = small_number(field)?,
            WRITER => {
                let text = std::str::from_utf8(field).map_err(|_| Broken::Rule(22, "a text is not UTF-8"))?;
                text.clone_into(&mut self.writer);
            }
            DATABASE => {
                self.database =
                    *field.as_array().ok_or(Broken::Rule(22, "an identity does not have 16 bytes"))?;
            }
            EXPIRING => self.expiring = number(field)?,
            FIRST_EXPIRY => self.first_expiry_unix_ms = number(field)?,
            LAST_EXPIRY => self.last_expiry_unix_ms = number(field)?,
            unknown if unknown & SKIPPABLE == 0 => {
                return Err(Broken::TooNew("the table has an unknown property"));
            }
            _ => {}
        }
        Ok(())
    }
}

fn put_number(out: &mut Vec<u8>, id: u8, value: u64) {
    out.push(id);
    varint::put_u64(out, varint::len_u64(value) as u64);
    varint::put_u64(out, value);
}

fn put_bytes(out: &mut Vec<u8>, id: u8, bytes: &[u8]) {
    out.push(id);
    varint::put_u64(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn take_field(bytes: &[u8]) -> Result<(&[u8], &[u8]), Broken> {
    let (len, rest) = varint::take_u32(bytes).map_err(|broken| Broken::Rule(22, broken.what()))?;
    rest.split_at_checked(len as usize).ok_or(Broken::Rule(22, "a property does not lie within the block"))
}

fn number(field: &[u8]) -> Result<u64, Broken> {
    match varint::take_u64(field) {
        Ok((number, [])) => Ok(number),
        Ok(_) => Err(Broken::Rule(22, "a number does not fill its property")),
        Err(broken) => Err(Broken::Rule(22, broken.what())),
    }
}

fn small_number(field: &[u8]) -> Result<u32, Broken> {
    u32::try_from(number(field)?).map_err(|_| Broken::Rule(22, "a number is too large for its property"))
}

fn sequence(field: &[u8]) -> Result<SequenceNumber, Broken> {
    SequenceNumber::new(number(field)?).ok_or(Broken::Rule(22, "a sequence number is above the limit"))
}

fn user_key(field: &[u8]) -> Result<Slice, Broken> {
    if field.len() > KEY_BYTES_MAX {
        return Err(Broken::Rule(22, "a key is longer than the limit"));
    }
    Ok(Slice::from(field))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded() -> Vec<u8> {
        let properties =
            Properties { smallest: Slice::from("a"), largest: Slice::from("z"), ..Properties::default() };
        let mut raw = Vec::new();
        properties.encode(&mut raw);
        assert_eq!(Properties::decode(&raw), Ok(properties));
        raw
    }

    #[test]
    fn unknown_properties_are_skipped_unless_they_must_be_understood() {
        let mut raw = encoded();
        put_bytes(&mut raw, 0xff, b"from the future");
        assert!(Properties::decode(&raw).is_ok());
        let created_at = raw.iter().position(|&byte| byte == CREATED).unwrap();
        raw.splice(created_at..created_at, [REQUIRED_MAX + 1, 0]);
        assert!(matches!(Properties::decode(&raw), Err(Broken::TooNew(_))));
    }

    #[test]
    fn every_required_property_is_missed() {
        let raw = encoded();
        let mut rest = raw.as_slice();
        while let Some((&id, tail)) = rest.split_first() {
            let (_, tail) = take_field(tail).unwrap();
            let before = raw.len() - rest.len();
            let without = [&raw[..before], tail].concat();
            assert_eq!(Properties::decode(&without).is_err(), id <= REQUIRED_MAX, "id {id}");
            rest = tail;
        }
    }

    #[test]
    fn properties_cut_short_are_refused() {
        let raw = encoded();
        // Behind the required ones a cut between two properties leaves a valid block.
        let whole = (0..raw.len()).filter(|&len| Properties::decode(&raw[..len]).is_ok()).count();
        assert_eq!(whole, usize::from(DATABASE - CREATED + 1));
    }

    #[test]
    fn times_of_expiry_are_stored_only_where_something_expires() {
        let mut properties = Properties::uncounted();
        let count = |properties: &mut Properties, kind, value: &[u8]| {
            properties.count(InternalKey::new(b"k", SequenceNumber::ZERO, kind), value);
        };
        count(&mut properties, Kind::Put, b"\x05v");
        let mut raw = Vec::new();
        properties.encode(&mut raw);
        let found = [EXPIRING, FIRST_EXPIRY, LAST_EXPIRY].map(|id| has(&raw, id));
        assert_eq!((properties.expiring, found), (0, [false; 3]));
        for value in [&b"\x07v"[..], b"\x05", b"\x06"] {
            count(&mut properties, Kind::ExpiringPut, value);
        }
        let of_expiry = |properties: &Properties| {
            (properties.expiring, properties.first_expiry_unix_ms, properties.last_expiry_unix_ms)
        };
        assert_eq!(of_expiry(&properties), (3, 5, 7));
        raw.clear();
        properties.encode(&mut raw);
        assert_eq!(Properties::decode(&raw).as_ref().map(of_expiry), Ok((3, 5, 7)));
    }

    fn has(raw: &[u8], id: u8) -> bool {
        let mut rest = raw;
        while let Some((&found, tail)) = rest.split_first() {
            if found == id {
                return true;
            }
            (_, rest) = take_field(tail).unwrap();
        }
        false
    }
}

//! Write batches: what a user collects, in the very bytes that are logged.

mod expiring;
pub mod format;
#[cfg(test)]
mod tests;

use siltstone_types::{
    Expiring, Kind,
    limits::{BATCH_BYTES_MAX, check_key, check_value_bytes},
};

use crate::{Error, Keyspace, Result, batch::format::BatchEntry, keyspace::KeyspaceId};

/// More than any entry's kind, keyspace and lengths take.
const FRAME_BYTES: usize = 16;

/// Writes that become visible, and durable, all together or not at all.
///
/// A batch holds the encoding that goes into the log (`docs/format/batch.md`), so committing it copies nothing. An entry that exceeds a
/// limit is remembered and makes the write fail before anything is logged.
#[derive(Clone, Debug)]
pub struct WriteBatch {
    bytes: Vec<u8>,
    count: u32,
    // Keys and values, without what encoding them adds.
    user_bytes: u64,
    // Those that have entries, each once.
    keyspaces: Vec<KeyspaceId>,
    // Whether one of the entries expires.
    is_expiring: bool,
    // Numbers of the entries whose time counts from when they are written, ascending.
    with_ttl: Vec<u32>,
    // The first thing that was wrong; `put` and `delete` return `self`, so it surfaces when the batch is written.
    invalid: Option<String>,
}

impl Default for WriteBatch {
    fn default() -> WriteBatch {
        WriteBatch::new()
    }
}

impl WriteBatch {
    /// An empty batch.
    pub fn new() -> WriteBatch {
        WriteBatch::for_entry(0)
    }

    /// An empty batch with room for one entry that has so many bytes of key and value. A long one makes its room when it comes, once it was checked.
    pub(crate) fn for_entry(user_bytes: usize) -> WriteBatch {
        const ROOM_BYTES_MAX: usize = 4 << 10;
        let room = format::HEADER_BYTES + user_bytes.saturating_add(FRAME_BYTES).min(ROOM_BYTES_MAX);
        let mut bytes = Vec::with_capacity(room);
        format::start(&mut bytes);
        WriteBatch {
            bytes,
            count: 0,
            user_bytes: 0,
            keyspaces: Vec::new(),
            is_expiring: false,
            with_ttl: Vec::new(),
            invalid: None,
        }
    }

    /// Sets a key to a value in the default keyspace.
    pub fn put(&mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> &mut WriteBatch {
        let (key, value) = (key.as_ref(), value.as_ref());
        self.push(&BatchEntry { keyspace: KeyspaceId::DEFAULT.0, kind: Kind::Put, key, value })
    }

    /// Deletes a key of the default keyspace, whether it exists or not.
    pub fn delete(&mut self, key: impl AsRef<[u8]>) -> &mut WriteBatch {
        let key = key.as_ref();
        self.push(&BatchEntry { keyspace: KeyspaceId::DEFAULT.0, kind: Kind::Delete, key, value: &[] })
    }

    /// Sets a key of a keyspace to a value.
    pub fn put_in(
        &mut self,
        keyspace: &Keyspace,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> &mut WriteBatch {
        let (key, value) = (key.as_ref(), value.as_ref());
        self.push(&BatchEntry { keyspace: keyspace.id().0, kind: Kind::Put, key, value })
    }

    /// Deletes a key of a keyspace, whether it exists or not.
    pub fn delete_in(&mut self, keyspace: &Keyspace, key: impl AsRef<[u8]>) -> &mut WriteBatch {
        let key = key.as_ref();
        self.push(&BatchEntry { keyspace: keyspace.id().0, kind: Kind::Delete, key, value: &[] })
    }

    /// Number of entries.
    pub const fn len(&self) -> u32 {
        self.count
    }

    /// True for a batch without entries; writing one does nothing.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Length of the encoding, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Forgets the entries and keeps the memory.
    pub fn clear(&mut self) {
        format::start(&mut self.bytes);
        self.count = 0;
        self.user_bytes = 0;
        self.keyspaces.clear();
        self.is_expiring = false;
        self.with_ttl.clear();
        self.invalid = None;
    }

    /// Whether every entry is within its limits.
    pub(crate) fn validate(&self) -> Result<()> {
        self.invalid.as_ref().map_or(Ok(()), |what| Err(Error::invalid_argument(what.clone())))
    }

    /// The encoding.
    #[cfg(test)]
    pub(crate) fn payload(&self) -> Result<&[u8]> {
        self.validate().map(|()| self.bytes.as_slice())
    }

    /// Bytes of keys and values.
    pub(crate) const fn user_bytes(&self) -> u64 {
        self.user_bytes
    }

    /// Those that have entries, each once.
    pub(crate) fn keyspaces(&self) -> &[KeyspaceId] {
        &self.keyspaces
    }

    /// Lends out the encoding, so that another thread can log it, and the keyspaces that have entries.
    pub(crate) fn take(&mut self) -> (Vec<u8>, Vec<KeyspaceId>) {
        (std::mem::take(&mut self.bytes), std::mem::take(&mut self.keyspaces))
    }

    /// Takes back what was lent.
    pub(crate) fn give_back(&mut self, (bytes, keyspaces): (Vec<u8>, Vec<KeyspaceId>)) {
        (self.bytes, self.keyspaces) = (bytes, keyspaces);
    }

    fn push(&mut self, entry: &BatchEntry<'_>) -> &mut WriteBatch {
        if self.invalid.is_none() {
            match self.check(entry) {
                Ok(count) => {
                    format::put_entry(&mut self.bytes, entry);
                    format::set_count(&mut self.bytes, count);
                    self.count = count;
                    let time_bytes = match entry.kind {
                        Kind::ExpiringPut => {
                            self.is_expiring = true;
                            Expiring::decode(entry.value).map_or(0, |expiring| expiring.time_bytes())
                        }
                        _ => 0,
                    };
                    self.user_bytes += (entry.key.len() + entry.value.len() - time_bytes) as u64;
                    let id = KeyspaceId(entry.keyspace);
                    if !self.keyspaces.contains(&id) {
                        self.keyspaces.push(id);
                    }
                }
                Err(what) => self.invalid = Some(what),
            }
        }
        self
    }

    /// The count with this entry, or what is wrong with the entry.
    fn check(&self, entry: &BatchEntry<'_>) -> std::result::Result<u32, String> {
        check_key(entry.key).map_err(|error| error.to_string())?;
        check_value_bytes(entry.value.len()).map_err(|error| error.to_string())?;
        let bytes = self.bytes.len() + entry.key.len() + entry.value.len() + FRAME_BYTES;
        if bytes > BATCH_BYTES_MAX {
            return Err(format!("the batch has {bytes} bytes, the limit is {BATCH_BYTES_MAX}; split it"));
        }
        self.count.checked_add(1).ok_or_else(|| "the batch has too many entries; split it".to_owned())
    }
}

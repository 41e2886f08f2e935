//! Entries of a batch that expire, and how a time to live becomes a time of expiry.

use std::time::Duration;

use siltstone_types::{Expiring, Kind, SequenceNumber};

use crate::{
    Error, Keyspace, Result, WriteBatch,
    batch::format::{Batch, BatchEntry},
    keyspace::KeyspaceId,
};

impl WriteBatch {
    /// Sets a key of the default keyspace to a value until a moment, in Unix milliseconds: from then on the key is as if it had been deleted.
    ///
    /// The moment may have passed; `u64::MAX` never comes, also where the keyspace has a time to live. The value may be up to ten bytes shorter than 1 GiB.
    pub fn put_expiring(
        &mut self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        expires_at_unix_ms: u64,
    ) -> &mut WriteBatch {
        self.push_expiring(KeyspaceId::DEFAULT, key.as_ref(), value.as_ref(), expires_at_unix_ms)
    }

    /// Sets a key of a keyspace to a value until a moment, as [`WriteBatch::put_expiring`].
    pub fn put_expiring_in(
        &mut self,
        keyspace: &Keyspace,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        expires_at_unix_ms: u64,
    ) -> &mut WriteBatch {
        self.push_expiring(keyspace.id(), key.as_ref(), value.as_ref(), expires_at_unix_ms)
    }

    /// Sets a key of the default keyspace to a value that expires so long after the batch is written, rounded up to milliseconds. Until then the batch has no
    /// moment, so it may be collected slowly, and be written again after a failure.
    pub fn put_with_ttl(
        &mut self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        ttl: Duration,
    ) -> &mut WriteBatch {
        self.push_with_ttl(KeyspaceId::DEFAULT, key.as_ref(), value.as_ref(), ttl)
    }

    /// Sets a key of a keyspace to a value that expires so long after the batch is written, as [`WriteBatch::put_with_ttl`].
    pub fn put_with_ttl_in(
        &mut self,
        keyspace: &Keyspace,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        ttl: Duration,
    ) -> &mut WriteBatch {
        self.push_with_ttl(keyspace.id(), key.as_ref(), value.as_ref(), ttl)
    }

    /// Whether the database needs the format version of entries that expire.
    pub(crate) const fn is_expiring(&self) -> bool {
        self.is_expiring
    }

    /// Whether an entry has a time to live in the place of its time of expiry.
    pub(crate) const fn has_ttl(&self) -> bool {
        !self.with_ttl.is_empty()
    }

    /// The batch as it is logged when it is written at a time. Puts that say nothing themselves get the time to live of their keyspace, 0 for none.
    pub(crate) fn stamped(&self, now_unix_ms: u64, ttl_ms: impl Fn(KeyspaceId) -> u64) -> Result<WriteBatch> {
        let batch = Batch::decode(&self.bytes, SequenceNumber::ZERO)
            .map_err(|broken| Error::invalid_argument(broken.to_string()))?;
        let (mut stamped, mut with_ttl) = (WriteBatch::new(), self.with_ttl.iter().copied().peekable());
        for (number, (_, entry)) in (0_u32..).zip(batch.entries()) {
            let keyspace = KeyspaceId(entry.keyspace);
            let of_keyspace = ttl_ms(keyspace);
            match (entry.kind, Expiring::decode(entry.value)) {
                (Kind::ExpiringPut, Ok(expiring)) if with_ttl.next_if_eq(&number).is_some() => {
                    let expires_at = now_unix_ms.saturating_add(expiring.expires_at_unix_ms);
                    stamped.push_expiring(keyspace, entry.key, expiring.value, expires_at);
                }
                (Kind::Put, _) if of_keyspace > 0 => {
                    let expires_at = now_unix_ms.saturating_add(of_keyspace);
                    stamped.push_expiring(keyspace, entry.key, entry.value, expires_at);
                }
                _ => {
                    stamped.push(&entry);
                }
            }
        }
        // With its times it may have become too long.
        stamped.validate()?;
        Ok(stamped)
    }

    fn push_with_ttl(
        &mut self,
        keyspace: KeyspaceId,
        key: &[u8],
        value: &[u8],
        ttl: Duration,
    ) -> &mut WriteBatch {
        let ttl_ms = u64::try_from(ttl.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        let number = self.count;
        self.push_expiring(keyspace, key, value, ttl_ms);
        if self.count > number {
            self.with_ttl.push(number);
        }
        self
    }

    fn push_expiring(
        &mut self,
        keyspace: KeyspaceId,
        key: &[u8],
        value: &[u8],
        expires_at_unix_ms: u64,
    ) -> &mut WriteBatch {
        let expiring = Expiring { expires_at_unix_ms, value };
        let mut stored = Vec::with_capacity(expiring.encoded_bytes());
        expiring.encode(&mut stored);
        self.push(&BatchEntry { keyspace: keyspace.0, kind: Kind::ExpiringPut, key, value: &stored })
    }
}

//! Writes the raw bytes of a block.

use siltstone_types::InternalKey;

use super::{common_bytes, format};

/// Collects entries in order. Reused from block to block.
#[derive(Debug)]
pub(crate) struct BlockBuilder {
    bytes: Vec<u8>,
    restarts: Vec<u32>,
    restart_interval: usize,
    since_restart: usize,
    last_user_key: Vec<u8>,
}

impl BlockBuilder {
    pub(crate) fn new(restart_interval: usize) -> BlockBuilder {
        BlockBuilder {
            bytes: Vec::new(),
            restarts: Vec::new(),
            restart_interval,
            since_restart: 0,
            last_user_key: Vec::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.restarts.is_empty()
    }

    /// Raw bytes, if the block were finished now.
    pub(crate) fn raw_bytes(&self) -> usize {
        self.bytes.len() + (self.restarts.len() + 1) * 4
    }

    /// Adds an entry behind those that are there. Blocks stay below 4 GiB, which the caller sees to.
    pub(crate) fn add(&mut self, key: InternalKey<'_>, value: &[u8]) {
        let shared = if self.is_empty() || self.since_restart == self.restart_interval {
            self.restarts.push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
            self.since_restart = 0;
            0
        } else {
            common_bytes(&self.last_user_key, key.user_key)
        };
        self.since_restart += 1;
        let unshared = key.user_key.get(shared..).unwrap_or_default();
        format::put_entry(&mut self.bytes, shared, unshared, key.tag, value);
        self.last_user_key.truncate(shared);
        self.last_user_key.extend_from_slice(unshared);
    }

    /// The finished block. [`BlockBuilder::clear`] starts the next.
    pub(crate) fn finish(&mut self) -> &[u8] {
        for restart in &self.restarts {
            self.bytes.extend_from_slice(&restart.to_le_bytes());
        }
        let count = u32::try_from(self.restarts.len()).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(&count.to_le_bytes());
        &self.bytes
    }

    /// Forgets all entries, and keeps the memory, unless one huge value was the reason for it.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(crate::BLOCK_BYTES_TARGET_MAX);
        self.restarts.clear();
        self.since_restart = 0;
        self.last_user_key.clear();
    }
}

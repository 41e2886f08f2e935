//! One change of one key, as a line of the shell or of a batch asks for it.

use std::borrow::Cow;

use siltstone::{Keyspace, WriteBatch};
use siltstone_types::{
    Result,
    limits::{check_key, check_value_bytes},
};

/// More than what an entry adds to a batch beside its key and value, in bytes.
const ENTRY_FRAME_BYTES: usize = 16;

/// A put or a delete.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Write<'a> {
    Put(Cow<'a, [u8]>, Cow<'a, [u8]>),
    Delete(Cow<'a, [u8]>),
}

impl Write<'_> {
    /// A batch would refuse it too, but only when it is written.
    ///
    /// # Errors
    ///
    /// What is too long.
    pub(crate) fn check(&self) -> Result<()> {
        match self {
            Write::Put(key, value) => {
                check_key(key)?;
                check_value_bytes(value.len())
            }
            Write::Delete(key) => check_key(key),
        }
    }

    /// What it adds to a batch, in bytes, at most.
    pub(crate) fn bytes_max(&self) -> usize {
        match self {
            Write::Put(key, value) => key.len() + value.len() + ENTRY_FRAME_BYTES,
            Write::Delete(key) => key.len() + ENTRY_FRAME_BYTES,
        }
    }

    /// Adds it to a batch that has passed its checks.
    pub(crate) fn add_to(&self, batch: &mut WriteBatch, keyspace: &Keyspace) {
        match self {
            Write::Put(key, value) => batch.put_in(keyspace, key, value),
            Write::Delete(key) => batch.delete_in(keyspace, key),
        };
    }
}

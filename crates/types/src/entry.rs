//! What is written, and what a lookup finds.

use crate::{InternalKey, Slice};

/// An entry as it is handed to a memtable or a table writer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry<'a> {
    /// Where it sorts.
    pub key: InternalKey<'a>,
    /// Its value; empty for kinds without one.
    pub value: &'a [u8],
}

/// The answer of a part of the tree that knows the key. No answer (`None` around it) sends the search on to older data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Lookup {
    /// The key has this value.
    Value(Slice),
    /// The key is deleted: older data must not be asked.
    Tombstone,
}

impl Lookup {
    /// The value, if there is one.
    pub fn into_value(self) -> Option<Slice> {
        match self {
            Lookup::Value(value) => Some(value),
            Lookup::Tombstone => None,
        }
    }
}

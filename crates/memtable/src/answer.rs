//! From a stored entry to the answer of a lookup.

use siltstone_types::{Kind, Lookup, Slice, Tag};

/// Values up to here are copied out: sharing one would make every reader write the same count.
const COPIED_BYTES_MAX: usize = 4096;

/// What an entry says about its key.
pub(crate) fn answer(tag: Tag, value: &Slice) -> Lookup {
    match tag.kind() {
        Some(Kind::Delete) => Lookup::Tombstone,
        _ if value.len() <= COPIED_BYTES_MAX => Lookup::Value(value.detach()),
        _ => Lookup::Value(value.clone()),
    }
}

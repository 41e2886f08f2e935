//! From a stored entry to the answer of a lookup.

use siltstone_types::{Expiring, Kind, Lookup, Slice, Tag};

/// What an entry says about its key, given a value that does not pin the table.
pub(crate) fn answer(tag: Tag, value: impl FnOnce() -> Slice) -> Lookup {
    match tag.kind() {
        Some(Kind::Delete) => Lookup::Tombstone,
        Some(Kind::ExpiringPut) => {
            let value = value();
            match Expiring::decode(&value) {
                Ok(expiring) => Lookup::Expiring {
                    expires_at_unix_ms: expiring.expires_at_unix_ms,
                    value: value.slice(expiring.time_bytes()..),
                },
                // Checked above, as lengths are. What has no time cannot be shown to anyone.
                Err(_) => Lookup::Tombstone,
            }
        }
        _ => Lookup::Value(value()),
    }
}

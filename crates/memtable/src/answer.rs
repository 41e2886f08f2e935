//! From a stored entry to the answer of a lookup.

use siltstone_types::{Expiring, Kind, Lookup, Slice, Tag};

/// Values up to here are copied out: sharing one would make every reader write the same count.
const COPIED_BYTES_MAX: usize = 4096;

/// What an entry says about its key.
pub(crate) fn answer(tag: Tag, value: &Slice) -> Lookup {
    match tag.kind() {
        Some(Kind::Delete) => Lookup::Tombstone,
        Some(Kind::ExpiringPut) => match Expiring::decode(value) {
            Ok(Expiring { expires_at_unix_ms, value: lent }) if lent.len() <= COPIED_BYTES_MAX => {
                Lookup::Expiring { expires_at_unix_ms, value: Slice::from(lent) }
            }
            Ok(expiring) => Lookup::Expiring {
                expires_at_unix_ms: expiring.expires_at_unix_ms,
                value: value.slice(expiring.time_bytes()..),
            },
            // Checked above, as lengths are. What has no time cannot be shown to anyone.
            Err(_) => Lookup::Tombstone,
        },
        _ if value.len() <= COPIED_BYTES_MAX => Lookup::Value(value.detach()),
        _ => Lookup::Value(value.clone()),
    }
}

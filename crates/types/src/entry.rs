//! What is written, and what a lookup finds.

use crate::{InternalKey, Slice, has_expired};

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
    /// The key has this value until a time, and is deleted from then on: whoever asked has to know what time it is. Older data must not be
    /// asked in either case.
    Expiring {
        /// From this millisecond on the key is deleted.
        expires_at_unix_ms: u64,
        /// The value until then.
        value: Slice,
    },
    /// The key is deleted: older data must not be asked.
    Tombstone,
}

impl Lookup {
    /// The value, if there is one at the time that `now_unix_ms` tells. It is asked only if that matters.
    pub fn into_value_at(self, now_unix_ms: impl FnOnce() -> u64) -> Option<Slice> {
        match self {
            Lookup::Value(value) => Some(value),
            Lookup::Expiring { expires_at_unix_ms, value } => {
                (!has_expired(expires_at_unix_ms, now_unix_ms())).then_some(value)
            }
            Lookup::Tombstone => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_decides_about_an_expiring_value_and_about_nothing_else() {
        let never = || unreachable!("the time does not matter");
        assert_eq!(Lookup::Value(Slice::from(b"v")).into_value_at(never), Some(Slice::from(b"v")));
        assert_eq!(Lookup::Tombstone.into_value_at(never), None);
        let expiring = Lookup::Expiring { expires_at_unix_ms: 5, value: Slice::from(b"v") };
        assert_eq!(expiring.clone().into_value_at(|| 4), Some(Slice::from(b"v")));
        assert_eq!(expiring.into_value_at(|| 5), None);
    }
}

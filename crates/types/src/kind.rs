//! What an entry does.

/// What an entry does to its key. The values are part of the file formats and never change; 3 to 6 are reserved
/// (`docs/format/batch.md`), 0 is never valid.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
#[non_exhaustive]
pub enum Kind {
    /// Sets the key to a value.
    Put = 1,
    /// Hides older versions of the key: a tombstone.
    Delete = 2,
    /// Sets the key to a value until a time that stands in front of it ([`Expiring`](crate::Expiring)); from then on it is a tombstone.
    ExpiringPut = 7,
}

impl Kind {
    /// The kind a byte stands for; `None` for reserved and unknown ones.
    pub const fn from_byte(byte: u8) -> Option<Kind> {
        match byte {
            1 => Some(Kind::Put),
            2 => Some(Kind::Delete),
            7 => Some(Kind::ExpiringPut),
            _ => None,
        }
    }

    /// True for the kinds that a later version of the formats may write (3 to 6): meeting one means that the data is newer
    /// than this code, not that it is damaged.
    pub const fn is_reserved(byte: u8) -> bool {
        3 <= byte && byte <= 6
    }

    /// True when an entry of this kind carries a value.
    pub const fn has_value(self) -> bool {
        matches!(self, Kind::Put | Kind::ExpiringPut)
    }
}

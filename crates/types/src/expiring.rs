//! The value of an expiring put: until when it holds, and what the user wrote.

use crate::varint;

/// A value with an end, as an entry of [`Kind::ExpiringPut`](crate::Kind::ExpiringPut) stores it: a varint of Unix milliseconds, then the
/// user's bytes. Part of the file formats.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Expiring<'a> {
    /// From this millisecond on the entry is a tombstone.
    pub expires_at_unix_ms: u64,
    /// What the user wrote.
    pub value: &'a [u8],
}

impl<'a> Expiring<'a> {
    /// Takes the value of an entry apart. Copies nothing.
    ///
    /// # Errors
    ///
    /// What is wrong with the time in front: it is cut short, too large, or not in its shortest form.
    pub fn decode(entry_value: &'a [u8]) -> Result<Expiring<'a>, varint::Broken> {
        let (expires_at_unix_ms, value) = varint::take_u64(entry_value)?;
        Ok(Expiring { expires_at_unix_ms, value })
    }

    /// Appends the value of an entry.
    pub fn encode(&self, out: &mut Vec<u8>) {
        varint::put_u64(out, self.expires_at_unix_ms);
        out.extend_from_slice(self.value);
    }

    /// Length of the encoding, in bytes: up to ten more than the user's value.
    pub const fn encoded_bytes(&self) -> usize {
        self.time_bytes() + self.value.len()
    }

    /// Where in the value of the entry the user's value starts.
    pub const fn time_bytes(&self) -> usize {
        varint::len_u64(self.expires_at_unix_ms)
    }

    /// True from the time of expiry on.
    pub const fn has_expired(&self, now_unix_ms: u64) -> bool {
        has_expired(self.expires_at_unix_ms, now_unix_ms)
    }
}

/// True from the time of expiry on: the one place that says on which side the very millisecond is.
pub const fn has_expired(expires_at_unix_ms: u64, now_unix_ms: u64) -> bool {
    expires_at_unix_ms <= now_unix_ms
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn values_round_trip(expires_at_unix_ms: u64, shift in 0_u32..64, value: Vec<u8>) {
            let expiring = Expiring { expires_at_unix_ms: expires_at_unix_ms >> shift, value: &value };
            let mut bytes = Vec::new();
            expiring.encode(&mut bytes);
            prop_assert_eq!(bytes.len(), expiring.encoded_bytes());
            prop_assert_eq!(&bytes[expiring.time_bytes()..], value.as_slice());
            prop_assert_eq!(Expiring::decode(&bytes), Ok(expiring));
        }
    }

    #[test]
    fn a_value_without_a_time_is_refused() {
        assert_eq!(Expiring::decode(b""), Err(varint::Broken::Short));
        assert_eq!(Expiring::decode(&[0x80]), Err(varint::Broken::Short));
        assert_eq!(Expiring::decode(&[0x80, 0]), Err(varint::Broken::NotShortest));
        assert_eq!(Expiring::decode(&[0xff; 10]), Err(varint::Broken::TooLarge));
    }

    #[test]
    fn an_entry_holds_until_its_last_millisecond() {
        let expiring = Expiring { expires_at_unix_ms: 1000, value: b"" };
        assert!(!expiring.has_expired(999));
        assert!(expiring.has_expired(1000));
        assert!(expiring.has_expired(u64::MAX));
    }
}

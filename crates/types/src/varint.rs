//! Checked variable-length integers: LEB128, low bits first, shortest form only.
//!
//! Shortest form only, so that each number has one encoding and a flipped bit is more often noticed.

/// Most bytes of an encoded 32-bit number.
pub const U32_BYTES_MAX: usize = 5;
/// Most bytes of an encoded 64-bit number.
pub const U64_BYTES_MAX: usize = 10;

/// Why bytes are not a varint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Broken {
    /// The bytes end inside the number.
    Short,
    /// The number does not fit its width.
    TooLarge,
    /// The number has a shorter encoding.
    NotShortest,
}

impl Broken {
    /// The rule in words.
    pub const fn what(self) -> &'static str {
        match self {
            Broken::Short => "a varint is cut short",
            Broken::TooLarge => "a varint is too large for its field",
            Broken::NotShortest => "a varint is not in its shortest form",
        }
    }
}

/// Appends a number.
pub fn put_u64(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Appends a number of 32 bits.
pub fn put_u32(out: &mut Vec<u8>, value: u32) {
    put_u64(out, u64::from(value));
}

/// Encoded length of a number, in bytes.
pub const fn len_u64(value: u64) -> usize {
    let bits = 64 - (value | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

/// Takes a number off the front of `bytes`; returns it with what follows.
///
/// # Errors
///
/// The first rule of the format that the bytes break.
pub fn take_u64(bytes: &[u8]) -> Result<(u64, &[u8]), Broken> {
    let mut value = 0_u64;
    let mut rest = bytes;
    for shift in (0..70).step_by(7) {
        let (&byte, tail) = rest.split_first().ok_or(Broken::Short)?;
        rest = tail;
        let low = u64::from(byte & 0x7f);
        if shift == 63 && low > 1 {
            return Err(Broken::TooLarge);
        }
        value |= low << shift;
        if byte & 0x80 == 0 {
            if byte == 0 && shift > 0 {
                return Err(Broken::NotShortest);
            }
            return Ok((value, rest));
        }
    }
    Err(Broken::TooLarge)
}

/// Takes a number of 32 bits off the front of `bytes`; returns it with what follows.
///
/// # Errors
///
/// The first rule of the format that the bytes break.
pub fn take_u32(bytes: &[u8]) -> Result<(u32, &[u8]), Broken> {
    let (value, rest) = take_u64(bytes)?;
    let value = u32::try_from(value).map_err(|_| Broken::TooLarge)?;
    Ok((value, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_round_trip(value: u64, shift in 0_u32..64, tail: Vec<u8>) {
            let value = value >> shift;
            let mut bytes = Vec::new();
            put_u64(&mut bytes, value);
            prop_assert_eq!(bytes.len(), len_u64(value));
            bytes.extend(&tail);
            prop_assert_eq!(take_u64(&bytes), Ok((value, tail.as_slice())));
        }

        #[test]
        fn what_decodes_encodes_to_the_same_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
            if let Ok((value, rest)) = take_u64(&bytes) {
                let mut again = Vec::new();
                put_u64(&mut again, value);
                prop_assert_eq!(&bytes[..bytes.len() - rest.len()], again.as_slice());
            }
        }
    }

    #[test]
    fn each_rule_has_a_witness() {
        assert_eq!(take_u64(&[]), Err(Broken::Short));
        assert_eq!(take_u64(&[0x80]), Err(Broken::Short));
        assert_eq!(take_u64(&[0x80, 0x00]), Err(Broken::NotShortest));
        assert_eq!(take_u64(&[0xff; 10]), Err(Broken::TooLarge));
        assert_eq!(take_u64(&[0x80; 11]), Err(Broken::TooLarge));
        assert_eq!(take_u32(&[0xff, 0xff, 0xff, 0xff, 0x0f]), Ok((u32::MAX, &[][..])));
        assert_eq!(take_u32(&[0x80, 0x80, 0x80, 0x80, 0x10]), Err(Broken::TooLarge));
    }
}

//! Varints: 7 bits a byte, low bits first, shortest form only.

/// Takes a number of so many bits off the front; `None` for what is no varint of that width.
pub(crate) fn take(bytes: &[u8], bits: u32) -> Option<(u64, &[u8])> {
    let last = bytes.iter().position(|byte| byte & 0x80 == 0)?;
    let (number, rest) = bytes.split_at(last + 1);
    if number.len() > 10 || (number.len() > 1 && number.last() == Some(&0)) {
        return None;
    }
    let value = number.iter().rev().fold(0_u128, |value, byte| value << 7 | u128::from(byte & 0x7f));
    if value >> bits != 0 {
        return None;
    }
    u64::try_from(value).ok().map(|value| (value, rest))
}

/// Takes a length off the front.
pub(crate) fn take_len(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (len, rest) = take(bytes, 32)?;
    usize::try_from(len).ok().map(|len| (len, rest))
}

/// Appends a number.
pub(crate) fn put(out: &mut Vec<u8>, value: u64) {
    let mut bytes: Vec<u8> = (0..10).map(|group| value >> (7 * group) & 0x7f | 0x80).map(low_byte).collect();
    while bytes.len() > 1 && bytes.last() == Some(&0x80) {
        bytes.pop();
    }
    if let Some(last) = bytes.last_mut() {
        *last &= 0x7f;
    }
    out.append(&mut bytes);
}

fn low_byte(value: u64) -> u8 {
    let [low, ..] = value.to_le_bytes();
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_page() {
        for (value, bytes) in
            [(0, &[0][..]), (127, &[0x7f]), (128, &[0x80, 1]), (300, &[0xac, 2]), (u64::MAX >> 1, &[0xff; 9])]
        {
            let mut out = Vec::new();
            put(&mut out, value);
            let expected =
                if value == u64::MAX >> 1 { [&[0xff; 8][..], &[0x7f]].concat() } else { bytes.to_vec() };
            assert_eq!(out, expected);
            assert_eq!(take(&out, 64), Some((value, &[][..])));
        }
        assert_eq!(take(&[0x80, 0], 64), None, "not the shortest form");
        assert_eq!(take(&[0x80], 64), None, "cut short");
        assert_eq!(take(&[0xff, 0xff, 0xff, 0xff, 0x1f], 32), None, "33 bits");
    }
}

//! The shortest key between two blocks.

use siltstone_types::{InternalKey, Tag};

use super::common_bytes;

/// Replaces `out` by the user key of a separator, and returns its tag: at or after `last`, before `next`, in
/// internal-key order.
///
/// Where the user keys differ it is a shortest `s` with `last <= s < next`, behind all versions of `s`.
pub(crate) fn between(last: InternalKey<'_>, next: InternalKey<'_>, out: &mut Vec<u8>) -> Tag {
    out.clear();
    if last.user_key == next.user_key {
        out.extend_from_slice(last.user_key);
        return last.tag;
    }
    shortest(last.user_key, next.user_key, out);
    Tag::AFTER_ALL
}

/// Appends a shortest `s` with `last <= s < next`; `last < next`.
fn shortest(last: &[u8], next: &[u8], out: &mut Vec<u8>) {
    let common = common_bytes(last, next);
    let (shared, last_tail) = last.split_at(common);
    let (Some((&low, tail)), Some(&high)) = (last_tail.split_first(), next.get(common)) else {
        // `last` is a prefix of `next`: every shorter key is either smaller or not below `next`.
        out.extend_from_slice(last);
        return;
    };
    if tail.is_empty() {
        out.extend_from_slice(last);
    } else if low + 1 < high {
        out.extend_from_slice(shared);
        out.push(low + 1);
    } else if next.len() > common + 1 {
        // A proper prefix of `next` is below it, and above `last` from the byte that differs.
        out.extend_from_slice(shared);
        out.push(high);
    } else {
        // Nothing of this length is below `next`: stay with `last`'s byte, and step up at the first place
        // that allows it.
        out.extend_from_slice(shared);
        out.push(low);
        for &byte in tail {
            if byte < 0xff {
                out.push(byte + 1);
                return;
            }
            out.push(byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn separator(last: &[u8], next: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        shortest(last, next, &mut out);
        out
    }

    #[test]
    fn no_shorter_key_separates() {
        // Every pair of keys of up to four letters over an alphabet with both ends of the byte range and
        // neighbours in it.
        let mut keys = vec![Vec::new()];
        for start in 0..85 {
            let prefix: Vec<u8> = Vec::clone(&keys[start]);
            for letter in [0_u8, 1, 0xfe, 0xff] {
                keys.push([prefix.as_slice(), &[letter]].concat());
            }
        }
        keys.sort();
        for (at, last) in keys.iter().enumerate() {
            for next in &keys[at + 1..] {
                let found = separator(last, next);
                assert!(*last <= found && found < *next, "{last:?} {found:?} {next:?}");
                // The alphabet is small: a letter between two of it may be needed, but is never shorter.
                let shortest = keys.iter().filter(|key| last <= *key && *key < next).map(Vec::len).min();
                assert!(Some(found.len()) <= shortest, "{last:?} {found:?} {next:?}");
            }
        }
    }

    #[test]
    fn separators_known_by_hand() {
        for (last, next, expected) in [
            ("abcd", "abzz", "abd"),
            ("abc", "abcd", "abc"),
            ("abz", "acd", "ac"),
            ("abz", "ac", "ab{"),
            ("", "a", ""),
            ("a", "b", "a"),
            ("ax", "b", "ay"),
        ] {
            assert_eq!(separator(last.as_bytes(), next.as_bytes()), expected.as_bytes(), "{last} {next}");
        }
        assert_eq!(separator(b"a\xff\xff", b"b"), b"a\xff\xff");
        assert_eq!(separator(b"a\xff\x01\x01", b"b"), b"a\xff\x02");
    }
}

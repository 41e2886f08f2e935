//! The bytes of `fastbloom.1`: a header and words of bits (`docs/format/sstable.md`). Frozen.
#![deny(clippy::indexing_slicing)]

use crate::{DamagedFilter, sizing::PROBE_COUNT_MAX};

/// The name in the file. Part of the file format.
pub(crate) const NAME: &str = "fastbloom.1";

const VERSION: u8 = 1;
const WORD_BYTES: usize = size_of::<u64>();
// version 1, k 1, reserved 2, words 4.
const HEADER_BYTES: usize = 8;

/// Most words a filter is built with. The length of a block of a table is 32 bits.
pub(crate) const WORD_COUNT_MAX: u32 = 1 << 28;

/// What the bytes hold.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Parts {
    /// Number of probes: 1 to 30.
    pub(crate) probe_count: u32,
    /// The bits, at least one word. Bit `i` is bit `i mod 64` of word `i div 64`.
    pub(crate) words: Vec<u64>,
}

/// Writes the bytes. `probe_count` is 1 to 30 and there are 1 to [`WORD_COUNT_MAX`] words.
pub(crate) fn encode(probe_count: u8, word_count: u32, words: &[u64]) -> Vec<u8> {
    debug_assert!(u32::try_from(words.len()) == Ok(word_count), "the words are as many as the header says");
    let mut bytes = Vec::with_capacity(HEADER_BYTES + words.len() * WORD_BYTES);
    bytes.extend_from_slice(&[VERSION, probe_count, 0, 0]);
    bytes.extend_from_slice(&word_count.to_le_bytes());
    for word in words {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// Reads the bytes, which may be damaged.
pub(crate) fn decode(bytes: &[u8]) -> Result<Parts, DamagedFilter> {
    let Some((header, body)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
        let what = format!("a filter has {} bytes, its header alone has {HEADER_BYTES}", bytes.len());
        return Err(DamagedFilter::new(what));
    };
    let [version, probe_count, reserved_low, reserved_high, word_count @ ..] = *header;
    if version != VERSION {
        return Err(DamagedFilter::new(format!("the version of a filter is {version}, not {VERSION}")));
    }
    let probe_count = u32::from(probe_count);
    if !(1..=PROBE_COUNT_MAX).contains(&probe_count) {
        let what = format!("a filter has {probe_count} probes, not 1 to {PROBE_COUNT_MAX}");
        return Err(DamagedFilter::new(what));
    }
    if [reserved_low, reserved_high] != [0, 0] {
        return Err(DamagedFilter::new("reserved bytes of a filter are not 0"));
    }
    let word_count = u32::from_le_bytes(word_count);
    if word_count == 0 {
        return Err(DamagedFilter::new("a filter has no words"));
    }
    let (words, rest) = body.as_chunks::<WORD_BYTES>();
    if u32::try_from(words.len()) != Ok(word_count) || !rest.is_empty() {
        let what = format!("a filter has {} bytes of bits, its header says {word_count} words", body.len());
        return Err(DamagedFilter::new(what));
    }
    Ok(Parts { probe_count, words: words.iter().map(|word| u64::from_le_bytes(*word)).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back_as_they_went() {
        let words = vec![1, u64::MAX, 0x0123_4567_89ab_cdef];
        let bytes = encode(30, 3, &words);
        assert_eq!(bytes.len(), 8 + 3 * 8);
        assert_eq!(decode(&bytes), Ok(Parts { probe_count: 30, words }));
    }

    #[test]
    fn each_broken_rule_is_named() {
        let check = |bytes: &[u8], what: &str| {
            let error = decode(bytes).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        };
        check(&[1, 1, 0, 0, 1, 0, 0], "header");
        check(&[2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "version");
        check(&[1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "0 probes");
        check(&[1, 31, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "31 probes");
        check(&[1, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "reserved");
        check(&[1, 1, 0, 0, 0, 0, 0, 0], "no words");
        check(&[1, 1, 0, 0, 255, 255, 255, 255], "4294967295 words");
        check(&[1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "7 bytes of bits");
        check(&[1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "9 bytes of bits");
    }
}

//! Bytes in words that threads share.
//!
//! Plain loads and stores: whoever reads found the address of the words in a link that was set after they were.

use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of a word.
pub(crate) const WORD_BYTES: usize = size_of::<u64>();

/// Words for so many bytes.
pub(crate) const fn count_for(bytes: usize) -> usize {
    bytes.div_ceil(WORD_BYTES)
}

/// Sets words to bytes, first byte lowest, and zeros behind the last.
pub(crate) fn copy_in(bytes: &[u8], words: &[AtomicU64]) {
    let (whole, rest) = bytes.as_chunks();
    for (chunk, word) in whole.iter().zip(words) {
        word.store(u64::from_le_bytes(*chunk), Ordering::Relaxed);
    }
    if let (false, Some(word)) = (rest.is_empty(), words.get(whole.len())) {
        word.store(padded(rest), Ordering::Relaxed);
    }
}

/// Sets bytes to those of words.
pub(crate) fn copy_out(words: &[AtomicU64], bytes: &mut [u8]) {
    let (whole, rest) = bytes.as_chunks_mut();
    for (chunk, word) in whole.iter_mut().zip(words) {
        *chunk = word.load(Ordering::Relaxed).to_le_bytes();
    }
    if let Some(word) = words.get(whole.len()) {
        let last = word.load(Ordering::Relaxed).to_le_bytes();
        rest.iter_mut().zip(last).for_each(|(to, byte)| *to = byte);
    }
}

/// Fewer bytes than a word has, with zeros behind them.
pub(crate) fn padded(bytes: &[u8]) -> u64 {
    let mut word = [0; WORD_BYTES];
    word.iter_mut().zip(bytes).for_each(|(to, byte)| *to = *byte);
    u64::from_le_bytes(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_with_zeros_behind_them() {
        for len in 0..40 {
            let bytes: Vec<u8> = (1..=len).collect();
            let words: Vec<_> = (0..count_for(bytes.len())).map(|_| AtomicU64::new(u64::MAX)).collect();
            copy_in(&bytes, &words);
            let mut back = vec![0xee; bytes.len()];
            copy_out(&words, &mut back);
            assert_eq!(back, bytes);
            let mut all = vec![0xee; words.len() * WORD_BYTES];
            copy_out(&words, &mut all);
            assert!(all.iter().skip(bytes.len()).all(|byte| *byte == 0));
        }
    }
}

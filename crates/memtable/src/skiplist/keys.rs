//! User keys in an arena, each with the first word of the list of its versions.

use std::{
    cmp::Ordering as Order,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::{
    arena::{Address, Arena},
    words::{WORD_BYTES, copy_in, copy_out, count_for, padded},
};

/// Words in front of what a leaf does not have of the key.
const HEAD_WORDS: usize = 2;
/// Bytes of a key that a leaf has.
const PLACED_BYTES: usize = 2 * WORD_BYTES;

/// What a leaf has of a key: enough to compare most keys, and where the rest is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Placed {
    /// The numbers that the first sixteen bytes are ordered as, with zeros behind a shorter key.
    pub(super) head: (u64, u64),
    pub(super) key: Address,
}

/// A key that is searched for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    pub(super) head: (u64, u64),
    pub(super) user_key: &'a [u8],
}

impl<'a> Target<'a> {
    pub(super) fn new(user_key: &'a [u8]) -> Target<'a> {
        let (first, rest) = user_key.split_at_checked(WORD_BYTES).unwrap_or((user_key, &[]));
        let second = rest.get(..WORD_BYTES).unwrap_or(rest);
        Target { head: (ordered(padded(first)), ordered(padded(second))), user_key }
    }

    fn rest(&self) -> &'a [u8] {
        self.user_key.get(PLACED_BYTES..).unwrap_or_default()
    }
}

/// Keys: nothing that is in it changes, but for the first words of lists.
///
/// ```text
/// list of versions | bytes of the key | bytes 16 and on ...
/// ```
#[derive(Debug)]
pub(super) struct Keys(Arena<AtomicU64>);

impl Keys {
    pub(super) fn new() -> Keys {
        Keys(Arena::new())
    }

    pub(super) fn bytes(&self) -> u64 {
        self.0.cost() * WORD_BYTES as u64
    }

    /// Writes a key with its first version.
    pub(super) fn write(&self, target: &Target<'_>, version: Address) -> Placed {
        let rest = target.rest();
        let (address, words) = self.0.take(HEAD_WORDS + count_for(rest.len()));
        if let [list, bytes, of_rest @ ..] = words {
            list.store(version.to_word(), Ordering::Relaxed);
            bytes.store(target.user_key.len() as u64, Ordering::Relaxed);
            copy_in(rest, of_rest);
        }
        Placed { head: target.head, key: address }
    }

    /// The first word of the list of a key's versions.
    #[expect(clippy::expect_used, reason = "addresses of keys are made where keys are written")]
    pub(super) fn list(&self, key: Address) -> &AtomicU64 {
        self.0.at(key).first().expect("a key lies here")
    }

    /// How a key is ordered beside one that is searched for.
    #[inline]
    pub(super) fn cmp(&self, placed: Placed, target: &Target<'_>) -> Order {
        placed.head.cmp(&target.head).then_with(|| {
            let (bytes, words) = self.rest(placed.key);
            let others = target.rest().chunks(WORD_BYTES).map(|chunk| ordered(padded(chunk)));
            cmp_rest(words, others).unwrap_or_else(|| bytes.cmp(&target.user_key.len()))
        })
    }

    /// How two keys are ordered.
    #[inline]
    pub(super) fn cmp_placed(&self, one: Placed, other: Placed) -> Order {
        one.head.cmp(&other.head).then_with(|| {
            let ((bytes, words), (other_bytes, other_words)) = (self.rest(one.key), self.rest(other.key));
            let others = other_words.iter().map(|word| ordered(word.load(Ordering::Relaxed)));
            cmp_rest(words, others).unwrap_or_else(|| bytes.cmp(&other_bytes))
        })
    }

    /// Copies a key out.
    pub(super) fn copy(&self, placed: Placed, user_key: &mut Vec<u8>) {
        let (bytes, words) = self.rest(placed.key);
        user_key.resize(bytes.max(PLACED_BYTES), 0);
        let (first, rest) = user_key.split_at_mut(PLACED_BYTES);
        for (chunk, word) in first.chunks_exact_mut(WORD_BYTES).zip([placed.head.0, placed.head.1]) {
            chunk.copy_from_slice(&ordered(word).to_le_bytes());
        }
        copy_out(words, rest);
        user_key.truncate(bytes);
    }

    /// Bytes of the whole key, and the words of what a leaf does not have.
    fn rest(&self, key: Address) -> (usize, &[AtomicU64]) {
        let words = self.0.at(key);
        let bytes = words.get(1).map_or(0, |bytes| bytes.load(Ordering::Relaxed));
        let bytes = usize::try_from(bytes).unwrap_or_default();
        let count = count_for(bytes.saturating_sub(PLACED_BYTES));
        (bytes, words.get(HEAD_WORDS..HEAD_WORDS + count).unwrap_or_default())
    }
}

/// The order of keys that are the same up to here; `None` when they are the same as far as both go, with zeros behind
/// the shorter one. Then the shorter one comes first.
fn cmp_rest(words: &[AtomicU64], others: impl Iterator<Item = u64>) -> Option<Order> {
    let words = words.iter().map(|word| ordered(word.load(Ordering::Relaxed)));
    words.zip(others).map(|(one, other)| one.cmp(&other)).find(|order| order.is_ne())
}

/// A word as the number that is ordered as its bytes are, and back.
const fn ordered(word: u64) -> u64 {
    word.swap_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        // Few different bytes, and lengths around those of one, two and three words.
        let byte = prop::sample::select(vec![0, 1, b'a', 0xff]);
        prop_oneof![
            prop::collection::vec(byte.clone(), 0..30),
            (0_usize..33, prop::collection::vec(byte, 0..3))
                .prop_map(|(len, tail)| [vec![b'a'; len], tail].concat()),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

        #[test]
        fn keys_are_ordered_as_their_bytes_are(a in bytes(), b in bytes()) {
            let keys = Keys::new();
            let [placed_a, placed_b] = [&a, &b].map(|key| keys.write(&Target::new(key), Address::NONE));
            prop_assert_eq!(keys.cmp(placed_a, &Target::new(&b)), a.cmp(&b));
            prop_assert_eq!(keys.cmp(placed_a, &Target::new(&a)), Order::Equal);
            prop_assert_eq!(keys.cmp_placed(placed_a, placed_b), a.cmp(&b));
            let mut copied = b.clone();
            keys.copy(placed_a, &mut copied);
            prop_assert_eq!(copied, a);
        }
    }
}

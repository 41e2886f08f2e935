//! User keys as the skip list compares them: as integers where they are short.

use std::{borrow::Borrow, cmp::Ordering};

use crate::cost;

/// User keys up to here lie within the node.
const INLINE_BYTES_MAX: usize = 22;

/// A user key that can be compared, lent or owned.
///
/// One type for both, so that a node's key can be borrowed as the key that is searched for, which is only
/// lent: a lookup allocates nothing.
#[derive(Debug)]
pub(crate) struct SearchKey<'a> {
    /// The first 8 bytes of the user key, the first one highest, and zeros where it is shorter. Where two
    /// differ, they are ordered as the keys are. Most comparisons end here, without following a pointer.
    prefix: u64,
    user_key: KeyBytes<'a>,
}

#[derive(Debug)]
enum KeyBytes<'a> {
    /// Zeros follow behind `len`: two of these are compared eight bytes at a time, without a call.
    Inline {
        len: u8,
        bytes: [u8; INLINE_BYTES_MAX],
    },
    Owned(Box<[u8]>),
    Lent(&'a [u8]),
}

const _: () = assert!(size_of::<NodeKey>() == 32, "a node grew");

impl<'a> SearchKey<'a> {
    /// The key of a search.
    pub(crate) fn lent(user_key: &'a [u8]) -> SearchKey<'a> {
        // A short one is copied all the same: it is then compared as quickly as those of nodes are.
        let bytes = KeyBytes::inline(user_key).unwrap_or(KeyBytes::Lent(user_key));
        SearchKey { prefix: prefix_of(user_key), user_key: bytes }
    }

    /// A key that is owned.
    pub(crate) fn to_node(&self) -> NodeKey {
        NodeKey::new(self.user_key())
    }

    fn user_key(&self) -> &[u8] {
        match &self.user_key {
            KeyBytes::Inline { len, bytes } => &bytes[..usize::from(*len)],
            KeyBytes::Owned(bytes) => bytes,
            KeyBytes::Lent(bytes) => bytes,
        }
    }

    /// Compares user keys whose prefixes are the same.
    #[inline]
    fn cmp_behind_prefix(&self, other: &Self) -> Ordering {
        match (&self.user_key, &other.user_key) {
            (
                KeyBytes::Inline { len: a_len, bytes: a_bytes },
                KeyBytes::Inline { len: b_len, bytes: b_bytes },
            ) => {
                // Of keys that are the same but for zeros at the end, the shorter one comes first.
                let [a, b] = [a_bytes, b_bytes].map(words_behind_prefix);
                a.cmp(&b).then(a_len.cmp(b_len))
            }
            _ => self.user_key().cmp(other.user_key()),
        }
    }
}

impl Ord for SearchKey<'_> {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.prefix.cmp(&other.prefix).then_with(|| self.cmp_behind_prefix(other))
    }
}

impl KeyBytes<'_> {
    /// A copy of a short key.
    #[inline]
    fn inline<'a>(user_key: &[u8]) -> Option<KeyBytes<'a>> {
        let mut bytes = [0; INLINE_BYTES_MAX];
        bytes.get_mut(..user_key.len())?.copy_from_slice(user_key);
        Some(KeyBytes::Inline { len: u8::try_from(user_key.len()).ok()?, bytes })
    }
}

/// What follows the prefix, as two integers that are ordered as the bytes are. They overlap.
#[inline]
fn words_behind_prefix(bytes: &[u8; INLINE_BYTES_MAX]) -> (u64, u64) {
    let word = |at: usize| bytes.get(at..).map_or(0, prefix_of);
    (word(size_of::<u64>()), word(INLINE_BYTES_MAX - size_of::<u64>()))
}

impl PartialOrd for SearchKey<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for SearchKey<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for SearchKey<'_> {}

/// The key of a node.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct NodeKey(SearchKey<'static>);

impl NodeKey {
    /// Copies a key.
    pub(crate) fn new(user_key: &[u8]) -> NodeKey {
        let bytes = KeyBytes::inline(user_key).unwrap_or_else(|| KeyBytes::Owned(user_key.into()));
        NodeKey(SearchKey { prefix: prefix_of(user_key), user_key: bytes })
    }

    /// The key, to look at.
    pub(crate) fn get(&self) -> &[u8] {
        self.0.user_key()
    }

    /// What the key costs, besides itself.
    pub(crate) fn bytes_behind(&self) -> usize {
        match &self.0.user_key {
            KeyBytes::Owned(bytes) => cost::allocation(bytes.len()),
            KeyBytes::Inline { .. } | KeyBytes::Lent(_) => 0,
        }
    }
}

impl<'a> Borrow<SearchKey<'a>> for NodeKey {
    fn borrow(&self) -> &SearchKey<'a> {
        &self.0
    }
}

#[inline]
fn prefix_of(user_key: &[u8]) -> u64 {
    let head = user_key.first_chunk().copied().unwrap_or_else(|| {
        let mut head = [0; size_of::<u64>()];
        head.iter_mut().zip(user_key).for_each(|(head, byte)| *head = *byte);
        head
    });
    // The first byte must weigh most: for comparing numbers as bytes are compared, not for storing them.
    u64::from_le_bytes(head).swap_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        // Few different bytes and lengths around 8 and 22, where the prefix and the inline bytes end.
        let byte = prop::sample::select(vec![0, 1, b'a', 0xff]);
        prop_oneof![
            prop::collection::vec(byte.clone(), 0..26),
            prop::collection::vec(byte, 0..4).prop_map(|tail| [vec![b'a'; 7], tail].concat()),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

        #[test]
        fn keys_are_ordered_as_their_bytes_are(a in bytes(), b in bytes()) {
            let (a, b) = (a.as_slice(), b.as_slice());
            let (a_node, b_node) = (NodeKey::new(a), NodeKey::new(b));
            prop_assert_eq!((a_node.get(), b_node.get()), (a, b));
            prop_assert_eq!(a_node.cmp(&b_node), a.cmp(b));
            prop_assert_eq!(SearchKey::lent(a).cmp(b_node.borrow()), a.cmp(b));
            prop_assert_eq!(SearchKey::lent(a) == *b_node.borrow(), a == b);
        }
    }
}

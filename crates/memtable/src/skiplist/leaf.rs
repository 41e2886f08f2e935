//! A leaf: some dozen keys that lie side by side, in the order in which they came.

use std::{
    borrow::Borrow,
    cmp::Ordering as Order,
    sync::{
        OnceLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use siltstone_types::KeyHash;

use super::keys::{Keys, Placed, Target};
use crate::{
    arena::Address,
    key::{NodeKey, SearchKey},
    sync::point,
    words::WORD_BYTES,
};

/// Keys in a leaf at most.
pub(super) const SLOTS: usize = if cfg!(shuttle) { SLOTS_UNDER_SHUTTLE } else { 64 };
/// Few, so that leaves of small tables are split often.
const SLOTS_UNDER_SHUTTLE: usize = 4;
/// A byte of each key's hash, eight in a word.
const PRINT_WORDS: usize = SLOTS.div_ceil(WORD_BYTES);
/// One in each byte.
const ONES: u64 = 0x0101_0101_0101_0101;
/// The highest bit of each byte.
const HIGH_BITS: u64 = ONES << 7;

/// Keys from one on, and before another.
///
/// One thread at a time adds a key, and any number of others read beside it: a slot is there when the count says so. A
/// leaf that is full is replaced by two, and what is in it stays as it is for those who still look at it.
#[derive(Debug)]
pub(super) struct Leaf {
    count: AtomicUsize,
    prints: [AtomicU64; PRINT_WORDS],
    slots: [Slot; SLOTS],
    /// No key from here on belongs here (the high key of Lehman and Yao, "Efficient locking for concurrent operations
    /// on B-trees", TODS 6, 1981). Keys that were here when it was set and are not less are in the next leaf too. Only
    /// an end that came with a split of this leaf's node is ever met; one that a leaf has from the leaf it was the upper
    /// half of says that it is not the last.
    end: OnceLock<NodeKey>,
}

/// A key: the numbers that its first sixteen bytes are ordered as, and where it lies.
#[derive(Default, Debug)]
struct Slot {
    first: AtomicU64,
    second: AtomicU64,
    key: AtomicU64,
}

impl Leaf {
    /// A leaf with some keys.
    pub(super) fn with(keys: &[(Placed, u8)], end: Option<NodeKey>) -> Leaf {
        let leaf = Leaf {
            count: AtomicUsize::new(0),
            prints: [const { AtomicU64::new(0) }; PRINT_WORDS],
            slots: std::array::from_fn(|_| Slot::default()),
            end: end.map_or_else(OnceLock::new, OnceLock::from),
        };
        keys.iter().for_each(|(placed, print)| leaf.push(*placed, *print));
        leaf
    }

    /// Adds a key, while nobody else does. There is room.
    pub(super) fn push(&self, placed: Placed, print: u8) {
        let count = self.count.load(Ordering::Relaxed);
        if let (Some(slot), Some(prints)) = (self.slots.get(count), self.prints.get(count / WORD_BYTES)) {
            slot.first.store(placed.head.0, Ordering::Relaxed);
            // Half a key lies here now.
            point();
            slot.second.store(placed.head.1, Ordering::Relaxed);
            slot.key.store(placed.key.to_word(), Ordering::Relaxed);
            prints.fetch_or(u64::from(print) << (count % WORD_BYTES * 8), Ordering::Relaxed);
            self.count.store(count + 1, Ordering::Release);
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.count.load(Ordering::Relaxed) == SLOTS
    }

    /// Where no key belongs here any more; `None` for the last leaf.
    pub(super) fn end(&self) -> Option<&SearchKey<'_>> {
        self.end.get().map(Borrow::borrow)
    }

    /// Says that the next leaf has all keys from here on.
    pub(super) fn end_at(&self, user_key: &[u8]) {
        self.end.get_or_init(|| NodeKey::new(user_key));
    }

    /// Whether a key belongs to a leaf further on.
    pub(super) fn ends_before(&self, key: &SearchKey<'_>) -> bool {
        self.end().is_some_and(|end| end <= key)
    }

    /// A key that is here.
    pub(super) fn find(&self, target: &Target<'_>, print: u8, keys: &Keys) -> Option<Address> {
        let count = self.count.load(Ordering::Acquire);
        let wanted = ONES * u64::from(print);
        for (word_idx, prints) in self.prints.iter().enumerate().take(count.div_ceil(WORD_BYTES)) {
            // Bytes that are the same become zero, and then their high bit is set here; now and then that of another.
            let other = prints.load(Ordering::Relaxed) ^ wanted;
            let mut same = other.wrapping_sub(ONES) & !other & HIGH_BITS;
            while same != 0 {
                let slot_idx = word_idx * WORD_BYTES + same.trailing_zeros() as usize / 8;
                same &= same - 1;
                if slot_idx >= count {
                    break;
                }
                let placed = self.slots.get(slot_idx).map(Slot::placed)?;
                if placed.head == target.head && keys.cmp(placed, target).is_eq() {
                    return Some(placed.key);
                }
            }
        }
        None
    }

    /// Its keys in order.
    pub(super) fn sorted(&self, keys: &Keys, into: &mut Vec<Placed>) {
        into.clear();
        into.extend(self.placed());
        into.sort_unstable_by(|one, other| keys.cmp_placed(*one, *other));
    }

    /// Its keys in order, with the bytes of their hashes.
    pub(super) fn sorted_with_prints(&self, keys: &Keys) -> Vec<(Placed, u8)> {
        let print = |idx: usize| {
            let word = self.prints.get(idx / WORD_BYTES).map_or(0, |word| word.load(Ordering::Relaxed));
            word.to_le_bytes()[idx % WORD_BYTES]
        };
        let mut sorted: Vec<_> =
            self.placed().enumerate().map(|(idx, placed)| (placed, print(idx))).collect();
        sorted.sort_unstable_by(|(one, _), (other, _)| keys.cmp_placed(*one, *other));
        sorted
    }

    /// Whether a key comes behind all that are here.
    pub(super) fn is_before(&self, target: &Target<'_>, keys: &Keys) -> bool {
        self.placed().all(|placed| keys.cmp(placed, target) == Order::Less)
    }

    fn placed(&self) -> impl Iterator<Item = Placed> {
        let count = self.count.load(Ordering::Acquire);
        self.slots.iter().take(count).map(Slot::placed)
    }
}

impl Slot {
    fn placed(&self) -> Placed {
        Placed {
            head: (self.first.load(Ordering::Relaxed), self.second.load(Ordering::Relaxed)),
            // Slots that are counted have a key.
            key: Address::from_word(self.key.load(Ordering::Relaxed)).unwrap_or(Address::NONE),
        }
    }
}

/// The byte of a hash that a leaf keeps. The filter uses the lower bits.
pub(super) fn print_of(hash: KeyHash) -> u8 {
    let [.., highest] = hash.get().to_le_bytes();
    highest
}

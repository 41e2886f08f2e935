//! The way to a leaf: a skip list of the keys with which leaves begin, by crossbeam.

use std::{
    fmt,
    ops::Bound,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crossbeam_epoch::{self as epoch, Guard};
use crossbeam_skiplist::base::{Entry, SkipList};
use siltstone_types::KeyHash;

use super::{
    keys::{Keys, Placed, Target},
    leaf::{Leaf, SLOTS, print_of},
};
use crate::{
    arena::Address,
    cost,
    key::{NodeKey, SearchKey},
    sync::{ArcSwap, Loaded, Mutex, point},
};

type Node<'a, 'g> = Entry<'a, 'g, NodeKey, Place>;

/// Where a leaf is, and after it those that replace it.
struct Place {
    leaf: ArcSwap<Leaf>,
    /// Held by whoever adds a key; shared with whoever splits off this place.
    adding: Arc<Mutex<()>>,
}

/// What a leaf costs: itself with its two counts, its node with the count of references and the average tower, and
/// its lock with two counts.
const LEAF_BYTES: usize = cost::allocation(size_of::<Leaf>() + 2 * size_of::<usize>())
    + cost::allocation(size_of::<NodeKey>() + size_of::<Place>() + 3 * size_of::<usize>())
    + cost::allocation(size_of::<Mutex<()>>() + 2 * size_of::<usize>());

/// Keys in order: leaves of some dozen, each from the key of its node on, up to that of the next.
///
/// A search goes through a list that is a few dozen times shorter than one of all keys would be, and then looks at a few
/// cache lines of a leaf. Those who read wait for nobody. Those who add new keys to one leaf wait for each other.
///
/// Where a leaf is full,
///
/// 1. the upper half of its keys gets a leaf and a node of its own,
/// 2. the lower half gets a leaf, which knows its end, in the place of the full one.
///
/// In between the upper half is found by its node, and by whoever comes to the full leaf, such as a cursor that walks
/// through it; nobody adds keys to either. Who comes to the lower half for a key behind its end comes late, and searches
/// again.
pub(super) struct Index {
    nodes: SkipList<NodeKey, Place>,
    keys: Keys,
    /// What leaves cost, but for the first: it has room for more than a small table ever has.
    leaf_bytes: AtomicU64,
}

impl Index {
    pub(super) fn new() -> Index {
        let nodes = SkipList::new(epoch::default_collector().clone());
        let guard = &epoch::pin();
        nodes
            .get_or_insert_with(NodeKey::new(b""), || Place::of(Leaf::with(&[], None)), guard)
            .release(guard);
        Index { nodes, keys: Keys::new(), leaf_bytes: AtomicU64::new(0) }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.keys.bytes() + self.leaf_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// A key that is there.
    pub(super) fn get(&self, user_key: &[u8], hash: KeyHash) -> Option<Address> {
        let guard = &epoch::pin();
        let (target, search) = (Target::new(user_key), SearchKey::lent(user_key));
        loop {
            let leaf = self.node_at(&search, guard).value().load();
            let found = leaf.find(&target, print_of(hash), &self.keys);
            if found.is_some() || !leaf.ends_before(&search) {
                return found;
            }
        }
    }

    /// A key, which comes with its first version when it is new; one that is not remains as it is.
    pub(super) fn get_or_insert(&self, user_key: &[u8], hash: KeyHash, version: Address) -> Address {
        let guard = &epoch::pin();
        let (target, search, print) = (Target::new(user_key), SearchKey::lent(user_key), print_of(hash));
        loop {
            let node = self.node_at(&search, guard);
            let place = node.value();
            if let Some(found) = place.load().find(&target, print, &self.keys) {
                return found;
            }
            // Whoever panicked under the lock left a whole leaf behind.
            let _adding = place.adding.lock().unwrap_or_else(PoisonError::into_inner);
            let leaf = place.leaf.load();
            if leaf.ends_before(&search) {
                continue;
            }
            // Others may have been faster.
            if let Some(found) = leaf.find(&target, print, &self.keys) {
                return found;
            }
            if leaf.is_full() {
                self.split(place, &leaf, &target, guard);
                continue;
            }
            let placed = self.keys.write(&target, version);
            leaf.push(placed, print);
            return placed.key;
        }
    }

    /// Makes room in a leaf, while nobody adds to it, or in a new one behind it.
    fn split(&self, place: &Place, leaf: &Leaf, target: &Target<'_>, guard: &Guard) {
        // Keys that come in order leave full leaves behind.
        if leaf.end().is_none() && leaf.is_before(target, &self.keys) {
            self.add_place(target.user_key, Place::of(Leaf::with(&[], None)), guard);
            point();
            leaf.end_at(target.user_key);
            return;
        }
        let sorted = leaf.sorted_with_prints(&self.keys);
        let (lower, upper) = sorted.split_at(SLOTS / 2);
        let mut middle = Vec::new();
        upper.iter().take(1).for_each(|(placed, _)| self.keys.copy(*placed, &mut middle));
        let upper = Place::of(Leaf::with(upper, leaf.end().map(SearchKey::to_node)));
        // Whoever adds to the upper leaf waits until the full one is gone, or cursors that find its keys in the full one
        // would pass over the new key between them.
        let adding = Arc::clone(&upper.adding);
        let _adding = adding.lock().unwrap_or_else(PoisonError::into_inner);
        self.add_place(&middle, upper, guard);
        point();
        place.leaf.store(Arc::new(Leaf::with(lower, Some(NodeKey::new(&middle)))));
    }

    fn add_place(&self, from: &[u8], place: Place, guard: &Guard) {
        let key = NodeKey::new(from);
        self.leaf_bytes.fetch_add((LEAF_BYTES + key.bytes_behind()) as u64, Ordering::Relaxed);
        self.nodes.get_or_insert_with(key, || place, guard).release(guard);
    }

    /// The last node at or before a key.
    #[expect(clippy::expect_used, reason = "the first node is before all keys, and stays")]
    fn node_at<'a: 'g, 'g>(&'a self, search: &SearchKey<'_>, guard: &'g Guard) -> Node<'a, 'g> {
        self.nodes.upper_bound(Bound::Included(search), guard).expect("there is a node from the first key on")
    }

    /// Loads the keys of the leaf that a key belongs to, in order.
    pub(super) fn load_at(&self, user_key: &[u8], into: &mut Vec<Placed>) {
        let guard = &epoch::pin();
        let search = SearchKey::lent(user_key);
        loop {
            let leaf = self.node_at(&search, guard).value().load();
            if !leaf.ends_before(&search) {
                return leaf.sorted(&self.keys, into);
            }
        }
    }

    /// Loads the keys of the next leaf that begins behind a key. Gives where it begins.
    pub(super) fn load_behind(&self, user_key: &[u8], into: &mut Vec<Placed>) -> Option<Vec<u8>> {
        let guard = &epoch::pin();
        let node = self.nodes.lower_bound(Bound::Excluded(&SearchKey::lent(user_key)), guard)?;
        // Should it be split just now, those that are no longer in it are behind the next node.
        node.value().load().sorted(&self.keys, into);
        Some(node.key().get().to_vec())
    }

    /// Loads the keys of the last leaf that begins before a key; some may be behind the key. Gives where it begins.
    pub(super) fn load_before(&self, user_key: &[u8], into: &mut Vec<Placed>) -> Option<Vec<u8>> {
        let guard = &epoch::pin();
        let search = SearchKey::lent(user_key);
        loop {
            let node = self.nodes.upper_bound(Bound::Excluded(&search), guard)?;
            let leaf = node.value().load();
            if leaf.end().is_none_or(|end| *end >= search) {
                leaf.sorted(&self.keys, into);
                return Some(node.key().get().to_vec());
            }
        }
    }

    /// Loads the keys of the last leaf. Gives where it begins.
    pub(super) fn load_last(&self, into: &mut Vec<Placed>) -> Option<Vec<u8>> {
        let guard = &epoch::pin();
        loop {
            let node = self.nodes.back(guard)?;
            let leaf = node.value().load();
            if leaf.end().is_none() {
                leaf.sorted(&self.keys, into);
                return Some(node.key().get().to_vec());
            }
        }
    }
}

impl Place {
    fn of(leaf: Leaf) -> Place {
        Place { leaf: ArcSwap::from_pointee(leaf), adding: Arc::default() }
    }

    /// The leaf, for whoever has just found the place.
    fn load(&self) -> Loaded<Leaf> {
        // The leaf may be split before it is loaded.
        point();
        self.leaf.load()
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Index {{ leaves: {} }}", self.nodes.len())
    }
}

//! A cursor over the nodes of a list that it owns a share of.

use std::{
    ops::Bound,
    sync::{Arc, atomic::AtomicU64},
};

use crossbeam_epoch::{self as epoch, Guard};
use crossbeam_skiplist::base::{Entry, RefEntry};
use self_cell::self_cell;

use super::{List, SkipListMemtable};
use crate::{
    cursor::KeyCursor,
    key::{NodeKey, SearchKey},
    versions::Versions,
};

self_cell!(
    struct Standing {
        owner: Arc<SkipListMemtable>,
        #[covariant]
        dependent: Place,
    }
);

type Node<'a> = RefEntry<'a, NodeKey, AtomicU64>;

/// The node the cursor stands on, if any.
struct Place<'a>(Option<Node<'a>>);

impl<'a> Place<'a> {
    /// Leaves one node for another. A reference that is not released would be none the worse for memory, as
    /// nodes are freed with their list; but the count would not be true.
    fn replace(&mut self, node: Option<Node<'a>>, guard: &Guard) {
        if let Some(left) = std::mem::replace(&mut self.0, node) {
            left.release(guard);
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(left) = self.0.take() {
            left.release(&epoch::pin());
        }
    }
}

/// See [`SkipListMemtable`].
pub(super) struct NodeCursor {
    standing: Standing,
}

impl NodeCursor {
    pub(super) fn over(table: Arc<SkipListMemtable>) -> NodeCursor {
        NodeCursor { standing: Standing::new(table, |_| Place(None)) }
    }

    /// Goes where a search of the list leads.
    fn search(
        &mut self,
        search: impl for<'a, 'g> FnOnce(&'a List, &'g Guard) -> Option<Entry<'a, 'g, NodeKey, AtomicU64>>,
    ) {
        let guard = &epoch::pin();
        self.standing.with_dependent_mut(|table, place| {
            // A node that is never removed can always be referred to.
            let node = search(&table.list, guard).and_then(|node| node.pin());
            place.replace(node, guard);
        });
    }

    /// Goes where a step leads, if there is a node to step from.
    fn step(&mut self, step: impl for<'a> FnOnce(&Node<'a>, &Guard) -> Option<Node<'a>>) {
        let guard = &epoch::pin();
        self.standing.with_dependent_mut(|_, place| {
            let node = place.0.as_ref().and_then(|node| step(node, guard));
            place.replace(node, guard);
        });
    }

    fn node(&self) -> Option<&Node<'_>> {
        self.standing.borrow_dependent().0.as_ref()
    }
}

impl KeyCursor for NodeCursor {
    fn first(&mut self) {
        self.search(|list, guard| list.front(guard));
    }

    fn last(&mut self) {
        self.search(|list, guard| list.back(guard));
    }

    fn seek(&mut self, user_key: &[u8]) {
        let target = SearchKey::lent(user_key);
        self.search(|list, guard| list.lower_bound(Bound::Included(&target), guard));
    }

    fn seek_for_prev(&mut self, user_key: &[u8]) {
        let target = SearchKey::lent(user_key);
        self.search(|list, guard| list.upper_bound(Bound::Included(&target), guard));
    }

    fn next(&mut self) {
        self.step(|node, guard| node.next(guard));
    }

    fn prev(&mut self) {
        self.step(|node, guard| node.prev(guard));
    }

    fn user_key(&self) -> Option<&[u8]> {
        self.node().map(|node| node.key().get())
    }

    fn list(&self) -> Option<&AtomicU64> {
        self.node().map(Node::value)
    }

    fn versions(&self) -> &Versions {
        &self.standing.borrow_owner().versions
    }
}

//! A cursor that stands on a node of a list that it owns a share of.

use std::{ops::Bound, sync::Arc};

use crossbeam_epoch::{self as epoch, Guard};
use crossbeam_skiplist::base::{Entry, RefEntry};
use self_cell::self_cell;
use siltstone_types::{Cursor, InternalKey, Result, Slice};

use super::SkipListMemtable;
use crate::key::{NodeKey, SearchKey};

self_cell!(
    struct Standing {
        owner: Arc<SkipListMemtable>,
        #[covariant]
        dependent: Place,
    }
);

type Node<'a> = RefEntry<'a, NodeKey, Slice>;

/// The node the cursor stands on; `None` when the cursor is invalid.
struct Place<'a>(Option<Node<'a>>);

impl<'a> Place<'a> {
    fn node(&self) -> &Node<'a> {
        #[expect(clippy::expect_used, reason = "asking an invalid cursor is a bug of the caller (rule 2)")]
        self.0.as_ref().expect("the cursor is valid")
    }

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
pub(super) struct SkipListCursor {
    standing: Standing,
}

impl SkipListCursor {
    pub(super) fn over(table: Arc<SkipListMemtable>) -> SkipListCursor {
        SkipListCursor { standing: Standing::new(table, |_| Place(None)) }
    }

    /// Goes where a search of the list leads.
    fn search(
        &mut self,
        search: impl for<'a, 'g> FnOnce(&'a super::List, &'g Guard) -> Option<Entry<'a, 'g, NodeKey, Slice>>,
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
}

impl Cursor for SkipListCursor {
    fn first(&mut self) -> Result<()> {
        self.search(|list, guard| list.front(guard));
        Ok(())
    }

    fn last(&mut self) -> Result<()> {
        self.search(|list, guard| list.back(guard));
        Ok(())
    }

    fn seek(&mut self, target: InternalKey<'_>) -> Result<()> {
        let target = SearchKey::lent(target);
        self.search(|list, guard| list.lower_bound(Bound::Included(&target), guard));
        Ok(())
    }

    fn seek_for_prev(&mut self, target: InternalKey<'_>) -> Result<()> {
        let target = SearchKey::lent(target);
        self.search(|list, guard| list.upper_bound(Bound::Included(&target), guard));
        Ok(())
    }

    fn next(&mut self) -> Result<()> {
        self.step(|node, guard| node.next(guard));
        Ok(())
    }

    fn prev(&mut self) -> Result<()> {
        self.step(|node, guard| node.prev(guard));
        Ok(())
    }

    fn valid(&self) -> bool {
        self.standing.borrow_dependent().0.is_some()
    }

    fn key(&self) -> InternalKey<'_> {
        self.standing.borrow_dependent().node().key().get()
    }

    fn value(&self) -> &[u8] {
        self.standing.borrow_dependent().node().value()
    }

    fn pin_value(&self) -> Slice {
        self.standing.borrow_dependent().node().value().clone()
    }
}

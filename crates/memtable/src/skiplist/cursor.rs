//! A cursor over keys, a leaf at a time.

use std::{
    cmp::Ordering as Order,
    hint::black_box,
    ops::Range,
    sync::{Arc, atomic::AtomicU64},
};

use super::{
    SkipListMemtable,
    index::Index,
    keys::{Placed, Target},
};
use crate::{cursor::KeyCursor, sync::point, versions::Versions};

/// Keys whose memory is asked for together, ahead of the cursor.
const AHEAD: usize = 8;

/// Walks over copies of leaves: a leaf's keys are sorted when the cursor comes to it. Keys that are added to it
/// afterwards are not seen before a seek.
pub(super) struct LeafCursor {
    table: Arc<SkipListMemtable>,
    leaf: Vec<Placed>,
    /// Where it stands in the leaf; behind the end when it stands nowhere.
    at: usize,
    /// Those whose versions have been touched.
    touched: Range<usize>,
    /// The key it stands on: bytes that are words cannot be lent.
    user_key: Vec<u8>,
}

impl LeafCursor {
    pub(super) fn over(table: Arc<SkipListMemtable>) -> LeafCursor {
        LeafCursor { table, leaf: Vec::new(), at: 0, touched: 0..0, user_key: Vec::new() }
    }

    fn load<T>(&mut self, load: impl FnOnce(&Index, &mut Vec<Placed>) -> T) -> T {
        self.touched = 0..0;
        // A seek may load several leaves.
        point();
        load(&self.table.index, &mut self.leaf)
    }

    fn stand_on(&mut self, at: usize) {
        self.at = at;
        if !self.touched.contains(&at) {
            self.touch_from(at);
        }
        if let Some(placed) = self.leaf.get(at) {
            self.table.index.keys().copy(*placed, &mut self.user_key);
        }
    }

    fn stand_nowhere(&mut self) {
        self.leaf.clear();
        self.at = 0;
    }

    /// Touches the next keys and their newest versions, in the direction in which the cursor seems to go. Keys that are
    /// neighbours lie far apart in memory, and a key must be there before its version can be asked for. This way the
    /// memory's answers for several of them are waited for at the same time.
    fn touch_from(&mut self, at: usize) {
        let goes_back = at + 1 == self.touched.start || at + 1 == self.leaf.len();
        self.touched = if goes_back { (at + 1).saturating_sub(AHEAD)..at + 1 } else { at..at + AHEAD };
        let (keys, versions) = (self.table.index.keys(), &self.table.versions);
        let mut newest = [None; AHEAD];
        let placed = self.leaf.iter().skip(self.touched.start);
        for (newest, placed) in newest.iter_mut().zip(placed) {
            *newest = Versions::newest(keys.list(placed.key));
        }
        black_box(newest.iter().flatten().map(|newest| versions.touch(*newest)).fold(0, u64::wrapping_add));
    }

    /// How many keys of the leaf come first, as they are ordered beside a key.
    fn count(&self, user_key: &[u8], comes_first: impl Fn(Order) -> bool) -> usize {
        let (keys, target) = (self.table.index.keys(), Target::new(user_key));
        self.leaf.partition_point(|placed| comes_first(keys.cmp(*placed, &target)))
    }

    /// Moves to the first key of a leaf that begins behind a key.
    fn go_behind(&mut self, user_key: &[u8]) {
        let mut from = self.load(|index, leaf| index.load_behind(user_key, leaf));
        while let (Some(start), true) = (&from, self.leaf.is_empty()) {
            from = self.load(|index, leaf| index.load_behind(start, leaf));
        }
        if from.is_none() {
            return self.stand_nowhere();
        }
        self.stand_on(0);
    }

    /// Moves to the last key before one.
    fn go_before(&mut self, user_key: &[u8]) {
        let mut from = self.load(|index, leaf| index.load_before(user_key, leaf));
        loop {
            let Some(start) = from else { return self.stand_nowhere() };
            if let Some(last) = self.count(user_key, Order::is_lt).checked_sub(1) {
                return self.stand_on(last);
            }
            from = self.load(|index, leaf| index.load_before(&start, leaf));
        }
    }
}

impl KeyCursor for LeafCursor {
    fn first(&mut self) {
        self.seek(b"");
    }

    fn last(&mut self) {
        let start = self.load(Index::load_last);
        match (self.leaf.len().checked_sub(1), start) {
            (Some(last), _) => self.stand_on(last),
            (None, Some(start)) => self.go_before(&start),
            (None, None) => self.stand_nowhere(),
        }
    }

    fn seek(&mut self, user_key: &[u8]) {
        self.load(|index, leaf| index.load_at(user_key, leaf));
        let first = self.count(user_key, Order::is_lt);
        if first == self.leaf.len() { self.go_behind(user_key) } else { self.stand_on(first) }
    }

    fn seek_for_prev(&mut self, user_key: &[u8]) {
        self.load(|index, leaf| index.load_at(user_key, leaf));
        match self.count(user_key, Order::is_le).checked_sub(1) {
            Some(last) => self.stand_on(last),
            None => self.go_before(user_key),
        }
    }

    fn next(&mut self) {
        if self.at + 1 < self.leaf.len() {
            self.stand_on(self.at + 1);
        } else if self.user_key().is_some() {
            let user_key = std::mem::take(&mut self.user_key);
            self.go_behind(&user_key);
        }
    }

    fn prev(&mut self) {
        if self.user_key().is_none() {
            return;
        }
        if let Some(before) = self.at.checked_sub(1) {
            return self.stand_on(before);
        }
        let user_key = std::mem::take(&mut self.user_key);
        self.go_before(&user_key);
    }

    fn user_key(&self) -> Option<&[u8]> {
        self.leaf.get(self.at).map(|_| self.user_key.as_slice())
    }

    fn list(&self) -> Option<&AtomicU64> {
        self.leaf.get(self.at).map(|placed| self.table.index.keys().list(placed.key))
    }

    fn versions(&self) -> &Versions {
        &self.table.versions
    }
}

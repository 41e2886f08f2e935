//! The obvious memtable: a map under a lock, and the oracle for every other one.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    fmt,
    ops::Bound,
    sync::atomic::{AtomicU64, Ordering},
    sync::{Arc, PoisonError},
};

use siltstone_types::{Cursor, Entry, InternalKey, KeyHash, Lookup, Result, SequenceNumber, Slice, Tag};

use crate::{
    Memtable, MemtableFactory,
    answer::answer,
    cost,
    sync::{RwLock, RwLockReadGuard},
};

/// User key ascending, then tag descending: the order of internal keys, said with standard types.
type Position = (Slice, Reverse<Tag>);

/// A memtable under one lock, which writers hold for an entry at a time.
///
/// A cursor remembers where it stands and searches again at each step, in O(log n).
///
/// `bytes` counts for an entry 97 bytes of node (key, tag and value are 56, a node is about three fifths
/// full), and 24 more than its length for each of key and value above 20 bytes.
pub struct BTreeMemtable {
    map: RwLock<BTreeMap<Position, Slice>>,
    bytes: AtomicU64,
    entry_count: AtomicU64,
}

/// Nodes of the standard map have room for 11 entries. Keys that come in ascending order leave 6 in each,
/// which makes 109 bytes for an entry; keys in random order leave 7 to 8, which makes 87. This is between
/// them.
const NODE_BYTES: usize = 97;

impl BTreeMemtable {
    /// An empty table.
    pub fn new() -> BTreeMemtable {
        BTreeMemtable {
            map: RwLock::new(BTreeMap::new()),
            bytes: AtomicU64::new(0),
            entry_count: AtomicU64::new(0),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<Position, Slice>> {
        // Whoever panicked under the lock left whole entries behind: insertion is one call.
        self.map.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memtable for BTreeMemtable {
    fn insert_batch(&self, entries: &mut dyn Iterator<Item = Entry<'_>>) {
        for entry in entries {
            // What takes time is done before the lock is taken.
            let (at, value) = (position(entry.key), Slice::from(entry.value));
            let cost = NODE_BYTES + cost::behind(&at.0) + cost::behind(&value);
            let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
            let mut is_new = false;
            map.entry(at).or_insert_with(|| {
                is_new = true;
                value
            });
            if is_new {
                self.bytes.fetch_add(cost as u64, Ordering::Relaxed);
                self.entry_count.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn get(&self, user_key: &[u8], _hash: KeyHash, at: SequenceNumber) -> Option<Lookup> {
        let map = self.read();
        let ((found, Reverse(tag)), value) =
            map.range(position(InternalKey::lookup(user_key, at))..).next()?;
        (found == user_key).then(|| answer(*tag, || unpinned(value)))
    }

    fn cursor(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(BTreeCursor { table: self, current: None })
    }

    fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn entry_count(&self) -> u64 {
        self.entry_count.load(Ordering::Relaxed)
    }
}

impl Default for BTreeMemtable {
    fn default() -> BTreeMemtable {
        BTreeMemtable::new()
    }
}

impl fmt::Debug for BTreeMemtable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (entry_count, bytes) = (self.entry_count(), self.bytes());
        write!(f, "BTreeMemtable {{ entry_count: {entry_count}, bytes: {bytes} }}")
    }
}

/// Values up to here are copied out: sharing one would make every reader write the same count.
const COPIED_BYTES_MAX: usize = 4096;

fn unpinned(value: &Slice) -> Slice {
    if value.len() <= COPIED_BYTES_MAX { value.detach() } else { value.clone() }
}

fn position(key: InternalKey<'_>) -> Position {
    (Slice::from(key.user_key), Reverse(key.tag))
}

/// Remembers an entry, not a borrow, so that it can own its table.
struct BTreeCursor {
    table: Arc<BTreeMemtable>,
    current: Option<(Position, Slice)>,
}

impl BTreeCursor {
    /// Goes to the first entry behind a bound.
    fn forward(&mut self, from: Bound<Position>) {
        let found = self.table.read().range((from, Bound::Unbounded)).next().map(owned);
        self.current = found;
    }

    /// Goes to the last entry before a bound.
    fn back(&mut self, to: Bound<Position>) {
        let found = self.table.read().range((Bound::Unbounded, to)).next_back().map(owned);
        self.current = found;
    }

    #[expect(clippy::expect_used, reason = "asking an invalid cursor is a bug of the caller (rule 2)")]
    fn entry(&self) -> &(Position, Slice) {
        self.current.as_ref().expect("the cursor is valid")
    }
}

fn owned((at, value): (&Position, &Slice)) -> (Position, Slice) {
    (at.clone(), value.clone())
}

impl Cursor for BTreeCursor {
    fn first(&mut self) -> Result<()> {
        self.forward(Bound::Unbounded);
        Ok(())
    }

    fn last(&mut self) -> Result<()> {
        self.back(Bound::Unbounded);
        Ok(())
    }

    fn seek(&mut self, target: InternalKey<'_>) -> Result<()> {
        self.forward(Bound::Included(position(target)));
        Ok(())
    }

    fn seek_for_prev(&mut self, target: InternalKey<'_>) -> Result<()> {
        self.back(Bound::Included(position(target)));
        Ok(())
    }

    fn next(&mut self) -> Result<()> {
        if let Some((at, _)) = self.current.take() {
            self.forward(Bound::Excluded(at));
        }
        Ok(())
    }

    fn prev(&mut self) -> Result<()> {
        if let Some((at, _)) = self.current.take() {
            self.back(Bound::Excluded(at));
        }
        Ok(())
    }

    fn valid(&self) -> bool {
        self.current.is_some()
    }

    fn key(&self) -> InternalKey<'_> {
        let ((user_key, Reverse(tag)), _) = self.entry();
        InternalKey { user_key, tag: *tag }
    }

    fn value(&self) -> &[u8] {
        &self.entry().1
    }

    fn pin_value(&self) -> Slice {
        self.entry().1.clone()
    }
}

/// Makes [`BTreeMemtable`]s, under the name `btree`.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct BTreeFactory;

impl MemtableFactory for BTreeFactory {
    fn name(&self) -> &'static str {
        "btree"
    }

    fn create(&self) -> Arc<dyn Memtable> {
        Arc::new(BTreeMemtable::new())
    }
}

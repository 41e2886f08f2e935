//! Iteration over a range of keys, from both ends.

use std::{
    fmt,
    ops::{self, Bound, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive},
};

use siltstone_types::Slice;

use crate::{
    Result,
    keyspace::KeyspaceId,
    read_view::{ReadView, SourceCursor},
};

/// The entries of a range in key order, as they were when the iterator was made.
///
/// Items are owned pairs of key and value. `rev()`, and taking from both ends, work as on any double-ended iterator. After an error the iterator
/// is at its end.
pub struct Range {
    view: Result<ReadView>,
    keyspace: KeyspaceId,
    start: Bound<Slice>,
    end: Bound<Slice>,
    front: Option<SourceCursor>,
    back: Option<SourceCursor>,
    // The last keys handed out at either end: where the two meet, iteration is over.
    front_key: Option<Slice>,
    back_key: Option<Slice>,
    done: bool,
}

impl fmt::Debug for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Range")
            .field("start", &self.start)
            .field("end", &self.end)
            .field("done", &self.done)
            .finish_non_exhaustive()
    }
}

/// A key and its value.
pub type KeyValue = (Slice, Slice);

impl Range {
    pub(crate) fn new(view: Result<ReadView>, keyspace: KeyspaceId, bounds: impl KeyBounds) -> Range {
        let (start, end) = bounds.into_bounds();
        Range {
            // Both ends judge by the same time, however late they are used.
            view: view.map(ReadView::at_one_time),
            keyspace,
            start,
            end,
            front: None,
            back: None,
            front_key: None,
            back_key: None,
            done: false,
        }
    }

    fn finish(&mut self) {
        self.done = true;
        // Whatever the iterator kept alive can go.
        self.front = None;
        self.back = None;
    }

    fn move_front(&mut self) -> Result<()> {
        if let Some(cursor) = &mut self.front {
            return Ok(cursor.next()?);
        }
        let view = self.view.as_ref().map_err(Clone::clone)?;
        let cursor = self.front.insert(view.cursor(self.keyspace)?);
        match &self.start {
            Bound::Unbounded => cursor.first()?,
            Bound::Included(key) => cursor.seek(key)?,
            Bound::Excluded(key) => {
                cursor.seek(key)?;
                if cursor.valid() && *cursor.key() == **key {
                    cursor.next()?;
                }
            }
        }
        Ok(())
    }

    fn move_back(&mut self) -> Result<()> {
        if let Some(cursor) = &mut self.back {
            return Ok(cursor.prev()?);
        }
        let view = self.view.as_ref().map_err(Clone::clone)?;
        let cursor = self.back.insert(view.cursor(self.keyspace)?);
        match &self.end {
            Bound::Unbounded => cursor.last()?,
            Bound::Included(key) => cursor.seek_for_prev(key)?,
            Bound::Excluded(key) => {
                cursor.seek_for_prev(key)?;
                if cursor.valid() && *cursor.key() == **key {
                    cursor.prev()?;
                }
            }
        }
        Ok(())
    }

    fn before_end(&self, key: &[u8]) -> bool {
        let within = match &self.end {
            Bound::Unbounded => true,
            Bound::Included(end) => *key <= **end,
            Bound::Excluded(end) => *key < **end,
        };
        within && self.back_key.as_ref().is_none_or(|taken| *key < **taken)
    }

    fn behind_start(&self, key: &[u8]) -> bool {
        let within = match &self.start {
            Bound::Unbounded => true,
            Bound::Included(start) => *key >= **start,
            Bound::Excluded(start) => *key > **start,
        };
        within && self.front_key.as_ref().is_none_or(|taken| *key > **taken)
    }
}

impl Iterator for Range {
    type Item = Result<KeyValue>;

    fn next(&mut self) -> Option<Result<KeyValue>> {
        if self.done {
            return None;
        }
        if let Err(error) = self.move_front() {
            self.finish();
            return Some(Err(error));
        }
        match &self.front {
            Some(cursor) if cursor.valid() && self.before_end(cursor.key()) => {
                let entry = (Slice::from(cursor.key()), cursor.pin_value());
                self.front_key = Some(entry.0.clone());
                Some(Ok(entry))
            }
            _ => {
                self.finish();
                None
            }
        }
    }
}

impl DoubleEndedIterator for Range {
    fn next_back(&mut self) -> Option<Result<KeyValue>> {
        if self.done {
            return None;
        }
        if let Err(error) = self.move_back() {
            self.finish();
            return Some(Err(error));
        }
        match &self.back {
            Some(cursor) if cursor.valid() && self.behind_start(cursor.key()) => {
                let entry = (Slice::from(cursor.key()), cursor.pin_value());
                self.back_key = Some(entry.0.clone());
                Some(Ok(entry))
            }
            _ => {
                self.finish();
                None
            }
        }
    }
}

/// A range of keys: any range of the standard library over anything that is bytes, and a pair of [`Bound`]s.
pub trait KeyBounds {
    /// The two ends.
    fn into_bounds(self) -> (Bound<Slice>, Bound<Slice>);
}

impl KeyBounds for RangeFull {
    fn into_bounds(self) -> (Bound<Slice>, Bound<Slice>) {
        (Bound::Unbounded, Bound::Unbounded)
    }
}

/// Implements `KeyBounds` for a range of the standard library.
macro_rules! key_bounds {
    ($range:ty, $self:ident => $bounds:expr) => {
        impl<K: AsRef<[u8]>> KeyBounds for $range {
            fn into_bounds($self) -> (Bound<Slice>, Bound<Slice>) {
                $bounds
            }
        }
    };
}

key_bounds!(ops::Range<K>, self => (included(&self.start), excluded(&self.end)));
key_bounds!(RangeInclusive<K>, self => (included(self.start()), included(self.end())));
key_bounds!(RangeFrom<K>, self => (included(&self.start), Bound::Unbounded));
key_bounds!(RangeTo<K>, self => (Bound::Unbounded, excluded(&self.end)));
key_bounds!(RangeToInclusive<K>, self => (Bound::Unbounded, included(&self.end)));
key_bounds!((Bound<K>, Bound<K>), self => (own(&self.0), own(&self.1)));

fn own<K: AsRef<[u8]>>(bound: &Bound<K>) -> Bound<Slice> {
    bound.as_ref().map(|key| Slice::from(key.as_ref()))
}

fn included<K: AsRef<[u8]>>(key: &K) -> Bound<Slice> {
    Bound::Included(Slice::from(key.as_ref()))
}

fn excluded<K: AsRef<[u8]>>(key: &K) -> Bound<Slice> {
    Bound::Excluded(Slice::from(key.as_ref()))
}

/// The range of all keys that begin with `prefix`.
pub(crate) fn prefix_bounds(prefix: &[u8]) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    let start = Bound::Included(prefix.to_vec());
    // The least key behind them all: the prefix without its trailing 0xff bytes, and its last byte one higher.
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(higher) = last.checked_add(1) {
            end.push(higher);
            return (start, Bound::Excluded(end));
        }
    }
    (start, Bound::Unbounded)
}

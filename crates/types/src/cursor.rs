//! A position in a sorted list of entries.

use crate::{Entry, InternalKey, Result, Slice, Tag};

/// A two-way cursor over entries in internal-key order. Keys and values are lent, not copied.
///
/// The rules, which `siltstone_testkit` checks for every implementation:
///
/// 1. A new cursor is invalid. Moving off either end makes it invalid; `next` and `prev` leave an invalid cursor so.
/// 2. [`key`](Cursor::key), [`value`](Cursor::value) and [`pin_value`](Cursor::pin_value) panic on an invalid cursor.
/// 3. After an error the cursor is invalid, and `next` and `prev` return that error again, so that it cannot be taken for the end of the
///    data. `first`, `last` and the seeks start afresh.
/// 4. All versions are seen, in the order of [`InternalKey`].
/// 5. A cursor owns what it walks over.
/// 6. A seek has the same outcome wherever the cursor stood before.
pub trait Cursor: Send {
    /// Moves to the first entry.
    fn first(&mut self) -> Result<()>;
    /// Moves to the last entry.
    fn last(&mut self) -> Result<()>;
    /// Moves to the first entry at or after `target`.
    fn seek(&mut self, target: InternalKey<'_>) -> Result<()>;
    /// Moves to the first entry at or after `target`, from an entry before it that is likely to be near: what
    /// [`seek`](Cursor::seek) does, by a step where that is enough.
    fn seek_ahead(&mut self, target: InternalKey<'_>) -> Result<()> {
        self.next()?;
        if self.valid() && self.key() < target { self.seek(target) } else { Ok(()) }
    }
    /// Moves to the last entry at or before `target`.
    fn seek_for_prev(&mut self, target: InternalKey<'_>) -> Result<()>;
    /// Moves one entry on.
    fn next(&mut self) -> Result<()>;
    /// Moves one entry back.
    fn prev(&mut self) -> Result<()>;
    /// True when the cursor stands on an entry.
    fn valid(&self) -> bool;
    /// The entry's key.
    fn key(&self) -> InternalKey<'_>;
    /// The entry's value; empty for kinds without one.
    fn value(&self) -> &[u8];
    /// The entry's value, kept alive for as long as the slice lives.
    fn pin_value(&self) -> Slice;
}

impl<C: Cursor + ?Sized> Cursor for Box<C> {
    fn first(&mut self) -> Result<()> {
        (**self).first()
    }
    fn last(&mut self) -> Result<()> {
        (**self).last()
    }
    fn seek(&mut self, target: InternalKey<'_>) -> Result<()> {
        (**self).seek(target)
    }
    fn seek_ahead(&mut self, target: InternalKey<'_>) -> Result<()> {
        (**self).seek_ahead(target)
    }
    fn seek_for_prev(&mut self, target: InternalKey<'_>) -> Result<()> {
        (**self).seek_for_prev(target)
    }
    fn next(&mut self) -> Result<()> {
        (**self).next()
    }
    fn prev(&mut self) -> Result<()> {
        (**self).prev()
    }
    fn valid(&self) -> bool {
        (**self).valid()
    }
    fn key(&self) -> InternalKey<'_> {
        (**self).key()
    }
    fn value(&self) -> &[u8] {
        (**self).value()
    }
    fn pin_value(&self) -> Slice {
        (**self).pin_value()
    }
}

/// A cursor over a sorted list in memory: the plainest one, for tests and examples.
#[derive(Clone, Debug)]
pub struct VecCursor {
    entries: Vec<(Slice, Tag, Slice)>,
    // An index past the end stands for "invalid".
    at: usize,
}

impl VecCursor {
    /// Sorts the entries into a list of its own.
    pub fn new<'a>(entries: impl IntoIterator<Item = Entry<'a>>) -> VecCursor {
        let mut entries: Vec<_> = entries
            .into_iter()
            .map(|entry| (Slice::from(entry.key.user_key), entry.key.tag, Slice::from(entry.value)))
            .collect();
        entries.sort_by(|a, b| internal(a).cmp(&internal(b)));
        VecCursor { entries, at: usize::MAX }
    }

    fn entry(&self) -> &(Slice, Tag, Slice) {
        &self.entries[self.at]
    }
}

fn internal((user_key, tag, _): &(Slice, Tag, Slice)) -> InternalKey<'_> {
    InternalKey { user_key, tag: *tag }
}

impl Cursor for VecCursor {
    fn first(&mut self) -> Result<()> {
        self.at = 0;
        Ok(())
    }
    fn last(&mut self) -> Result<()> {
        self.at = self.entries.len().wrapping_sub(1);
        Ok(())
    }
    fn seek(&mut self, target: InternalKey<'_>) -> Result<()> {
        self.at = self.entries.partition_point(|entry| internal(entry) < target);
        Ok(())
    }
    fn seek_for_prev(&mut self, target: InternalKey<'_>) -> Result<()> {
        self.at = self.entries.partition_point(|entry| internal(entry) <= target).wrapping_sub(1);
        Ok(())
    }
    fn next(&mut self) -> Result<()> {
        if self.valid() {
            self.at += 1;
        }
        Ok(())
    }
    fn prev(&mut self) -> Result<()> {
        if self.valid() {
            self.at = self.at.wrapping_sub(1);
        }
        Ok(())
    }
    fn valid(&self) -> bool {
        self.at < self.entries.len()
    }
    fn key(&self) -> InternalKey<'_> {
        internal(self.entry())
    }
    fn value(&self) -> &[u8] {
        &self.entry().2
    }
    fn pin_value(&self) -> Slice {
        self.entry().2.clone()
    }
}

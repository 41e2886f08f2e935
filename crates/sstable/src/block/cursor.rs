//! A position in a block.
#![deny(clippy::indexing_slicing)]

use std::ops::Range;

use siltstone_types::{InternalKey, Kind, Slice, Tag};

use super::{Block, entry::Stored};
use crate::Broken;

/// What the entries of a block are, which decides which tags they may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EntryKind {
    /// Entries of a data block: the kind is known.
    Data,
    /// Entries of an index block: the tag may also be 0.
    Index,
}

/// A two-way cursor over the entries of one block, which checks each entry it comes across (rules 14 to 19).
///
/// Like [`siltstone_types::Cursor`], but with errors that name the rule and not the file. After an error it is invalid.
#[derive(Debug)]
pub struct BlockCursor {
    block: Block,
    kind: EntryKind,
    valid: bool,
    // The entry stood on. `user_key` is also what the next entry's shared bytes are taken from.
    user_key: Vec<u8>,
    tag: Tag,
    entry_at: usize,
    value: Range<usize>,
    // Where the next entry starts, and the first restart at or behind that.
    next_at: usize,
    next_restart: usize,
}

impl BlockCursor {
    /// A cursor that stands nowhere.
    pub fn new(block: Block, kind: EntryKind) -> BlockCursor {
        BlockCursor {
            block,
            kind,
            valid: false,
            user_key: Vec::new(),
            tag: Tag::AFTER_ALL,
            entry_at: 0,
            value: 0..0,
            next_at: 0,
            next_restart: 0,
        }
    }

    /// Moves on to another block, where it stands nowhere. Keeps the memory.
    pub fn reset(&mut self, block: Block) {
        self.block = block;
        self.valid = false;
    }

    /// Moves to the first entry.
    ///
    /// # Errors
    ///
    /// The rule that an entry breaks; the same for all moves.
    pub fn first(&mut self) -> Result<(), Broken> {
        self.jump(0);
        self.advance()
    }

    /// Moves to the last entry.
    ///
    /// # Errors
    ///
    /// See [`BlockCursor::first`].
    pub fn last(&mut self) -> Result<(), Broken> {
        self.jump(self.block.restart_count - 1);
        self.advance_to_end_at(self.block.entries_bytes)
    }

    /// Moves to the first entry at or after `target`.
    ///
    /// # Errors
    ///
    /// See [`BlockCursor::first`].
    pub fn seek(&mut self, target: InternalKey<'_>) -> Result<(), Broken> {
        let restart = self.restart_before(target)?;
        self.jump(restart);
        self.advance()?;
        while self.valid && self.key() < target {
            self.advance()?;
        }
        Ok(())
    }

    /// Moves to the last entry at or before `target`.
    ///
    /// # Errors
    ///
    /// See [`BlockCursor::first`].
    pub fn seek_for_prev(&mut self, target: InternalKey<'_>) -> Result<(), Broken> {
        self.seek(target)?;
        if !self.valid {
            self.last()
        } else if self.key() == target {
            Ok(())
        } else {
            self.prev()
        }
    }

    /// Moves one entry on.
    ///
    /// # Errors
    ///
    /// See [`BlockCursor::first`].
    #[inline]
    #[expect(clippy::should_implement_trait, reason = "named as in Cursor; it lends, so it is no iterator")]
    pub fn next(&mut self) -> Result<(), Broken> {
        if self.valid { self.advance() } else { Ok(()) }
    }

    /// Moves one entry back.
    ///
    /// # Errors
    ///
    /// See [`BlockCursor::first`].
    pub fn prev(&mut self) -> Result<(), Broken> {
        if !self.valid {
            return Ok(());
        }
        let end = self.entry_at;
        self.valid = false;
        if end == 0 {
            return Ok(());
        }
        // The restart of the entry's own interval is the one before `next_restart`, unless the entry stands right on it.
        let own = self.next_restart.saturating_sub(1);
        let restart = if self.block.restart_at(own) < end { own } else { own.saturating_sub(1) };
        self.jump(restart);
        self.advance_to_end_at(end)
    }

    /// True when the cursor stands on an entry.
    #[inline]
    pub fn valid(&self) -> bool {
        self.valid
    }

    /// The entry's key.
    ///
    /// # Panics
    ///
    /// When the cursor is not valid; so do the other two.
    #[inline]
    pub fn key(&self) -> InternalKey<'_> {
        assert!(self.valid, "the cursor stands on no entry");
        InternalKey { user_key: &self.user_key, tag: self.tag }
    }

    /// The entry's value.
    ///
    /// # Panics
    ///
    /// See [`BlockCursor::key`].
    #[inline]
    pub fn value(&self) -> &[u8] {
        assert!(self.valid, "the cursor stands on no entry");
        self.block.raw.get(self.value.clone()).unwrap_or_default()
    }

    /// The entry's value, sharing the block's memory.
    ///
    /// # Panics
    ///
    /// See [`BlockCursor::key`].
    pub fn pin_value(&self) -> Slice {
        assert!(self.valid, "the cursor stands on no entry");
        self.block.raw.slice(self.value.clone())
    }

    /// Stands before the first entry of a restart's interval.
    fn jump(&mut self, restart: usize) {
        self.valid = false;
        self.user_key.clear();
        self.next_at = self.block.restart_at(restart);
        self.next_restart = restart;
    }

    /// Goes on to the entry that ends at `end`.
    fn advance_to_end_at(&mut self, end: usize) -> Result<(), Broken> {
        self.advance()?;
        while self.valid && self.next_at < end {
            self.advance()?;
        }
        if self.valid && self.next_at == end {
            return Ok(());
        }
        self.valid = false;
        Err(Broken::Rule(17, "an entry does not end where the next one starts"))
    }

    /// Goes on to the entry at `next_at`. An invalid cursor has no previous entry to compare with.
    #[inline]
    fn advance(&mut self) -> Result<(), Broken> {
        let has_previous = std::mem::replace(&mut self.valid, false);
        let entries = self.block.entries();
        let at = self.next_at;
        if at == entries.len() {
            return Ok(());
        }
        let entry = Stored::decode(entries, at)?;
        let restart_at = self.block.restart_at(self.next_restart);
        if at >= restart_at {
            if at > restart_at {
                return Err(Broken::Rule(14, "a restart offset is not the start of an entry"));
            }
            if entry.shared != 0 {
                return Err(Broken::Rule(16, "the key at a restart is not stored in full"));
            }
            self.next_restart += 1;
        }
        let previous_tail = self
            .user_key
            .get(entry.shared..)
            .ok_or(Broken::Rule(16, "a key shares more than the previous key has"))?;
        if has_previous {
            let order = entry.unshared.cmp(previous_tail).then_with(|| self.tag.cmp(&entry.tag));
            if order.is_le() {
                return Err(Broken::Rule(19, "entries do not ascend"));
            }
        }
        check_tag(&entry, self.kind)?;
        self.user_key.truncate(entry.shared);
        self.user_key.extend_from_slice(entry.unshared);
        self.tag = entry.tag;
        self.value = entry.value_at..entry.end;
        self.entry_at = at;
        self.next_at = entry.end;
        self.valid = true;
        Ok(())
    }

    /// The last restart whose key is at or before `target`; the first when there is none.
    fn restart_before(&self, target: InternalKey<'_>) -> Result<usize, Broken> {
        let entries = self.block.entries();
        let (mut low, mut high) = (0, self.block.restart_count);
        while low + 1 < high {
            let middle = low.midpoint(high);
            let entry = Stored::decode(entries, self.block.restart_at(middle))?;
            if entry.shared != 0 {
                return Err(Broken::Rule(16, "the key at a restart is not stored in full"));
            }
            if (InternalKey { user_key: entry.unshared, tag: entry.tag }) <= target {
                low = middle;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }
}

/// Rule 18.
#[inline]
fn check_tag(entry: &Stored<'_>, kind: EntryKind) -> Result<(), Broken> {
    match (entry.tag.kind(), kind) {
        (Some(_), EntryKind::Index) => Ok(()),
        (Some(kind), EntryKind::Data) if kind.has_value() || entry.value_at == entry.end => Ok(()),
        (Some(_), EntryKind::Data) => Err(Broken::Rule(18, "a delete has a value")),
        (None, EntryKind::Index) if entry.tag == Tag::AFTER_ALL => Ok(()),
        (None, _) => {
            let [low, ..] = entry.tag.raw().to_le_bytes();
            if Kind::is_reserved(low) {
                return Err(Broken::TooNew("an entry has an unknown kind"));
            }
            Err(Broken::Rule(18, "an entry has an invalid kind"))
        }
    }
}

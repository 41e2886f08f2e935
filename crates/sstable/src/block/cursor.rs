//! A position in a block.
#![deny(clippy::indexing_slicing)]

use std::ops::Range;

use siltstone_types::{InternalKey, Slice, Tag};

use super::{Block, EntryKind, format::Stored};
use crate::Broken;

/// A two-way cursor over the entries of one block, which checks each entry it comes across (rules 14 to 19).
///
/// Like [`siltstone_types::Cursor`], but with errors that name the rule and not the file. After an error it
/// is invalid.
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
    trail: Trail,
}

/// The entries that were passed on the way to where the cursor stands, so that going back does not decode
/// them again for each step.
#[derive(Debug, Default)]
struct Trail {
    user_keys: Vec<u8>,
    entries: Vec<Passed>,
}

#[derive(Clone, Debug)]
struct Passed {
    user_key_at: usize,
    tag: Tag,
    entry_at: usize,
    value: Range<usize>,
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
            trail: Trail::default(),
        }
    }

    /// Moves on to another block, where it stands nowhere. Keeps the memory.
    pub fn reset(&mut self, block: Block) {
        self.block = block;
        self.valid = false;
        self.trail.clear();
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
        self.valid = false;
        let restart = self.block.restart_before(target)?;
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
        if self.step_back_on_trail(end) {
            return Ok(());
        }
        self.valid = false;
        if end == 0 {
            return Ok(());
        }
        // The restart of the entry's own interval is the one before `next_restart`, unless the entry stands
        // right on it.
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

    /// Goes on to the entry that ends at `end`, and remembers those before it. Starts at a restart.
    fn advance_to_end_at(&mut self, end: usize) -> Result<(), Broken> {
        self.trail.clear();
        self.advance()?;
        while self.valid && self.next_at < end {
            self.trail.push(&self.user_key, self.tag, self.entry_at, self.value.clone());
            self.advance()?;
        }
        if self.valid && self.next_at == end {
            return Ok(());
        }
        self.valid = false;
        Err(Broken::Rule(17, "an entry does not end where the next one starts"))
    }

    /// Goes back to the entry that ends at `end`, if it is the last one of the trail. No restart lies between
    /// the two: the trail stops short of the last entry of its interval.
    fn step_back_on_trail(&mut self, end: usize) -> bool {
        let Some(passed) = self.trail.entries.pop_if(|passed| passed.value.end == end) else {
            return false;
        };
        self.user_key.clear();
        self.user_key.extend_from_slice(self.trail.user_keys.get(passed.user_key_at..).unwrap_or_default());
        self.trail.user_keys.truncate(passed.user_key_at);
        self.tag = passed.tag;
        self.next_at = end;
        self.entry_at = passed.entry_at;
        self.value = passed.value;
        true
    }

    /// Goes on to the entry at `next_at`. An invalid cursor has no previous entry to compare with.
    #[inline]
    fn advance(&mut self) -> Result<(), Broken> {
        let has_previous = std::mem::replace(&mut self.valid, false);
        let entries = self.block.entries();
        let at = self.next_at;
        if at == entries.len() {
            // A restart inside the last entry would be found nowhere else.
            let all_met = self.next_restart == self.block.restart_count;
            return if all_met { Ok(()) } else { Err(NO_ENTRY_AT_RESTART) };
        }
        let entry = Stored::decode(entries, at)?;
        let restart_at = self.block.restart_at(self.next_restart);
        if at >= restart_at {
            if at > restart_at {
                return Err(NO_ENTRY_AT_RESTART);
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
        entry.check_tag(self.kind)?;
        self.user_key.truncate(entry.shared);
        self.user_key.extend_from_slice(entry.unshared);
        self.tag = entry.tag;
        self.value = entry.value_at..entry.end;
        self.entry_at = at;
        self.next_at = entry.end;
        self.valid = true;
        Ok(())
    }
}

impl Trail {
    fn clear(&mut self) {
        self.user_keys.clear();
        self.entries.clear();
    }

    fn push(&mut self, user_key: &[u8], tag: Tag, entry_at: usize, value: Range<usize>) {
        self.entries.push(Passed { user_key_at: self.user_keys.len(), tag, entry_at, value });
        self.user_keys.extend_from_slice(user_key);
    }
}

const NO_ENTRY_AT_RESTART: Broken = Broken::Rule(14, "a restart offset is not the start of an entry");

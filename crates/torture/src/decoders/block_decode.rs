//! Blocks: one answer, whichever way they are walked.

use siltstone_sstable::{Block, BlockCursor, EntryKind};
use siltstone_types::{InternalKey, Slice, Tag};

use crate::{
    plain::block::{self, Entry},
    repair::table::with_restarts,
};

/// Moves that are tried in every way are tried at so many entries.
const PLACES: usize = 48;

/// Walks over the raw bytes of a data or index block, and seeks in them.
///
/// The input is tried as it is, and as entries that get a restart array.
///
/// # Panics
///
/// When the cursor and the page disagree about a block, or two ways through a valid block do.
pub fn block_decode(data: &[u8]) {
    for kind in [EntryKind::Data, EntryKind::Index] {
        check(data, kind);
        check(&with_restarts(data), kind);
    }
}

fn check(raw: &[u8], kind: EntryKind) {
    let expected = block::read(raw, kind == EntryKind::Index);
    let parsed = Block::parse(Slice::from(raw));
    assert_eq!(parsed.is_ok(), expected.is_some(), "{parsed:?}");
    let (Ok(parsed), Some(expected)) = (parsed, expected) else { return };
    let mut walk = Walk { cursor: BlockCursor::new(parsed, kind), raw, entries: &expected.entries };
    walk.forward(expected.whole);
    walk.backward(expected.whole);
    for (user_key, tag) in targets(&expected.entries) {
        walk.seek(InternalKey { user_key: &user_key, tag: Tag::from_raw(tag) }, expected.whole);
    }
    if expected.whole {
        walk.zigzag();
    }
}

/// Keys that are there, and keys beside them.
fn targets(entries: &[Entry]) -> Vec<(Vec<u8>, u64)> {
    let mut targets = vec![(Vec::new(), u64::MAX), (Vec::new(), 0), (vec![0xff; 9], 0)];
    for entry in spread(entries) {
        let (key, tag) = (&entry.user_key, entry.tag);
        let shorter = key.split_last().map_or(&[][..], |(_, shorter)| shorter);
        targets.extend(
            [tag, tag.wrapping_add(1), tag.wrapping_sub(1), 0, u64::MAX].map(|tag| (key.clone(), tag)),
        );
        targets.push((shorter.to_vec(), tag));
        targets.push(([key, &[0][..]].concat(), tag));
        targets.push((key.iter().map(|byte| byte.wrapping_add(1)).collect(), tag));
    }
    targets
}

/// Some of the entries, those at both ends among them.
fn spread(entries: &[Entry]) -> impl Iterator<Item = &Entry> {
    let step = (entries.len() / PLACES).max(1);
    entries.iter().step_by(step).chain(entries.last())
}

struct Walk<'a> {
    cursor: BlockCursor,
    raw: &'a [u8],
    entries: &'a [Entry],
}

impl Walk<'_> {
    /// Sees the entries up to the first that breaks a rule, and then says so.
    fn forward(&mut self, whole: bool) {
        let mut moved = self.cursor.first();
        for entry in self.entries {
            assert_eq!(moved, Ok(()), "before {entry:?}");
            self.stands_on(Some(entry));
            moved = self.cursor.next();
        }
        assert_eq!(moved.is_ok(), whole, "behind the last valid entry: {moved:?}");
        self.stands_on(None);
    }

    fn backward(&mut self, whole: bool) {
        let mut moved = self.cursor.last();
        if whole {
            for entry in self.entries.iter().rev() {
                assert_eq!(moved, Ok(()), "at {entry:?}");
                self.stands_on(Some(entry));
                moved = self.cursor.prev();
            }
            assert_eq!(moved, Ok(()));
            self.stands_on(None);
            return;
        }
        // No entry takes less than 4 bytes, so there cannot be more steps.
        for _ in 0..=self.raw.len() / 4 {
            if moved.is_err() || !self.cursor.valid() {
                return;
            }
            moved = self.cursor.prev();
        }
        unreachable!("more entries backwards than the block has room for");
    }

    fn seek(&mut self, target: InternalKey<'_>, whole: bool) {
        if !whole {
            self.seek_damaged(target);
            return;
        }
        assert_eq!(self.cursor.seek(target), Ok(()));
        let at = self.entries.partition_point(|entry| key_of(entry) < target);
        self.stands_on(self.entries.get(at));
        assert_eq!(self.cursor.seek_for_prev(target), Ok(()));
        let behind = self.entries.partition_point(|entry| key_of(entry) <= target);
        self.stands_on(behind.checked_sub(1).and_then(|at| self.entries.get(at)));
        assert_eq!(self.cursor.next(), Ok(()));
        let next = if behind == 0 { None } else { self.entries.get(behind) };
        self.stands_on(next);
    }

    /// In a damaged block a seek may miss what it looks for, but it says so or lands where it was asked to. After an error the cursor is invalid.
    fn seek_damaged(&mut self, target: InternalKey<'_>) {
        for stood_somewhere in [false, true] {
            let outcome = self.cursor.seek(target);
            assert!(outcome.is_ok() || !self.cursor.valid(), "valid after {outcome:?}");
            assert!(!self.cursor.valid() || target <= self.cursor.key(), "a seek ended before {target:?}");
            if stood_somewhere {
                let _ = self.cursor.first();
            }
            let outcome = self.cursor.seek_for_prev(target);
            assert!(outcome.is_ok() || !self.cursor.valid(), "valid after {outcome:?}");
        }
    }

    /// Back and on again, at every place.
    fn zigzag(&mut self) {
        assert_eq!(self.cursor.first(), Ok(()));
        for at in 1..self.entries.len().min(PLACES) {
            for (step, lands_on) in [(true, at), (false, at - 1), (true, at), (false, at - 1), (true, at)] {
                let moved = if step { self.cursor.next() } else { self.cursor.prev() };
                assert_eq!(moved, Ok(()));
                self.stands_on(self.entries.get(lands_on));
            }
        }
    }

    fn stands_on(&self, entry: Option<&Entry>) {
        assert_eq!(self.cursor.valid(), entry.is_some(), "should stand on {entry:?}");
        if let Some(entry) = entry {
            assert_eq!(self.cursor.key(), key_of(entry));
            assert_eq!(Some(self.cursor.value()), self.raw.get(entry.value.clone()));
            assert_eq!(&*self.cursor.pin_value(), self.cursor.value());
        }
    }
}

fn key_of(entry: &Entry) -> InternalKey<'_> {
    InternalKey { user_key: &entry.user_key, tag: Tag::from_raw(entry.tag) }
}

//! Finds one key in a block without putting any key together.
#![deny(clippy::indexing_slicing)]

use std::ops::Range;

use siltstone_types::{InternalKey, Tag};

use super::{Block, EntryKind, common_bytes, format::Stored};
use crate::Broken;

/// The first entry at or after a target.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Whether its user key is the target's.
    pub(crate) same_user_key: bool,
    pub(crate) tag: Tag,
    /// Where its value is in the block.
    pub(crate) value: Range<usize>,
}

impl Block {
    /// Finds the first entry at or after `target`.
    ///
    /// # Errors
    ///
    /// Rules 15 to 18 for the entries on the way.
    pub(crate) fn find(&self, target: InternalKey<'_>, kind: EntryKind) -> Result<Option<Found>, Broken> {
        let entries = self.entries();
        let mut at = self.restart_at(self.restart_before(target)?);
        // Of the entry before, which is below the target: its length, and how much of it is as in the target.
        let (mut previous_bytes, mut matched) = (0, 0);
        while at < entries.len() {
            let entry = Stored::decode(entries, at)?;
            entry.check_tag(kind)?;
            if entry.shared > previous_bytes {
                return Err(Broken::Rule(16, "a key shares more than the previous key has"));
            }
            // A key that shares more than what matched has the same byte there that put the previous key
            // below the target.
            if entry.shared <= matched {
                let target_tail = target.user_key.get(entry.shared..).unwrap_or_default();
                let common = common_bytes(entry.unshared, target_tail);
                let order = entry.unshared.get(common).cmp(&target_tail.get(common));
                if order.then_with(|| target.tag.cmp(&entry.tag)).is_ge() {
                    let value = entry.value_at..entry.end;
                    return Ok(Some(Found { same_user_key: order.is_eq(), tag: entry.tag, value }));
                }
                matched = entry.shared + common;
            }
            previous_bytes = entry.shared + entry.unshared.len();
            at = entry.end;
        }
        Ok(None)
    }

    /// The last restart whose key is at or before `target`; the first when there is none.
    pub(super) fn restart_before(&self, target: InternalKey<'_>) -> Result<usize, Broken> {
        let entries = self.entries();
        let (mut low, mut high) = (0, self.restart_count);
        while low + 1 < high {
            let middle = low.midpoint(high);
            let entry = Stored::decode(entries, self.restart_at(middle))?;
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

//! Decides which versions survive a merge.

use siltstone_types::{Cursor, Entry, Error, InternalKey, Kind, Result, SequenceNumber, Slice, Tag};

/// Walks over the merged inputs of a job and lends the entries that its outputs are to hold.
///
/// The snapshots and the newest state cut the sequence numbers into *stripes*: those between two neighbours
/// look the same to every reader. For each user key:
///
/// 1. In each stripe only the newest version survives.
/// 2. A tombstone in the oldest stripe goes, too, when no older data for its key can exist outside the
///    inputs.
/// 3. A put in the oldest stripe gets sequence number 0 under the same condition.
/// 4. An error ends the walk. It is returned again and again, so that it cannot be taken for the end of the
///    data.
#[derive(Debug)]
pub struct Retain<C, F> {
    input: C,
    older_data_may_exist: F,
    snapshots: Vec<SequenceNumber>,
    // The user key of the entry seen last, and the stripe of its newest version seen so far; `None` before
    // the first.
    seen: Option<(Vec<u8>, usize)>,
    state: State,
    statistics: RetainStatistics,
}

#[derive(Debug)]
enum State {
    /// The cursor stands on an entry that was not looked at.
    Unread,
    /// The cursor stands on the entry that was lent last.
    Lent,
    Failed(Error),
}

/// What became of the entries.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct RetainStatistics {
    /// Entries of the inputs, so far.
    pub entries_in: u64,
    /// Entries that survived.
    pub entries_out: u64,
    /// Entries that a newer version in the same stripe hides.
    pub superseded: u64,
    /// Tombstones that had nothing left to hide.
    pub tombstones_dropped: u64,
    /// Survivors whose sequence number became 0.
    pub zeroed: u64,
}

enum Fate {
    Survives(Tag),
    Superseded,
    TombstoneDropped,
}

impl<C: Cursor, F: FnMut(&[u8]) -> bool> Retain<C, F> {
    /// Starts at the entry the cursor stands on: call its `first` before. The cursor is walked to its end, in
    /// order.
    ///
    /// `snapshots` are the live ones, in any order, read once, after the inputs of the job were fixed.
    /// `older_data_may_exist` is asked by user key, in rising order, at most once for each
    /// ([`OlderData`](crate::OlderData) answers it).
    pub fn new(input: C, snapshots: &[SequenceNumber], older_data_may_exist: F) -> Retain<C, F> {
        let mut snapshots = snapshots.to_vec();
        snapshots.sort_unstable();
        snapshots.dedup();
        let statistics = RetainStatistics::default();
        Retain { input, older_data_may_exist, snapshots, seen: None, state: State::Unread, statistics }
    }

    /// The next survivor; `None` behind the last.
    ///
    /// # Errors
    ///
    /// Those of the cursor, and [`Error::InvalidArgument`] for an entry of a kind whose rules are not known
    /// here.
    pub fn next_entry(&mut self) -> Result<Option<Entry<'_>>> {
        if let State::Failed(error) = &self.state {
            return Err(error.clone());
        }
        match self.find_survivor() {
            Ok(Some(tag)) => {
                let key = InternalKey { user_key: self.input.key().user_key, tag };
                Ok(Some(Entry { key, value: self.input.value() }))
            }
            Ok(None) => Ok(None),
            Err(error) => {
                self.state = State::Failed(error.clone());
                Err(error)
            }
        }
    }

    /// The value of the entry that was lent last, kept alive for as long as the slice lives.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn pin_value(&self) -> Slice {
        self.input.pin_value()
    }

    /// What became of the entries so far.
    pub fn statistics(&self) -> RetainStatistics {
        self.statistics
    }

    fn find_survivor(&mut self) -> Result<Option<Tag>> {
        loop {
            // On an invalid cursor `next` returns the error that made it so, if one did.
            if matches!(self.state, State::Lent) || !self.input.valid() {
                self.input.next()?;
            }
            self.state = State::Lent;
            if !self.input.valid() {
                return Ok(None);
            }
            let fate = self.judge()?;
            self.statistics.entries_in += 1;
            match fate {
                Fate::Survives(tag) => {
                    self.statistics.entries_out += 1;
                    return Ok(Some(tag));
                }
                Fate::Superseded => self.statistics.superseded += 1,
                Fate::TombstoneDropped => self.statistics.tombstones_dropped += 1,
            }
        }
    }

    fn judge(&mut self) -> Result<Fate> {
        let InternalKey { user_key, tag } = self.input.key();
        let is_put = match tag.kind() {
            Some(Kind::Put) => true,
            Some(Kind::Delete) => false,
            // What it hides, and what it needs, is not known, so nothing may be left out around it.
            _ => {
                return Err(Error::InvalidArgument {
                    what: format!("cannot compact an entry of kind {tag:?}"),
                });
            }
        };
        let stripe = self.snapshots.partition_point(|snapshot| *snapshot < tag.sequence());
        match &mut self.seen {
            Some((seen, seen_stripe)) if *seen == user_key => {
                if *seen_stripe == stripe {
                    return Ok(Fate::Superseded);
                }
                *seen_stripe = stripe;
            }
            Some((seen, seen_stripe)) => {
                seen.clear();
                seen.extend_from_slice(user_key);
                *seen_stripe = stripe;
            }
            None => self.seen = Some((user_key.to_vec(), stripe)),
        }
        if stripe > 0
            || (is_put && tag.sequence() == SequenceNumber::ZERO)
            || (self.older_data_may_exist)(user_key)
        {
            return Ok(Fate::Survives(tag));
        }
        if !is_put {
            return Ok(Fate::TombstoneDropped);
        }
        self.statistics.zeroed += 1;
        Ok(Fate::Survives(Tag::new(SequenceNumber::ZERO, Kind::Put)))
    }
}

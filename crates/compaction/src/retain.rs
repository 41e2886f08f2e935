//! Decides which versions survive a merge.

use std::ops;

use siltstone_types::{
    Cursor, Entry, Error, Expiring, InternalKey, Kind, Result, SequenceNumber, Slice, Tag,
};

use crate::Readers;

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
/// 5. An expiring put whose time has come for every reader who can see it is a tombstone of the same sequence
///    number: it goes where a tombstone would, and is lent as a delete otherwise.
#[derive(Debug)]
pub struct Retain<C, F> {
    input: C,
    older_data_may_exist: F,
    stripes: Stripes,
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
    /// The cursor stands on the entry that was lent last, with its value or without.
    Lent {
        with_value: bool,
    },
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
    /// Entries that had expired and had nothing left to hide.
    pub expired_dropped: u64,
    /// Survivors that had expired, and became tombstones.
    pub expired_to_tombstones: u64,
}

impl ops::AddAssign for RetainStatistics {
    fn add_assign(&mut self, other: RetainStatistics) {
        self.entries_in += other.entries_in;
        self.entries_out += other.entries_out;
        self.superseded += other.superseded;
        self.tombstones_dropped += other.tombstones_dropped;
        self.zeroed += other.zeroed;
        self.expired_dropped += other.expired_dropped;
        self.expired_to_tombstones += other.expired_to_tombstones;
    }
}

enum Fate {
    Survives(Tag),
    Superseded,
    TombstoneDropped,
    ExpiredDropped,
}

/// The sequence numbers that look the same to every reader, from the oldest stripe on.
#[derive(Debug)]
struct Stripes {
    /// The last number of each stripe but the newest, ascending.
    ends: Vec<SequenceNumber>,
    /// For each stripe, the newest included: the earliest time by which a reader of an entry in it judges. One of an older stripe may be what
    /// the readers of newer ones see.
    judged_from_unix_ms: Vec<u64>,
}

impl Stripes {
    fn of(readers: &Readers) -> Stripes {
        let mut snapshots = readers.snapshots.clone();
        // Of several snapshots of one number the earliest comes first, and stays.
        snapshots.sort_unstable_by_key(|snapshot| (snapshot.at, snapshot.taken_unix_ms));
        snapshots.dedup_by_key(|snapshot| snapshot.at);
        let mut judged_from_unix_ms = vec![readers.now_unix_ms];
        let mut earliest = readers.now_unix_ms;
        for snapshot in snapshots.iter().rev() {
            earliest = earliest.min(snapshot.taken_unix_ms);
            judged_from_unix_ms.push(earliest);
        }
        judged_from_unix_ms.reverse();
        Stripes { ends: snapshots.iter().map(|snapshot| snapshot.at).collect(), judged_from_unix_ms }
    }

    fn of_sequence(&self, sequence: SequenceNumber) -> usize {
        self.ends.partition_point(|end| *end < sequence)
    }

    fn has_expired(&self, stripe: usize, expiring: &Expiring<'_>) -> bool {
        self.judged_from_unix_ms.get(stripe).is_some_and(|&from| expiring.has_expired(from))
    }
}

impl<C: Cursor, F: FnMut(&[u8]) -> bool> Retain<C, F> {
    /// Starts at the entry the cursor stands on: call its `first` before. The cursor is walked to its end, in
    /// order.
    ///
    /// `readers` are read once, after the inputs of the job were fixed.
    /// `older_data_may_exist` is asked by user key, in rising order, at most once for each
    /// ([`OlderData`](crate::OlderData) answers it).
    pub fn new(input: C, readers: &Readers, older_data_may_exist: F) -> Retain<C, F> {
        let (stripes, statistics) = (Stripes::of(readers), RetainStatistics::default());
        Retain { input, older_data_may_exist, stripes, seen: None, state: State::Unread, statistics }
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
                let with_value = tag.kind().is_some_and(Kind::has_value);
                self.state = State::Lent { with_value };
                let key = InternalKey { user_key: self.input.key().user_key, tag };
                Ok(Some(Entry { key, value: if with_value { self.input.value() } else { &[] } }))
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
        match self.state {
            State::Lent { with_value: false } => Slice::empty(),
            _ => self.input.pin_value(),
        }
    }

    /// What became of the entries so far.
    pub fn statistics(&self) -> RetainStatistics {
        self.statistics
    }

    fn find_survivor(&mut self) -> Result<Option<Tag>> {
        loop {
            // On an invalid cursor `next` returns the error that made it so, if one did.
            if matches!(self.state, State::Lent { .. }) || !self.input.valid() {
                self.input.next()?;
            }
            self.state = State::Lent { with_value: true };
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
                Fate::ExpiredDropped => self.statistics.expired_dropped += 1,
            }
        }
    }

    fn judge(&mut self) -> Result<Fate> {
        let InternalKey { user_key, tag } = self.input.key();
        let stripe = self.stripes.of_sequence(tag.sequence());
        let (kind, has_expired) = match tag.kind() {
            Some(kind @ (Kind::Put | Kind::Delete)) => (kind, false),
            Some(kind @ Kind::ExpiringPut) => {
                let expiring = Expiring::decode(self.input.value()).map_err(|broken| {
                    Error::InvalidArgument { what: format!("cannot compact {tag:?}: {}", broken.what()) }
                })?;
                (kind, self.stripes.has_expired(stripe, &expiring))
            }
            // What it hides, and what it needs, is not known, so nothing may be left out around it.
            _ => {
                return Err(Error::InvalidArgument {
                    what: format!("cannot compact an entry of kind {tag:?}"),
                });
            }
        };
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
        let kind = if has_expired { Kind::Delete } else { kind };
        // A put got this number when nothing older was left (rule 3), and nothing older can have come.
        let is_zero = tag.sequence() == SequenceNumber::ZERO;
        if is_zero && kind.has_value() {
            return Ok(Fate::Survives(tag));
        }
        let is_oldest = stripe == 0 && ((is_zero && has_expired) || !(self.older_data_may_exist)(user_key));
        if !is_oldest {
            self.statistics.expired_to_tombstones += u64::from(has_expired);
            return Ok(Fate::Survives(Tag::new(tag.sequence(), kind)));
        }
        if has_expired {
            return Ok(Fate::ExpiredDropped);
        }
        if kind == Kind::Delete {
            return Ok(Fate::TombstoneDropped);
        }
        self.statistics.zeroed += 1;
        Ok(Fate::Survives(Tag::new(SequenceNumber::ZERO, kind)))
    }
}

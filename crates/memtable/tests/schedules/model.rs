//! What the writers write, in which order, and what a reader must find of it.

use std::{cmp::Reverse, collections::BTreeSet};

use shuttle::rand::{Rng, thread_rng};
use siltstone_memtable::types::{Cursor, InternalKey, Kind, SequenceNumber};

use crate::Checked;

pub(crate) const WRITERS: usize = 2;
/// Entries of each writer: enough to split a leaf of four, and its halves again.
pub(crate) const ENTRIES: u64 = 8;

/// In which order keys come.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    Ascending,
    Descending,
    Shuffled,
}

impl Order {
    /// One that the schedule decides.
    pub(crate) fn drawn() -> Order {
        [Order::Ascending, Order::Descending, Order::Shuffled][thread_rng().gen_range(0..3)]
    }
}

/// The orders of the writers.
pub(crate) type Orders = [Order; WRITERS];

/// How many entries of each writer.
pub(crate) type Counts = [u64; WRITERS];

/// One entry. They are ordered as internal keys are.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Written {
    pub(crate) user_key: String,
    sequence: Reverse<u64>,
    pub(crate) value: String,
}

impl Written {
    /// Entry `number` of a writer. The keys of the writers interleave; every third entry is of a key that both write, and the
    /// older versions of it may come later.
    pub(crate) fn of(orders: Orders, writer: usize, number: u64) -> Written {
        let place = match orders[writer] {
            Order::Ascending => number,
            Order::Descending => ENTRIES - 1 - number,
            // Odd, so that each place comes once.
            Order::Shuffled => number * 5 % ENTRIES,
        };
        let user_key = match number {
            1 | 7 => "1 of both".to_owned(),
            4 => "6 of both".to_owned(),
            _ => format!("{place} of {writer}"),
        };
        let sequence = number * WRITERS as u64 + writer as u64 + 1;
        Written { user_key, sequence: Reverse(sequence), value: format!("{number} of {writer}") }
    }

    pub(crate) fn sequence(&self) -> SequenceNumber {
        SequenceNumber::new(self.sequence.0).expect("it is small")
    }

    pub(crate) fn key(&self) -> InternalKey<'_> {
        InternalKey::new(self.user_key.as_bytes(), self.sequence(), Kind::Put)
    }

    /// The entry that a cursor stands on.
    pub(crate) fn under(cursor: &dyn Cursor) -> Written {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (key, value) = (cursor.key(), text(cursor.value()));
        Written { user_key: text(key.user_key), sequence: Reverse(key.sequence().get()), value }
    }
}

/// The first entries of each writer, so many of each.
pub(crate) fn all(orders: Orders, counts: &Counts) -> BTreeSet<Written> {
    let of_writer =
        |(writer, count): (usize, &u64)| (0..*count).map(move |number| Written::of(orders, writer, number));
    counts.iter().enumerate().flat_map(of_writer).collect()
}

/// Checks what a walk found, in order: all that had been published of what lies on its way, once, and nothing that nobody writes.
pub(crate) fn check_walk<'a>(
    orders: Orders,
    found: &[Written],
    mut published: impl Iterator<Item = &'a Written>,
) -> Checked {
    if !found.is_sorted_by(|one, other| one < other) {
        return Err(format!("out of order, or twice: {found:?}"));
    }
    let everything = all(orders, &[ENTRIES; WRITERS]);
    if let Some(stray) = found.iter().find(|entry| !everything.contains(entry)) {
        return Err(format!("nobody wrote {stray:?}"));
    }
    match published.find(|entry| found.binary_search(entry).is_err()) {
        Some(missed) => Err(format!("passed over {missed:?}: {found:?}")),
        None => Ok(()),
    }
}

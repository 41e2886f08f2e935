//! One suite for every cursor: random moves, compared with a sorted list.

use std::{
    collections::VecDeque,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use siltstone_types::{Cursor, InternalKey, Result, SequenceNumber, Slice, Tag};

use crate::{
    Rng,
    entries::{Owned, key_of},
};

/// How many moves a failure shows.
const HISTORY_MAX: usize = 24;
/// How many pinned values are held at a time.
const PINNED_MAX: usize = 64;

/// Compares a cursor with the entries it should have, over so many random moves in both directions.
///
/// `make` makes a new cursor over `expected`, which is in internal-key order without duplicates; it is called
/// a number of times. The moves are a function of the seed. No move may fail: errors are for other tests.
///
/// At the end an invalid cursor is asked for what it cannot have. Its three panics are caught, and their
/// messages are printed among the output of the test.
///
/// # Panics
///
/// When the cursor breaks a rule of [`Cursor`]; the message shows the seed and the last moves.
pub fn check(make: impl FnMut() -> Box<dyn Cursor>, expected: &[Owned], seed: u64, moves: usize) {
    let sorted = expected.is_sorted_by(|a, b| key_of(a) < key_of(b));
    assert!(sorted, "the expected entries must be in internal-key order, without duplicates");
    let outcome = difference(make, expected, seed, moves);
    assert!(outcome.is_ok(), "{}", outcome.err().unwrap_or_default());
}

/// The first difference between the cursor and the list.
fn difference(
    mut make: impl FnMut() -> Box<dyn Cursor>,
    expected: &[Owned],
    seed: u64,
    moves: usize,
) -> std::result::Result<(), String> {
    let mut run = Run::new(make(), expected, seed);
    run.begin()?;
    run.walk()?;
    while run.move_count < moves {
        if run.rng.one_in(100) {
            run.begin_again(make())?;
        }
        run.step()?;
    }
    run.end(&*make())?;
    // Values must outlive the cursor they were pinned with.
    drop(run.cursor.take());
    check_pinned(&run.pinned, expected).map_err(|what| run.describe(&what))
}

/// A move. Targets are owned, so that a failure can show them.
#[derive(Clone)]
enum Move {
    First,
    Last,
    Seek(Vec<u8>, Tag),
    SeekForPrev(Vec<u8>, Tag),
    Next,
    Prev,
}

impl fmt::Debug for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Move::First => f.write_str("first"),
            Move::Last => f.write_str("last"),
            Move::Next => f.write_str("next"),
            Move::Prev => f.write_str("prev"),
            Move::Seek(user_key, tag) => write!(f, "seek({} {tag:?})", user_key.escape_ascii()),
            Move::SeekForPrev(user_key, tag) => {
                write!(f, "seek_for_prev({} {tag:?})", user_key.escape_ascii())
            }
        }
    }
}

/// A cursor on its way, and where it should be.
struct Run<'a> {
    // None once the moves are over.
    cursor: Option<Box<dyn Cursor>>,
    // The index of the entry it should stand on.
    at: Option<usize>,
    expected: &'a [Owned],
    rng: Rng,
    seed: u64,
    move_count: usize,
    history: VecDeque<Move>,
    pinned: Vec<(Slice, usize)>,
}

impl<'a> Run<'a> {
    fn new(cursor: Box<dyn Cursor>, expected: &'a [Owned], seed: u64) -> Run<'a> {
        Run {
            cursor: Some(cursor),
            at: None,
            expected,
            rng: Rng::new(seed),
            seed,
            move_count: 0,
            history: VecDeque::new(),
            pinned: Vec::new(),
        }
    }

    /// A new cursor stands nowhere, and a step does not change that.
    fn begin(&mut self) -> std::result::Result<(), String> {
        self.compare()?;
        self.apply(Move::Next)?;
        self.apply(Move::Prev)
    }

    /// An invalid cursor has nothing to lend. Asked last, because the panics clutter the report of a failure.
    fn end(&self, cursor: &dyn Cursor) -> std::result::Result<(), String> {
        for (asked, name) in ["key", "value", "pin_value"].into_iter().enumerate() {
            let answered = catch_unwind(AssertUnwindSafe(|| match asked {
                0 => cursor.key().user_key.len(),
                1 => cursor.value().len(),
                _ => cursor.pin_value().len(),
            }));
            if answered.is_ok() {
                return Err(self.describe(&format!("{name} must panic on an invalid cursor (rule 2)")));
            }
        }
        Ok(())
    }

    fn begin_again(&mut self, cursor: Box<dyn Cursor>) -> std::result::Result<(), String> {
        self.cursor = Some(cursor);
        self.at = None;
        self.history.clear();
        check_pinned(&self.pinned, self.expected).map_err(|what| self.describe(&what))?;
        self.compare()?;
        if self.rng.one_in(2) {
            let stay = if self.rng.one_in(2) { Move::Next } else { Move::Prev };
            self.apply(stay)?;
        }
        Ok(())
    }

    /// From one end to the other and back, so that every entry is seen whatever the seed.
    fn walk(&mut self) -> std::result::Result<(), String> {
        self.apply(Move::First)?;
        for _ in 0..=self.expected.len() {
            self.apply(Move::Next)?;
        }
        self.apply(Move::Last)?;
        for _ in 0..=self.expected.len() {
            self.apply(Move::Prev)?;
        }
        Ok(())
    }

    /// One random move, or a run of steps.
    fn step(&mut self) -> std::result::Result<(), String> {
        match self.rng.below(20) {
            0 => self.apply(Move::First),
            1 => self.apply(Move::Last),
            2..6 => {
                let (user_key, tag) = self.target();
                self.apply(Move::Seek(user_key, tag))
            }
            6..10 => {
                let (user_key, tag) = self.target();
                self.apply(Move::SeekForPrev(user_key, tag))
            }
            10..13 => self.steps(&[Move::Next]),
            13..16 => self.steps(&[Move::Prev]),
            16 => self.steps(&[Move::Next, Move::Prev]),
            17 => self.steps(&[Move::Next, Move::Next, Move::Prev]),
            18 => self.steps(&[Move::Prev, Move::Prev, Move::Next]),
            _ => self.leave(),
        }
    }

    fn steps(&mut self, pattern: &[Move]) -> std::result::Result<(), String> {
        let count = self.rng.between(1, 12);
        pattern.iter().cycle().take(count).try_for_each(|step| self.apply(step.clone()))
    }

    /// Over one of the ends, and on: an invalid cursor must stay so.
    fn leave(&mut self) -> std::result::Result<(), String> {
        let (start, step) =
            if self.rng.one_in(2) { (Move::Last, Move::Next) } else { (Move::First, Move::Prev) };
        self.apply(start)?;
        self.apply(step)?;
        self.steps(&[Move::Next])?;
        self.steps(&[Move::Prev])
    }

    /// A position: an entry's, beside one, between two, before or behind all.
    fn target(&mut self) -> (Vec<u8>, Tag) {
        if self.expected.is_empty() || self.rng.one_in(24) {
            let len = self.rng.between(0, 5);
            let user_key = if self.rng.one_in(2) { vec![0xff; len] } else { self.rng.bytes(len) };
            return (user_key, *self.rng.pick(&[Tag::NEWEST, Tag::AFTER_ALL]));
        }
        // Often close to where the cursor stands: seeks may take a shorter way there.
        let last = self.expected.len() - 1;
        let idx = match self.at {
            Some(at) if self.rng.one_in(3) => (at + self.rng.between(0, 4)).saturating_sub(2).min(last),
            _ => self.rng.between(0, last),
        };
        let (user_key, tag, _) = &self.expected[idx];
        (self.beside_key(user_key), self.beside_tag(*tag))
    }

    fn beside_key(&mut self, user_key: &[u8]) -> Vec<u8> {
        let mut beside = user_key.to_vec();
        match self.rng.below(10) {
            0 => beside.push(0),
            1 => beside.truncate(self.rng.between(0, user_key.len())),
            2 => {
                if let Some(last) = beside.last_mut() {
                    *last = last.wrapping_add(1);
                }
            }
            3 => {
                if let Some(last) = beside.last_mut() {
                    *last = last.wrapping_sub(1);
                }
            }
            4 => beside.push(0xff),
            _ => {}
        }
        beside
    }

    fn beside_tag(&mut self, tag: Tag) -> Tag {
        match self.rng.below(10) {
            0 => Tag::NEWEST,
            1 => Tag::AFTER_ALL,
            2 => Tag::from_raw(tag.raw().saturating_add(1)),
            3 => Tag::from_raw(tag.raw().saturating_sub(1)),
            4 => Tag::lookup(tag.sequence()),
            5 => Tag::lookup(SequenceNumber::MAX),
            6 => Tag::from_raw(self.rng.next_u64() >> self.rng.below(64)),
            _ => tag,
        }
    }

    /// Moves the cursor and the index in the list, and compares them.
    fn apply(&mut self, to: Move) -> std::result::Result<(), String> {
        self.at = self.destination(&to);
        let outcome = self.cursor.as_mut().map_or(Ok(()), |cursor| perform(&mut **cursor, &to));
        self.move_count += 1;
        if self.history.len() == HISTORY_MAX {
            self.history.pop_front();
        }
        self.history.push_back(to);
        outcome.map_err(|error| self.describe(&format!("the move failed: {error}")))?;
        self.compare()
    }

    /// Where a move should lead.
    fn destination(&self, to: &Move) -> Option<usize> {
        let first_where = |is_behind: &dyn Fn(InternalKey<'_>) -> bool| {
            self.expected.partition_point(|entry| !is_behind(key_of(entry)))
        };
        let destination = match to {
            Move::First => Some(0),
            Move::Last => self.expected.len().checked_sub(1),
            Move::Seek(user_key, tag) => Some(first_where(&|key| InternalKey { user_key, tag: *tag } <= key)),
            Move::SeekForPrev(user_key, tag) => {
                first_where(&|key| InternalKey { user_key, tag: *tag } < key).checked_sub(1)
            }
            Move::Next => self.at.map(|at| at + 1),
            Move::Prev => self.at.and_then(|at| at.checked_sub(1)),
        };
        destination.filter(|at| *at < self.expected.len())
    }

    fn compare(&mut self) -> std::result::Result<(), String> {
        let Some(cursor) = &self.cursor else { return Ok(()) };
        let Some(at) = self.at else {
            return if cursor.valid() {
                let found =
                    format!("it should be invalid, it stands on {}", show(cursor.key(), cursor.value()));
                Err(self.describe(&found))
            } else {
                Ok(())
            };
        };
        let (entry, value) = (&self.expected[at], self.expected[at].2.as_slice());
        if !cursor.valid() {
            return Err(self.describe("it is invalid"));
        }
        if cursor.key() != key_of(entry) || cursor.value() != value {
            return Err(self.describe(&format!("it stands on {}", show(cursor.key(), cursor.value()))));
        }
        if self.rng.one_in(8) {
            let pinned = cursor.pin_value();
            if pinned != value {
                return Err(self.describe(&format!("it pinned {}", shorten(&pinned))));
            }
            self.pinned.push((pinned, at));
            if self.pinned.len() == PINNED_MAX {
                check_pinned(&self.pinned, self.expected).map_err(|what| self.describe(&what))?;
                self.pinned.clear();
            }
        }
        Ok(())
    }

    fn describe(&self, what: &str) -> String {
        let expected = match self.at {
            Some(at) => format!("entry {at}, {}", show(key_of(&self.expected[at]), &self.expected[at].2)),
            None => "an invalid cursor".to_owned(),
        };
        format!(
            "{what}; expected {expected}\n{} entries, move {}, the last were {:?}\nSEED={}",
            self.expected.len(),
            self.move_count,
            self.history,
            self.seed
        )
    }
}

fn perform(cursor: &mut dyn Cursor, to: &Move) -> Result<()> {
    match to {
        Move::First => cursor.first(),
        Move::Last => cursor.last(),
        Move::Seek(user_key, tag) => {
            let target = InternalKey { user_key, tag: *tag };
            // Ahead, both ways lead there; which is taken depends on the move alone, so that a run can be repeated.
            let is_ahead = cursor.valid() && cursor.key() < target;
            if is_ahead && user_key.len().is_multiple_of(2) {
                cursor.seek_ahead(target)
            } else {
                cursor.seek(target)
            }
        }
        Move::SeekForPrev(user_key, tag) => cursor.seek_for_prev(InternalKey { user_key, tag: *tag }),
        Move::Next => cursor.next(),
        Move::Prev => cursor.prev(),
    }
}

/// Pinned values must not have changed under later moves.
fn check_pinned(pinned: &[(Slice, usize)], expected: &[Owned]) -> std::result::Result<(), String> {
    match pinned.iter().find(|(value, at)| *value != expected[*at].2.as_slice()) {
        Some((value, at)) => Err(format!("the pinned value of entry {at} changed to {}", shorten(value))),
        None => Ok(()),
    }
}

fn show(key: InternalKey<'_>, value: &[u8]) -> String {
    format!("{} {:?} = {}", shorten(key.user_key), key.tag, shorten(value))
}

fn shorten(bytes: &[u8]) -> String {
    const SHOWN_MAX: usize = 40;
    if bytes.len() <= SHOWN_MAX {
        return format!("\"{}\"", bytes.escape_ascii());
    }
    format!("\"{}\".. ({} bytes)", bytes[..SHOWN_MAX].escape_ascii(), bytes.len())
}

#[cfg(test)]
mod tests;

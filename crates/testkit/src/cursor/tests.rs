//! The suite passes a right cursor and catches wrong ones.

use siltstone_types::{Entry, VecCursor};

use super::*;
use crate::entries;

/// What is wrong with a cursor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Bug {
    None,
    SkipsOneOnDirectionSwitch,
    StaysOnDirectionSwitch,
    SeekForPrevStopsOneBefore,
    SeekForPrevGoesBehind,
    SeekIsExclusive,
    SeekIgnoresTheTag,
    SeekFromBehindDoesNotGoBack,
    SeekFailsOnceInvalid,
    WrapsAtTheEnd,
    WrapsAtTheStart,
    NextRevivesAnInvalidCursor,
    PrevRevivesAnInvalidCursor,
    StaysOnTheLastEntry,
    StartsOnTheFirstEntry,
    StaleValue,
    PinsTheEntryBefore,
    NoTombstones,
    OnlyTheNewestVersion,
    NextFails,
    LendsWhenInvalid,
}

const BUGS: [Bug; 20] = [
    Bug::SkipsOneOnDirectionSwitch,
    Bug::StaysOnDirectionSwitch,
    Bug::SeekForPrevStopsOneBefore,
    Bug::SeekForPrevGoesBehind,
    Bug::SeekIsExclusive,
    Bug::SeekIgnoresTheTag,
    Bug::SeekFromBehindDoesNotGoBack,
    Bug::SeekFailsOnceInvalid,
    Bug::WrapsAtTheEnd,
    Bug::WrapsAtTheStart,
    Bug::NextRevivesAnInvalidCursor,
    Bug::PrevRevivesAnInvalidCursor,
    Bug::StaysOnTheLastEntry,
    Bug::StartsOnTheFirstEntry,
    Bug::StaleValue,
    Bug::PinsTheEntryBefore,
    Bug::NoTombstones,
    Bug::OnlyTheNewestVersion,
    Bug::NextFails,
    Bug::LendsWhenInvalid,
];

/// A right cursor with one bug put in.
struct Planted {
    inner: VecCursor,
    bug: Bug,
    went_forward: Option<bool>,
    // The value one move ago, and the step count, for the bugs that need them.
    before: Option<Slice>,
    step_count: u32,
}

impl Planted {
    fn new(expected: &[Owned], bug: Bug) -> Planted {
        let shown = |idx: &usize| match bug {
            Bug::NoTombstones => expected[*idx].1.kind() != Some(siltstone_types::Kind::Delete),
            Bug::OnlyTheNewestVersion => *idx == 0 || expected[*idx - 1].0 != expected[*idx].0,
            _ => true,
        };
        let entry = |idx: usize| Entry { key: key_of(&expected[idx]), value: &expected[idx].2 };
        let mut inner = VecCursor::new((0..expected.len()).filter(shown).map(entry));
        if bug == Bug::StartsOnTheFirstEntry {
            inner.first().unwrap();
        }
        Planted { inner, bug, went_forward: None, before: None, step_count: 0 }
    }

    fn positioned(&mut self) {
        self.went_forward = None;
    }

    /// Whether the step changes the direction of the last one.
    fn switches(&mut self, forward: bool) -> bool {
        self.before = self.inner.valid().then(|| self.inner.pin_value());
        self.step_count += 1;
        self.went_forward.replace(forward) == Some(!forward)
    }
}

impl Cursor for Planted {
    fn first(&mut self) -> Result<()> {
        self.positioned();
        self.inner.first()
    }
    fn last(&mut self) -> Result<()> {
        self.positioned();
        self.inner.last()
    }
    fn seek(&mut self, target: InternalKey<'_>) -> Result<()> {
        self.positioned();
        if self.bug == Bug::SeekFailsOnceInvalid && !self.inner.valid() && self.step_count > 100 {
            return Ok(());
        }
        if self.bug == Bug::SeekFromBehindDoesNotGoBack && self.inner.valid() && self.inner.key() > target {
            return Ok(());
        }
        let target =
            if self.bug == Bug::SeekIgnoresTheTag { InternalKey::before(target.user_key) } else { target };
        self.inner.seek(target)?;
        if self.bug == Bug::SeekIsExclusive && self.inner.valid() && self.inner.key() == target {
            self.inner.next()?;
        }
        Ok(())
    }
    fn seek_for_prev(&mut self, target: InternalKey<'_>) -> Result<()> {
        self.positioned();
        if self.bug == Bug::SeekForPrevGoesBehind {
            return self.inner.seek(target);
        }
        self.inner.seek_for_prev(target)?;
        if self.bug == Bug::SeekForPrevStopsOneBefore && self.inner.valid() && self.inner.key() == target {
            self.inner.prev()?;
        }
        Ok(())
    }
    fn next(&mut self) -> Result<()> {
        let (was_valid, switches) = (self.inner.valid(), self.switches(true));
        if self.bug == Bug::StaysOnDirectionSwitch && switches {
            return Ok(());
        }
        if self.bug == Bug::NextFails && self.step_count > 100 {
            return Err(siltstone_types::Error::InvalidArgument { what: "planted".into() });
        }
        self.inner.next()?;
        if self.bug == Bug::SkipsOneOnDirectionSwitch && switches {
            self.inner.next()?;
        }
        let left = was_valid && !self.inner.valid();
        match self.bug {
            Bug::WrapsAtTheEnd if left => self.inner.first(),
            Bug::StaysOnTheLastEntry if left => self.inner.last(),
            Bug::NextRevivesAnInvalidCursor if !was_valid => self.inner.first(),
            _ => Ok(()),
        }
    }
    fn prev(&mut self) -> Result<()> {
        let (was_valid, switches) = (self.inner.valid(), self.switches(false));
        self.inner.prev()?;
        if self.bug == Bug::SkipsOneOnDirectionSwitch && switches {
            self.inner.prev()?;
        }
        match self.bug {
            Bug::WrapsAtTheStart if was_valid && !self.inner.valid() => self.inner.last(),
            Bug::PrevRevivesAnInvalidCursor if !was_valid => self.inner.last(),
            _ => Ok(()),
        }
    }
    fn valid(&self) -> bool {
        self.inner.valid()
    }
    fn key(&self) -> InternalKey<'_> {
        if self.bug == Bug::LendsWhenInvalid && !self.valid() {
            return InternalKey::before(b"");
        }
        self.inner.key()
    }
    fn value(&self) -> &[u8] {
        match &self.before {
            Some(before) if self.bug == Bug::StaleValue && self.step_count.is_multiple_of(23) => before,
            _ => self.inner.value(),
        }
    }
    fn pin_value(&self) -> Slice {
        match &self.before {
            Some(before) if self.bug == Bug::PinsTheEntryBefore => before.clone(),
            _ => self.inner.pin_value(),
        }
    }
}

fn find(bug: Bug, seed: u64, count: usize, moves: usize) -> std::result::Result<(), String> {
    let expected = entries::random(seed, count);
    difference(|| Box::new(Planted::new(&expected, bug)), &expected, seed, moves)
}

#[test]
fn a_right_cursor_passes_at_every_size() {
    let seed = crate::seed();
    for count in (0..20).chain([300]) {
        assert_eq!(find(Bug::None, seed, count, 2_000), Ok(()), "{count} entries");
    }
}

#[test]
fn every_planted_bug_is_caught_whatever_the_seed() {
    let first = crate::seed();
    for bug in BUGS {
        for seed in first..first + 20 {
            for count in [40, 100] {
                let found = find(bug, seed, count, 2_000);
                assert!(found.is_err(), "{bug:?} was not found with seed {seed} and {count} entries");
            }
        }
    }
}

#[test]
fn a_failure_shows_the_seed_and_the_last_moves() {
    let report = find(Bug::WrapsAtTheEnd, 5, 12, 2_000).unwrap_err();
    assert!(report.contains("SEED=5") && report.contains("next") && report.contains("invalid"), "{report}");
}

#[test]
#[should_panic(expected = "it stands on")]
fn check_panics_on_a_difference() {
    let expected = entries::random(3, 12);
    let make = || -> Box<dyn Cursor> { Box::new(Planted::new(&expected, Bug::SeekIsExclusive)) };
    check(make, &expected, 3, 2_000);
}

#[test]
#[should_panic(expected = "internal-key order")]
fn unsorted_expectations_are_refused() {
    let mut expected = entries::random(3, 12);
    expected.reverse();
    check(|| Box::new(Planted::new(&expected, Bug::None)), &expected, 3, 10);
}

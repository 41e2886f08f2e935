//! Shows what a read at one sequence number and one time sees: of each key the newest version, and nothing of keys that are deleted or have expired.

use siltstone_types::{Cursor, Error, Expiring, InternalKey, Kind, Result, SequenceNumber, Slice};

/// After this many entries of one key that do not count, a seek takes the cursor past the rest. A seek costs about as much as so many steps, so that at most twice
/// the least is spent on a key.
const STEPS_BEFORE_SEEK: u32 = 8;

/// Where no step is made any more before a seek, one is made all the same after so many seeks, to learn whether keys have fewer versions by now.
const SEEKS_BEFORE_STEP: u32 = 16;

/// How many steps come before a seek. Keys that are overwritten often stand together with others of their kind: once a seek was needed the next one comes sooner, in
/// the end at once, and keys with few versions give the patience back.
#[derive(Clone, Copy, Debug)]
struct Patience {
    steps: u32,
    /// Since there was a step.
    seeks: u32,
}

impl Patience {
    const FULL: Patience = Patience { steps: STEPS_BEFORE_SEEK, seeks: 0 };

    fn was_in_vain(&mut self) {
        self.seeks += 1;
        self.steps /= 2;
        if self.seeks > SEEKS_BEFORE_STEP {
            *self = Patience { steps: 1, seeks: 0 };
        }
    }

    fn paid_off(&mut self) {
        *self = Patience { steps: (self.steps * 2).clamp(1, STEPS_BEFORE_SEEK), seeks: 0 };
    }
}

/// A cursor over user keys at one sequence number and one time.
///
/// Moving forward the source stands on the current entry. Moving backward the source has to look at all versions of a key before it knows
/// which one counts, so it stands before them, and key and value are kept here.
#[derive(Debug)]
pub(crate) struct VisibleCursor<C> {
    source: C,
    at: SequenceNumber,
    now_unix_ms: u64,
    place: Place,
    // Where the user's value starts in the source's, while the source stands on the entry: behind a time of expiry.
    value_at: usize,
    key: Vec<u8>,
    value: Slice,
    failed: Option<Error>,
    patience: Patience,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Nowhere,
    /// The source stands on the entry.
    OnSource,
    /// `key` and `value` hold the entry; the source stands on the last entry of a lesser key, or nowhere.
    BehindSource,
}

impl<C: Cursor> VisibleCursor<C> {
    /// A view of `source` at sequence number `at`, which shows what has not expired at a time.
    pub(crate) fn new(source: C, at: SequenceNumber, now_unix_ms: u64) -> VisibleCursor<C> {
        VisibleCursor {
            source,
            at,
            now_unix_ms,
            place: Place::Nowhere,
            value_at: 0,
            key: Vec::new(),
            value: Slice::empty(),
            failed: None,
            patience: Patience::FULL,
        }
    }

    pub(crate) fn valid(&self) -> bool {
        self.place != Place::Nowhere
    }

    /// The key under a valid cursor.
    pub(crate) fn key(&self) -> &[u8] {
        match self.place {
            Place::OnSource => self.source.key().user_key,
            _ => &self.key,
        }
    }

    pub(crate) fn value(&self) -> &[u8] {
        match self.place {
            Place::OnSource => self.source.value().get(self.value_at..).unwrap_or_default(),
            _ => &self.value,
        }
    }

    pub(crate) fn pin_value(&self) -> Slice {
        match self.place {
            Place::OnSource => behind_time(self.source.pin_value(), self.value_at),
            _ => self.value.clone(),
        }
    }

    pub(crate) fn first(&mut self) -> Result<()> {
        self.start(Cursor::first, Self::settle_forward)
    }

    pub(crate) fn last(&mut self) -> Result<()> {
        self.start(Cursor::last, Self::settle_backward)
    }

    /// Moves to the first visible key at or after `key`.
    pub(crate) fn seek(&mut self, key: &[u8]) -> Result<()> {
        let target = InternalKey::lookup(key, self.at);
        self.start(|source| source.seek(target), Self::settle_forward)
    }

    /// Moves to the last visible key at or before `key`.
    pub(crate) fn seek_for_prev(&mut self, key: &[u8]) -> Result<()> {
        let target = InternalKey::after(key);
        self.start(|source| source.seek_for_prev(target), Self::settle_backward)
    }

    pub(crate) fn next(&mut self) -> Result<()> {
        self.check_failed()?;
        match self.place {
            Place::Nowhere => Ok(()),
            Place::OnSource => {
                self.key.clear();
                self.key.extend_from_slice(self.source.key().user_key);
                self.moving(|this| {
                    this.leave_versions()?;
                    this.settle_forward()
                })
            }
            Place::BehindSource => self.moving(|this| {
                this.source.seek(InternalKey::after(&this.key))?;
                this.settle_forward()
            }),
        }
    }

    pub(crate) fn prev(&mut self) -> Result<()> {
        self.check_failed()?;
        match self.place {
            Place::Nowhere => Ok(()),
            Place::OnSource => {
                self.key.clear();
                self.key.extend_from_slice(self.source.key().user_key);
                self.moving(|this| {
                    this.source.seek_for_prev(InternalKey::before(&this.key))?;
                    this.settle_backward()
                })
            }
            Place::BehindSource => self.moving(Self::settle_backward),
        }
    }

    fn check_failed(&self) -> Result<()> {
        self.failed.clone().map_or(Ok(()), Err)
    }

    fn start(
        &mut self,
        place: impl FnOnce(&mut C) -> Result<()>,
        settle: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        self.failed = None;
        self.moving(|this| {
            place(&mut this.source)?;
            settle(this)
        })
    }

    /// Runs a movement; an error leaves the cursor nowhere, and stays.
    fn moving(&mut self, movement: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.place = Place::Nowhere;
        let moved = movement(self);
        if let Err(error) = &moved {
            self.place = Place::Nowhere;
            self.failed = Some(error.clone());
        }
        moved
    }

    /// True when the source stands on a version of `self.key`.
    fn stands_on_key(&self) -> bool {
        self.source.valid() && self.source.key().user_key == self.key
    }

    /// Moves the source forward, past every version of `self.key`.
    fn leave_versions(&mut self) -> Result<()> {
        for _ in 0..self.patience.steps {
            if !self.stands_on_key() {
                self.patience.paid_off();
                return Ok(());
            }
            self.source.next()?;
        }
        // It stood there to begin with.
        if self.patience.steps == 0 || self.stands_on_key() {
            self.patience.was_in_vain();
            self.source.seek(InternalKey::after(&self.key))?;
        }
        Ok(())
    }

    /// Where the user's value starts in that of the entry under the source; `None` for an entry that deletes its key: a tombstone, or one that has
    /// expired. (What has no time where it should have one cannot be told from that by a get either.)
    fn shown(&self) -> Option<usize> {
        match self.source.key().kind() {
            Some(Kind::Put) => Some(0),
            Some(Kind::ExpiringPut) => {
                let expiring = Expiring::decode(self.source.value()).ok()?;
                (!expiring.has_expired(self.now_unix_ms)).then(|| expiring.time_bytes())
            }
            _ => None,
        }
    }

    /// Keeps the value of the entry under the source, if it is shown. True when it is.
    fn keep_value(&mut self) -> bool {
        let shown = self.shown();
        self.value =
            shown.map_or_else(Slice::empty, |value_at| behind_time(self.source.pin_value(), value_at));
        shown.is_some()
    }

    /// Moves the source forward to the first entry that is visible and not deleted.
    fn settle_forward(&mut self) -> Result<()> {
        let mut too_new = 0;
        while self.source.valid() {
            let entry = self.source.key();
            if entry.sequence() > self.at {
                if too_new == 0 || entry.user_key != self.key {
                    self.key.clear();
                    self.key.extend_from_slice(entry.user_key);
                    too_new = 0;
                }
                too_new += 1;
                if too_new > self.patience.steps {
                    too_new = 0;
                    self.patience.was_in_vain();
                    self.source.seek(InternalKey::lookup(&self.key, self.at))?;
                } else {
                    self.source.next()?;
                }
                continue;
            }
            if let Some(value_at) = self.shown() {
                (self.place, self.value_at) = (Place::OnSource, value_at);
                return Ok(());
            }
            self.key.clear();
            self.key.extend_from_slice(self.source.key().user_key);
            self.leave_versions()?;
        }
        Ok(())
    }

    /// Moves the source backward over the versions of one key after the other until one is visible and not deleted.
    fn settle_backward(&mut self) -> Result<()> {
        while self.source.valid() {
            self.key.clear();
            self.key.extend_from_slice(self.source.key().user_key);
            if self.take_versions_backward()? {
                self.place = Place::BehindSource;
                return Ok(());
            }
        }
        Ok(())
    }

    /// The source stands on the oldest version of `self.key` that is left: walks to before the newest, keeping the value of the newest
    /// visible one. True when that one is shown.
    fn take_versions_backward(&mut self) -> Result<bool> {
        let mut is_shown = false;
        for _ in 0..self.patience.steps {
            if !self.stands_on_key() {
                self.patience.paid_off();
                return Ok(is_shown);
            }
            if self.source.key().sequence() <= self.at {
                is_shown = self.keep_value();
            }
            self.source.prev()?;
        }
        if !self.stands_on_key() {
            return Ok(is_shown);
        }
        self.patience.was_in_vain();
        // Many versions: go straight to the one that counts.
        self.source.seek(InternalKey::lookup(&self.key, self.at))?;
        is_shown = self.stands_on_key() && self.keep_value();
        self.source.seek_for_prev(InternalKey::before(&self.key))?;
        Ok(is_shown)
    }
}

/// A user's value out of an entry's.
fn behind_time(value: Slice, value_at: usize) -> Slice {
    if value_at == 0 { value } else { value.slice(value_at..) }
}

#[cfg(all(test, not(shuttle)))]
mod tests;

//! A cursor over all versions of all keys, made of one over keys.

use std::{
    cell::{Cell, OnceCell},
    sync::atomic::AtomicU64,
};

use siltstone_types::{Cursor, InternalKey, Result, Slice, Tag};

use crate::{arena::Address, versions::Versions};

/// A position in a sorted list of keys, each of which has at least one version.
///
/// It owns a share of the table. Moving off either end leaves it nowhere, from where `next` and `prev` lead nowhere.
pub(crate) trait KeyCursor: Send {
    fn first(&mut self);
    fn last(&mut self);
    /// Moves to the first key at or behind one.
    fn seek(&mut self, user_key: &[u8]);
    /// Moves to the last key at or before one.
    fn seek_for_prev(&mut self, user_key: &[u8]);
    fn next(&mut self);
    fn prev(&mut self);
    fn user_key(&self) -> Option<&[u8]>;
    /// The first word of the key's list of versions.
    fn list(&self) -> Option<&AtomicU64>;
    fn versions(&self) -> &Versions;
}

/// Stands on a version of the key that its cursor over keys stands on.
///
/// Versions of the key that it stands on are found without a search among keys: leaving a key with many of them costs no
/// more than leaving one with few.
pub(crate) struct VersionCursor<K> {
    keys: K,
    version: Option<Address>,
    value: OnceCell<Held>,
    /// The memory of the last copied value, for the next.
    spare: Cell<Vec<u8>>,
}

/// A value that was asked for.
enum Held {
    Copied(Vec<u8>),
    Shared(Slice),
}

impl<K: KeyCursor> VersionCursor<K> {
    pub(crate) fn new(keys: K) -> VersionCursor<K> {
        VersionCursor { keys, version: None, value: OnceCell::new(), spare: Cell::default() }
    }

    /// Moves among keys, and to a version of the key where that leads.
    fn key_step(
        &mut self,
        step: impl FnOnce(&mut K),
        version: impl FnOnce(&Versions, &AtomicU64) -> Option<Address>,
    ) {
        step(&mut self.keys);
        let version = self.version_with(version);
        self.stand_on(version);
    }

    fn next_key(&mut self) {
        self.key_step(K::next, |_, list| Versions::newest(list));
    }

    fn prev_key(&mut self) {
        self.key_step(K::prev, Versions::oldest);
    }

    /// Looks for a version of the key.
    fn version_with(&self, find: impl FnOnce(&Versions, &AtomicU64) -> Option<Address>) -> Option<Address> {
        self.keys.list().and_then(|list| find(self.keys.versions(), list))
    }

    fn stand_on(&mut self, version: Option<Address>) {
        self.version = version;
        if let Some(Held::Copied(memory)) = self.value.take() {
            self.spare.set(memory);
        }
    }

    fn is_on(&self, user_key: &[u8]) -> bool {
        self.version.is_some() && self.keys.user_key() == Some(user_key)
    }

    #[expect(clippy::expect_used, reason = "asking an invalid cursor is a bug of the caller (rule 2)")]
    fn standing(&self) -> Address {
        self.version.expect("the cursor is valid")
    }
}

impl<K: KeyCursor> Cursor for VersionCursor<K> {
    fn first(&mut self) -> Result<()> {
        self.key_step(K::first, |_, list| Versions::newest(list));
        Ok(())
    }

    fn last(&mut self) -> Result<()> {
        self.key_step(K::last, Versions::oldest);
        Ok(())
    }

    fn seek(&mut self, target: InternalKey<'_>) -> Result<()> {
        if !self.is_on(target.user_key) {
            self.key_step(|keys| keys.seek(target.user_key), |_, list| Versions::newest(list));
            if !self.is_on(target.user_key) {
                return Ok(());
            }
        }
        let at_or_below = match target.tag {
            // Leaves the key: no version is there, and the oldest need not be looked for.
            Tag::AFTER_ALL => None,
            tag => self.version_with(|versions, list| versions.at_or_below(list, tag)),
        };
        match at_or_below {
            None => self.next_key(),
            found => self.stand_on(found),
        }
        Ok(())
    }

    /// A seek among the versions of the key it stands on is as cheap as a step.
    fn seek_ahead(&mut self, target: InternalKey<'_>) -> Result<()> {
        if !self.is_on(target.user_key) {
            self.next()?;
            if !self.valid() || self.key() >= target {
                return Ok(());
            }
        }
        self.seek(target)
    }

    fn seek_for_prev(&mut self, target: InternalKey<'_>) -> Result<()> {
        if !self.is_on(target.user_key) {
            self.key_step(|keys| keys.seek_for_prev(target.user_key), Versions::oldest);
            if !self.is_on(target.user_key) {
                return Ok(());
            }
        }
        let at_or_above = match target.tag.raw().checked_sub(1).map(Tag::from_raw) {
            Some(below) => self.version_with(|versions, list| versions.last_newer(list, below)),
            None => self.version_with(Versions::oldest),
        };
        match at_or_above {
            None => self.prev_key(),
            found => self.stand_on(found),
        }
        Ok(())
    }

    fn next(&mut self) -> Result<()> {
        if let Some(version) = self.version {
            match self.keys.versions().next(version) {
                None => self.next_key(),
                older => self.stand_on(older),
            }
        }
        Ok(())
    }

    fn prev(&mut self) -> Result<()> {
        if let Some(version) = self.version {
            let tag = self.keys.versions().tag(version);
            match self.version_with(|versions, list| versions.last_newer(list, tag)) {
                None => self.prev_key(),
                newer => self.stand_on(newer),
            }
        }
        Ok(())
    }

    fn valid(&self) -> bool {
        self.version.is_some()
    }

    fn key(&self) -> InternalKey<'_> {
        let tag = self.keys.versions().tag(self.standing());
        InternalKey { user_key: self.keys.user_key().unwrap_or_default(), tag }
    }

    fn value(&self) -> &[u8] {
        let hold = || match self.keys.versions().copy(self.standing(), self.spare.take()) {
            Ok(copied) => Held::Copied(copied),
            Err(shared) => Held::Shared(shared),
        };
        match self.value.get_or_init(hold) {
            Held::Copied(bytes) => bytes,
            Held::Shared(bytes) => bytes,
        }
    }

    fn pin_value(&self) -> Slice {
        self.keys.versions().value(self.standing())
    }
}

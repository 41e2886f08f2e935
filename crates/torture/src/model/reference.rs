//! What a database should hold: sorted maps that are copied when a snapshot needs them.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Bound,
    sync::Arc,
};

use crate::model::operation::{Ends, KEYSPACES, Keys};

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// What one keyspace should hold.
pub type Map = BTreeMap<Vec<u8>, Stored>;

/// A value, and until when it is there.
#[derive(Clone, Debug)]
pub struct Stored {
    value: Vec<u8>,
    /// The first millisecond without it.
    expires_at_unix_ms: Option<u64>,
}

/// What all keyspaces should hold at one moment; `None` for those that do not exist. A clone is a moment of history.
#[derive(Clone, Debug)]
pub struct Reference {
    keyspaces: [Option<Arc<Map>>; KEYSPACES],
    /// Entries written so far: the sequence number.
    pub entries: u64,
    /// What time it is; in a moment of history, what time it was.
    pub now_unix_ms: u64,
}

impl Default for Reference {
    /// A new database: the default keyspace, empty.
    fn default() -> Reference {
        let mut keyspaces = [const { None }; KEYSPACES];
        keyspaces[0] = Some(Arc::default());
        Reference { keyspaces, entries: 0, now_unix_ms: 1_700_000_000_000 }
    }
}

impl Reference {
    /// What was written to a keyspace, and has expired perhaps; `None` when it does not exist.
    fn map(&self, keyspace: usize) -> Option<&Map> {
        self.keyspaces.get(keyspace)?.as_deref()
    }

    /// Whether a keyspace exists.
    pub fn has(&self, keyspace: usize) -> bool {
        self.map(keyspace).is_some()
    }

    /// The value of a key.
    pub fn get(&self, keyspace: usize, key: &[u8]) -> Option<&Vec<u8>> {
        self.map(keyspace)?.get(key).filter(|stored| self.shows(stored)).map(|stored| &stored.value)
    }

    /// Whether a key would have a value if it had not expired.
    pub fn has_expired(&self, keyspace: usize, key: &[u8]) -> bool {
        self.map(keyspace).and_then(|map| map.get(key)).is_some_and(|stored| !self.shows(stored))
    }

    /// The entries of a range, in key order; none where there is no keyspace.
    pub fn select(&self, keyspace: usize, keys: &Keys) -> VecDeque<Pair> {
        let of_map = |map: &Map| {
            let shown = map.iter().filter(|(key, stored)| contains(keys, key) && self.shows(stored));
            shown.map(|(key, stored)| (key.clone(), stored.value.clone())).collect()
        };
        self.map(keyspace).map(of_map).unwrap_or_default()
    }

    fn shows(&self, stored: &Stored) -> bool {
        stored.expires_at_unix_ms.is_none_or(|expires_at| self.now_unix_ms < expires_at)
    }

    /// Sets or deletes a key of a keyspace that exists.
    pub fn write(&mut self, keyspace: usize, key: &[u8], value: Option<&[u8]>, ttl_ms: Option<u64>) {
        let expires_at_unix_ms = ttl_ms.map(|ttl_ms| self.now_unix_ms + ttl_ms);
        let Some(Some(map)) = self.keyspaces.get_mut(keyspace) else { return };
        let map = Arc::make_mut(map);
        match value {
            Some(value) => {
                drop(map.insert(key.to_vec(), Stored { value: value.to_vec(), expires_at_unix_ms }));
            }
            None => drop(map.remove(key)),
        }
        self.entries += 1;
    }

    /// Makes a keyspace exist.
    pub fn create(&mut self, keyspace: usize) {
        if let Some(slot) = self.keyspaces.get_mut(keyspace) {
            slot.get_or_insert_default();
        }
    }

    /// Drops a keyspace. True when it existed.
    pub fn drop_keyspace(&mut self, keyspace: usize) -> bool {
        self.keyspaces.get_mut(keyspace).is_some_and(|slot| slot.take().is_some())
    }
}

/// Looked at one by one: the map's own ranges panic for bounds that are the wrong way round.
fn contains(keys: &Keys, key: &Vec<u8>) -> bool {
    match keys {
        Keys::Between(start, end) => behind(start, key) && before(end, key),
        Keys::Prefix(prefix) => key.starts_with(prefix),
    }
}

fn behind(start: &Bound<Vec<u8>>, key: &Vec<u8>) -> bool {
    match start {
        Bound::Included(start) => key >= start,
        Bound::Excluded(start) => key > start,
        Bound::Unbounded => true,
    }
}

fn before(end: &Bound<Vec<u8>>, key: &Vec<u8>) -> bool {
    match end {
        Bound::Included(end) => key <= end,
        Bound::Excluded(end) => key < end,
        Bound::Unbounded => true,
    }
}

/// Takes entries from both ends, one more than there are if `ends` asks for that many.
pub fn take(entries: &mut VecDeque<Pair>, ends: Ends) -> Vec<Option<Pair>> {
    let mut taken = Vec::new();
    for turn in 0..ends.count {
        let next = if ends.is_back(turn) { entries.pop_back() } else { entries.pop_front() };
        let is_end = next.is_none();
        taken.push(next);
        if is_end {
            break;
        }
    }
    taken
}

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
pub type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// What all keyspaces should hold at one moment; `None` for those that do not exist. A clone is a moment of history.
#[derive(Clone, Debug)]
pub struct Reference {
    keyspaces: [Option<Arc<Map>>; KEYSPACES],
    /// Entries written so far: the sequence number.
    pub entries: u64,
}

impl Default for Reference {
    /// A new database: the default keyspace, empty.
    fn default() -> Reference {
        let mut keyspaces = [const { None }; KEYSPACES];
        keyspaces[0] = Some(Arc::default());
        Reference { keyspaces, entries: 0 }
    }
}

impl Reference {
    /// What a keyspace holds.
    pub fn map(&self, keyspace: usize) -> Option<&Map> {
        self.keyspaces.get(keyspace)?.as_deref()
    }

    /// Sets or deletes a key of a keyspace that exists.
    pub fn write(&mut self, keyspace: usize, key: &[u8], value: Option<&[u8]>) {
        let Some(Some(map)) = self.keyspaces.get_mut(keyspace) else { return };
        let map = Arc::make_mut(map);
        match value {
            Some(value) => drop(map.insert(key.to_vec(), value.to_vec())),
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

/// The entries of a range, in key order.
pub fn select(map: &Map, keys: &Keys) -> VecDeque<Pair> {
    let pair = |(key, value): (&Vec<u8>, &Vec<u8>)| (key.clone(), value.clone());
    match keys {
        // Looked at one by one: the map's own ranges panic for bounds that are the wrong way round.
        Keys::Between(start, end) => {
            map.iter().filter(|(key, _)| behind(start, key) && before(end, key)).map(pair).collect()
        }
        Keys::Prefix(prefix) => map.iter().filter(|(key, _)| key.starts_with(prefix)).map(pair).collect(),
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

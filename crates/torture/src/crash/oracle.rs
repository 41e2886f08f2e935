//! What the database may hold after a power cut.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

/// The entries of one keyspace.
pub(crate) type Contents = BTreeMap<Vec<u8>, Vec<u8>>;

/// The entries of all keyspaces that exist, by name.
pub(crate) type State = BTreeMap<String, Arc<Contents>>;

/// Number of a keyspace in the history: one that is dropped and created again gets another.
pub(crate) type Incarnation = u64;

/// A change of a batch, resolved.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) keyspace: Incarnation,
    pub(crate) key: Vec<u8>,
    pub(crate) value: Option<Vec<u8>>,
}

/// The history of a database: its batches in the order of their commits, and beside them, as the manifest is beside the logs, its keyspaces.
///
/// A power cut leaves the keyspaces as they were after the last creation or drop that returned, or the one under way, and in them what some
/// prefix of the batches wrote. What was dropped is kept here: a prefix from before the drop may still be what is found.
#[derive(Clone, Debug)]
pub(crate) struct Oracle {
    /// After so many batches.
    moments: Vec<BTreeMap<Incarnation, Arc<Contents>>>,
    /// After so many creations and drops.
    catalogues: Vec<BTreeMap<String, Incarnation>>,
    next_incarnation: Incarnation,
    /// So many batches survive a power cut.
    durable: usize,
    /// So many batches survive the death of the process.
    acknowledged: usize,
    /// So many creations and drops survive.
    settled: usize,
    /// What creations or drops that failed would have left: found or not, for nothing is known about them, unless a later one has succeeded.
    doubtful: Vec<BTreeMap<String, Incarnation>>,
}

/// What an outage takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outage {
    /// What is not synced.
    Power,
    /// Nothing that was handed to the operating system.
    Process,
}

impl Oracle {
    /// A database of which this is known, all of it durable.
    pub(crate) fn of(state: &State) -> Oracle {
        let (mut contents, mut catalogue, mut next) = (BTreeMap::new(), BTreeMap::new(), 0);
        for (name, entries) in state {
            contents.insert(next, Arc::clone(entries));
            catalogue.insert(name.clone(), next);
            next += 1;
        }
        Oracle {
            moments: vec![contents],
            catalogues: vec![catalogue],
            next_incarnation: next,
            durable: 0,
            acknowledged: 0,
            settled: 0,
            doubtful: Vec::new(),
        }
    }

    /// The keyspaces as they are now.
    pub(crate) fn catalogue(&self) -> BTreeMap<String, Incarnation> {
        self.catalogues.last().cloned().unwrap_or_default()
    }

    /// Batches so far.
    pub(crate) fn batches(&self) -> usize {
        self.moments.len() - 1
    }

    /// A batch is about to be written.
    pub(crate) fn begin_write(&mut self, changes: &[Written]) {
        let mut next = self.moments.last().cloned().unwrap_or_default();
        for change in changes {
            let contents = Arc::make_mut(next.entry(change.keyspace).or_default());
            match &change.value {
                Some(value) => contents.insert(change.key.clone(), value.clone()),
                None => contents.remove(&change.key),
            };
        }
        self.moments.push(next);
    }

    /// A keyspace is about to be created.
    pub(crate) fn begin_create(&mut self, name: &str) {
        let mut next = self.catalogue();
        next.insert(name.to_owned(), self.next_incarnation);
        self.next_incarnation += 1;
        self.catalogues.push(next);
    }

    /// A keyspace is about to be dropped.
    pub(crate) fn begin_drop(&mut self, name: &str) {
        let mut next = self.catalogue();
        next.remove(name);
        self.catalogues.push(next);
    }

    /// Whatever was begun has returned.
    pub(crate) fn acknowledge(&mut self) {
        self.acknowledged = self.batches();
        if self.settled < self.catalogues.len() - 1 {
            self.doubtful.clear();
        }
        self.settled = self.catalogues.len() - 1;
    }

    /// The creation or drop that was begun last has failed.
    pub(crate) fn doubt(&mut self) {
        if self.settled < self.catalogues.len() - 1 {
            self.doubtful.extend(self.catalogues.pop());
        }
    }

    /// So many batches survive a power cut.
    pub(crate) fn make_durable(&mut self, batches: usize) {
        self.durable = self.durable.max(batches);
    }

    fn state(&self, batches: usize, catalogue: usize) -> State {
        self.state_of(batches, &self.catalogues[catalogue])
    }

    fn state_of(&self, batches: usize, catalogue: &BTreeMap<String, Incarnation>) -> State {
        let of = |incarnation| self.moments[batches].get(incarnation).cloned().unwrap_or_default();
        catalogue.iter().map(|(name, incarnation)| (name.clone(), of(incarnation))).collect()
    }

    /// Everything that was written.
    pub(crate) fn now(&self) -> State {
        self.state(self.batches(), self.catalogues.len() - 1)
    }

    /// Whether an outage could leave this; how it differs from what is nearest to it otherwise.
    pub(crate) fn judge(&self, found: &State, outage: Outage) -> Result<(), String> {
        let first = match outage {
            Outage::Power => self.durable,
            Outage::Process => self.acknowledged,
        };
        let prefixes = first..self.moments.len();
        let could_be =
            |catalogue: &_| prefixes.clone().any(|batches| self.state_of(batches, catalogue) == *found);
        if self.catalogues[self.settled..].iter().chain(&self.doubtful).any(could_be) {
            return Ok(());
        }
        let mut what = format!("no prefix of {first} to {} batches holds this", self.batches());
        if let Some(old) = (0..first).rev().find(|&old| self.state(old, self.settled) == *found) {
            // Writing to a String cannot fail.
            let _ = write!(what, "; it is what {old} batches left: acknowledged writes are lost");
        }
        what += &difference(&self.now(), found);
        Err(what)
    }
}

/// Some of the entries that differ.
pub(crate) fn difference(expected: &State, found: &State) -> String {
    let mut text = String::new();
    let mut names: Vec<&String> = expected.keys().chain(found.keys()).collect();
    names.sort();
    names.dedup();
    for name in names {
        let (Some(wanted), Some(got)) = (expected.get(name), found.get(name)) else {
            let there = if found.contains_key(name) { "there" } else { "missing" };
            // Writing to a String cannot fail.
            let _ = write!(text, "\n  keyspace {name} is {there}");
            continue;
        };
        let mut keys: Vec<&Vec<u8>> = wanted.keys().chain(got.keys()).collect();
        keys.sort();
        keys.dedup();
        let differs = |key: &&&Vec<u8>| wanted.get(**key) != got.get(**key);
        for key in keys.iter().filter(differs).take(6) {
            let (wanted, got) = (stamp(wanted.get(*key)), stamp(got.get(*key)));
            let key = String::from_utf8_lossy(key);
            let _ = write!(text, "\n  {name}/{key}: the last write is {wanted}, found is {got}");
        }
    }
    text
}

/// Values begin with the number of the write.
fn stamp(value: Option<&Vec<u8>>) -> String {
    let number = value.and_then(|value| value.first_chunk()).map(|number| u64::from_le_bytes(*number));
    number.map_or_else(|| "nothing".to_owned(), |number| format!("number {number}"))
}

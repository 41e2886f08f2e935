//! What a run does, drawn from a seed.

use std::ops::Bound;

use siltstone_testkit::Rng;

/// Keyspaces that a run uses: the default one, and two that come and go.
pub const KEYSPACES: usize = 3;

/// Different keys.
const KEYS: u64 = 96;

/// One step of a run. Every operation can follow every other, so that any part of a failing run can be left out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Operation {
    /// One batch. Entries for keyspaces that do not exist are left out of it.
    Write {
        /// What is written.
        entries: Vec<Write>,
        /// Whether it waits for a sync.
        is_synced: bool,
    },
    /// A look at one key.
    Get {
        /// Who is asked.
        view: View,
        /// Which keyspace, as an index.
        keyspace: usize,
        /// The key.
        key: Vec<u8>,
    },
    /// A look at a range of keys.
    Scan {
        /// Who is asked.
        view: View,
        /// Which keyspace, as an index.
        keyspace: usize,
        /// Which keys.
        keys: Keys,
        /// From which ends.
        ends: Ends,
    },
    /// An iterator that lives through later operations.
    BeginScan {
        /// Which keyspace, as an index.
        keyspace: usize,
        /// Which keys.
        keys: Keys,
    },
    /// Takes some entries from the live iterator of this number, counted round.
    GoOn {
        /// Which iterator.
        scan: usize,
        /// From which ends.
        ends: Ends,
    },
    /// Lets so many milliseconds pass.
    Wait(u64),
    /// Takes a snapshot.
    TakeSnapshot,
    /// Reads all of the live snapshot of this number, counted round, and lets it go.
    EndSnapshot(usize),
    /// Flushes.
    Flush,
    /// Compacts.
    Compact,
    /// Closes, reads the snapshots that are left, and opens again.
    Close,
    /// Opens what a killed process would leave.
    Kill,
    /// Creates the keyspace of this index, or asks for it.
    Create(usize),
    /// Drops the keyspace of this index.
    Drop(usize),
}

/// One entry of a batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Write {
    /// Which keyspace, as an index.
    pub keyspace: usize,
    /// The key.
    pub key: Vec<u8>,
    /// The value; `None` deletes the key.
    pub value: Option<Vec<u8>>,
    /// After how many milliseconds the value expires, and how that is said; `None` for never.
    pub expires: Option<Expires>,
}

/// When a value expires.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expires {
    /// As a time to live in milliseconds.
    After(u64),
    /// At a moment, so many milliseconds from now.
    At(u64),
}

impl Expires {
    /// Milliseconds until then.
    pub fn ttl_ms(self) -> u64 {
        match self {
            Expires::After(ttl_ms) | Expires::At(ttl_ms) => ttl_ms,
        }
    }
}

/// Who answers a read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum View {
    /// The database, as it is.
    Now,
    /// The live snapshot of this number, counted round; the database where there is none.
    Snapshot(usize),
}

/// A range of keys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Keys {
    /// Those between two bounds.
    Between(Bound<Vec<u8>>, Bound<Vec<u8>>),
    /// Those that begin so.
    Prefix(Vec<u8>),
}

/// From which ends entries are taken: bit `i` decides about the entry taken `i`th, counted round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ends {
    /// A set bit takes from the back.
    pub from_back: u64,
    /// How many entries are taken at most.
    pub count: usize,
}

impl Ends {
    /// Whether the entry that is taken `turn`th comes from the back.
    pub fn is_back(self, turn: usize) -> bool {
        self.from_back >> (turn % 64) & 1 == 1
    }
}

/// The operations of a seed.
pub fn operations(seed: u64, count: usize) -> Vec<Operation> {
    let mut rng = Rng::new(seed);
    (0..count).map(|_| operation(&mut rng)).collect()
}

fn operation(rng: &mut Rng) -> Operation {
    match rng.below(1000) {
        0..445 => write(rng),
        445..480 => Operation::Wait(rng.below(12)),
        480..740 => Operation::Get { view: view(rng), keyspace: keyspace(rng), key: key(rng) },
        740..850 => {
            Operation::Scan { view: view(rng), keyspace: keyspace(rng), keys: keys(rng), ends: ends(rng) }
        }
        850..870 => Operation::BeginScan { keyspace: keyspace(rng), keys: keys(rng) },
        870..920 => Operation::GoOn { scan: rng.index(1 << 16), ends: ends(rng) },
        920..945 => Operation::TakeSnapshot,
        945..965 => Operation::EndSnapshot(rng.index(1 << 16)),
        965..975 => Operation::Flush,
        975..978 => Operation::Compact,
        978..980 => Operation::Close,
        980..982 => Operation::Kill,
        982..994 => Operation::Create(rng.between(1, KEYSPACES - 1)),
        _ => Operation::Drop(rng.between(1, KEYSPACES - 1)),
    }
}

fn write(rng: &mut Rng) -> Operation {
    let count = if rng.one_in(2) { 1 } else { rng.between(1, 6) };
    let entries = (0..count)
        .map(|_| Write {
            keyspace: keyspace(rng),
            key: key(rng),
            value: (!rng.one_in(4)).then(|| {
                let len = if rng.one_in(20) { rng.between(0, 400) } else { rng.between(0, 12) };
                rng.bytes(len)
            }),
            expires: rng.one_in(4).then(|| expires(rng)),
        })
        .collect();
    Operation::Write { entries, is_synced: rng.one_in(5) }
}

/// Some expire at once, some within the life of a few memtables, some hardly.
fn expires(rng: &mut Rng) -> Expires {
    let ttl_ms = match rng.below(8) {
        0 => 0,
        1..6 => rng.below(30),
        6 => rng.below(400),
        _ => 1 << 40,
    };
    if rng.one_in(2) { Expires::After(ttl_ms) } else { Expires::At(ttl_ms) }
}

fn view(rng: &mut Rng) -> View {
    if rng.one_in(3) { View::Snapshot(rng.index(1 << 16)) } else { View::Now }
}

/// The default keyspace is used most.
fn keyspace(rng: &mut Rng) -> usize {
    rng.index(KEYSPACES + 1) % KEYSPACES
}

/// Keys that are prefixes of others, the empty one, and some that end in the greatest byte.
fn key(rng: &mut Rng) -> Vec<u8> {
    let number = rng.below(KEYS);
    let stem = [b'a', b'b', b'c', 0xff];
    let mut key = vec![*stem.get(usize::try_from(number % 4).unwrap_or(0)).unwrap_or(&0)];
    key.extend((0..number / 4 % 3).map(|_| 0xff));
    key.extend((0..number / 12).map(|at| if at % 3 == 0 { 0 } else { b'k' }));
    if number == 0 {
        key.clear();
    }
    key
}

fn keys(rng: &mut Rng) -> Keys {
    if rng.one_in(4) {
        let mut prefix = key(rng);
        prefix.truncate(rng.between(0, 3));
        return Keys::Prefix(prefix);
    }
    Keys::Between(bound(rng), bound(rng))
}

/// Bounds are drawn apart, so that some ranges are empty and some are the wrong way round.
fn bound(rng: &mut Rng) -> Bound<Vec<u8>> {
    match rng.below(4) {
        0 | 1 => Bound::Included(key(rng)),
        2 => Bound::Excluded(key(rng)),
        _ => Bound::Unbounded,
    }
}

fn ends(rng: &mut Rng) -> Ends {
    let from_back = match rng.below(4) {
        0 => 0,
        1 => u64::MAX,
        _ => rng.next_u64(),
    };
    let count = if rng.one_in(2) { usize::MAX } else { rng.between(1, 8) };
    Ends { from_back, count }
}

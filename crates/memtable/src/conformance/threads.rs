//! What readers see while writers write.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use siltstone_types::{Cursor, Entry, InternalKey, KeyHash, Kind, Lookup, SequenceNumber};

use super::{at, show};
use crate::{Memtable, MemtableFactory};

const WRITER_COUNT: u64 = 4;
const READER_COUNT: u64 = 2;
/// Keys of a batch. Each writer writes all its keys in every round.
const KEY_COUNT: u64 = 16;
const ROUND_COUNT: u64 = 150;

/// One table, what is published of each writer, and how many writers are done.
struct Shared {
    table: Arc<dyn Memtable>,
    /// Rounds that are in the table whole.
    published: Vec<AtomicU64>,
}

/// The sequence numbers of all writers interleave, as those of concurrent batches do.
fn sequence(writer: u64, round: u64, key: u64) -> u64 {
    ((round * KEY_COUNT + key) * WRITER_COUNT + writer) + 1
}

/// The keys of all writers interleave, so that they insert side by side.
fn user_key(writer: u64, key: u64) -> Vec<u8> {
    format!("key {key:02} of a writer {writer}, which is too long to lie in a node").into_bytes()
}

fn kind(sequence: u64) -> Kind {
    if sequence.is_multiple_of(7) { Kind::Delete } else { Kind::Put }
}

/// A value that says which version it is, all through.
fn content(sequence: u64) -> Vec<u8> {
    match kind(sequence) {
        Kind::Put => sequence.to_le_bytes().repeat(1 + usize::from(sequence.to_le_bytes()[0])),
        _ => Vec::new(),
    }
}

/// Four writers, each publishing its batches one after another, and two readers that check: an entry is
/// whole; what was published is found from then on, at its number and by cursors; for one key, time never
/// goes back; counters never fall.
pub(super) fn entries_are_seen_whole_and_for_good(factory: &dyn MemtableFactory) {
    let shared =
        Shared { table: factory.create(), published: (0..WRITER_COUNT).map(|_| AtomicU64::new(0)).collect() };
    thread::scope(|scope| {
        for writer in 0..WRITER_COUNT {
            let shared = &shared;
            scope.spawn(move || write(shared, writer));
        }
        for reader in 0..READER_COUNT {
            let shared = &shared;
            scope.spawn(move || read(shared, reader));
        }
    });
    assert_eq!(shared.table.entry_count(), WRITER_COUNT * ROUND_COUNT * KEY_COUNT);
    assert_eq!(scan(&shared), WRITER_COUNT * ROUND_COUNT * KEY_COUNT, "all are there in the end");
}

fn write(shared: &Shared, writer: u64) {
    let keys: Vec<Vec<u8>> = (0..KEY_COUNT).map(|key| user_key(writer, key)).collect();
    for round in 0..ROUND_COUNT {
        let contents: Vec<Vec<u8>> =
            (0..KEY_COUNT).map(|key| content(sequence(writer, round, key))).collect();
        let mut entries = (0..KEY_COUNT).zip(keys.iter().zip(&contents)).map(|(key, (user_key, value))| {
            let sequence = sequence(writer, round, key);
            Entry { key: InternalKey::new(user_key, at(sequence), kind(sequence)), value }
        });
        shared.table.insert_batch(&mut entries);
        if let Some(published) = published_of(shared, writer) {
            published.store(round + 1, Ordering::Release);
        }
    }
}

fn published_of(shared: &Shared, writer: u64) -> Option<&AtomicU64> {
    shared.published.get(usize::try_from(writer).ok()?)
}

fn rounds_of(shared: &Shared, writer: u64) -> u64 {
    published_of(shared, writer).map_or(0, |published| published.load(Ordering::Acquire))
}

fn read(shared: &Shared, reader: u64) {
    let (mut bytes, mut entry_count) = (0, 0);
    let mut draw = reader;
    let mut newest = vec![0; usize::try_from(WRITER_COUNT * KEY_COUNT).expect("64")];
    while (0..WRITER_COUNT).any(|writer| rounds_of(shared, writer) < ROUND_COUNT) {
        for _ in 0..64 {
            // Any order that visits all keys will do.
            draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (writer, key) = ((draw >> 40) % WRITER_COUNT, (draw >> 50) % KEY_COUNT);
            let newest_of_key = &mut newest[usize::try_from(writer * KEY_COUNT + key).expect("below 64")];
            *newest_of_key = read_key(shared, writer, key, *newest_of_key);
        }
        scan(shared);
        let (bytes_now, entry_count_now) = (shared.table.bytes(), shared.table.entry_count());
        assert!(bytes <= bytes_now && entry_count <= entry_count_now, "counters never fall");
        (bytes, entry_count) = (bytes_now, entry_count_now);
    }
}

/// Reads one key as it is now, and as it was when its last published round was; gives the newest version
/// seen.
fn read_key(shared: &Shared, writer: u64, key: u64, seen: u64) -> u64 {
    let rounds = rounds_of(shared, writer);
    let user_key = user_key(writer, key);
    let found = shared.table.get(&user_key, KeyHash::of(&user_key), SequenceNumber::MAX);
    let newest = match &found {
        Some(Lookup::Value(value)) => {
            let newest = value.first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
            assert!(*value == *content(newest), "the value of version {newest} is not whole");
            newest
        }
        // A tombstone does not say which version it is.
        Some(Lookup::Tombstone) => seen,
        Some(Lookup::Expiring { .. }) => unreachable!("nobody wrote one"),
        None => {
            assert_eq!(rounds, 0, "a published key is not found");
            0
        }
    };
    assert!(newest >= seen, "version {newest} after version {seen}");
    let Some(last_round) = rounds.checked_sub(1) else { return newest };
    let published = sequence(writer, last_round, key);
    let is_older = matches!(&found, Some(Lookup::Value(_))) && newest < published;
    assert!(!is_older, "version {newest} is seen, {published} was published");
    let expected = match kind(published) {
        Kind::Put => Lookup::Value(content(published).into()),
        _ => Lookup::Tombstone,
    };
    let exact = shared.table.get(&user_key, KeyHash::of(&user_key), at(published));
    assert_eq!(exact, Some(expected), "version {published} was published");
    newest
}

/// Walks over everything; gives the number of entries.
fn scan(shared: &Shared) -> u64 {
    let published: u64 = (0..WRITER_COUNT).map(|writer| rounds_of(shared, writer) * KEY_COUNT).sum();
    let mut cursor: Box<dyn Cursor> = Arc::clone(&shared.table).cursor();
    let mut found = 0;
    let mut before: Option<(Vec<u8>, siltstone_types::Tag)> = None;
    cursor.first().expect("a cursor over memory does not fail");
    while cursor.valid() {
        let key = cursor.key();
        if let Some((user_key, tag)) = &before {
            assert!(InternalKey { user_key, tag: *tag } < key, "{:?} is out of order", show(key));
        }
        assert_eq!(cursor.value(), content(key.sequence().get()), "{:?} is not whole", show(key));
        before = Some((key.user_key.to_vec(), key.tag));
        found += 1;
        cursor.next().expect("a cursor over memory does not fail");
    }
    assert!(found >= published, "{found} entries are seen, {published} were published");
    found
}

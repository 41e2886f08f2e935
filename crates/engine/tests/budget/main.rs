//! A database with ten times as much data as its memory budget stays within the budget, by its own account and by the allocator's.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
// A binary of its own: whatever else ran beside it would be counted.

mod allocator;

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use siltstone::{Compression, Db, Durability, FilterSettings, KeyspaceSettings, Settings, WriteBatch};

const BUDGET: u64 = 8 << 20;
/// Each keeps a memtable of 150 KB: together they are within the share of the memtables.
const SNAPSHOTS: u64 = 4;
const VALUE_BYTES: usize = 600;
const ENTRIES: u64 = 10 * BUDGET / VALUE_BYTES as u64;

fn settings() -> Settings {
    Settings {
        memory_bytes_max: BUDGET,
        durability: Durability::Buffered,
        compression: vec![Compression::None, Compression::Lz4],
        workers: 2,
        // An index entry for each key, and large filters: more than the open tables may hold.
        block_bytes: 512,
        filter: FilterSettings::bits_per_key(64.0),
        ..Settings::default()
    }
}

/// Not to be compressed, and different for every round.
fn value(number: u64, round: u64) -> Vec<u8> {
    let mut state = number * 2 + round + 1;
    let next = |state: &mut u64| {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state
    };
    (0..VALUE_BYTES.div_ceil(8)).flat_map(|_| next(&mut state).to_le_bytes()).take(VALUE_BYTES).collect()
}

fn key(number: u64) -> Vec<u8> {
    // In no order that memtables or runs could profit from.
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes().to_vec()
}

fn fill(db: &Db, round: u64) {
    thread::scope(|scope| {
        for part in 0..4 {
            scope.spawn(move || {
                for number in (part..ENTRIES).step_by(4) {
                    db.put(key(number), value(number, round)).unwrap();
                }
            });
        }
    });
}

fn check(db: &Db, round: u64) {
    for number in (0..ENTRIES).step_by(97) {
        assert_eq!(db.get(key(number)).unwrap().as_deref(), Some(&*value(number, round)), "{number}");
        assert_eq!(db.get(key(number + ENTRIES)).unwrap(), None);
    }
    assert_eq!(db.range(..).map(|entry| entry.map(|_| ()).unwrap()).count() as u64, ENTRIES);
    assert_eq!(db.range(..).rev().map(|entry| entry.map(|_| ()).unwrap()).count() as u64, ENTRIES);
}

/// Does something while another thread looks at the account; then says what was held at most.
fn watched(db: &Db, what: &str, work: impl FnOnce()) {
    let done = AtomicBool::new(false);
    allocator::take_most();
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let memory = db.stats().unwrap().memory;
                assert!(memory.total_bytes() <= BUDGET, "{memory:?}");
                thread::yield_now();
            }
        });
        work();
        done.store(true, Ordering::Relaxed);
    });
    let heap = allocator::take_most() as u64;
    let memory = db.stats().unwrap().memory;
    assert!(memory.peak_bytes <= BUDGET, "{what}: {memory:?}");
    assert!(heap <= BUDGET, "{what}: {heap} bytes of heap");
}

#[test]
fn ten_times_the_budget_are_filled_overwritten_scanned_and_compacted_within_it() {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::builder(dir.path().join("db")).settings(settings()).open().unwrap();
    watched(&db, "fill", || fill(&db, 0));
    watched(&db, "read", || check(&db, 0));
    watched(&db, "overwrite", || fill(&db, 1));
    watched(&db, "scan", || check(&db, 1));
    watched(&db, "compact", || {
        db.compact().unwrap();
    });
    watched(&db, "read again", || check(&db, 1));
    let stats = db.stats().unwrap();
    assert!(stats.open_tables < stats.tables(), "no table had to be closed: {stats:?}");
    // Many keyspaces, none of which has a memtable that is large by itself.
    watched(&db, "keyspaces", || {
        let names: Vec<_> = (0..20).map(|number| format!("keyspace {number}")).collect();
        let keyspaces: BTreeMap<_, _> = names.iter().map(|name| (name, db.keyspace(name).unwrap())).collect();
        for number in 0..ENTRIES / 10 {
            let mut batch = WriteBatch::new();
            for keyspace in keyspaces.values() {
                batch.put_in(keyspace, key(number), &value(number, 0)[..20]);
            }
            db.write(&mut batch).unwrap();
        }
    });
    // Memtables that a snapshot keeps take from those that writes fill.
    watched(&db, "snapshots", || {
        let own = KeyspaceSettings { memtable_bytes_max: Some(100_000), ..KeyspaceSettings::default() };
        let kept = db.keyspace_with("kept", own).unwrap();
        let snapshots: Vec<_> = (0..SNAPSHOTS)
            .map(|number| {
                (0..200).for_each(|i| kept.put(key(i), value(i, number)).unwrap());
                db.snapshot()
            })
            .collect();
        assert_eq!(snapshots.len() as u64, SNAPSHOTS);
    });
    // The handle keeps its cache, also when it is closed.
    db.close().unwrap();
    drop(db);
    let db = Db::builder(dir.path().join("db")).open().unwrap();
    assert_eq!(db.settings().memory_bytes_max, BUDGET);
    watched(&db, "reopened", || check(&db, 1));
}

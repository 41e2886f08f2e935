//! Databases under each compaction strategy, and handed from one to the other.

use std::{collections::BTreeMap, path::Path};

use siltstone::{
    CompactionSettings, Db, FifoSettings, KeyspaceSettings, LazyLeveledSettings, LeveledSettings, Settings,
};
use siltstone_vfs::{Fs, MemFs};

use crate::{contents, on, tiny};

/// All that keep everything, with sizes at which a few hundred entries make several levels.
fn strategies() -> [CompactionSettings; 4] {
    [
        CompactionSettings::size_tiered(2),
        CompactionSettings::Leveled(LeveledSettings {
            ratio: 2,
            base_bytes: 600,
            level0_runs: 2,
            ..Default::default()
        }),
        CompactionSettings::LazyLeveled(LazyLeveledSettings { ratio: 2, ..Default::default() }),
        CompactionSettings::Fifo(FifoSettings::default()),
    ]
}

fn under(compaction: CompactionSettings) -> Settings {
    Settings { compaction, ..tiny() }
}

/// Overwrites and deletes that depend on the round, in a model, too.
fn live(db: &Db, model: &mut BTreeMap<String, String>, round: u32) {
    for i in 0..150_u32 {
        let key = format!("{:03}", i.wrapping_mul(7919).wrapping_add(round * 31) % 97);
        if i % 5 == 0 {
            db.delete(&key).unwrap();
            model.remove(&key);
        } else {
            let value = format!("{round}-{i}");
            db.put(&key, &value).unwrap();
            model.insert(key, value);
        }
    }
    db.flush().unwrap();
}

#[test]
fn a_tree_goes_from_hand_to_hand() {
    let fs = MemFs::new();
    let mut model = BTreeMap::new();
    let mut compactions = 0;
    // Each follows each, in an order in which all pairs occur.
    for (round, which) in (0..).zip([0, 1, 2, 3, 0, 2, 1, 3, 2, 0, 3, 1, 0]) {
        let db = on(&fs).settings(under(strategies()[which].clone())).open().unwrap();
        live(&db, &mut model, round);
        let expected: Vec<_> = model.clone().into_iter().collect();
        assert_eq!(contents(&db), expected, "round {round}");
        compactions += db.stats().unwrap().writes.compactions;
        db.close().unwrap();
    }
    assert!(compactions > 50, "{compactions} compactions");
}

#[test]
fn keyspaces_differ_in_their_strategy() {
    let fs = MemFs::new();
    let db = on(&fs).settings(tiny()).open().unwrap();
    for (i, compaction) in strategies().into_iter().enumerate() {
        let settings = KeyspaceSettings { compaction: Some(compaction), ..KeyspaceSettings::default() };
        let keyspace = db.keyspace_with(&format!("k{i}"), settings).unwrap();
        for key in 0..300_u32 {
            keyspace.put(format!("{:03}", key % 100), format!("{key}")).unwrap();
        }
    }
    db.flush().unwrap();
    for i in 0..4 {
        let keyspace = db.keyspace(&format!("k{i}")).unwrap();
        for key in 0..100_u32 {
            let value = keyspace.get(format!("{key:03}")).unwrap().unwrap();
            assert_eq!(&*value, format!("{}", key + 200).as_bytes(), "k{i}");
        }
    }
}

#[test]
fn fifo_drops_the_oldest_tables_but_none_that_a_snapshot_sees() {
    let fs = MemFs::new();
    let fifo = CompactionSettings::Fifo(FifoSettings { bytes_max: 4000, ..Default::default() });
    let db = on(&fs).settings(under(fifo)).open().unwrap();
    let put = |from: u32, to: u32| {
        for i in from..to {
            db.put(format!("{i:04}"), "v").unwrap();
        }
        db.flush().unwrap();
    };
    let first = |entries: &[(String, String)]| entries.first().unwrap().0.clone();
    put(0, 300);
    let before = contents(&db);
    assert!(before.len() < 300, "something is gone");
    assert_eq!(before.last().unwrap().0, "0299");
    // What is left is the newest part, without a gap.
    let oldest: u32 = first(&before).parse().unwrap();
    assert_eq!(before.len(), usize::try_from(300 - oldest).unwrap());
    assert_eq!(oldest % 3, 0, "tables of three entries go whole");

    let snapshot = db.snapshot();
    put(300, 600);
    let seen = snapshot.range(..).map(|entry| entry.unwrap().0.to_vec()).collect::<Vec<_>>();
    let expected: Vec<_> = before.iter().map(|(key, _)| key.clone().into_bytes()).collect();
    assert_eq!(seen, expected, "a snapshot keeps what it saw");
    drop(snapshot);
    // Jobs begin after a flush, and run while others are written.
    put(600, 700);
    let after = contents(&db);
    assert!(after.len() < 100, "{} entries are left", after.len());
    assert_eq!(after.last().unwrap().0, "0699");
}

#[test]
fn a_snapshot_that_is_taken_after_a_drop_was_planned_keeps_what_it_sees() {
    let fs = MemFs::new();
    let fifo = CompactionSettings::Fifo(FifoSettings { bytes_max: 4000, ..Default::default() });
    let db = on(&fs).settings(under(fifo)).open().unwrap();
    let mut keys = 0..;
    let mut put = |count: usize| {
        for key in keys.by_ref().take(count) {
            db.put(format!("{key:04}"), "v").unwrap();
        }
    };
    put(300);
    for round in 0..60 {
        // Now and then a drop is under way.
        put(1 + round % 7);
        let snapshot = db.snapshot();
        let seen = || snapshot.range(..).map(|entry| entry.unwrap().0.to_vec()).collect::<Vec<_>>();
        let before = seen();
        put(20);
        assert!(seen() == before, "round {round}: {} entries of {} are left", seen().len(), before.len());
    }
    let writes = db.stats().unwrap().writes;
    assert!(writes.drops > 10 && writes.bytes_reclaimed > 10_000, "{writes:?}");
}

#[test]
fn a_table_that_was_moved_and_then_merged_stays_for_those_who_saw_it_where_it_was() {
    let fs = MemFs::new();
    // One table is open at a time: what a range reads is opened when it comes there.
    let settings = Settings { open_tables_max: 1, cache_bytes: 0, ..under(strategies()[1].clone()) };
    let db = on(&fs).settings(settings).open().unwrap();
    let (mut ranges, mut moves) = (Vec::new(), 0);
    for round in 0..30_u32 {
        // Ascending keys overlap nothing: their tables are moved.
        for key in round * 20..round * 20 + 20 {
            db.put(format!("{key:04}"), "v").unwrap();
            ranges.push((db.range(..), key + 1));
        }
        db.flush().unwrap();
        moves = db.stats().unwrap().writes.moves;
    }
    assert!(moves > 30, "{moves} moves");
    db.compact().unwrap();
    for (range, expected) in ranges {
        let found: Result<Vec<_>, _> = range.collect();
        assert_eq!(
            found.map(|entries| entries.len()).map_err(|error| error.to_string()),
            Ok(expected as usize)
        );
    }
    // With the last who could read them, their files are gone.
    db.flush().unwrap();
    db.put("z", "v").unwrap();
    db.compact().unwrap();
    let files = fs.list(Path::new("db/sst")).unwrap().len() as u64;
    assert_eq!(files, db.stats().unwrap().tables());
}

//! Random operations against a sorted map.

use std::collections::BTreeMap;

use proptest::{collection::vec, option, prelude::*};
use siltstone::{Db, Durability, WriteBatch};
use siltstone_vfs::MemFs;

use crate::{on, tiny};

#[derive(Clone, Debug)]
enum Operation {
    Batch(Vec<(u8, Option<u16>)>),
    Flush,
    Compact,
    Reopen,
    Kill,
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        10 => vec((0..24_u8, option::weighted(0.7, any::<u16>())), 1..5).prop_map(Operation::Batch),
        1 => Just(Operation::Flush),
        1 => Just(Operation::Compact),
        1 => Just(Operation::Reopen),
        1 => Just(Operation::Kill),
    ]
}

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

fn entries(range: impl Iterator<Item = siltstone::Result<siltstone::KeyValue>>) -> Vec<(Vec<u8>, Vec<u8>)> {
    range.map(|entry| entry.map(|(key, value)| (key.to_vec(), value.to_vec())).unwrap()).collect()
}

fn key(number: u8) -> Vec<u8> {
    // Some keys are prefixes of others, one is empty.
    vec![number / 6; usize::from(number % 6)]
}

fn check(db: &Db, model: &Model) {
    let expected: Vec<_> = model.clone().into_iter().collect();
    assert_eq!(entries(db.range(..)), expected);
    assert_eq!(entries(db.range(..).rev()), expected.iter().rev().cloned().collect::<Vec<_>>());
    for number in 0..24 {
        assert_eq!(
            db.get(key(number)).unwrap().map(|value| value.to_vec()),
            model.get(&key(number)).cloned()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn a_database_is_a_sorted_map_that_survives(operations in vec(operation(), 1..60)) {
        let mut fs = MemFs::new();
        let mut db = on(&fs).settings(tiny()).open().unwrap();
        let mut model = Model::new();
        let mut history = Vec::new();
        for operation in operations {
            match operation {
                Operation::Batch(writes) => {
                    let mut batch = WriteBatch::new();
                    for (number, value) in writes {
                        match value {
                            Some(value) => {
                                batch.put(key(number), value.to_le_bytes());
                                model.insert(key(number), value.to_le_bytes().to_vec());
                            }
                            None => {
                                batch.delete(key(number));
                                model.remove(&key(number));
                            }
                        }
                    }
                    db.write_with(&mut batch, Durability::Buffered).unwrap();
                    if history.len() < 8 {
                        history.push((db.snapshot(), model.clone()));
                    }
                }
                Operation::Flush => db.flush().unwrap(),
                Operation::Compact => { db.compact().unwrap(); }
                Operation::Reopen => {
                    history.clear();
                    db.close().unwrap();
                    db = on(&fs).settings(tiny()).open().unwrap();
                    prop_assert!(db.recovery().was_closed);
                }
                Operation::Kill => {
                    history.clear();
                    // All that was written is in the operating system's hands.
                    fs = fs.clone_now();
                    db = on(&fs).settings(tiny()).open().unwrap();
                }
            }
            check(&db, &model);
            for (snapshot, model) in &history {
                let expected: Vec<_> = model.clone().into_iter().collect();
                prop_assert_eq!(entries(snapshot.range(..)), expected);
            }
        }
    }
}

//! Both memtables equal a model, and so each other, under random batches.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

use proptest::prelude::*;
use siltstone_memtable::{Memtable, MemtableFactory};
use siltstone_types::{Entry, InternalKey, KeyHash, Kind, Lookup, SequenceNumber, Slice};

use crate::FACTORIES;

/// Versions newest first: (key, sequence) to a value, or to none for a tombstone.
type Model = BTreeMap<(Vec<u8>, Reverse<u64>), Option<Vec<u8>>>;

fn at(sequence: u64) -> SequenceNumber {
    SequenceNumber::new(sequence).unwrap()
}

fn lookup(model: &Model, user_key: &[u8], sequence: u64) -> Option<Lookup> {
    let ((found, _), value) = model.range((user_key.to_vec(), Reverse(sequence))..).next()?;
    let answer =
        value.as_ref().map_or(Lookup::Tombstone, |value| Lookup::Value(Slice::from(value.as_slice())));
    (found == user_key).then_some(answer)
}

/// A few keys that collide, and many that are alike.
fn user_key() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop::sample::select(vec![0, b'a', b'b', 0xff]);
    prop_oneof![
        prop::collection::vec(byte.clone(), 0..3),
        prop::collection::vec(byte.clone(), 0..3).prop_map(|tail| [b"eight by".to_vec(), tail].concat()),
        prop::collection::vec(byte, 0..3).prop_map(|tail| [vec![b'x'; 21], tail].concat()),
    ]
}

fn value() -> impl Strategy<Value = Option<Vec<u8>>> {
    prop_oneof![
        1 => Just(None),
        4 => prop::collection::vec(any::<u8>(), 0..30).prop_map(Some),
        1 => (4000_usize..4200).prop_map(|len| Some(vec![7; len])),
    ]
}

fn check_scan(table: &Arc<dyn Memtable>, model: &Model) -> Result<(), TestCaseError> {
    let mut cursor = Arc::clone(table).cursor();
    cursor.first().unwrap();
    for ((user_key, Reverse(sequence)), value) in model {
        prop_assert!(cursor.valid(), "{:?}@{} is missing", user_key, sequence);
        let kind = if value.is_some() { Kind::Put } else { Kind::Delete };
        prop_assert_eq!(cursor.key(), InternalKey::new(user_key, at(*sequence), kind));
        prop_assert_eq!(cursor.value(), value.as_deref().unwrap_or_default());
        cursor.next().unwrap();
    }
    prop_assert!(!cursor.valid());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn tables_equal_the_model(
        batches in prop::collection::vec(prop::collection::vec((user_key(), value()), 0..12), 0..12),
        sequence_step in 1_u64..4,
        extra_keys in prop::collection::vec(user_key(), 8),
    ) {
        let tables = FACTORIES.map(MemtableFactory::create);
        let mut model = Model::new();
        let mut sequence = 0;
        for batch in &batches {
            let numbered: Vec<_> = batch.iter().map(|(user_key, value)| {
                sequence += sequence_step;
                (sequence, user_key, value)
            }).collect();
            for table in &tables {
                table.insert_batch(&mut numbered.iter().map(|(sequence, user_key, value)| {
                    let kind = if value.is_some() { Kind::Put } else { Kind::Delete };
                    let key = InternalKey::new(user_key, at(*sequence), kind);
                    Entry { key, value: value.as_deref().unwrap_or_default() }
                }));
            }
            for (sequence, user_key, value) in numbered {
                model.insert((user_key.clone(), Reverse(sequence)), value.clone());
            }
            for table in &tables {
                prop_assert_eq!(table.entry_count(), model.len() as u64);
                for user_key in batches.iter().flatten().map(|(user_key, _)| user_key).chain(&extra_keys) {
                    for ask in [0, 1, sequence / 2, sequence.saturating_sub(1), sequence, sequence + 1] {
                        let found = table.get(user_key, KeyHash::of(user_key), at(ask));
                        prop_assert_eq!(found, lookup(&model, user_key, ask), "{:?} at {}", user_key, ask);
                    }
                }
            }
        }
        for table in &tables {
            check_scan(table, &model)?;
        }
    }
}

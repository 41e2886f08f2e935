//! Moves a merge about, and compares it with one source that has everything.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use proptest::prelude::*;
use siltstone_types::{Entry, Kind, SequenceNumber, VecCursor};

use super::*;

#[derive(Clone, Debug)]
enum Move {
    First,
    Last,
    Next,
    Prev,
    Seek(u8, u64),
    SeekForPrev(u8, u64),
}

fn any_move() -> impl Strategy<Value = Move> {
    let target = (0..10_u8, 0..6_u64);
    prop_oneof![
        Just(Move::First),
        Just(Move::Last),
        Just(Move::Next),
        Just(Move::Prev),
        target.clone().prop_map(|(key, sequence)| Move::Seek(key, sequence)),
        target.prop_map(|(key, sequence)| Move::SeekForPrev(key, sequence)),
    ]
}

fn internal_key(key: &[u8], sequence: u64) -> InternalKey<'_> {
    InternalKey::new(key, SequenceNumber::new(sequence).unwrap(), Kind::Put)
}

fn source(entries: &[(u8, u64)]) -> VecCursor {
    let entries: Vec<_> = entries.iter().map(|&(key, sequence)| ([key], sequence)).collect();
    VecCursor::new(
        entries.iter().map(|(key, sequence)| Entry { key: internal_key(key, *sequence), value: b"value" }),
    )
}

fn carry_out(cursor: &mut impl Cursor, movement: &Move) {
    match *movement {
        Move::First => cursor.first(),
        Move::Last => cursor.last(),
        Move::Next if cursor.valid() => cursor.next(),
        Move::Prev if cursor.valid() => cursor.prev(),
        Move::Next | Move::Prev => Ok(()),
        Move::Seek(key, sequence) => cursor.seek(internal_key(&[key], sequence)),
        Move::SeekForPrev(key, sequence) => cursor.seek_for_prev(internal_key(&[key], sequence)),
    }
    .unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn a_merge_moves_as_one_source_does(
        placed in proptest::collection::btree_map((1..9_u8, 1..6_u64), 0..3_usize, 0..30),
        moves in proptest::collection::vec(any_move(), 1..20),
    ) {
        let of = |wanted: &dyn Fn(usize) -> bool| {
            let entries: Vec<_> = placed.iter().filter(|(_, at)| wanted(**at)).map(|(key, _)| *key).collect();
            source(&entries)
        };
        let mut merge = MergeCursor::new((0..3).map(|number| of(&move |at| at == number)).collect());
        let mut whole = of(&|_| true);
        for movement in &moves {
            carry_out(&mut merge, movement);
            carry_out(&mut whole, movement);
            prop_assert_eq!(merge.valid(), whole.valid(), "{:?}", movement);
            if whole.valid() {
                prop_assert_eq!(merge.key(), whole.key(), "{:?}", movement);
            }
        }
    }
}

//! Blocks: round trips, cursors, and a witness for each rule.

use proptest::prelude::*;
use siltstone_testkit::{cursor, entries, entries::Owned};
use siltstone_types::{Cursor, Error, InternalKey, Result, SequenceNumber, Slice, Tag};

use super::{Block, BlockBuilder, BlockCursor, EntryKind, common_bytes};
use crate::Broken;

fn build(restart_interval: usize, entries: &[Owned]) -> Block {
    let mut builder = BlockBuilder::new(restart_interval);
    for entry in entries {
        builder.add(entries::key_of(entry), &entry.2);
    }
    let predicted_bytes = builder.raw_bytes();
    assert_eq!(predicted_bytes, builder.finish().len());
    builder.clear();
    for entry in entries {
        builder.add(entries::key_of(entry), &entry.2);
    }
    Block::parse(Slice::from(builder.finish())).unwrap()
}

/// A block's cursor with the error type that the conformance suite asks for.
struct Named(BlockCursor);

fn named(broken: Broken) -> Error {
    broken.at("block".as_ref(), 0)
}

impl Cursor for Named {
    fn first(&mut self) -> Result<()> {
        self.0.first().map_err(named)
    }
    fn last(&mut self) -> Result<()> {
        self.0.last().map_err(named)
    }
    fn seek(&mut self, target: InternalKey<'_>) -> Result<()> {
        self.0.seek(target).map_err(named)
    }
    fn seek_for_prev(&mut self, target: InternalKey<'_>) -> Result<()> {
        self.0.seek_for_prev(target).map_err(named)
    }
    fn next(&mut self) -> Result<()> {
        self.0.next().map_err(named)
    }
    fn prev(&mut self) -> Result<()> {
        self.0.prev().map_err(named)
    }
    fn valid(&self) -> bool {
        self.0.valid()
    }
    fn key(&self) -> InternalKey<'_> {
        self.0.key()
    }
    fn value(&self) -> &[u8] {
        self.0.value()
    }
    fn pin_value(&self) -> Slice {
        self.0.pin_value()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_block_is_walked_as_the_list_it_was_made_of(
        seed: u64,
        count in 1_usize..200,
        restart_interval in 1_usize..20,
    ) {
        let entries = entries::random(seed, count);
        let block = build(restart_interval, &entries);
        let make = || -> Box<dyn Cursor> {
            Box::new(Named(BlockCursor::new(block.clone(), EntryKind::Data)))
        };
        cursor::check(make, &entries, seed, 400);
    }

    #[test]
    fn find_and_seek_agree(seed: u64, count in 1_usize..100, restart_interval in 1_usize..20) {
        let entries = entries::random(seed, count);
        let block = build(restart_interval, &entries);
        let mut cursor = BlockCursor::new(block.clone(), EntryKind::Data);
        for target in entries.iter().chain(&entries::random(!seed, 50)) {
            let (user_key, sequence) = (target.0.as_slice(), target.1.sequence());
            for target in [
                entries::key_of(target),
                InternalKey::lookup(user_key, sequence),
                InternalKey::before(user_key),
                InternalKey::after(user_key),
            ] {
                cursor.seek(target).unwrap();
                let found = block.find(target, EntryKind::Data).unwrap();
                prop_assert_eq!(found.is_some(), cursor.valid(), "{:?}", target);
                if let Some(found) = found {
                    prop_assert_eq!(found.same_user_key, cursor.key().user_key == user_key);
                    prop_assert_eq!(found.tag, cursor.key().tag);
                    prop_assert_eq!(&block.raw()[found.value], cursor.value());
                }
            }
        }
    }

    #[test]
    fn damaged_blocks_are_refused_or_walked_in_order(
        seed: u64,
        restart_interval in 1_usize..5,
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut raw = build(restart_interval, &entries::random(seed, 12)).raw().to_vec();
        for (at, byte) in damage {
            let at = at.index(raw.len());
            raw[at] = byte;
        }
        let Ok(block) = Block::parse(Slice::from(raw)) else { return Ok(()) };
        let target = InternalKey::lookup(b"a/shared", SequenceNumber::MAX);
        let _ = block.find(target, EntryKind::Data);
        let mut cursor = BlockCursor::new(block, EntryKind::Data);
        let mut last: Option<(Vec<u8>, Tag)> = None;
        let mut walked = cursor.first();
        while walked.is_ok() && cursor.valid() {
            let key = cursor.key();
            let above = last.as_ref().is_none_or(|(user_key, tag)| InternalKey { user_key, tag: *tag } < key);
            prop_assert!(above, "{:?} after {:?}", key, last);
            last = Some((key.user_key.to_vec(), key.tag));
            walked = cursor.next();
        }
        let _ = cursor.seek(target);
        let _ = cursor.seek_for_prev(target);
        let mut back = cursor.last();
        while back.is_ok() && cursor.valid() {
            back = cursor.prev();
        }
    }
}

/// What is wrong with a block of these entry bytes and restarts, when it is walked over.
fn fault(entries: &[u8], restarts: &[u32], kind: EntryKind) -> Option<Broken> {
    let mut raw = entries.to_vec();
    for restart in restarts {
        raw.extend_from_slice(&restart.to_le_bytes());
    }
    raw.extend_from_slice(&u32::try_from(restarts.len()).unwrap().to_le_bytes());
    let walk = || {
        let mut cursor = BlockCursor::new(Block::parse(Slice::from(raw.as_slice()))?, kind);
        cursor.first()?;
        while cursor.valid() {
            cursor.next()?;
        }
        Ok(())
    };
    walk().err()
}

#[test]
fn every_rule_of_a_block_has_a_witness() {
    // shared, unshared, value length, tag, key, value: "a" at sequence 0 put "v", then "b" deleted.
    let good = [0, 1, 1, 1, b'a', b'v', 0, 1, 0, 2, b'b'];
    assert_eq!(fault(&good, &[0], EntryKind::Data), None);
    assert_eq!(fault(&good, &[0, 6], EntryKind::Data), None);
    let rule = |entries: &[u8], restarts: &[u32]| match fault(entries, restarts, EntryKind::Data) {
        Some(Broken::Rule(rule, _)) => rule,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        Block::parse(Slice::from(&[0, 0, 0])).unwrap_err(),
        Broken::Rule(13, "no room for the restart count")
    );
    assert_eq!(rule(&good, &[]), 13);
    assert_eq!(
        Block::parse(Slice::from(&[0xff; 8])).map(|_| ()).unwrap_err(),
        Broken::Rule(13, "the restart count does not fit the block")
    );
    assert_eq!(rule(&[], &[0]), 14, "no entry");
    assert_eq!(rule(&good, &[6]), 14);
    assert_eq!(rule(&good, &[0, 6, 6]), 14);
    assert_eq!(rule(&good, &[0, 11]), 14);
    assert_eq!(rule(&good, &[0, 5]), 14, "a restart inside an entry");
    assert_eq!(rule(&good, &[0, 7]), 14, "a restart inside the last entry");
    assert_eq!(rule(&[0, 0x81, 0, 1, 1, b'a', b'v'], &[0]), 15, "a varint with a spare byte");
    assert_eq!(rule(&[0, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 1], &[0]), 15, "a length of more than 32 bits");
    assert_eq!(rule(&[1, 1, 1, 1, b'a', b'v'], &[0]), 16, "shared at a restart");
    assert_eq!(rule(&[0, 1, 0, 1, b'a', 2, 1, 0, 1, b'b'], &[0]), 16, "shares more than there is");
    assert_eq!(rule(&[0, 1, 0, 1, b'a', 1, 1, 0, 1, b'b'], &[0, 5]), 16, "shared at the second restart");
    assert_eq!(rule(&[0, 0x81, 0x80, 4, 0, 1], &[0]), 16, "a key of 65,537 bytes");
    assert_eq!(rule(&[0, 9, 0, 1, b'a'], &[0]), 17, "a key past the end");
    assert_eq!(rule(&[0, 1, 2, 1, b'a', b'v'], &[0]), 17, "a value past the end");
    for tag in [0, 8, 0x7f] {
        assert_eq!(rule(&[0, 1, 0, tag, b'a'], &[0]), 18, "tag {tag}");
    }
    assert_eq!(rule(&[0, 1, 1, 2, b'a', b'v'], &[0]), 18, "a delete with a value");
    assert_eq!(rule(&[0, 1, 0, 7, b'a'], &[0]), 18, "an expiring put without a time");
    assert_eq!(rule(&[0, 1, 2, 7, b'a', 0x80, 0], &[0]), 18, "a time with a spare byte");
    assert_eq!(fault(&[0, 1, 2, 7, b'a', 9, b'v'], &[0], EntryKind::Data), None);
    assert_eq!(rule(&[0, 1, 0, 1, b'b', 0, 1, 0, 1, b'a'], &[0]), 19, "user keys descend");
    assert_eq!(rule(&[0, 1, 0, 1, b'b', 1, 0, 0, 1], &[0]), 19, "one key twice");
    assert_eq!(rule(&[0, 1, 0, 1, b'b', 1, 0, 0, 2], &[0]), 19, "a newer version behind an older one");
    assert_eq!(fault(&[0, 1, 0, 2, b'b', 1, 0, 0, 1], &[0], EntryKind::Data), None);
    for tag in 3..7 {
        let fault = fault(&[0, 1, 0, tag, b'a'], &[0], EntryKind::Data);
        assert_eq!(fault, Some(Broken::TooNew("an entry has an unknown kind")));
    }
}

#[test]
fn a_value_past_the_end_is_refused_before_it_is_lent() {
    let raw = [&[0, 1, 2, 1, b'a', b'v'][..], &0_u32.to_le_bytes(), &1_u32.to_le_bytes()].concat();
    let block = Block::parse(Slice::from(raw)).unwrap();
    let outside = Broken::Rule(17, "a key or value does not lie before the restart array");
    assert_eq!(BlockCursor::new(block.clone(), EntryKind::Data).first(), Err(outside));
    assert_eq!(block.find(InternalKey::before(b"a"), EntryKind::Data).map(|_| ()), Err(outside));
}

#[test]
fn only_an_index_has_positions_for_keys() {
    let position = [0, 1, 1, 0, b'a', b'v'];
    assert_eq!(fault(&position, &[0], EntryKind::Index), None);
    assert_eq!(
        fault(&position, &[0], EntryKind::Data),
        Some(Broken::Rule(18, "an entry has an invalid kind"))
    );
}

proptest! {
    #[test]
    fn common_bytes_are_counted_as_one_by_one(
        common in proptest::collection::vec(0_u8..2, 0..40),
        a in proptest::collection::vec(0_u8..2, 0..20),
        b in proptest::collection::vec(0_u8..2, 0..20),
    ) {
        let (a, b) = ([common.as_slice(), &a].concat(), [common.as_slice(), &b].concat());
        let one_by_one = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
        prop_assert_eq!(common_bytes(&a, &b), one_by_one);
    }
}

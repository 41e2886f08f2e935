//! What survives a merge answers every reader as the inputs did.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*, test_runner::Config};
use siltstone_compaction::{Retain, RetainStatistics};
use siltstone_types::{
    Cursor, Entry, Error, InternalKey, Kind, Result, SequenceNumber, Slice, Tag, VecCursor,
};

use crate::cases;

/// A put carries its original sequence number as value; `None` is a tombstone.
type Version = (u8, u64, Option<u64>);

fn at(raw: u64) -> SequenceNumber {
    SequenceNumber::new(raw).unwrap()
}

fn cursor(versions: &[Version]) -> VecCursor {
    let bytes: Vec<_> =
        versions.iter().map(|(key, _, value)| ([*key], value.map(u64::to_le_bytes))).collect();
    let entries = versions.iter().zip(&bytes).map(|((_, sequence, _), (key, value))| Entry {
        key: InternalKey::new(key, at(*sequence), if value.is_some() { Kind::Put } else { Kind::Delete }),
        value: value.as_ref().map(<[u8; 8]>::as_slice).unwrap_or_default(),
    });
    let mut cursor = VecCursor::new(entries);
    cursor.first().unwrap();
    cursor
}

fn owned(entry: &Entry<'_>) -> Version {
    let value = entry.value.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
    assert_eq!(value.is_some(), entry.key.kind() == Some(Kind::Put));
    (entry.key.user_key[0], entry.key.sequence().get(), value)
}

fn retain(input: &[Version], snapshots: &[u64], older: &[u8]) -> (Vec<Version>, RetainStatistics) {
    let snapshots: Vec<_> = snapshots.iter().map(|raw| at(*raw)).collect();
    let mut asked = Vec::new();
    let mut retain = Retain::new(cursor(input), &snapshots, |key| {
        asked.push(key[0]);
        older.contains(&key[0])
    });
    let mut output = Vec::new();
    while let Some(entry) = retain.next_entry().unwrap() {
        output.push(owned(&entry));
    }
    assert_eq!(retain.next_entry().unwrap(), None, "the end is the end");
    let statistics = retain.statistics();
    assert!(asked.is_sorted_by(|a, b| a < b), "each key is asked for once, in order: {asked:?}");
    (output, statistics)
}

/// What a reader at a snapshot finds: the newest version it may see in the first of the layers that has one.
fn read(layers: [&[Version]; 2], key: u8, snapshot: u64) -> Option<u64> {
    let newest = |layer: &[Version]| {
        layer
            .iter()
            .filter(|version| version.0 == key && version.1 <= snapshot)
            .max_by_key(|version| version.1)
            .copied()
    };
    layers.into_iter().find_map(newest).and_then(|(_, _, value)| value)
}

#[test]
fn each_stripe_keeps_its_newest_version() {
    let versions =
        [(1, 9, Some(9)), (1, 8, Some(8)), (1, 6, Some(6)), (1, 5, None), (1, 3, Some(3)), (1, 2, Some(2))];
    let all = |snapshots: &[u64], older: &[u8]| retain(&versions, snapshots, older).0;
    assert_eq!(all(&[], &[]), [(1, 0, Some(9))]);
    assert_eq!(all(&[], &[1]), [(1, 9, Some(9))]);
    // Unsorted and repeated snapshots are taken as well.
    assert_eq!(all(&[7, 2, 7], &[]), [(1, 9, Some(9)), (1, 6, Some(6)), (1, 0, Some(2))]);
    assert_eq!(
        all(&[5], &[]),
        [(1, 9, Some(9))],
        "the tombstone is at the bottom, and what it hides goes with it"
    );
    assert_eq!(all(&[5], &[1]), [(1, 9, Some(9)), (1, 5, None)]);
    assert_eq!(all(&[5, 3], &[]), [(1, 9, Some(9)), (1, 5, None), (1, 0, Some(3))]);
    let statistics = retain(&versions, &[5], &[]).1;
    let expected =
        RetainStatistics { entries_in: 6, entries_out: 1, superseded: 4, tombstones_dropped: 1, zeroed: 0 };
    assert_eq!(statistics, expected);
}

#[test]
fn an_entry_of_an_unknown_kind_ends_the_walk() {
    let mut input = VecCursor::new(
        [Tag::from_raw(9 << 8 | 2), Tag::from_raw(8 << 8 | 3), Tag::from_raw(7 << 8 | 1)]
            .map(|tag| Entry { key: InternalKey { user_key: b"k", tag }, value: b"" }),
    );
    input.first().unwrap();
    let mut retain = Retain::new(input, &[], |_: &[u8]| true);
    assert_eq!(retain.next_entry().unwrap().unwrap().key.sequence(), at(9));
    for _ in 0..2 {
        assert!(matches!(retain.next_entry(), Err(Error::InvalidArgument { .. })));
    }
}

/// Keys 0 to 3 with versions in the inputs and below, and live snapshots.
fn histories() -> impl Strategy<Value = (Vec<Version>, Vec<Version>, Vec<u64>, Vec<u8>)> {
    let write = (0..4_u8, any::<bool>());
    let snapshots = prop_oneof![Just(Vec::new()), vec(0..40_u64, 1..6)];
    (vec(write.clone(), 0..8), vec(write, 0..25), snapshots, vec(0..4_u8, 0..3)).prop_map(
        |(older, newer, snapshots, wrong_maybes)| {
            let numbered = |writes: Vec<(u8, bool)>, from: u64| -> Vec<Version> {
                writes
                    .into_iter()
                    .zip(from..)
                    .map(|((key, put), number)| (key, number, put.then_some(number)))
                    .collect()
            };
            let from = older.len() as u64 + 1;
            (numbered(older, 1), numbered(newer, from), snapshots, wrong_maybes)
        },
    )
}

proptest! {
    #![proptest_config(Config { cases: cases(10_000), ..Config::default() })]

    #[test]
    fn every_reader_finds_what_it_found_before((older, newer, snapshots, wrong_maybes) in histories()) {
        let mut maybes: Vec<u8> = older.iter().map(|version| version.0).collect();
        maybes.extend(wrong_maybes);
        let (output, statistics) = retain(&newer, &snapshots, &maybes);
        for key in 0..4 {
            for &snapshot in snapshots.iter().chain([&u64::MAX]) {
                prop_assert_eq!(
                    read([&output, &older], key, snapshot), read([&newer, &older], key, snapshot),
                    "key {} at {}: {:?}", key, snapshot, output
                );
            }
        }
        check_minimal(&output, &snapshots, &maybes)?;
        let is_sorted = output.is_sorted_by(|a, b| (a.0, u64::MAX - a.1) < (b.0, u64::MAX - b.1));
        prop_assert!(is_sorted, "{:?}", output);
        let RetainStatistics { entries_in, entries_out, superseded, tombstones_dropped, zeroed } = statistics;
        prop_assert_eq!(entries_in, newer.len() as u64);
        prop_assert_eq!(entries_out, output.len() as u64);
        prop_assert_eq!(entries_in, entries_out + superseded + tombstones_dropped);
        prop_assert_eq!(zeroed, output.iter().filter(|version| version.1 == 0).count() as u64);
    }

    #[test]
    fn an_error_is_never_taken_for_the_end(
        (_, newer, snapshots, maybes) in histories(), fail_at in 0..25_usize,
    ) {
        let fail_at = fail_at % (newer.len() + 1);
        let snapshots_at: Vec<_> = snapshots.iter().map(|raw| at(*raw)).collect();
        let failing = Failing { inner: cursor(&newer), left: fail_at, has_failed: fail_at == 0 };
        let mut walk = Retain::new(failing, &snapshots_at, |key: &[u8]| maybes.contains(&key[0]));
        let whole = retain(&newer, &snapshots, &maybes).0;
        let mut seen = Vec::new();
        while let Ok(entry) = walk.next_entry() {
            seen.push(owned(&entry.expect("the walk ends with an error")));
        }
        prop_assert!(whole.starts_with(&seen));
        prop_assert!(walk.next_entry().is_err() && walk.next_entry().is_err());
    }
}

/// No two versions in one stripe; at the bottom no tombstone and no number that could be gone.
fn check_minimal(
    output: &[Version],
    snapshots: &[u64],
    maybes: &[u8],
) -> std::result::Result<(), TestCaseError> {
    let mut stripes: BTreeMap<(u8, Option<u64>), u64> = BTreeMap::new();
    for &(key, sequence, value) in output {
        let stripe = snapshots.iter().copied().filter(|snapshot| sequence <= *snapshot).min();
        let other = stripes.insert((key, stripe), sequence);
        prop_assert_eq!(other, None, "two versions of key {} below snapshot {:?}", key, stripe);
        let is_bottom = stripe == snapshots.iter().copied().min() && !maybes.contains(&key);
        prop_assert!(
            !is_bottom || (value.is_some() && sequence == 0),
            "{:?} need not be there",
            (key, sequence, value)
        );
    }
    Ok(())
}

/// Fails for good after so many entries, as the cursors of tables do.
struct Failing {
    inner: VecCursor,
    left: usize,
    has_failed: bool,
}

impl Failing {
    fn outcome(&self) -> Result<()> {
        if self.has_failed { Err(Error::InvalidArgument { what: "cannot read".to_owned() }) } else { Ok(()) }
    }
}

impl Cursor for Failing {
    fn first(&mut self) -> Result<()> {
        self.outcome()
    }
    fn last(&mut self) -> Result<()> {
        self.outcome()
    }
    fn seek(&mut self, _: InternalKey<'_>) -> Result<()> {
        self.outcome()
    }
    fn seek_for_prev(&mut self, _: InternalKey<'_>) -> Result<()> {
        self.outcome()
    }
    fn next(&mut self) -> Result<()> {
        self.left = self.left.saturating_sub(1);
        self.has_failed |= self.left == 0;
        self.inner.next()?;
        self.outcome()
    }
    fn prev(&mut self) -> Result<()> {
        self.outcome()
    }
    fn valid(&self) -> bool {
        !self.has_failed && self.inner.valid()
    }
    fn key(&self) -> InternalKey<'_> {
        self.inner.key()
    }
    fn value(&self) -> &[u8] {
        self.inner.value()
    }
    fn pin_value(&self) -> Slice {
        self.inner.pin_value()
    }
}

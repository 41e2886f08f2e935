//! What survives a merge answers every reader as the inputs did.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*, test_runner::Config};
use siltstone_compaction::{LiveSnapshot, Readers, Retain, RetainStatistics};
use siltstone_types::{
    Cursor, Entry, Error, Expiring, InternalKey, Kind, Result, SequenceNumber, Slice, Tag, VecCursor,
};

use crate::cases;

/// What an entry does. A value is the original sequence number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum What {
    Put(u64),
    /// Until a time.
    Expiring(u64, u64),
    Delete,
}

/// Key, sequence number, and what it does.
type Version = (u8, u64, What);

fn at(raw: u64) -> SequenceNumber {
    SequenceNumber::new(raw).unwrap()
}

fn stored(what: What) -> (Kind, Vec<u8>) {
    match what {
        What::Put(value) => (Kind::Put, value.to_le_bytes().to_vec()),
        What::Expiring(expires_at_unix_ms, value) => {
            let mut bytes = Vec::new();
            Expiring { expires_at_unix_ms, value: &value.to_le_bytes() }.encode(&mut bytes);
            (Kind::ExpiringPut, bytes)
        }
        What::Delete => (Kind::Delete, Vec::new()),
    }
}

fn cursor(versions: &[Version]) -> VecCursor {
    let bytes: Vec<_> = versions.iter().map(|(key, _, what)| ([*key], stored(*what))).collect();
    let entries = versions.iter().zip(&bytes).map(|((_, sequence, _), (key, (kind, value)))| Entry {
        key: InternalKey::new(key, at(*sequence), *kind),
        value,
    });
    let mut cursor = VecCursor::new(entries);
    cursor.first().unwrap();
    cursor
}

fn owned(entry: &Entry<'_>) -> Version {
    let number = |bytes: &[u8]| u64::from_le_bytes(*bytes.as_array().unwrap());
    let what = match entry.key.kind() {
        Some(Kind::Put) => What::Put(number(entry.value)),
        Some(Kind::ExpiringPut) => {
            let Expiring { expires_at_unix_ms, value } = Expiring::decode(entry.value).unwrap();
            What::Expiring(expires_at_unix_ms, number(value))
        }
        _ => {
            assert!(entry.value.is_empty(), "a delete has no value");
            What::Delete
        }
    };
    (entry.key.user_key[0], entry.key.sequence().get(), what)
}

/// Snapshots as number and time.
fn readers(snapshots: &[(u64, u64)], now_unix_ms: u64) -> Readers {
    let snapshot = |&(raw, taken_unix_ms): &(u64, u64)| LiveSnapshot { at: at(raw), taken_unix_ms };
    Readers { snapshots: snapshots.iter().map(snapshot).collect(), now_unix_ms }
}

fn retain(input: &[Version], readers: &Readers, older: &[u8]) -> (Vec<Version>, RetainStatistics) {
    let mut asked = Vec::new();
    let mut retain = Retain::new(cursor(input), readers, |key| {
        asked.push(key[0]);
        older.contains(&key[0])
    });
    let mut output = Vec::new();
    while let Some(entry) = retain.next_entry().unwrap() {
        let (entry, value) = (owned(&entry), Slice::from(entry.value));
        output.push(entry);
        assert_eq!(retain.pin_value(), value, "the value is lent and pinned alike");
    }
    assert_eq!(retain.next_entry().unwrap(), None, "the end is the end");
    let statistics = retain.statistics();
    assert!(asked.is_sorted_by(|a, b| a < b), "each key is asked for once, in order: {asked:?}");
    (output, statistics)
}

/// What a reader at a snapshot finds at a time: the newest version it may see in the first of the layers that has one.
fn read(layers: [&[Version]; 2], key: u8, snapshot: u64, now: u64) -> Option<u64> {
    let newest = |layer: &[Version]| {
        layer
            .iter()
            .filter(|version| version.0 == key && version.1 <= snapshot)
            .max_by_key(|version| version.1)
            .copied()
    };
    match layers.into_iter().find_map(newest)?.2 {
        What::Put(value) => Some(value),
        What::Expiring(expires_at, value) => (now < expires_at).then_some(value),
        What::Delete => None,
    }
}

#[test]
fn each_stripe_keeps_its_newest_version() {
    let put = |number| (1, number, What::Put(number));
    let delete = |number| (1, number, What::Delete);
    let versions = [put(9), put(8), put(6), delete(5), put(3), put(2)];
    let of = |snapshots: &[u64]| {
        let snapshots: Vec<_> = snapshots.iter().map(|raw| (*raw, 0)).collect();
        readers(&snapshots, 0)
    };
    let all = |snapshots: &[u64], older: &[u8]| retain(&versions, &of(snapshots), older).0;
    let zeroed = |number| (1, 0, What::Put(number));
    assert_eq!(all(&[], &[]), [zeroed(9)]);
    assert_eq!(all(&[], &[1]), [put(9)]);
    // Unsorted and repeated snapshots are taken as well.
    assert_eq!(all(&[7, 2, 7], &[]), [put(9), put(6), zeroed(2)]);
    assert_eq!(all(&[5], &[]), [put(9)], "the tombstone is at the bottom, and what it hides goes with it");
    assert_eq!(all(&[5], &[1]), [put(9), delete(5)]);
    assert_eq!(all(&[5, 3], &[]), [put(9), delete(5), zeroed(3)]);
    let statistics = retain(&versions, &of(&[5]), &[]).1;
    let expected = RetainStatistics {
        entries_in: 6,
        entries_out: 1,
        superseded: 4,
        tombstones_dropped: 1,
        ..RetainStatistics::default()
    };
    assert_eq!(statistics, expected);
}

#[test]
fn what_has_expired_is_a_tombstone_of_its_number() {
    // Until 100, on top of an older put.
    let versions = [(1, 5, What::Expiring(100, 5)), (1, 3, What::Put(3))];
    let kept = (1, 5, What::Expiring(100, 5));
    let all =
        |snapshots: &[(u64, u64)], now, older: &[u8]| retain(&versions, &readers(snapshots, now), older).0;
    assert_eq!(all(&[], 99, &[]), [(1, 0, What::Expiring(100, 5))], "not yet: it is a put");
    assert_eq!(all(&[], 99, &[1]), [kept]);
    assert_eq!(all(&[], 100, &[]), [], "gone, and what it hides with it");
    assert_eq!(all(&[], 100, &[1]), [(1, 5, What::Delete)], "what is older must stay hidden");
    // A snapshot that was taken in time sees it for ever.
    assert_eq!(all(&[(7, 99)], 100, &[]), [(1, 0, What::Expiring(100, 5))]);
    assert_eq!(all(&[(7, 99)], 100, &[1]), [kept]);
    assert_eq!(all(&[(9, 100), (7, 100)], 101, &[]), []);
    assert_eq!(
        all(&[(9, 99), (7, 100)], 101, &[]),
        [(1, 0, What::Expiring(100, 5))],
        "one that sees through the other"
    );
    assert_eq!(all(&[(7, 100), (7, 99)], 101, &[1]), [kept], "of two at one number the earlier");
    // One from before it was written does not see it, but what was there before.
    assert_eq!(all(&[(4, 50)], 100, &[]), [(1, 5, What::Delete), (1, 0, What::Put(3))]);
    let statistics = |now, older: &[u8]| {
        let statistics = retain(&versions, &readers(&[], now), older).1;
        (
            statistics.entries_out,
            statistics.superseded,
            statistics.expired_dropped,
            statistics.expired_to_tombstones,
        )
    };
    assert_eq!(statistics(99, &[]), (1, 1, 0, 0));
    assert_eq!(statistics(100, &[]), (0, 1, 1, 0));
    assert_eq!(statistics(100, &[1]), (1, 1, 0, 1));
}

#[test]
fn an_expiring_put_at_the_bottom_is_dropped_without_a_question() {
    let bottom = [(1, 0, What::Expiring(100, 5))];
    assert_eq!(retain(&bottom, &readers(&[], 99), &[1]).0, bottom);
    assert_eq!(retain(&bottom, &readers(&[], 100), &[1]).0, [], "the maybe is wrong: nothing older was left");
}

#[test]
fn an_expiring_put_without_a_time_ends_the_walk() {
    let key = InternalKey::new(b"k", at(9), Kind::ExpiringPut);
    let mut input = VecCursor::new([Entry { key, value: b"\x80" }]);
    input.first().unwrap();
    let mut retain = Retain::new(input, &Readers::default(), |_: &[u8]| false);
    for _ in 0..2 {
        assert!(matches!(retain.next_entry(), Err(Error::InvalidArgument { .. })));
    }
}

#[test]
fn an_entry_of_an_unknown_kind_ends_the_walk() {
    let mut input = VecCursor::new(
        [Tag::from_raw(9 << 8 | 2), Tag::from_raw(8 << 8 | 3), Tag::from_raw(7 << 8 | 1)]
            .map(|tag| Entry { key: InternalKey { user_key: b"k", tag }, value: b"" }),
    );
    input.first().unwrap();
    let mut retain = Retain::new(input, &Readers::default(), |_: &[u8]| true);
    assert_eq!(retain.next_entry().unwrap().unwrap().key.sequence(), at(9));
    for _ in 0..2 {
        assert!(matches!(retain.next_entry(), Err(Error::InvalidArgument { .. })));
    }
}

/// Times at which entries expire and are judged.
const TIMES: u64 = 8;

#[derive(Debug)]
struct History {
    older: Vec<Version>,
    newer: Vec<Version>,
    /// Number and time.
    snapshots: Vec<(u64, u64)>,
    now: u64,
    wrong_maybes: Vec<u8>,
}

/// Keys 0 to 3 with versions in the inputs and below, and live snapshots.
fn histories() -> impl Strategy<Value = History> {
    let write =
        (0..4_u8, prop_oneof![Just(None), Just(Some(None)), (0..=TIMES).prop_map(|time| Some(Some(time)))]);
    let snapshots = prop_oneof![Just(Vec::new()), vec((0..40_u64, 0..TIMES), 1..6)];
    (vec(write.clone(), 0..8), vec(write, 0..25), snapshots, 0..TIMES, vec(0..4_u8, 0..3)).prop_map(
        |(older, newer, snapshots, now, wrong_maybes)| {
            let numbered = |writes: Vec<(u8, Option<Option<u64>>)>, from: u64| -> Vec<Version> {
                writes
                    .into_iter()
                    .zip(from..)
                    .map(|((key, what), number)| {
                        let what = match what {
                            None => What::Delete,
                            Some(None) => What::Put(number),
                            Some(Some(time)) => What::Expiring(time, number),
                        };
                        (key, number, what)
                    })
                    .collect()
            };
            let from = older.len() as u64 + 1;
            History { older: numbered(older, 1), newer: numbered(newer, from), snapshots, now, wrong_maybes }
        },
    )
}

proptest! {
    #![proptest_config(Config { cases: cases(10_000), ..Config::default() })]

    #[test]
    fn every_reader_finds_what_it_found_before(history in histories()) {
        let History { older, newer, snapshots, now, wrong_maybes } = history;
        let mut maybes: Vec<u8> = older.iter().map(|version| version.0).collect();
        maybes.extend(wrong_maybes);
        let (output, statistics) = retain(&newer, &readers(&snapshots, now), &maybes);
        // Whoever reads without a snapshot does so now or later.
        let newest = (now..=TIMES).map(|time| (u64::MAX, time));
        for key in 0..4 {
            for (snapshot, time) in snapshots.iter().copied().chain(newest.clone()) {
                prop_assert_eq!(
                    read([&output, &older], key, snapshot, time), read([&newer, &older], key, snapshot, time),
                    "key {} at {}, {}: {:?}", key, snapshot, time, output
                );
            }
        }
        check_minimal(&output, &snapshots, now, &maybes)?;
        let is_sorted = output.is_sorted_by(|a, b| (a.0, u64::MAX - a.1) < (b.0, u64::MAX - b.1));
        prop_assert!(is_sorted, "{:?}", output);
        let RetainStatistics { entries_in, entries_out, superseded, tombstones_dropped, expired_dropped, .. } = statistics;
        prop_assert_eq!(entries_in, newer.len() as u64);
        prop_assert_eq!(entries_out, output.len() as u64);
        prop_assert_eq!(entries_in, entries_out + superseded + tombstones_dropped + expired_dropped);
        prop_assert_eq!(statistics.zeroed, output.iter().filter(|version| version.1 == 0).count() as u64);
        let deletes = |versions: &[Version]| versions.iter().filter(|version| version.2 == What::Delete).count() as u64;
        prop_assert!(statistics.expired_to_tombstones <= deletes(&output));
        prop_assert!(deletes(&output) <= deletes(&newer) + statistics.expired_to_tombstones);
    }

    #[test]
    fn an_error_is_never_taken_for_the_end(history in histories(), fail_at in 0..25_usize) {
        let History { newer, snapshots, now, wrong_maybes: maybes, .. } = history;
        let readers = readers(&snapshots, now);
        let fail_at = fail_at % (newer.len() + 1);
        let failing = Failing { inner: cursor(&newer), left: fail_at, has_failed: fail_at == 0 };
        let mut walk = Retain::new(failing, &readers, |key: &[u8]| maybes.contains(&key[0]));
        let whole = retain(&newer, &readers, &maybes).0;
        let mut seen = Vec::new();
        while let Ok(entry) = walk.next_entry() {
            seen.push(owned(&entry.expect("the walk ends with an error")));
        }
        prop_assert!(whole.starts_with(&seen));
        prop_assert!(walk.next_entry().is_err() && walk.next_entry().is_err());
    }
}

/// No two versions in one stripe; at the bottom no tombstone and no number that could be gone; nothing that no reader can see any more.
fn check_minimal(
    output: &[Version],
    snapshots: &[(u64, u64)],
    now: u64,
    maybes: &[u8],
) -> std::result::Result<(), TestCaseError> {
    let mut stripes: BTreeMap<(u8, Option<u64>), u64> = BTreeMap::new();
    let numbers = || snapshots.iter().map(|(number, _)| *number);
    for &(key, sequence, what) in output {
        let stripe = numbers().filter(|snapshot| sequence <= *snapshot).min();
        let other = stripes.insert((key, stripe), sequence);
        prop_assert_eq!(other, None, "two versions of key {} below snapshot {:?}", key, stripe);
        let is_bottom = stripe == numbers().min() && !maybes.contains(&key);
        prop_assert!(
            !is_bottom || (what != What::Delete && sequence == 0),
            "{:?} need not be there",
            (key, sequence, what)
        );
        if let What::Expiring(expires_at, _) = what {
            let of_snapshots =
                snapshots.iter().filter(|(number, _)| sequence <= *number).map(|(_, time)| *time);
            let earliest = of_snapshots.chain([now]).min();
            prop_assert!(earliest < Some(expires_at), "{:?} has expired for all", (key, sequence, what));
        }
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

//! Counts how a scan moves over keys that have many versions.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use siltstone_types::{Entry, VecCursor};

use super::*;
use crate::sync::{Arc, AtomicU64, Ordering};

/// Counts how its source is moved.
struct Counted {
    source: VecCursor,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    steps: AtomicU64,
    seeks: AtomicU64,
}

impl Cursor for Counted {
    fn first(&mut self) -> Result<()> {
        self.source.first()
    }
    fn last(&mut self) -> Result<()> {
        self.source.last()
    }
    fn seek(&mut self, target: InternalKey<'_>) -> Result<()> {
        self.counts.seeks.fetch_add(1, Ordering::Relaxed);
        self.source.seek(target)
    }
    fn seek_for_prev(&mut self, target: InternalKey<'_>) -> Result<()> {
        self.counts.seeks.fetch_add(1, Ordering::Relaxed);
        self.source.seek_for_prev(target)
    }
    fn next(&mut self) -> Result<()> {
        self.counts.steps.fetch_add(1, Ordering::Relaxed);
        self.source.next()
    }
    fn prev(&mut self) -> Result<()> {
        self.counts.steps.fetch_add(1, Ordering::Relaxed);
        self.source.prev()
    }
    fn valid(&self) -> bool {
        self.source.valid()
    }
    fn key(&self) -> InternalKey<'_> {
        self.source.key()
    }
    fn value(&self) -> &[u8] {
        self.source.value()
    }
    fn pin_value(&self) -> Slice {
        self.source.pin_value()
    }
}

/// What a scan of keys with so many versions each did. Sequence numbers rise from 1 in each key, so that `at` sees the newest of those up to it.
#[derive(PartialEq, Debug)]
struct Scan {
    seen: usize,
    steps: u64,
    seeks: u64,
}

fn scan(versions: &[u64], at: u64, is_backward: bool) -> Scan {
    let names: Vec<_> = (0..versions.len()).map(|key| format!("{key:04}")).collect();
    let entries = names.iter().zip(versions).flat_map(|(name, &versions)| {
        (1..=versions).map(move |sequence| Entry {
            key: InternalKey::new(name.as_bytes(), SequenceNumber::new(sequence).unwrap(), Kind::Put),
            value: b"value",
        })
    });
    let counts = Arc::new(Counts::default());
    let source = Counted { source: VecCursor::new(entries), counts: Arc::clone(&counts) };
    let mut cursor = VisibleCursor::new(source, SequenceNumber::new(at).unwrap(), 0);
    if is_backward { cursor.last() } else { cursor.first() }.unwrap();
    let mut seen = Vec::new();
    while cursor.valid() {
        seen.push(String::from_utf8(cursor.key().to_vec()).unwrap());
        if is_backward { cursor.prev() } else { cursor.next() }.unwrap();
    }
    if is_backward {
        seen.reverse();
    }
    assert_eq!(seen, names, "every key once");
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    Scan { seen: seen.len(), steps: count(&counts.steps), seeks: count(&counts.seeks) }
}

#[test]
fn hot_keys_cost_two_movements_each_and_not_one_for_each_version() {
    let (hot, newest) = (vec![20_000; 50], 20_000);
    let forward = scan(&hot, newest, false);
    // A step and a seek for each key, after the first few have shown what they are.
    assert_eq!((forward.seeks, forward.seen), (50, 50));
    assert!(forward.steps <= 50 + 16, "{forward:?}");
    // Backward one seek finds the version that counts, and one leaves the key.
    let backward = scan(&hot, newest, true);
    assert_eq!(backward.seeks, 100);
    assert!(backward.steps <= 50 + 16, "{backward:?}");
    // A snapshot from long ago: past those that are too new, and past those that are too old.
    let old = scan(&hot, 10_000, false);
    assert_eq!(old.seeks, 100);
    assert!(old.steps <= 100 + 32, "{old:?}");
}

#[test]
fn fresh_keys_are_never_sought_also_between_hot_ones() {
    assert_eq!(scan(&[1; 50], 1, false), Scan { seen: 50, steps: 50, seeks: 0 });
    assert_eq!(scan(&[1; 50], 1, true), Scan { seen: 50, steps: 50, seeks: 0 });
    // A hot key among a hundred others costs its own seek and no more.
    let mixed: Vec<_> = (0..1000).map(|key| if key % 100 == 50 { 20_000 } else { 1 }).collect();
    let forward = scan(&mixed, 20_000, false);
    assert_eq!(forward.seeks, 10);
    assert!(forward.steps <= 1000 + 10 * u64::from(STEPS_BEFORE_SEEK), "{forward:?}");
}

#[test]
fn keys_that_came_after_a_snapshot_are_stepped_over() {
    let names: Vec<_> = (0..1000).map(|key| format!("{key:04}")).collect();
    let entries = names.iter().map(|name| Entry {
        key: InternalKey::new(name.as_bytes(), SequenceNumber::new(7).unwrap(), Kind::Put),
        value: b"value",
    });
    let counts = Arc::new(Counts::default());
    let source = Counted { source: VecCursor::new(entries), counts: Arc::clone(&counts) };
    let mut cursor = VisibleCursor::new(source, SequenceNumber::new(3).unwrap(), 0);
    cursor.first().unwrap();
    assert!(!cursor.valid());
    assert_eq!(counts.seeks.load(Ordering::Relaxed), 0, "a seek would pass over one key, as a step does");
}

#[test]
fn versions_in_one_source_cost_the_others_nothing() {
    let version = |key: &'static str, sequence| Entry {
        key: InternalKey::new(key.as_bytes(), SequenceNumber::new(sequence).unwrap(), Kind::Put),
        value: b"value",
    };
    let counted = |source| {
        let counts = Arc::new(Counts::default());
        (Counted { source, counts: Arc::clone(&counts) }, counts)
    };
    let hot = ["a", "b", "c"].into_iter().flat_map(|key| (1..=100).map(move |at| version(key, at)));
    let (hot, hot_counts) = counted(VecCursor::new(hot));
    let (behind, behind_counts) = counted(VecCursor::new([version("d", 1)]));
    let source = crate::iter::merge::MergeCursor::new(vec![hot, behind]);
    let mut cursor = VisibleCursor::new(source, SequenceNumber::new(100).unwrap(), 0);
    cursor.first().unwrap();
    (0..3).for_each(|_| cursor.next().unwrap());
    assert_eq!(cursor.key(), b"d");
    let seeks = |counts: &Counts| counts.seeks.load(Ordering::Relaxed);
    assert_eq!((seeks(&hot_counts), seeks(&behind_counts)), (3, 0));
}

//! Tables: refused with the place and the rule, or one answer in all ways of reading.

use std::sync::Arc;

use siltstone_sstable::{
    CursorOptions, FillCache, OpenOptions, QuickBlockCache, Table, TableCursor, VerifyOptions, VerifyReport,
    verify,
};
use siltstone_types::{Cursor, Error, InternalKey, KeyHash, Kind, Lookup, Result, SequenceNumber, Tag};

use super::memory::{fs_with, path};
use crate::{plain::varint, repair};

/// Entries that are looked up and sought.
const PLACES: usize = 24;
/// No input holds more entries.
const ENTRIES_MAX: usize = 4 << 20;

/// Opens a table, verifies it, scans it both ways and looks up what it holds.
///
/// The input is tried as it is, with its crcs and last handles made right, and as the data blocks of a table.
///
/// # Panics
///
/// When a table that passes verification answers differently in two ways of reading, or an error does not say where and which rule.
pub fn table_open(data: &[u8]) {
    check(data);
    check(&repair::table::repaired(data));
    check(&repair::table::assembled(data));
}

type Entry = (Vec<u8>, Tag, Vec<u8>);

fn check(file: &[u8]) {
    let fs = fs_with(file);
    let cache = Arc::new(QuickBlockCache::new(64 << 10, 4 << 10));
    let cached = OpenOptions { cache: Some(cache), ..OpenOptions::default() };
    let verified = says_where(verify(&fs, path(), &VerifyOptions::default()), file);
    let opened = says_where(Table::open(&fs, path(), cached), file);
    let Some(table) = opened else {
        assert!(verified.is_none(), "verified, but it does not open");
        return;
    };
    let scan = Scan::new(&table, CursorOptions { fill_cache: FillCache::No, readahead_bytes: 0 }, file);
    let ahead = Scan::new(&table, CursorOptions::default(), file);
    assert_eq!(scan, ahead, "reading ahead changes what is read");
    for entry in scan.forward.iter().step_by(scan.step()) {
        let (user_key, tag, _) = entry;
        let _ = says_where(table.get(user_key, KeyHash::of(user_key), tag.sequence()), file);
    }
    if let Some(report) = verified {
        scan.is_that_of(&report, &table);
        scan.agrees_with_lookups(&table);
        scan.agrees_with_seeks(&table);
    }
}

/// The value; an error must name the file, a place in it, and a rule.
fn says_where<T>(outcome: Result<T>, file: &[u8]) -> Option<T> {
    match outcome {
        Ok(value) => return Some(value),
        Err(Error::Corruption { path: at, offset, what }) => {
            assert_eq!(at, path());
            assert!(offset <= file.len() as u64, "offset {offset}: {what}");
            assert!(what.starts_with("table rule "), "{what}");
        }
        Err(Error::FormatTooNew { .. }) => {}
        Err(error) => unreachable!("memory does not fail: {error}"),
    }
    None
}

/// What a cursor sees on its way there and back, up to an error.
#[derive(PartialEq, Eq, Debug)]
struct Scan {
    forward: Vec<Entry>,
    backward: Vec<Entry>,
    whole: bool,
}

impl Scan {
    fn new(table: &Arc<Table>, options: CursorOptions, file: &[u8]) -> Scan {
        let mut cursor = table.cursor(options);
        let moved = cursor.first();
        let (forward, on) = collect(&mut cursor, moved, TableCursor::next);
        let moved = cursor.last();
        let (backward, back) = collect(&mut cursor, moved, TableCursor::prev);
        let ends = [on, back].map(|end| says_where(end, file).is_some());
        Scan { forward, backward, whole: ends == [true, true] }
    }

    fn step(&self) -> usize {
        (self.forward.len() / PLACES).max(1)
    }

    fn is_that_of(&self, report: &VerifyReport, table: &Table) {
        assert!(self.whole, "verified, but a scan fails");
        assert!(self.forward.is_sorted_by(|a, b| key_of(a) < key_of(b)), "out of order");
        assert!(self.forward.iter().eq(self.backward.iter().rev()), "backwards is not forwards reversed");
        let count = self.forward.len() as u64;
        assert_eq!((report.properties.entries, table.footer().entries), (count, count));
        let keys = |entry: Option<&Entry>| entry.map(|(user_key, ..)| user_key.clone());
        let ends = [self.forward.first(), self.forward.last()].map(keys);
        let stated = [&report.properties.smallest, &report.properties.largest].map(|key| Some(key.to_vec()));
        assert_eq!(ends, stated);
    }

    fn agrees_with_lookups(&self, table: &Table) {
        for (user_key, tag) in self.targets() {
            for at in [tag.sequence(), SequenceNumber::MAX, SequenceNumber::ZERO] {
                let found = table.get(&user_key, KeyHash::of(&user_key), at);
                let found = found.unwrap_or_else(|error| unreachable!("a verified table: {error}"));
                assert_eq!(found, self.version(&user_key, at), "{} at {at}", user_key.escape_ascii());
            }
        }
    }

    fn version(&self, user_key: &[u8], at: SequenceNumber) -> Option<Lookup> {
        let sought = InternalKey::lookup(user_key, at);
        let (found, tag, value) =
            self.forward.get(self.forward.partition_point(|entry| key_of(entry) < sought))?;
        let lookup = || match tag.kind() {
            Some(Kind::Delete) => Lookup::Tombstone,
            Some(Kind::ExpiringPut) => {
                let taken = varint::take(value, 64);
                let (expires_at_unix_ms, value) = taken.unwrap_or_else(|| unreachable!("a verified table"));
                Lookup::Expiring { expires_at_unix_ms, value: value.into() }
            }
            _ => Lookup::Value(value.as_slice().into()),
        };
        (found == user_key).then(lookup)
    }

    fn agrees_with_seeks(&self, table: &Arc<Table>) {
        let mut cursor = table.cursor(CursorOptions::default());
        for (user_key, tag) in self.targets() {
            let target = InternalKey { user_key: &user_key, tag };
            let at = self.forward.partition_point(|entry| key_of(entry) < target);
            let behind = self.forward.partition_point(|entry| key_of(entry) <= target);
            let landed = [
                cursor_after(&mut cursor, |cursor| cursor.seek(target)),
                cursor_after(&mut cursor, TableCursor::prev),
                cursor_after(&mut cursor, |cursor| cursor.seek_for_prev(target)),
                cursor_after(&mut cursor, TableCursor::next),
            ];
            let before = at.checked_sub(1).filter(|_| at < self.forward.len());
            let due = [Some(at), before, behind.checked_sub(1), (behind > 0).then_some(behind)];
            for (found, at) in landed.iter().zip(due) {
                assert_eq!(found.as_ref(), at.and_then(|at| self.forward.get(at)), "{target:?}");
            }
        }
    }

    /// Keys that are there, and keys beside them.
    fn targets(&self) -> Vec<(Vec<u8>, Tag)> {
        let mut targets = vec![(Vec::new(), Tag::NEWEST), (vec![0xff; 9], Tag::AFTER_ALL)];
        for (user_key, tag, _) in self.forward.iter().step_by(self.step()).chain(self.forward.last()) {
            let beside = [tag.raw(), tag.raw().wrapping_add(1), tag.raw().wrapping_sub(1), 0, u64::MAX];
            targets.extend(beside.map(|raw| (user_key.clone(), Tag::from_raw(raw))));
            targets.push(([user_key, &[0][..]].concat(), *tag));
            targets.push((user_key.split_last().map_or(&[][..], |(_, shorter)| shorter).to_vec(), *tag));
        }
        targets
    }
}

/// Steps until the end or an error, which stays.
fn collect(
    cursor: &mut TableCursor,
    mut moved: Result<()>,
    step: impl Fn(&mut TableCursor) -> Result<()>,
) -> (Vec<Entry>, Result<()>) {
    let mut entries = Vec::new();
    while moved.is_ok() && cursor.valid() {
        entries.extend(entry_at(cursor));
        assert!(entries.len() <= ENTRIES_MAX, "no end");
        moved = step(cursor);
    }
    assert!(!cursor.valid());
    let again = step(cursor);
    assert_eq!(again.map_err(|error| error.to_string()), moved.clone().map_err(|error| error.to_string()));
    (entries, moved)
}

fn cursor_after(
    cursor: &mut TableCursor,
    step: impl FnOnce(&mut TableCursor) -> Result<()>,
) -> Option<Entry> {
    let moved = step(cursor);
    assert!(moved.is_ok(), "a verified table: {moved:?}");
    entry_at(cursor)
}

fn entry_at(cursor: &TableCursor) -> Option<Entry> {
    cursor.valid().then(|| {
        let InternalKey { user_key, tag } = cursor.key();
        (user_key.to_vec(), tag, cursor.value().to_vec())
    })
}

fn key_of((user_key, tag, _): &Entry) -> InternalKey<'_> {
    InternalKey { user_key, tag: *tag }
}

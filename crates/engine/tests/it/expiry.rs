//! Entries that expire: who sees them until when, what becomes of them, and which programs may open the database.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use siltstone::{
    Clock, Db, Error, KeyspaceSettings, Settings, Snapshot, TestClock, WriteBatch, manifest,
    types::{KeyHash, Lookup, SequenceNumber},
};
use siltstone_sstable::{OpenOptions, Table};
use siltstone_vfs::{Decision, FaultFs, Fs, MemFs, OpKind, injector_fn};
use siltstone_wal::{Expect, ReadMode};

use crate::{contents, on, overwrite, read};

const NOW: u64 = 1_700_000_000_000;

/// A database on `fs` whose clock the test moves.
fn open_at(fs: &MemFs, clock: &Arc<TestClock>) -> Db {
    on(fs).clock(Arc::clone(clock) as Arc<dyn Clock>).open().unwrap()
}

fn new() -> (MemFs, Arc<TestClock>, Db) {
    let (fs, clock) = (MemFs::new(), Arc::new(TestClock::new(NOW)));
    let db = open_at(&fs, &clock);
    (fs, clock, db)
}

fn entries_in_tables(db: &Db) -> (u64, u64) {
    let stats = db.stats().unwrap();
    let levels = || stats.levels.values();
    (levels().map(|level| level.entries).sum(), levels().map(|level| level.tombstones).sum())
}

fn text(value: Option<siltstone::Slice>) -> Option<String> {
    value.map(|value| String::from_utf8_lossy(&value).into_owned())
}

/// The keys that each way of reading shows.
fn keys_by_every_read(db: &Db) -> Vec<Vec<String>> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let all = ["a", "b", "c", "d"];
    let got =
        |found: &dyn Fn(&str) -> bool| all.iter().filter(|key| found(key)).map(ToString::to_string).collect();
    let many = db.get_many(all).unwrap();
    let mut cursor = db.cursor().unwrap();
    let (mut forward, mut backward) = (Vec::new(), Vec::new());
    cursor.first().unwrap();
    while cursor.valid() {
        assert_eq!(text(cursor.value()), text(cursor.key()).repeat(3));
        assert_eq!(&*cursor.pin_value(), cursor.value());
        forward.push(text(cursor.key()));
        cursor.next().unwrap();
    }
    cursor.last().unwrap();
    while cursor.valid() {
        assert_eq!(text(cursor.value()), text(cursor.key()).repeat(3));
        assert_eq!(&*cursor.pin_value(), cursor.value());
        backward.push(text(cursor.key()));
        cursor.prev().unwrap();
    }
    backward.reverse();
    let of = |entry: siltstone::Result<siltstone::KeyValue>| {
        let (key, value) = entry.unwrap();
        assert_eq!(text(&value), text(&key).repeat(3));
        text(&key)
    };
    let mut reversed: Vec<_> = db.range(..).rev().map(of).collect();
    reversed.reverse();
    vec![
        got(&|key| db.get(key).unwrap().is_some()),
        got(&|key| db.get_with(key, |value| assert_eq!(text(value), key.repeat(3))).unwrap().is_some()),
        got(&|key| db.contains_key(key).unwrap()),
        got(&|key| db.explain_get(key).unwrap().value.is_some()),
        got(&|key| db.prefix(key).next().is_some()),
        all.iter().zip(many).filter(|(_, found)| found.is_some()).map(|(key, _)| (*key).to_owned()).collect(),
        forward,
        backward,
        db.range(..).map(of).collect(),
        reversed,
        db.snapshot().range(..).map(of).collect(),
        got(&|key| db.snapshot().get(key).unwrap().is_some()),
    ]
}

#[test]
fn every_read_shows_an_entry_until_its_last_millisecond() {
    for stage in ["memtable", "memtable over a table", "table", "merged"] {
        let (_, clock, db) = new();
        let mut batch = WriteBatch::new();
        // Above an older version, beside entries that stay, and at both ends.
        batch.put("a", "old").put("b", "bbb").put("c", "old");
        if stage == "memtable over a table" {
            db.write(&mut batch).unwrap();
            db.flush().unwrap();
        }
        batch.put_with_ttl("a", "aaa", Duration::from_millis(100)).put_expiring("c", "ccc", NOW + 200);
        batch.put_with_ttl("d", "ddd", Duration::from_millis(100));
        db.write(&mut batch).unwrap();
        match stage {
            "memtable" | "memtable over a table" => {}
            "table" => db.flush().unwrap(),
            _ => drop(db.compact().unwrap()),
        }
        for (wait, expected) in
            [(99, vec!["a", "b", "c", "d"]), (1, vec!["b", "c"]), (99, vec!["b", "c"]), (1, vec!["b"])]
        {
            clock.advance(wait);
            for (way, found) in keys_by_every_read(&db).into_iter().enumerate() {
                assert_eq!(found, expected, "{stage}, at {}, read in way {way}", clock.now_unix_ms() - NOW);
            }
            let ends = [db.first(), db.last()].map(|entry| text(entry.unwrap().map(|(key, _)| key)));
            assert_eq!(ends.map(Option::unwrap), [expected[0], expected[expected.len() - 1]]);
        }
        assert_eq!(db.verify().unwrap().damages.len(), 0);
    }
}

#[test]
fn what_is_newer_counts_as_ever() {
    let (_, clock, db) = new();
    db.put_expiring("replaced", "short", NOW + 10).unwrap();
    db.put("replaced", "long").unwrap();
    db.put_expiring("deleted", "short", NOW + 10).unwrap();
    db.delete("deleted").unwrap();
    db.put_expiring("renewed", "short", NOW + 10).unwrap();
    db.put_expiring("renewed", "longer", NOW + 20).unwrap();
    clock.advance(10);
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(contents(&db), [pair("renewed", "longer"), pair("replaced", "long")]);
    db.compact().unwrap();
    assert_eq!(contents(&db), [pair("renewed", "longer"), pair("replaced", "long")]);
    clock.advance(10);
    assert_eq!(contents(&db), [pair("replaced", "long")]);
}

#[test]
fn older_versions_stay_hidden_wherever_they_are() {
    let (fs, clock, db) = new();
    for round in 0..30 {
        // More versions than a cursor walks over before it seeks, in tables and in memory.
        db.put("k", format!("put {round}")).unwrap();
        db.put_expiring("k", format!("expiring {round}"), NOW + 10).unwrap();
        if round % 10 == 0 {
            db.flush().unwrap();
        }
    }
    assert_eq!(text(db.get("k").unwrap()).as_deref(), Some("expiring 29"));
    clock.advance(10);
    let is_hidden = |db: &Db| {
        db.get("k").unwrap().is_none() && db.is_empty().unwrap() && db.range(..).next_back().is_none()
    };
    assert!(is_hidden(&db));
    // A flush knows nothing of what lies below: the entry goes on as a tombstone.
    db.flush().unwrap();
    assert!(is_hidden(&db));
    let newest = newest_table(&fs);
    assert_eq!((newest.properties().tombstones, newest.properties().expiring), (1, 0));
    assert_eq!(newest.properties().oldest_tombstone_unix_ms, NOW + 10);
    let found = newest.get(b"k", KeyHash::of(b"k"), SequenceNumber::MAX).unwrap();
    assert_eq!(found, Some(Lookup::Tombstone));
    db.compact().unwrap();
    assert!(is_hidden(&db));
    assert_eq!(db.stats().unwrap().tables(), 0, "nothing is left to be hidden, and nothing to hide it");
}

fn newest_table(fs: &MemFs) -> Arc<Table> {
    let newest = fs.list(&Path::new(crate::DIR).join("sst")).unwrap().into_iter().max().unwrap();
    Table::open(fs, &newest, OpenOptions::default()).unwrap()
}

#[test]
fn compaction_drops_what_has_expired_and_nothing_else() {
    let (_, clock, db) = new();
    for key in 0..100_u64 {
        db.put_expiring(format!("{key:03}"), [7; 50], NOW + key).unwrap();
    }
    db.compact().unwrap();
    assert_eq!(entries_in_tables(&db), (99, 0), "the first one had no time at all");
    clock.advance(49);
    let report = db.compact().unwrap();
    assert_eq!((report.entries_removed, entries_in_tables(&db)), (49, (50, 0)));
    assert_eq!(db.range(..).count(), 50);
    clock.advance(1000);
    db.compact().unwrap();
    assert_eq!(db.stats().unwrap().tables(), 0);
}

#[test]
fn a_snapshot_judges_by_the_time_at_which_it_was_taken() {
    let value = |snapshot: &Snapshot| {
        let (got, ranged) = (snapshot.get("k").unwrap(), snapshot.range(..).next_back());
        assert_eq!(got, ranged.map(|entry| entry.unwrap().1));
        text(got)
    };
    let (_, clock, db) = new();
    db.put("k", "old").unwrap();
    let before_it = db.snapshot();
    db.put_expiring("k", "new", NOW + 10).unwrap();
    clock.advance(9);
    let in_time = db.snapshot();
    assert_eq!(in_time.taken_unix_ms(), NOW + 9);
    clock.advance(1);
    let too_late = db.snapshot();
    assert_eq!(in_time.sequence(), too_late.sequence(), "nothing was written between the two");
    for step in 0..5 {
        assert_eq!(value(&before_it).as_deref(), Some("old"), "step {step}");
        assert_eq!(value(&in_time).as_deref(), Some("new"), "step {step}");
        assert_eq!(value(&too_late), None, "step {step}");
        assert_eq!(db.get("k").unwrap(), None, "step {step}");
        match step {
            0 => db.flush().unwrap(),
            1 | 2 => drop(db.compact().unwrap()),
            _ => clock.advance(1000),
        }
    }
    drop(in_time);
    db.compact().unwrap();
    assert_eq!((value(&before_it).as_deref(), value(&too_late)), (Some("old"), None));
    assert_eq!(entries_in_tables(&db), (2, 1), "the older one is still seen, and hidden from the others");
    drop(before_it);
    db.compact().unwrap();
    assert_eq!(value(&too_late), None);
    assert_eq!(db.stats().unwrap().tables(), 0);
}

#[test]
fn a_snapshot_never_judges_by_an_earlier_time_than_a_compaction() {
    // The clock is set back between the two.
    #[derive(Debug)]
    struct SetBack(AtomicU64);
    impl Clock for SetBack {
        fn now_unix_ms(&self) -> u64 {
            self.0.load(Ordering::Relaxed)
        }
        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }
    }
    let clock = Arc::new(SetBack(AtomicU64::new(NOW)));
    let db = on(&MemFs::new()).clock(Arc::clone(&clock) as Arc<dyn Clock>).open().unwrap();
    db.put_expiring("k", "v", NOW + 10).unwrap();
    clock.0.store(NOW + 10, Ordering::Relaxed);
    db.flush().unwrap();
    clock.0.store(NOW, Ordering::Relaxed);
    assert_eq!(db.snapshot().taken_unix_ms(), NOW + 10);
}

#[test]
fn an_iterator_judges_by_the_time_at_which_it_was_made() {
    let (_, clock, db) = new();
    for key in ["a", "b", "c", "d"] {
        db.put_expiring(key, key, NOW + 10).unwrap();
    }
    let (mut ahead, untouched) = (db.range(..), db.range(..));
    let mut cursor = db.cursor().unwrap();
    assert!(ahead.next().is_some());
    clock.advance(10);
    db.compact().unwrap();
    assert!(db.is_empty().unwrap());
    let rest: Vec<_> = std::iter::from_fn(|| ahead.next_back()).map(|entry| entry.unwrap().0).collect();
    assert_eq!(rest, ["d", "c", "b"].map(siltstone::Slice::from), "both ends by one time");
    assert_eq!(untouched.count(), 4, "though it is used for the first time only now");
    cursor.last().unwrap();
    assert_eq!(cursor.key(), b"d");
    assert_eq!(db.range(..).count(), 0);
}

#[derive(Debug)]
struct Counted {
    inner: TestClock,
    reads: AtomicU64,
}

impl Clock for Counted {
    fn now_unix_ms(&self) -> u64 {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.inner.now_unix_ms()
    }
    fn monotonic(&self) -> Duration {
        self.inner.monotonic()
    }
}

#[test]
fn a_read_looks_at_the_clock_once_and_only_where_it_matters() {
    let clock = Arc::new(Counted { inner: TestClock::new(NOW), reads: AtomicU64::new(0) });
    let db = on(&MemFs::new()).clock(Arc::clone(&clock) as Arc<dyn Clock>).open().unwrap();
    let reads = |work: &dyn Fn()| {
        let before = clock.reads.load(Ordering::Relaxed);
        work();
        clock.reads.load(Ordering::Relaxed) - before
    };
    let keys = ["plain", "x", "y", "z"];
    db.put("plain", "v").unwrap();
    let everything = || {
        assert_eq!(db.get_many(keys).unwrap().len(), 4);
        assert!(db.range(..).next().is_some() && db.range(..).next_back().is_some());
        db.cursor().unwrap().last().unwrap();
    };
    assert_eq!(reads(&|| assert!(db.get("plain").unwrap().is_some())), 0);
    assert_eq!(reads(&everything), 0, "nothing in this database expires");
    for key in ["x", "y", "z"] {
        db.put_expiring(key, "v", NOW + 10).unwrap();
    }
    assert_eq!(reads(&|| assert!(db.get("plain").unwrap().is_some())), 0, "this one does not expire");
    assert_eq!(reads(&|| assert!(db.get("x").unwrap().is_some())), 1);
    assert_eq!(reads(&|| assert_eq!(db.get_many(keys).unwrap().len(), 4)), 1);
    assert_eq!(reads(&|| assert_eq!(db.range(..).count(), 4)), 1);
    assert_eq!(reads(&|| assert_eq!(db.range(..).rev().count(), 4)), 1);
    let from_both_ends = || {
        let mut range = db.range(..);
        assert!(range.next().is_some() && range.next_back().is_some());
    };
    assert_eq!(reads(&from_both_ends), 1);
}

#[test]
fn a_time_to_live_is_given_to_puts_that_have_none() {
    let (fs, clock) = (MemFs::new(), Arc::new(TestClock::new(NOW)));
    let open = |settings: Option<Settings>| {
        let builder = on(&fs).clock(Arc::clone(&clock) as Arc<dyn Clock>);
        settings.map_or(builder.clone(), |settings| builder.settings(settings)).open().unwrap()
    };
    let db = open(Some(Settings { ttl_ms: 100, ..Settings::default() }));
    let of = |ttl_ms| KeyspaceSettings { ttl_ms: Some(ttl_ms), ..KeyspaceSettings::default() };
    let (short, lasting) =
        (db.keyspace_with("short", of(10)).unwrap(), db.keyspace_with("lasting", of(0)).unwrap());
    let mut batch = WriteBatch::new();
    batch
        .put("k", "v")
        .put_in(&short, "k", "v")
        .put_in(&lasting, "k", "v")
        .delete("gone")
        .delete_in(&short, "gone");
    // What says something itself has its way.
    batch.put_expiring_in(&short, "own", "v", NOW + 1000).put_with_ttl(
        "own",
        "v",
        Duration::from_micros(49_001),
    );
    batch.put_expiring_in(&short, "for ever", "v", u64::MAX).put_with_ttl_in(
        &lasting,
        "own",
        "v",
        Duration::from_millis(10),
    );
    db.write(&mut batch).unwrap();
    assert!(batch.is_empty());
    let shown = |db: &Db| {
        let all = [
            ("default", "k"),
            ("default", "own"),
            ("short", "k"),
            ("short", "own"),
            ("short", "for ever"),
            ("lasting", "k"),
            ("lasting", "own"),
        ];
        let found =
            |(keyspace, key): &(&str, &str)| db.keyspace(keyspace).unwrap().get(key).unwrap().is_some();
        all.iter()
            .filter(|place| found(place))
            .map(|(keyspace, key)| format!("{keyspace}/{key}"))
            .collect::<Vec<_>>()
    };
    clock.advance(9);
    assert_eq!(shown(&db).len(), 7);
    clock.advance(1);
    assert_eq!(shown(&db), ["default/k", "default/own", "short/own", "short/for ever", "lasting/k"]);
    clock.advance(39);
    assert_eq!(shown(&db).len(), 5);
    clock.advance(1);
    assert_eq!(shown(&db), ["default/k", "short/own", "short/for ever", "lasting/k"], "50 ms, rounded up");
    db.close().unwrap();
    // Stored with the database, and what was written keeps its time when the setting changes.
    let db = open(None);
    assert_eq!(db.settings().ttl_ms, 100);
    db.keyspace("short").unwrap().put("k", "again").unwrap();
    db.keyspace_with("short", of(1000)).unwrap();
    clock.advance(10);
    assert_eq!(db.keyspace("short").unwrap().get("k").unwrap(), None);
    db.keyspace("short").unwrap().put("k", "once more").unwrap();
    clock.advance(999);
    assert_eq!(shown(&db), ["short/k", "short/for ever", "lasting/k"]);
    clock.advance(1);
    assert_eq!(shown(&db), ["short/for ever", "lasting/k"]);
}

#[test]
fn a_batch_that_was_refused_is_as_it_was_and_its_time_begins_when_it_is_written() {
    let (_, clock, db) = new();
    let dropped = db.keyspace("dropped").unwrap();
    db.drop_keyspace("dropped").unwrap();
    let mut refused = WriteBatch::new();
    refused.put_with_ttl("k", "v", Duration::from_millis(10)).put_in(&dropped, "k", "v");
    let (len, bytes) = (refused.len(), refused.bytes());
    assert!(matches!(db.write(&mut refused), Err(Error::NotFound { .. })));
    assert_eq!((refused.len(), refused.bytes()), (len, bytes));

    let mut batch = WriteBatch::new();
    batch.put_with_ttl("k", "v", Duration::from_millis(10)).put_with_ttl("never", "v", Duration::MAX);
    clock.advance(1000);
    db.write(&mut batch).unwrap();
    clock.advance(9);
    assert!(db.contains_key("k").unwrap());
    clock.advance(1);
    assert_eq!(contents(&db).len(), 1);
    db.put_with_ttl("k", "v", Duration::ZERO).unwrap();
    assert!(!db.contains_key("k").unwrap(), "no time at all");
}

#[test]
fn times_survive_a_crash_and_count_on() {
    let (fs, clock, db) = new();
    db.put("a", "old").unwrap();
    db.flush().unwrap();
    db.put_expiring("a", "new", NOW + 10).unwrap();
    db.put_expiring("b", "b", NOW + 20).unwrap();
    let left = fs.power_cut_worst();
    clock.advance(10);
    let read_only = on(&left).clock(Arc::clone(&clock) as Arc<dyn Clock>).read_only(true).open().unwrap();
    assert_eq!(contents(&read_only), [("b".to_owned(), "b".to_owned())]);
    let db = open_at(&left, &clock);
    assert_eq!(contents(&db), [("b".to_owned(), "b".to_owned())]);
    db.checkpoint("copy").unwrap();
    clock.advance(10);
    assert!(db.is_empty().unwrap());
    let copy = Db::builder("copy").fs(Arc::new(left.clone())).clock(Arc::clone(&clock) as Arc<dyn Clock>);
    assert!(copy.open().unwrap().is_empty().unwrap());
    assert_eq!(format_version(&left, "copy"), 2);
}

#[test]
fn a_log_that_is_ahead_of_the_manifest_that_was_read_says_itself_that_something_expires() {
    // As a reader finds it that has read the manifest just before a writer raised the version.
    let (fs, clock, db) = new();
    db.put("a", "a").unwrap();
    let behind = fs.clone_now();
    db.put_expiring("b", "b", NOW + 10).unwrap();
    let log = fs.list(Path::new("db/wal")).unwrap().pop().unwrap();
    overwrite(&behind, &log, &read(&fs, &log));
    assert_eq!(format_version(&behind, "db"), 1);
    clock.advance(10);
    let read_only = on(&behind).clock(Arc::clone(&clock) as Arc<dyn Clock>).read_only(true).open().unwrap();
    assert_eq!(contents(&read_only), [("a".to_owned(), "a".to_owned())]);
    let _db = open_at(&behind, &clock);
    assert_eq!(format_version(&behind, "db"), 2);
}

/// What the manifest of a database says.
fn format_version(fs: &MemFs, dir: &str) -> u64 {
    let is_manifest = |path: &PathBuf| path.to_string_lossy().contains("MANIFEST");
    let newest = fs.list(Path::new(dir)).unwrap().into_iter().filter(is_manifest).max().unwrap();
    manifest::read(fs, &newest, Expect::Any, ReadMode::CrashTail, |_, _| ()).unwrap().0.format_version
}

#[test]
fn the_format_version_is_raised_by_the_first_entry_that_expires() {
    let (fs, _, db) = new();
    db.put("k", "v").unwrap();
    db.keyspace_with("other", KeyspaceSettings { ttl_ms: Some(0), ..KeyspaceSettings::default() }).unwrap();
    db.compact().unwrap();
    assert_eq!(format_version(&fs.power_cut_worst(), "db"), 1, "an older program can still open it");
    db.put_expiring("k", "v", 0).unwrap();
    assert_eq!(format_version(&fs.power_cut_worst(), "db"), 2);
    db.delete("k").unwrap();
    db.compact().unwrap();
    db.close().unwrap();
    on(&fs).open().unwrap();
    assert_eq!(format_version(&fs, "db"), 2, "it never falls");
}

#[test]
fn the_format_version_is_raised_by_a_time_to_live() {
    let (fs, _, db) = new();
    let own = KeyspaceSettings { ttl_ms: Some(5), ..KeyspaceSettings::default() };
    db.keyspace_with("sessions", own).unwrap();
    assert_eq!(format_version(&fs.power_cut_worst(), "db"), 2);
    let fs = MemFs::new();
    let _db = on(&fs).settings(Settings { ttl_ms: 5, ..Settings::default() }).open().unwrap();
    assert_eq!(format_version(&fs.power_cut_worst(), "db"), 2);
}

#[test]
fn no_log_holds_an_entry_that_expires_before_the_format_version_is_durable() {
    let fs = MemFs::new();
    let versions: Arc<Mutex<Vec<u64>>> = Arc::default();
    let (disk, seen) = (fs.clone(), Arc::clone(&versions));
    let watch = injector_fn(move |op| {
        let is_log = op.path().extension().is_some_and(|found| found == "log");
        if op.kind() == OpKind::WriteAt && is_log {
            seen.lock().unwrap().push(format_version(&disk.power_cut_worst(), "db"));
        }
        Decision::Pass
    });
    let watched: Arc<dyn Fs> = Arc::new(FaultFs::new(Arc::new(fs.clone()), watch));
    let db = on(&fs).fs(watched).open().unwrap();
    db.put("k", "v").unwrap();
    versions.lock().unwrap().clear();
    db.put("k", "v").unwrap();
    db.put_expiring("k", "v", 5).unwrap();
    assert_eq!(*versions.lock().unwrap(), [1, 2]);
}

#[test]
fn nothing_is_written_when_the_format_version_cannot_be_raised() {
    let fs = MemFs::new();
    let fails = Arc::new(AtomicU64::new(0));
    let switch = Arc::clone(&fails);
    let broken = injector_fn(move |op| {
        let is_manifest = op.path().to_string_lossy().contains("MANIFEST");
        if switch.load(Ordering::Relaxed) == 1 && op.kind() == OpKind::WriteAt && is_manifest {
            return Decision::Fail(std::io::ErrorKind::StorageFull.into());
        }
        Decision::Pass
    });
    let db = on(&fs).fs(Arc::new(FaultFs::new(Arc::new(fs.clone()), broken))).open().unwrap();
    fails.store(1, Ordering::Relaxed);
    let mut batch = WriteBatch::new();
    batch.put("a", "v").put_expiring("b", "v", u64::MAX);
    assert!(matches!(db.write(&mut batch), Err(Error::NoSpace { .. })));
    assert_eq!((batch.len(), db.is_empty().unwrap()), (2, true));
    db.put("c", "v").unwrap();
    fails.store(0, Ordering::Relaxed);
    db.write(&mut batch).unwrap();
    assert_eq!(contents(&db).len(), 3);
}

#[test]
fn a_value_that_leaves_no_room_for_its_time_is_refused() {
    let db = new().2;
    let long = vec![0; siltstone::types::limits::VALUE_BYTES_MAX - 5];
    let refused = db.put_expiring("k", &long, NOW).unwrap_err();
    assert!(matches!(refused, Error::InvalidArgument { .. }), "{refused}");
    assert!(db.is_empty().unwrap());
}

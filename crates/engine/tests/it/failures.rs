//! Disks that refuse for a while: what is told, what goes on by itself, and what is left after a kill and after power cuts.

use std::{
    collections::BTreeMap,
    io::ErrorKind,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use siltstone::{
    Clock, CompactionSettings, Db, Durability, Error, Executor, Inline, LeveledSettings, Settings, TestClock,
    Threads,
};
use siltstone_vfs::{Decision, FaultFs, Fs, MemFs, Op, OpKind, injector_fn};

use crate::{on, tiny};

/// A disk that refuses some operations while it is told to.
struct Disk {
    inner: MemFs,
    is_full: Arc<AtomicBool>,
    /// Operations that were refused.
    refused: Arc<AtomicU64>,
    fs: Arc<dyn Fs>,
}

impl Disk {
    fn new(decide: impl Fn(&Op<'_>) -> Decision + Send + Sync + 'static) -> Disk {
        let (inner, is_full, refused) =
            (MemFs::new(), Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (full, count) = (Arc::clone(&is_full), Arc::clone(&refused));
        let injector = injector_fn(move |op| {
            let decision = if full.load(Ordering::SeqCst) { decide(op) } else { Decision::Pass };
            if !matches!(decision, Decision::Pass) {
                count.fetch_add(1, Ordering::SeqCst);
            }
            decision
        });
        let fs = Arc::new(FaultFs::new(Arc::new(inner.clone()), injector));
        Disk { inner, is_full, refused, fs }
    }

    fn fill(&self) {
        self.is_full.store(true, Ordering::SeqCst);
    }

    fn make_room(&self) {
        self.is_full.store(false, Ordering::SeqCst);
    }

    fn refused(&self) -> u64 {
        self.refused.load(Ordering::SeqCst)
    }

    fn open(&self, settings: Settings) -> Db {
        on(&self.inner).fs(Arc::clone(&self.fs)).settings(settings).open().unwrap()
    }
}

fn full() -> Decision {
    Decision::Fail(ErrorKind::StorageFull.into())
}

fn is_in(op: &Op<'_>, folder: &str) -> bool {
    op.path().components().any(|part| part.as_os_str() == folder)
}

fn is_manifest(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("MANIFEST"))
}

type Contents = BTreeMap<Vec<u8>, Vec<u8>>;

fn contents(db: &Db) -> Contents {
    db.range(..).map(|entry| entry.map(|(key, value)| (key.to_vec(), value.to_vec())).unwrap()).collect()
}

/// Puts, durably, and keeps what was acknowledged and what may be found although it was refused.
#[derive(Default)]
struct Puts {
    acknowledged: Contents,
    refused: Contents,
}

impl Puts {
    fn put(&mut self, db: &Db, number: u64) -> Result<(), Error> {
        let (key, value) = (format!("{number:04}").into_bytes(), vec![b'v'; 40]);
        let outcome = db.put(&key, &value);
        let seen = if outcome.is_ok() { &mut self.acknowledged } else { &mut self.refused };
        seen.insert(key, value);
        outcome
    }

    /// Whatever takes the machine down now, what was acknowledged is there afterwards, and nothing but what was written.
    fn check_all_ends(&self, disk: &MemFs, told: &str) {
        let seeds = (0..4).map(|seed| disk.power_cut(seed));
        for left in [disk.clone_now(), disk.power_cut_worst()].into_iter().chain(seeds) {
            let db = on(&left).open().map_err(|error| format!("{told}: {error:?}")).unwrap();
            let found = contents(&db);
            for (key, value) in &self.acknowledged {
                assert_eq!(found.get(key), Some(value), "{told}: lost an acknowledged put");
            }
            let known = |key| self.acknowledged.contains_key(key) || self.refused.contains_key(key);
            assert!(found.keys().all(known), "{told}: found what nobody wrote");
        }
    }
}

/// Tears appends to logs, and lets nothing be cut off.
fn tear_logs(torn_bytes: usize) -> impl Fn(&Op<'_>) -> Decision {
    move |op| match op {
        Op::WriteAt { .. } if is_in(op, "wal") => Decision::Shorten(torn_bytes),
        op if op.kind() == OpKind::SetLen => full(),
        _ => Decision::Pass,
    }
}

#[test]
fn a_log_that_cannot_be_cut_back_is_followed_by_another() {
    // Nothing, a part of a record, and all of it: an append that fails may have left any of these.
    for torn_bytes in [1, 60, 1000] {
        for keeps_full in 1..4 {
            let disk = Disk::new(tear_logs(torn_bytes));
            let db = disk.open(Settings { log_bytes_max: 1000, ..tiny() });
            let mut puts = Puts::default();
            for number in 0..2 {
                puts.put(&db, number).unwrap();
            }
            db.put_with("0002", "buffered", Durability::Buffered).unwrap();
            puts.acknowledged.insert(b"0002".to_vec(), b"buffered".to_vec());
            disk.fill();
            for number in 10..10 + keeps_full {
                let error = puts.put(&db, number).unwrap_err();
                assert!(matches!(error, Error::NoSpace { .. } | Error::Io { .. }), "{error:?}");
                assert_eq!(contents(&db), puts.acknowledged, "reads go on");
            }
            assert!(disk.refused() > 0);
            disk.make_room();
            for number in 20..40 {
                puts.put(&db, number).unwrap();
                puts.check_all_ends(&disk.inner, &format!("torn {torn_bytes}, put {number}"));
            }
            assert_eq!(contents(&db), puts.acknowledged);
            db.close().unwrap();
            puts.check_all_ends(&disk.inner, "closed");
        }
    }
}

#[test]
fn what_a_log_that_was_given_up_still_holds_is_no_proof_of_a_lost_edit() {
    // All of the record is there, but the append failed: closing removes the log, and a power cut may undo that.
    let disk = Disk::new(tear_logs(1000));
    let db = disk.open(Settings::default());
    let mut puts = Puts::default();
    puts.put(&db, 0).unwrap();
    disk.fill();
    puts.put(&db, 1).unwrap_err();
    disk.make_room();
    db.close().unwrap();
    for seed in 0..20 {
        let db = on(&disk.inner.power_cut(seed)).open().unwrap();
        assert_eq!(contents(&db), puts.acknowledged);
        db.put("0002", "v").unwrap();
    }
}

#[test]
fn a_manifest_that_had_no_room_for_an_edit_goes_on_with_the_next() {
    for kind in [OpKind::WriteAt, OpKind::Create] {
        // A new manifest for each edit, so that starting one fails, too.
        for manifest_bytes_max in [1 << 40, 1] {
            let disk = Disk::new(move |op| {
                let is_hit = op.kind() == kind && is_manifest(op.path());
                if is_hit { full() } else { Decision::Pass }
            });
            let db = disk.open(Settings { manifest_bytes_max, ..Settings::default() });
            let mut puts = Puts::default();
            puts.put(&db, 0).unwrap();
            disk.fill();
            let (flushed, created) = (db.flush(), db.keyspace("other"));
            if kind == OpKind::WriteAt {
                assert!(matches!(flushed, Err(Error::NoSpace { .. })), "{flushed:?}");
                assert!(matches!(created, Err(Error::NoSpace { .. })), "{created:?}");
            } else {
                // The manifest that is there goes on.
                flushed.unwrap();
                created.unwrap();
            }
            puts.put(&db, 1).unwrap();
            puts.check_all_ends(&disk.inner, "full");
            assert_eq!(disk.refused() > 0, kind == OpKind::WriteAt || manifest_bytes_max == 1);
            disk.make_room();
            db.flush().unwrap();
            db.keyspace("other").unwrap().put("k", "v").unwrap();
            puts.check_all_ends(&disk.inner, "room again");
            let tables = disk.inner.list(Path::new("db/sst")).unwrap().len() as u64;
            assert_eq!(tables, db.stats().unwrap().tables(), "what a flush left that failed is removed");
            db.close().unwrap();
        }
    }
}

#[test]
fn a_manifest_that_could_not_take_over_leaves_it_to_the_one_before() {
    // What reports a failure may have been done: the file tells, and writing goes on with whichever manifest it names.
    for is_done in [false, true] {
        let disk = MemFs::new();
        let (below, is_full) = (disk.clone(), Arc::new(AtomicBool::new(false)));
        let hits = Arc::new(AtomicU64::new(0));
        let (full_now, counter) = (Arc::clone(&is_full), Arc::clone(&hits));
        let injector = injector_fn(move |op| match op {
            Op::Rename { from, to } if full_now.load(Ordering::SeqCst) => {
                counter.fetch_add(1, Ordering::SeqCst);
                if is_done {
                    below.rename(from, to).unwrap();
                }
                full()
            }
            _ => Decision::Pass,
        });
        let fs: Arc<dyn Fs> = Arc::new(FaultFs::new(Arc::new(disk.clone()), injector));
        // A new manifest for each edit.
        let settings = Settings { manifest_bytes_max: 1, ..Settings::default() };
        let db = on(&disk).fs(fs).settings(settings).open().unwrap();
        let mut puts = Puts::default();
        for number in 0..12 {
            is_full.store((3..9).contains(&number), Ordering::SeqCst);
            puts.put(&db, number).unwrap();
            db.flush().unwrap();
            puts.check_all_ends(&disk, &format!("done {is_done}, put {number}"));
        }
        assert!(hits.load(Ordering::SeqCst) >= 6, "{hits:?}");
        assert_eq!(contents(&db), puts.acknowledged);
        let manifests = disk.list(Path::new("db")).unwrap();
        assert_eq!(manifests.iter().filter(|path| is_manifest(path)).count(), 1, "{manifests:?}");
        db.close().unwrap();
        puts.check_all_ends(&disk, "closed");
    }
}

#[test]
fn a_disk_that_is_full_for_a_while_stops_nothing_for_good() {
    check_full_for_a_while(&CompactionSettings::default());
}

// Its moves give tables another place without touching their files.
#[test]
fn a_disk_that_is_full_for_a_while_costs_no_table_that_was_to_be_moved() {
    let leveled = LeveledSettings { ratio: 2, base_bytes: 600, level0_runs: 2, ..Default::default() };
    check_full_for_a_while(&CompactionSettings::Leveled(leveled));
}

fn check_full_for_a_while(compaction: &CompactionSettings) {
    for first in 0..120 {
        let written = AtomicU64::new(0);
        let disk = Disk::new(move |op| {
            let is_hit = match op.kind() {
                OpKind::Create | OpKind::WriteAt | OpKind::Rename => true,
                // A manifest that cannot be cut back is one whose end nobody knows: that stops writing.
                OpKind::SetLen => is_in(op, "wal"),
                _ => false,
            };
            // The disk is full from this operation on.
            if is_hit && written.fetch_add(1, Ordering::SeqCst) >= first { full() } else { Decision::Pass }
        });
        let compaction = compaction.clone();
        let settings = Settings { log_bytes_max: 300, manifest_bytes_max: 600, compaction, ..tiny() };
        let db = disk.open(settings);
        let mut puts = Puts::default();
        disk.fill();
        for number in 0..25 {
            if let Err(error) = puts.put(&db, number) {
                assert!(matches!(error, Error::NoSpace { .. }), "{error:?}");
            }
        }
        puts.check_all_ends(&disk.inner, &format!("full from {first} on"));
        disk.make_room();
        for number in 100..115 {
            let outcome = puts.put(&db, number);
            assert!(outcome.is_ok(), "full from {first} on, {number}: {outcome:?}");
        }
        assert_eq!(contents(&db), puts.acknowledged);
        puts.check_all_ends(&disk.inner, &format!("full from {first} on, with room again"));
        db.close().unwrap();
    }
}

/// Refuses to create tables.
fn refuse_tables(op: &Op<'_>) -> Decision {
    if op.kind() == OpKind::Create && is_in(op, "sst") { full() } else { Decision::Pass }
}

#[test]
fn a_flush_that_failed_is_tried_again_less_and_less_often_and_without_any_write() {
    let disk = Disk::new(refuse_tables);
    let clock = Arc::new(TestClock::new(0));
    let executor = Arc::new(Inline::with_clock(1, Arc::clone(&clock) as Arc<dyn Clock>));
    let builder = on(&disk.inner).fs(Arc::clone(&disk.fs)).clock(Arc::clone(&clock) as Arc<dyn Clock>);
    // No other job comes by itself.
    let settings = Settings { compaction_check_ms: 0, ..tiny() };
    let db = builder.executor(Arc::clone(&executor) as Arc<dyn Executor>).settings(settings).open().unwrap();
    disk.fill();
    db.put("a", "1").unwrap();
    assert!(matches!(db.flush(), Err(Error::NoSpace { .. })));
    // The first wait is 100 ms long, and each one twice as long as the one before, up to 10 s.
    let mut tries = Vec::new();
    for millisecond in 0..60_000_u32 {
        let before = disk.refused();
        while executor.help() {}
        if disk.refused() > before {
            tries.push(millisecond);
        }
        clock.advance(1);
    }
    assert_eq!(tries, [100, 300, 700, 1500, 3100, 6300, 12_700, 22_700, 32_700, 42_700, 52_700]);
    disk.make_room();
    clock.advance(10_000);
    while executor.help() {}
    assert_eq!(db.stats().unwrap().tables(), 1, "it was flushed");
    clock.advance(1_000_000);
    assert!(!executor.help(), "nothing is left to be tried");
}

#[test]
fn writers_that_wait_for_room_are_told_and_go_on_when_there_is_some() {
    let disk = Disk::new(refuse_tables);
    let settings = Settings { memtable_entries_max: 4, ..Settings::default() };
    let builder = Db::builder("db").fs(Arc::clone(&disk.fs)).settings(settings);
    let db = builder.executor(Arc::new(Threads::new(1))).open().unwrap();
    disk.fill();
    let refused = AtomicU64::new(0);
    thread::scope(|scope| {
        for writer in 0..4 {
            let (db, refused) = (&db, &refused);
            scope.spawn(move || {
                for number in 0..30 {
                    // As somebody does who has been told to free some space and try again.
                    while let Err(error) = db.put(format!("{writer}-{number}"), "v") {
                        assert!(matches!(error, Error::NoSpace { .. }), "{error:?}");
                        refused.fetch_add(1, Ordering::SeqCst);
                        thread::sleep(Duration::from_millis(1));
                    }
                }
            });
        }
        scope.spawn(|| {
            while refused.load(Ordering::SeqCst) < 10 {
                thread::sleep(Duration::from_millis(1));
            }
            disk.make_room();
        });
    });
    assert_eq!(db.range(..).count(), 120);
    db.close().unwrap();
}

#[test]
fn a_panic_in_the_background_stops_writing_and_its_message_is_told() {
    let disk = Disk::new(|op| {
        assert!(!(op.kind() == OpKind::Create && is_in(op, "sst")), "this disk has a bug");
        Decision::Pass
    });
    for threads in [false, true] {
        let executor: Arc<dyn Executor> =
            if threads { Arc::new(Threads::new(1)) } else { Arc::new(Inline::new(1)) };
        let db = on(&disk.inner).fs(Arc::clone(&disk.fs)).executor(executor).settings(tiny()).open().unwrap();
        disk.fill();
        let error = (0..10_000).find_map(|number| db.put(format!("{number}"), "v").err()).unwrap();
        let Error::Poisoned { cause } = &error else { panic!("{error:?}") };
        assert!(
            matches!(&**cause, Error::Panicked { message } if message == "this disk has a bug"),
            "{cause:?}"
        );
        assert!(db.get("0").unwrap().is_some(), "reads go on");
        assert!(matches!(db.close(), Err(Error::Poisoned { .. })));
        disk.make_room();
    }
}

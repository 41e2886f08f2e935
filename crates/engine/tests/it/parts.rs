//! A merge that is divided among workers makes what one that is not makes, and fails as one.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use siltstone::{
    BackgroundJob, CompactionSettings, Compression, Db, Executor, Inline, Lane, LeveledSettings, Settings,
    Snapshot, TestClock, Threads,
};
use siltstone_vfs::{Fs, MemFs};

use crate::{contents, overwrite, read};

/// Counts the jobs that are given to the compaction lane, and how many of them run at once.
#[derive(Debug)]
struct Counted<E> {
    executor: E,
    jobs: AtomicUsize,
    running: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl<E: Executor> Counted<E> {
    fn new(executor: E) -> Arc<Counted<E>> {
        Arc::new(Counted {
            executor,
            jobs: AtomicUsize::default(),
            running: Arc::default(),
            most: Arc::default(),
        })
    }
}

impl<E: Executor> Executor for Counted<E> {
    fn spawn(&self, lane: Lane, job: BackgroundJob) {
        if lane != Lane::Compaction {
            return self.executor.spawn(lane, job);
        }
        self.jobs.fetch_add(1, Ordering::SeqCst);
        let (running, most) = (Arc::clone(&self.running), Arc::clone(&self.most));
        self.executor.spawn(
            lane,
            Box::new(move || {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                job();
                running.fetch_sub(1, Ordering::SeqCst);
            }),
        );
    }
    fn spawn_after(&self, delay: Duration, job: BackgroundJob) {
        self.executor.spawn_after(delay, job);
    }
    fn step(&self) {
        self.executor.step();
    }
    fn has_threads(&self) -> bool {
        self.executor.has_threads()
    }
    fn help(&self) -> bool {
        self.executor.help()
    }
    fn shut_down(&self) {
        self.executor.shut_down();
    }
}

/// Merges only what is asked for.
fn settings(subcompactions_max: u32) -> Settings {
    Settings {
        table_bytes_max: 400,
        block_bytes: 64,
        compression: vec![Compression::None],
        compaction: CompactionSettings::size_tiered(1000),
        level0_runs_slow: 1000,
        level0_runs_stop: 1000,
        workers: 4,
        subcompactions_max,
        ..Settings::default()
    }
}

fn open(fs: &MemFs, executor: Arc<dyn Executor>, settings: Settings) -> Db {
    let fs: Arc<dyn Fs> = Arc::new(fs.clone());
    let clock = Arc::new(TestClock::new(1_700_000_000_000));
    Db::builder("db").fs(fs).clock(clock).executor(executor).seed(1).settings(settings).open().unwrap()
}

/// A run of many tables, and three runs over it in which every key has versions, some of them many, with snapshots in between.
fn fill(db: &Db) -> Vec<Snapshot> {
    let key = |key: u32| format!("key{key:04}");
    for i in 0..200 {
        db.put(key(i), format!("first {i}")).unwrap();
    }
    db.compact().unwrap();
    assert!(db.stats().unwrap().tables() > 8, "places where parts can meet");
    let mut snapshots = vec![db.snapshot()];
    for round in 0..3_u32 {
        for i in (0..200).filter(|i| i % 5 != round) {
            for version in 0..=i % 4 {
                db.put(key(i), format!("{round} {version}")).unwrap();
            }
            if i % 7 == round {
                db.delete(key(i)).unwrap();
            }
            if (i, round) == (100, 0) {
                snapshots.push(db.snapshot());
            }
        }
        db.flush().unwrap();
        // What the second round wrote is seen by nobody where the third wrote again.
        if round != 1 {
            snapshots.push(db.snapshot());
        }
    }
    snapshots
}

/// All that can be seen.
fn seen(db: &Db, snapshots: &[Snapshot]) -> Vec<Vec<(String, String)>> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let of_snapshot = |snapshot: &Snapshot| {
        let entries = snapshot.range(..).map(Result::unwrap);
        entries.map(|(key, value)| (text(&key), text(&value))).collect()
    };
    snapshots.iter().map(of_snapshot).chain([contents(db)]).collect()
}

/// What a merge left behind: entries and tombstones of all tables, entries removed, and how often it was counted.
#[derive(PartialEq)]
struct Left {
    seen: Vec<Vec<(String, String)>>,
    entries: u64,
    tombstones: u64,
    removed: u64,
    compactions: u64,
}

fn merged(executor: Arc<dyn Executor>, subcompactions_max: u32) -> Left {
    let fs = MemFs::new();
    let db = open(&fs, executor, settings(subcompactions_max));
    let snapshots = fill(&db);
    let before = seen(&db, &snapshots);
    let compactions_before = db.stats().unwrap().writes.compactions;
    let removed = db.compact().unwrap().entries_removed;
    let stats = db.stats().unwrap();
    assert_eq!(seen(&db, &snapshots), before);
    assert_eq!(stats.keyspaces["default"].runs, 1);
    assert!(db.verify().unwrap().damages.is_empty());
    let compactions = stats.writes.compactions - compactions_before;
    let of_levels =
        |figure: fn(&siltstone::LevelStats) -> u64| stats.levels.values().map(figure).sum::<u64>();
    let left = Left {
        seen: before,
        entries: of_levels(|level| level.entries),
        tombstones: of_levels(|level| level.tombstones),
        removed,
        compactions,
    };
    db.close().unwrap();
    let db = open(&fs, Arc::new(Inline::new(1)), settings(1));
    assert_eq!(contents(&db), left.seen[left.seen.len() - 1]);
    left
}

#[test]
fn parts_make_together_what_one_merge_makes() {
    let alone = Counted::new(Inline::new(1));
    let expected = merged(alone.clone(), 1);
    assert_eq!(alone.jobs.load(Ordering::SeqCst), 0, "an asked-for merge is done by who asks");
    assert_eq!(expected.compactions, 1);
    assert!(expected.removed > 0 && expected.tombstones > 0);
    let divided = Counted::new(Inline::new(1));
    assert!(merged(divided.clone(), 4) == expected, "divided among four");
    assert!(divided.jobs.load(Ordering::SeqCst) >= 3, "three helpers");
    // Without threads it is done in one part unless more are asked for.
    let by_default = Counted::new(Inline::new(1));
    assert!(merged(by_default.clone(), 0) == expected, "without threads");
    assert_eq!(by_default.jobs.load(Ordering::SeqCst), 0);
    for subcompactions_max in [0, 2, 4] {
        let threads = Counted::new(Threads::new(16));
        assert!(merged(threads.clone(), subcompactions_max) == expected, "up to {subcompactions_max}");
        assert!(threads.jobs.load(Ordering::SeqCst) > 0);
    }
}

#[test]
fn who_helps_is_a_worker_with_nothing_to_do() {
    let inline = Counted::new(Inline::new(1));
    let db = open(&MemFs::new(), inline.clone(), Settings { workers: 3, ..settings(16) });
    drop(fill(&db));
    let before = inline.jobs.load(Ordering::SeqCst);
    db.compact().unwrap();
    assert_eq!(inline.jobs.load(Ordering::SeqCst) - before, 2, "the merge itself takes one of three");
    while inline.help() {}
    db.put("key0001", "again").unwrap();
    db.flush().unwrap();
    db.compact().unwrap();
    assert_eq!(inline.jobs.load(Ordering::SeqCst) - before, 4, "helpers are free again");
}

#[test]
fn no_more_parts_are_done_at_once_than_there_are_workers() {
    // More threads than workers: what keeps to the number is the engine.
    let threads = Counted::new(Threads::new(16));
    let leveled = LeveledSettings { base_bytes: 4000, ..LeveledSettings::default() };
    let settings = Settings {
        compaction: CompactionSettings::Leveled(leveled),
        memtable_entries_max: 100,
        workers: 3,
        ..settings(0)
    };
    let fs = MemFs::new();
    let db = open(&fs, threads.clone(), settings);
    for round in 0..40 {
        for i in 0..100 {
            db.put(format!("{:05}", i * 7919 % 3001), format!("{round}")).unwrap();
        }
    }
    let before = contents(&db);
    db.compact().unwrap();
    assert_eq!(contents(&db), before);
    let (jobs, most) = (threads.jobs.load(Ordering::SeqCst), threads.most.load(Ordering::SeqCst));
    assert!(most <= 3, "{most} at once");
    let merges = db.stats().unwrap().writes.compactions + db.stats().unwrap().writes.moves;
    assert!(jobs as u64 > merges, "{jobs} jobs for {merges} merges: none was divided");
    db.close().unwrap();
}

fn tables(fs: &MemFs) -> BTreeSet<std::path::PathBuf> {
    fs.list(Path::new("db/sst")).unwrap().into_iter().collect()
}

#[test]
fn a_part_that_fails_leaves_no_file_and_installs_nothing() {
    let fs = MemFs::new();
    let db = open(&fs, Arc::new(Inline::new(1)), settings(4));
    drop(fill(&db));
    db.close().unwrap();
    let files: Vec<_> = tables(&fs).into_iter().collect();
    let executors: [fn() -> Arc<dyn Executor>; 2] =
        [|| Arc::new(Inline::new(1)), || Arc::new(Threads::new(16))];
    let mut failures = 0;
    for path in &files {
        let whole = read(&fs, path);
        let mut damaged = whole.clone();
        damaged[20] ^= 0xff;
        overwrite(&fs, path, &damaged);
        for executor in executors {
            let executor = executor();
            let db = open(&fs, Arc::clone(&executor), settings(4));
            let before = db.stats().unwrap();
            assert!(matches!(db.compact(), Err(siltstone::Error::Corruption { .. })), "{}", path.display());
            while executor.help() {}
            let after = db.stats().unwrap();
            assert_eq!((after.levels, after.writes.compactions), (before.levels, 0), "{}", path.display());
            // Closing waits for the thread that removes files, and looks for none by itself.
            db.close().unwrap();
            assert_eq!(tables(&fs), files.iter().cloned().collect(), "{}", path.display());
            failures += 1;
        }
        overwrite(&fs, path, &whole);
    }
    assert!(failures > 20, "the damage was in each of many tables");
    let db = open(&fs, Arc::new(Inline::new(1)), settings(4));
    let before = contents(&db);
    db.compact().unwrap();
    assert_eq!(contents(&db), before);
}

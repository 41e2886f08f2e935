//! Components of one's own in the place of settings, and what is stored of them.

use std::{
    fmt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use siltstone::{
    BTreeFactory, BlockCache, Bloom, CompactionSettings, CompactionStrategy, Compression, Error,
    FilterPolicy, FilterSettings, KeyspaceSettings, MemtableFactory, MemtableSettings, QuickBlockCache,
    Settings, SizeTiered,
    bloom::{DamagedFilter, Filter, FilterBuilder, FilterContext},
    compaction::{Action, Cuts, Debt, Job, Output, Place, Reason, TreeView, runs_by_age},
    memtable::Memtable,
    types::{Cursor, Entry, KeyHash, Lookup, SequenceNumber},
};
use siltstone_vfs::{Fs as _, MemFs};

use crate::{DIR, contents, on, read, tiny};

/// Merges everything as soon as there are two runs. Written against nothing but `siltstone`.
#[derive(Debug)]
struct AlwaysOne {
    plans: Arc<AtomicU64>,
}

impl CompactionStrategy for AlwaysOne {
    fn name(&self) -> &'static str {
        "always-one"
    }

    fn plan(&self, view: &TreeView<'_>) -> Option<Job> {
        let runs: Vec<_> = runs_by_age(view.levels).collect();
        if runs.len() < 2 || !view.running.is_empty() {
            return None;
        }
        self.plans.fetch_add(1, Ordering::Relaxed);
        let (oldest, _) = runs.last()?;
        let output = match oldest.level {
            0 => Output { level: 1, place: Place::NewRun },
            level => Output { level, place: Place::JoinRun(oldest.epoch()) },
        };
        Some(Job {
            action: Action::Merge { output, table_bytes_max: u64::MAX, cuts: Cuts::BY_SIZE },
            inputs: runs.iter().flat_map(|(_, run)| run.tables.iter().map(|table| table.id)).collect(),
            reason: Reason::new("one", "there are two"),
        })
    }

    fn debt(&self, view: &TreeView<'_>) -> Debt {
        let runs = runs_by_age(view.levels).count() as u64;
        if runs < 2 { Debt::ZERO } else { Debt { bytes: 1, runs: runs - 1, level0_runs: 0 } }
    }
}

/// A B-tree by another name, which counts what it makes.
#[derive(Debug)]
struct Counted(Arc<AtomicU64>);

impl MemtableFactory for Counted {
    fn name(&self) -> &'static str {
        "counted"
    }
    fn create(&self) -> Arc<dyn Memtable> {
        self.0.fetch_add(1, Ordering::Relaxed);
        BTreeFactory.create()
    }
}

/// Makes memtables that panic at one of their batches.
#[derive(Debug)]
struct Broken;

#[derive(Debug)]
struct BrokenTable {
    table: Arc<dyn Memtable>,
    batches: AtomicU64,
}

impl MemtableFactory for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }
    fn create(&self) -> Arc<dyn Memtable> {
        Arc::new(BrokenTable { table: BTreeFactory.create(), batches: AtomicU64::new(0) })
    }
}

impl Memtable for BrokenTable {
    fn insert_batch(&self, entries: &mut dyn Iterator<Item = Entry<'_>>) {
        assert!(self.batches.fetch_add(1, Ordering::SeqCst) != 20, "this memtable has a bug");
        self.table.insert_batch(entries);
    }
    fn get(&self, user_key: &[u8], hash: KeyHash, at: SequenceNumber) -> Option<Lookup> {
        self.table.get(user_key, hash, at)
    }
    fn cursor(self: Arc<Self>) -> Box<dyn Cursor> {
        Arc::clone(&self.table).cursor()
    }
    fn bytes(&self) -> u64 {
        self.table.bytes()
    }
    fn entry_count(&self) -> u64 {
        self.table.entry_count()
    }
}

/// Keeps all hashes.
#[derive(Debug)]
struct Exact(Arc<AtomicU64>);

struct Hashes(Vec<u64>);

impl fmt::Debug for Hashes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} hashes", self.0.len())
    }
}

impl FilterPolicy for Exact {
    fn name(&self) -> &'static str {
        "exact.1"
    }
    fn builder(&self, _context: FilterContext) -> Option<Box<dyn FilterBuilder>> {
        Some(Box::new(Hashes(Vec::new())))
    }
    fn open(&self, bytes: &[u8]) -> Result<Arc<dyn Filter>, DamagedFilter> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let (words, rest) = bytes.as_chunks::<8>();
        if !rest.is_empty() {
            return Err(DamagedFilter::new("not a whole number of hashes"));
        }
        Ok(Arc::new(Hashes(words.iter().map(|word| u64::from_le_bytes(*word)).collect())))
    }
}

impl FilterBuilder for Hashes {
    fn add(&mut self, hash: u64) {
        self.0.push(hash);
    }
    fn bytes(&self) -> usize {
        self.0.len() * 8
    }
    fn finish(self: Box<Self>) -> Vec<u8> {
        self.0.iter().flat_map(|hash| hash.to_le_bytes()).collect()
    }
}

impl Filter for Hashes {
    fn may_contain(&self, hash: u64) -> bool {
        self.0.contains(&hash)
    }
    fn bytes(&self) -> usize {
        self.0.len() * 8
    }
}

fn counter() -> Arc<AtomicU64> {
    Arc::default()
}

#[test]
fn a_database_works_with_components_of_ones_own() {
    let fs = MemFs::new();
    let (plans, memtables, filters) = (counter(), counter(), counter());
    let open = || {
        on(&fs)
            .settings(Settings { memtable_entries_max: 10, ..Settings::default() })
            .compaction(AlwaysOne { plans: Arc::clone(&plans) })
            .memtable(Counted(Arc::clone(&memtables)))
            .filter(Exact(Arc::clone(&filters)))
            .compression([Compression::None])
            .open()
            .unwrap()
    };
    let db = open();
    for i in 0..100 {
        db.put(format!("{i:03}"), "v").unwrap();
    }
    db.flush().unwrap();
    db.compact().unwrap();
    assert_eq!(contents(&db).len(), 100);
    // An exact filter skips every table for every absent key.
    for i in 0..50 {
        assert_eq!(db.get(format!("{i:03}x")).unwrap(), None);
    }
    let stats = db.stats().unwrap();
    assert_eq!((stats.reads.filter_skips, stats.reads.filter_false_positives), (50, 0), "{stats:?}");
    for (what, count) in [("plans", &plans), ("memtables", &memtables), ("filters", &filters)] {
        assert!(count.load(Ordering::Relaxed) > 0, "no {what}");
    }
    let settings = db.settings();
    assert_eq!(settings.compaction, CompactionSettings::Custom("always-one".to_owned()));
    assert_eq!(settings.memtable, MemtableSettings::Custom("counted".to_owned()));
    assert_eq!(settings.filter, FilterSettings::Custom("exact.1".to_owned()));
    assert_eq!(settings.compression, [Compression::None]);
    db.close().unwrap();
    assert_eq!(contents(&open()).len(), 100);
}

#[test]
fn a_stored_component_that_is_missing_is_an_error_that_names_it() {
    let all = MemFs::new();
    on(&all).compaction(AlwaysOne { plans: counter() }).open().unwrap().put("a", "1").unwrap();
    let error = on(&all).open().unwrap_err();
    assert!(matches!(&error, Error::InvalidArgument { what } if what.contains("\"always-one\"")), "{error}");
    let memtable = MemFs::new();
    on(&memtable).memtable(Counted(counter())).open().unwrap().close().unwrap();
    let error = on(&memtable).open().unwrap_err();
    assert!(error.to_string().contains("\"counted\""), "{error}");
    let filter = MemFs::new();
    on(&filter).filter(Exact(counter())).open().unwrap().close().unwrap();
    let error = on(&filter).open().unwrap_err();
    assert!(error.to_string().contains("\"exact.1\""), "{error}");

    // One with another name is not it.
    let error =
        on(&memtable).settings(Settings { memtable: MemtableSettings::Custom("other".to_owned()), ..tiny() });
    let error = error.open().unwrap_err();
    assert!(error.to_string().contains("\"other\""), "{error}");
    // Whoever only reads needs none of it.
    assert_eq!(contents(&on(&all).read_only(true).open().unwrap()).len(), 1);
    // Settings win, and are stored.
    drop(on(&all).settings(Settings::default()).open().unwrap());
    assert_eq!(contents(&on(&all).open().unwrap()).len(), 1);
}

#[test]
fn a_new_database_with_a_missing_component_is_not_created() {
    let fs = MemFs::new();
    let compaction = CompactionSettings::Custom("nobody".to_owned());
    assert!(on(&fs).settings(Settings { compaction, ..Settings::default() }).open().is_err());
    let error = on(&fs).create_if_missing(false).open().unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
}

#[test]
fn a_shipped_component_is_stored_as_settings() {
    let fs = MemFs::new();
    let tiers = SizeTiered { table_bytes_max: 1 << 20, ..SizeTiered::tiers(5) };
    let opened = on(&fs).compaction(tiers).memtable(BTreeFactory).filter(Bloom::bits_per_key(7.0)).open();
    let given = opened.unwrap().settings();
    assert_eq!((&given.memtable, given.table_bytes_max), (&MemtableSettings::BTree, 1 << 20));
    assert_eq!(given.filter, FilterSettings::bits_per_key(7.0));
    assert_eq!(on(&fs).open().unwrap().settings(), given);
}

fn manifest_says(fs: &MemFs, name: &str) -> bool {
    let paths = fs.list(Path::new(DIR)).unwrap();
    let manifest = paths.iter().find(|path| path.to_string_lossy().contains("MANIFEST")).unwrap();
    read(fs, manifest).windows(name.len()).any(|window| window == name.as_bytes())
}

#[test]
fn the_strategy_in_the_manifest_is_the_one_in_use_and_binds_nobody() {
    let fs = MemFs::new();
    let db = on(&fs).settings(tiny()).compaction(AlwaysOne { plans: counter() }).open().unwrap();
    for i in 0..40 {
        db.put(format!("{i:03}"), "v").unwrap();
    }
    db.close().unwrap();
    assert!(manifest_says(&fs, "always-one"));
    let db = on(&fs).settings(tiny()).open().unwrap();
    assert!(!manifest_says(&fs, "always-one") && manifest_says(&fs, "leveled"));
    for i in 0..40 {
        db.put(format!("{i:03}"), "w").unwrap();
    }
    db.compact().unwrap();
    assert!(contents(&db).iter().all(|(_, value)| value == "w"));
}

#[test]
fn databases_that_share_a_cache_do_not_get_each_others_blocks() {
    let cache: Arc<dyn BlockCache> = Arc::new(QuickBlockCache::new(1 << 20, 64));
    let (one, other) = (MemFs::new(), MemFs::new());
    let open = |fs: &MemFs| on(fs).settings(tiny()).cache(Arc::clone(&cache)).open().unwrap();
    let fill = |db: &siltstone::Db, value: &str| {
        for i in 0..30 {
            db.put(format!("{i:03}"), value).unwrap();
        }
        db.compact().unwrap();
    };
    let (one, other) = (open(&one), open(&other));
    fill(&one, "1");
    fill(&other, "2");
    for _ in 0..2 {
        assert!(contents(&one).iter().all(|(_, value)| value == "1"));
        assert!(contents(&other).iter().all(|(_, value)| value == "2"));
        for i in 0..30 {
            assert_eq!(one.get(format!("{i:03}")).unwrap().as_deref(), Some(&b"1"[..]));
            assert_eq!(other.get(format!("{i:03}")).unwrap().as_deref(), Some(&b"2"[..]));
        }
    }
    assert!(cache.stats().hits > 0, "{:?}", cache.stats());
}

#[test]
fn a_keyspace_may_use_a_component_by_name() {
    let fs = MemFs::new();
    let plans = counter();
    let mut settings = tiny();
    // For one keyspace only: the others follow the database.
    settings.keyspaces.insert(
        "one".to_owned(),
        KeyspaceSettings { compaction: Some(CompactionSettings::default()), ..KeyspaceSettings::default() },
    );
    let db = on(&fs).settings(settings).compaction(AlwaysOne { plans: Arc::clone(&plans) }).open().unwrap();
    let one = db.keyspace("one").unwrap();
    for i in 0..30 {
        one.put(format!("{i:03}"), "v").unwrap();
    }
    db.flush().unwrap();
    assert_eq!(plans.load(Ordering::Relaxed), 0, "the keyspace has a strategy of its own");
    let other = KeyspaceSettings {
        compaction: Some(CompactionSettings::Custom("always-one".to_owned())),
        ..KeyspaceSettings::default()
    };
    db.keyspace_with("one", other).unwrap();
    for i in 0..30 {
        one.put(format!("{i:03}"), "w").unwrap();
    }
    db.flush().unwrap();
    assert!(plans.load(Ordering::Relaxed) > 0);
    let nobody = Some(CompactionSettings::Custom("nobody".to_owned()));
    let error =
        db.keyspace_with("two", KeyspaceSettings { compaction: nobody, ..KeyspaceSettings::default() });
    let error = error.unwrap_err();
    assert!(error.to_string().contains("\"nobody\""), "{error}");
    assert_eq!(db.keyspaces().unwrap(), ["default", "one"]);
}

#[test]
fn a_memtable_that_panics_stops_writing_and_nobody_waits_for_ever() {
    let disk = MemFs::new();
    let db = on(&disk).memtable(Broken).open().unwrap();
    db.put("before", "v").unwrap();
    let errors: Vec<Error> = std::thread::scope(|scope| {
        let writer = |writer: u32| {
            let db = &db;
            move || (0..1000).find_map(|number| db.put(format!("{writer}-{number}"), "v").err())
        };
        let threads: Vec<_> = (0..4).map(|number| scope.spawn(writer(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect()
    });
    for error in &errors {
        let cause = if let Error::Poisoned { cause } = error { &**cause } else { error };
        let Error::Panicked { message } = cause else { panic!("{error:?}") };
        assert_eq!(message, "this memtable has a bug");
    }
    assert!(db.get("before").unwrap().is_some(), "reads go on");
    assert!(matches!(db.put("after", "v"), Err(Error::Poisoned { .. })));
    drop(db);
    // What was logged, though it could not be applied, is no loss and no damage.
    let db = on(&disk).settings(Settings::default()).open().unwrap();
    assert!(db.get("before").unwrap().is_some());
}

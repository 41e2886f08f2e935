//! Compactions that are asked for, that come by themselves after a while, and that are explained.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use siltstone::{
    Clock, CompactionSettings, CompactionStrategy, Db, Inline, Settings, TestClock,
    compaction::{Action, Debt, Job, Reason, TreeView, runs_by_age},
};
use siltstone_vfs::{Fs, MemFs};

use crate::{contents, on};

/// Nothing is merged before it is asked for.
fn idle() -> Settings {
    Settings {
        compaction: CompactionSettings::size_tiered(100),
        level0_runs_slow: 1000,
        level0_runs_stop: 1000,
        ..Settings::default()
    }
}

/// Tables for `a`, `m` and `z`, each with old versions and tombstones, in three runs.
fn three_runs(db: &Db) {
    for round in 0..3 {
        for first in ["a", "m", "z"] {
            for i in 0..20 {
                db.put(format!("{first}{i:02}"), format!("{round}")).unwrap();
            }
            db.delete(format!("{first}10")).unwrap();
        }
        db.flush().unwrap();
    }
}

#[test]
fn a_range_is_merged_down_and_the_rest_stays() {
    let settings = Settings { table_bytes_max: 100, block_bytes: 64, ..idle() };
    let db = on(&MemFs::new()).settings(settings).open().unwrap();
    three_runs(&db);
    let before = contents(&db);
    // Runs of level 0 are one table each, so the first one takes everything down, in small tables.
    db.compact_range("a".."b").unwrap();
    let tables = |db: &Db| db.stats().unwrap().tables();
    let whole = tables(&db);
    assert_eq!(contents(&db), before);
    assert!(whole > 3, "{whole} tables");
    assert_eq!(db.stats().unwrap().levels[&1].tombstones, 0);
    // Now there are disjoint tables, and one key is in few of them.
    db.put("m05", "new").unwrap();
    db.delete("m06").unwrap();
    let report = db.compact_range("m05"..="m06").unwrap();
    assert_eq!(report.tables_before, whole + 1);
    assert_eq!(report.tables_after, tables(&db));
    // Two old versions, and the tombstone.
    assert_eq!(report.entries_removed, 3);
    assert_eq!(db.get("m05").unwrap().as_deref(), Some(&b"new"[..]));
    assert_eq!(contents(&db).len(), before.len() - 1);
    let bytes = db.stats().unwrap().writes.compaction_bytes;
    let nothing = db.compact_range("zz"..).unwrap();
    assert_eq!((nothing.entries_removed, nothing.tables_before), (0, nothing.tables_after));
    assert_eq!(db.stats().unwrap().writes.compaction_bytes, bytes, "nothing was rewritten");
    assert!(db.verify().unwrap().damages.is_empty());
}

#[test]
fn a_keyspace_has_ranges_of_its_own() {
    let db = on(&MemFs::new()).settings(idle()).open().unwrap();
    let users = db.keyspace("users").unwrap();
    for i in 0..3_u32 {
        db.put("k", i.to_le_bytes()).unwrap();
        users.put("k", i.to_le_bytes()).unwrap();
        db.flush().unwrap();
    }
    let report = users.compact_range(.."z").unwrap();
    assert_eq!((report.tables_before, report.tables_after, report.entries_removed), (3, 1, 2));
    let stats = db.stats().unwrap();
    assert_eq!((stats.keyspaces["default"].tables, stats.keyspaces["users"].tables), (3, 1));
    db.drop_keyspace("users").unwrap();
    assert!(matches!(users.compact_range(..), Err(siltstone::Error::NotFound { .. })));
}

/// Drops tables a minute after they were written.
#[derive(Debug)]
struct Minute;

impl CompactionStrategy for Minute {
    fn name(&self) -> &'static str {
        "minute"
    }
    fn plan(&self, view: &TreeView<'_>) -> Option<Job> {
        let tables = runs_by_age(view.levels).flat_map(|(_, run)| &run.tables);
        let old = tables.filter(|table| table.created_unix_ms + 60_000 <= view.now_unix_ms);
        let inputs: Vec<_> = old.map(|table| table.id).collect();
        (!inputs.is_empty()).then(|| Job { action: Action::Drop, inputs, reason: Reason::new("age", "old") })
    }
    fn debt(&self, view: &TreeView<'_>) -> Debt {
        self.plan(view).map_or(Debt::ZERO, |job| Debt {
            bytes: 1,
            runs: job.inputs.len() as u64,
            level0_runs: 1,
        })
    }
}

#[test]
fn what_is_due_by_time_alone_is_found_by_the_periodic_check() {
    for (compaction_check_ms, expected) in [(30_000, 0), (0, 1)] {
        let clock = Arc::new(TestClock::new(1_700_000_000_000));
        let ticking = || Arc::clone(&clock) as Arc<dyn Clock>;
        let inline = Arc::new(Inline::with_clock(1, ticking()));
        let fs: Arc<dyn Fs> = Arc::new(MemFs::new());
        let settings = Settings { compaction_check_ms, ..Settings::default() };
        let db = Db::builder("db").fs(fs).clock(ticking()).executor(inline.clone()).settings(settings);
        let db = db.compaction(Minute).open().unwrap();
        db.put("k", "v").unwrap();
        db.flush().unwrap();
        for _ in 0..5 {
            clock.advance(15_000);
            while siltstone::Executor::help(&*inline) {}
            if clock.monotonic() < Duration::from_secs(1_700_000_060) {
                assert_eq!(db.stats().unwrap().tables(), 1, "not yet");
            }
        }
        assert_eq!(db.stats().unwrap().tables(), expected, "every {compaction_check_ms} ms");
    }
}

#[test]
fn an_explanation_says_what_comes_next_and_what_others_would_do() {
    let fs = MemFs::new();
    let db = on(&fs).settings(idle()).open().unwrap();
    three_runs(&db);
    let said = |db: &Db| db.explain_compaction().unwrap().iter().map(ToString::to_string).collect::<Vec<_>>();
    let files: BTreeMap<_, _> = db.stats().unwrap().levels;
    let bytes = files[&0].file_bytes;
    // Three runs are nothing to any of them.
    let nothing = |name| format!("\n  {name}: nothing; debt 0 bytes, 0 runs");
    let others = ["leveled", "size-tiered", "lazy-leveled", "fifo"];
    let others: String = others.into_iter().map(|name| nothing(name) + ", if it were in charge").collect();
    assert_eq!(said(&db), [format!("keyspace default{}{others}", nothing("size-tiered"))]);
    db.put("a", "1").unwrap();
    db.flush().unwrap();
    let explained = db.explain_compaction().unwrap();
    assert_eq!(explained[0].own.next, None, "it begins at a hundred");
    let next = |at: usize| explained[0].others[at].next.clone();
    let codes = [0, 1, 2, 3].map(|at| next(at).map(|planned| planned.job.reason.code));
    assert_eq!(codes, [Some("level0-runs"), Some("space-amplification"), Some("level-full"), None]);
    let other = next(1).unwrap();
    assert!(other.input_bytes > bytes);
    assert_eq!(explained[0].others[1].debt.bytes, other.input_bytes);
    let text = explained[0].to_string();
    assert!(text.contains("merge 7 6 5 4 -> level 1 new run (space-amplification)"), "{text}");
    assert_eq!(db.stats().unwrap().tables(), 4, "nothing was begun");
    db.close().unwrap();
    assert!(db.explain_compaction().is_err());
}

#[test]
fn the_keyspace_that_owes_most_is_merged_first() {
    let fs = MemFs::new();
    let names = ["a", "b", "c"];
    let db = on(&fs).settings(idle()).open().unwrap();
    for (name, bytes) in names.into_iter().zip([2000, 8000, 4000]) {
        let keyspace = db.keyspace(name).unwrap();
        for round in 0..4_u8 {
            keyspace.put("k", vec![round; bytes]).unwrap();
            db.flush().unwrap();
        }
    }
    db.close().unwrap();
    let settings = Settings {
        compaction: CompactionSettings::size_tiered(2),
        compression: vec![siltstone::Compression::None],
        workers: 1,
        ..idle()
    };
    let inline = Arc::new(Inline::new(1));
    let db = on(&fs).settings(settings).executor(inline.clone()).open().unwrap();
    let mut order = Vec::new();
    loop {
        let explained = db.explain_compaction().unwrap();
        let running = explained.iter().find(|explanation| !explanation.running.is_empty());
        let Some(running) = running else { break };
        order.push(running.keyspace.clone());
        assert!(siltstone::Executor::help(&*inline));
    }
    order.dedup();
    assert_eq!(order, ["b", "c", "a"]);
}

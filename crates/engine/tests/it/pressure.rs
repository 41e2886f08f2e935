//! Writers are slowed and stopped by what is in arrears, and let go when it is not.

use std::{
    collections::BTreeSet,
    fmt::{self, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use siltstone::{
    Clock, CompactionSettings, CompactionStrategy, Db, Durability, OsClock, Settings, StallCause, WriteState,
    compaction::{Debt, Job, TreeView},
};
use siltstone_vfs::{DelayFs, Fs, MemFs, OpKind};
use tracing::{Event, Metadata, Subscriber, field::Field, span};

use crate::on;

/// Every third entry makes a run of level 0, and three of them are merged.
fn settings() -> Settings {
    Settings {
        memtable_entries_max: 3,
        compaction: CompactionSettings::size_tiered(3),
        level0_runs_slow: 2,
        level0_runs_stop: 4,
        ..Settings::default()
    }
}

fn level0_runs(db: &Db) -> u64 {
    db.stats().unwrap().levels.get(&0).map_or(0, |level| level.runs)
}

#[test]
fn without_threads_writers_do_the_work_that_holds_them_up() {
    let db = on(&MemFs::new()).settings(settings()).open().unwrap();
    for i in 0..600_u32 {
        db.put((i % 100).to_le_bytes(), i.to_le_bytes()).unwrap();
        // Two more may be flushed by the time a writer looks.
        assert!(level0_runs(&db) <= 4 + 2, "{} runs", level0_runs(&db));
    }
    let stats = db.stats().unwrap();
    assert!(stats.writes.compactions > 0);
    assert!(stats.stalls.slowed_by(StallCause::SealedMemtables).writes > 0, "{:?}", stats.stalls);
    assert!(stats.stalls.slowed_by(StallCause::Level0Runs).writes > 0, "{:?}", stats.stalls);
    assert!(stats.stalls.stopped_by(StallCause::SealedMemtables).writes > 0, "{:?}", stats.stalls);
    assert_eq!(stats.stalls.slowed().time, Duration::ZERO, "no time passes");
    assert_eq!(stats.stalls.slowed_by(StallCause::Debt).writes, 0);
}

/// Says that there is work, and never begins it.
#[derive(Debug)]
struct AllTalk {
    debt: Debt,
}

impl CompactionStrategy for AllTalk {
    fn name(&self) -> &'static str {
        "all-talk"
    }
    fn plan(&self, _: &TreeView<'_>) -> Option<Job> {
        None
    }
    fn debt(&self, _: &TreeView<'_>) -> Debt {
        self.debt
    }
}

#[test]
fn nobody_waits_for_what_nobody_does() {
    for debt in [Debt::ZERO, Debt { bytes: u64::MAX, runs: 1000, level0_runs: 1000 }] {
        let db = on(&MemFs::new()).settings(settings()).compaction(AllTalk { debt }).open().unwrap();
        for i in 0..100_u32 {
            db.put(i.to_le_bytes(), "v").unwrap();
        }
        db.flush().unwrap();
        let stats = db.stats().unwrap();
        assert!(stats.levels[&0].runs > 20, "far beyond the stop");
        assert_eq!(stats.stalls.stopped_by(StallCause::Level0Runs).writes, 0);
        assert_eq!(stats.stalls.stopped_by(StallCause::Debt).writes, 0);
        assert_eq!(stats.stalls.state, WriteState::Normal);
        assert_eq!(stats.keyspaces["default"].debt_bytes, debt.bytes);
    }
}

/// The messages of events, with the state they name.
#[derive(Clone, Default)]
struct Messages(Arc<Mutex<Vec<String>>>);

impl Subscriber for Messages {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("siltstone::pressure")
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut text = String::new();
        event.record(&mut |field: &Field, value: &dyn fmt::Debug| {
            if field.name() != "before" {
                let _ = write!(text, "{value:?} ");
            }
        });
        self.0.lock().unwrap().push(text.trim_end().to_owned());
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[test]
fn changes_of_state_are_told_once_and_end_with_full_speed() {
    let messages = Messages::default();
    tracing::subscriber::with_default(messages.clone(), || {
        let db = on(&MemFs::new()).settings(settings()).open().unwrap();
        for i in 0..300_u32 {
            db.put((i % 100).to_le_bytes(), i.to_le_bytes()).unwrap();
        }
        db.flush().unwrap();
        db.compact().unwrap();
        assert_eq!(db.stats().unwrap().stalls.state, WriteState::Normal);
    });
    let messages = messages.0.lock().unwrap();
    assert_eq!(messages.last().unwrap(), "writers go on at full speed");
    assert!(messages.windows(2).all(|pair| pair[0] != pair[1]), "{messages:?}");
    let kinds: BTreeSet<_> = messages.iter().map(String::as_str).collect();
    for expected in [
        "writers are slowed level0-runs",
        "writers are slowed sealed-memtables",
        "writers are stopped sealed-memtables",
    ] {
        assert!(kinds.contains(expected), "{expected}: {kinds:?}");
    }
}

/// A database on threads whose disk takes a while to sync, so that compactions take long.
fn slow_disk(settings: Settings) -> Db {
    let fs: Arc<dyn Fs> =
        Arc::new(DelayFs::new(Arc::new(MemFs::new()), &OpKind::SYNCS, Duration::from_millis(5)));
    Db::builder("db")
        .fs(fs)
        .settings(Settings { durability: Durability::Buffered, ..settings })
        .open()
        .unwrap()
}

#[test]
fn debt_returns_to_zero_by_itself_and_what_was_waited_is_counted() {
    let db = slow_disk(Settings { workers: 1, ..settings() });
    let started = OsClock.monotonic();
    for i in 0..300_u32 {
        db.put((i % 100).to_le_bytes(), i.to_le_bytes()).unwrap();
    }
    let elapsed = OsClock.monotonic().saturating_sub(started);
    let stalls = db.stats().unwrap().stalls;
    let (slowed, stopped) = (stalls.slowed(), stalls.stopped());
    assert!(stopped.writes > 0 && stopped.time > Duration::ZERO, "{stalls:?}");
    assert!(slowed.time + stopped.time <= elapsed, "{stalls:?} in {elapsed:?}");
    let of_causes: u64 = StallCause::ALL.iter().map(|cause| stalls.stopped_by(*cause).writes).sum();
    assert_eq!(of_causes, stopped.writes);
    // Nothing is written any more; whoever has the last handle only looks.
    let is_settled = || {
        let stats = db.stats().unwrap();
        let debt = stats.keyspaces["default"].debt_bytes;
        debt == 0 && stats.stalls.state == WriteState::Normal
    };
    let deadline = OsClock.monotonic() + Duration::from_mins(1);
    while !is_settled() {
        assert!(OsClock.monotonic() < deadline, "{:?}", db.stats().unwrap());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn background_writes_keep_to_their_limit_and_a_close_does_not_wait_for_it() {
    let settings = Settings {
        background_bytes_per_second: 1_000_000,
        compression: vec![siltstone::Compression::None],
        durability: Durability::Buffered,
        ..Settings::default()
    };
    let db = Db::builder("db").in_memory().settings(settings).open().unwrap();
    for i in 0..300_u32 {
        db.put(i.to_le_bytes(), [0; 1000]).unwrap();
    }
    let started = OsClock.monotonic();
    db.flush().unwrap();
    let flushed = OsClock.monotonic().saturating_sub(started);
    // The burst of a tenth is free.
    assert!(flushed >= Duration::from_millis(190), "{flushed:?}");
    let limit = db.stats().unwrap().rate_limit;
    assert_eq!(limit.bytes_per_second, 1_000_000);
    // Of what a wait lasts too long the next one is shorter, and less is counted.
    assert!(limit.flush_wait >= Duration::from_millis(50) && limit.compaction_wait == Duration::ZERO);
    db.compact().unwrap();
    assert!(db.stats().unwrap().rate_limit.compaction_wait >= Duration::from_millis(50));
    for i in 0..10_000_u32 {
        db.put(i.to_le_bytes(), [0; 1000]).unwrap();
    }
    let started = OsClock.monotonic();
    db.close().unwrap();
    assert!(OsClock.monotonic().saturating_sub(started) < Duration::from_secs(8), "ten seconds' worth");
}

//! What each durability is worth when the power goes.

use std::{sync::Arc, thread, time::Duration};

use siltstone::{Clock, Db, Durability, Error, Executor, Inline, Settings, TestClock, Threads, WriteBatch};
use siltstone_vfs::{FaultFs, Fs, MemFs, OpCounter, OpKind};

use crate::{contents, on};

/// A database without threads, whose time passes when it is told to.
struct Timed {
    disk: MemFs,
    counter: Arc<OpCounter>,
    clock: Arc<TestClock>,
    executor: Arc<Inline>,
    db: Db,
}

impl Timed {
    fn open(durability: Durability) -> Timed {
        let (disk, counter) = (MemFs::new(), Arc::new(OpCounter::new()));
        let clock = Arc::new(TestClock::new(0));
        let executor = Arc::new(Inline::with_clock(1, Arc::clone(&clock) as Arc<dyn Clock>));
        let fs: Arc<dyn Fs> = Arc::new(FaultFs::new(Arc::new(disk.clone()), Arc::clone(&counter) as _));
        let db = on(&disk)
            .fs(fs)
            .clock(Arc::clone(&clock) as Arc<dyn Clock>)
            .executor(Arc::clone(&executor) as Arc<dyn Executor>)
            // No other job comes by itself.
            .settings(Settings { durability, compaction_check_ms: 0, ..Settings::default() })
            .open()
            .unwrap();
        Timed { disk, counter, clock, executor, db }
    }

    /// Time passes, and whatever is due is done.
    fn pass(&self, milliseconds: u64) {
        self.clock.advance(milliseconds);
        while self.executor.help() {}
    }

    /// The keys that the worst power cut leaves.
    fn durable(&self) -> Vec<String> {
        let left = self.disk.power_cut_worst();
        contents(&on(&left).open().unwrap()).into_iter().map(|(key, _)| key).collect()
    }

    fn syncs(&self) -> u64 {
        self.counter.count(OpKind::SyncData) + self.counter.count(OpKind::SyncAll)
    }
}

#[test]
fn an_interval_makes_writes_durable_in_time() {
    let timed = Timed::open(Durability::Interval { ms: 100 });
    let db = &timed.db;
    db.put("a", "1").unwrap();
    timed.pass(50);
    db.put("b", "2").unwrap();
    timed.pass(49);
    assert_eq!(timed.durable(), [""; 0], "nothing is due before 100 ms");
    let before = timed.syncs();
    timed.pass(1);
    assert_eq!(timed.durable(), ["a", "b"]);
    assert_eq!(timed.syncs(), before + 1, "one sync for all that was there");
    // What comes after it has an interval of its own.
    db.put("c", "3").unwrap();
    timed.pass(99);
    assert_eq!(timed.durable(), ["a", "b"]);
    timed.pass(1);
    assert_eq!(timed.durable(), ["a", "b", "c"]);
}

#[test]
fn the_shortest_interval_counts_and_serves_the_others() {
    let timed = Timed::open(Durability::Interval { ms: 1000 });
    timed.db.put("a", "1").unwrap();
    timed.db.put_with("b", "2", Durability::Interval { ms: 10 }).unwrap();
    timed.db.put_with("c", "3", Durability::Buffered).unwrap();
    timed.pass(10);
    assert_eq!(timed.durable(), ["a", "b", "c"]);
    timed.db.put_with("d", "4", Durability::Buffered).unwrap();
    timed.pass(10_000);
    assert_eq!(timed.durable(), ["a", "b", "c"], "a buffered write asks for no sync");
}

#[test]
fn nothing_ticks_when_nothing_was_written() {
    let timed = Timed::open(Durability::Interval { ms: 10 });
    let (operations, syncs) = (timed.counter.total(), timed.syncs());
    timed.pass(100_000);
    assert_eq!(timed.counter.total(), operations);
    timed.db.put("a", "1").unwrap();
    timed.pass(100_000);
    assert_eq!(timed.syncs(), syncs + 1);
    timed.clock.advance(100_000);
    assert!(!timed.executor.help(), "no job is left");
    // What was synced meanwhile is not synced again.
    timed.db.put("b", "2").unwrap();
    timed.db.sync().unwrap();
    let syncs = timed.syncs();
    timed.pass(10);
    assert_eq!(timed.syncs(), syncs);
}

#[test]
fn a_sync_that_fails_in_the_background_stops_writing_and_is_told() {
    let timed = Timed::open(Durability::Interval { ms: 10 });
    let mut batch = WriteBatch::new();
    let receipt = timed.db.write(batch.put("a", "1")).unwrap();
    timed.disk.fail_next_syncs(1);
    timed.pass(10);
    let Err(Error::Poisoned { cause }) = timed.db.put("b", "2") else {
        unreachable!("writing has not stopped")
    };
    assert!(matches!(&*cause, Error::Io { op: "sync a log", .. }), "{cause:?}");
    assert!(receipt.wait_durable().is_err());
    assert_eq!(timed.db.get("a").unwrap().as_deref(), Some(&b"1"[..]), "reads go on");
}

#[test]
fn an_interval_is_kept_with_threads_too() {
    let disk = MemFs::new();
    let settings = Settings { durability: Durability::Interval { ms: 20 }, ..Settings::default() };
    let db = on(&disk).executor(Arc::new(Threads::new(1))).settings(settings.clone()).open().unwrap();
    db.put("a", "1").unwrap();
    let is_durable = || on(&disk.power_cut_worst()).open().unwrap().get("a").unwrap().is_some();
    // Far longer than the interval, for a machine that has much else to do.
    let found = (0..2000).any(|_| {
        thread::sleep(Duration::from_millis(5));
        is_durable()
    });
    assert!(found, "it was never synced");
    db.close().unwrap();
    // The settings are stored, and found by the next open.
    let db = on(&disk).executor(Arc::new(Threads::new(1))).open().unwrap();
    db.put("b", "1").unwrap();
    let text = String::from_utf8(crate::read(&disk, std::path::Path::new("db/OPTIONS"))).unwrap();
    assert!(text.contains("interval") && text.contains("ms = 20"), "{text}");
}

#[test]
fn an_interval_of_nothing_is_refused() {
    let settings = Settings { durability: Durability::Interval { ms: 0 }, ..Settings::default() };
    assert!(matches!(on(&MemFs::new()).settings(settings).open(), Err(Error::InvalidArgument { .. })));
}

//! Whole databases on a disk whose operations fail: what was acknowledged stays, and errors are told.

use std::{io, sync::Arc};

use siltstone::{Db, Durability, Error, Inline, Settings, TestClock, WriteBatch};
use siltstone_vfs::{Fault, FaultFs, Fs, MemFs, OpKind};

use crate::crash::{Bug, Oracle, Outage, State, Written, state_of};

/// What goes wrong with the operations of one kind.
#[derive(Clone, Copy, Debug)]
pub enum Trouble {
    /// One fails.
    Once,
    /// One fails, and all of its kind after it.
    ForGood,
    /// A sync fails as on Linux: what it was for is lost, and the next one succeeds. The kind does not matter, and it happens at the `nth` write.
    Sync,
    /// The disk is full from one operation on, and has room again after some further writes.
    Full,
}

/// The kinds of operations that a database uses.
pub const KINDS: [OpKind; 14] = [
    OpKind::Create,
    OpKind::Open,
    OpKind::Rename,
    OpKind::Remove,
    OpKind::List,
    OpKind::Metadata,
    OpKind::CreateDirAll,
    OpKind::SyncDir,
    OpKind::Lock,
    OpKind::ReadAt,
    OpKind::WriteAt,
    OpKind::SyncData,
    OpKind::SyncAll,
    OpKind::Len,
];

/// A run with one fault: what it did, or which promise was broken.
#[derive(Clone, Copy, Default, Debug)]
pub struct FaultReport {
    /// Operations of the kind, so that one can fail each of them in turn.
    pub matched: u64,
    /// Calls that returned an error.
    pub errors: u64,
    /// Whether writing had stopped at the end.
    pub is_poisoned: bool,
}

struct Run {
    bug: Option<Bug>,
    disk: MemFs,
    fault: Arc<Fault>,
    oracle: Oracle,
    report: FaultReport,
    /// The last write that failed, unless a later one was acknowledged: after a failed sync it may be found all the same.
    uncertain: Option<Vec<Written>>,
    /// The write at which a sync is to fail.
    sync_fails_at: Option<u64>,
}

fn settings() -> Settings {
    Settings {
        memtable_entries_max: 6,
        log_bytes_max: 500,
        manifest_bytes_max: 900,
        block_bytes: 64,
        table_bytes_max: 400,
        compaction_runs_min: 2,
        level0_runs_stop: 3,
        open_tables_max: 2,
        workers: 1,
        cache_bytes: 0,
        ..Settings::default()
    }
}

fn open(bug: Option<Bug>, fs: Arc<dyn Fs>, seed: u64) -> siltstone::Result<Db> {
    Db::builder("/base/db")
        .settings(settings())
        .fs(fs)
        .clock(Arc::new(TestClock::new(1_000_000)))
        .executor(Arc::new(Inline::new(seed)))
        .seed(seed)
        .plant(bug)
        .open()
}

/// Writes, flushes, compacts and reopens a database while the `nth` operation of a kind goes wrong, and then looks at what is left, without
/// the fault, after a kill and after a power cut.
///
/// # Errors
///
/// The promise that was broken.
pub fn run(kind: OpKind, trouble: Trouble, nth: u64, seed: u64) -> Result<FaultReport, String> {
    run_with(None, kind, trouble, nth, seed)
}

/// The same with a bug of the engine, which must be found.
///
/// # Errors
///
/// As for [`run`].
pub fn run_with(
    bug: Option<Bug>,
    kind: OpKind,
    trouble: Trouble,
    nth: u64,
    seed: u64,
) -> Result<FaultReport, String> {
    let error = match trouble {
        Trouble::Full => io::ErrorKind::StorageFull,
        Trouble::Once | Trouble::ForGood | Trouble::Sync => io::ErrorKind::Other,
    };
    let fault = Fault::fail(error).on(&[kind]);
    let fault = Arc::new(match trouble {
        Trouble::Once => fault.at_nth(nth),
        Trouble::Sync => fault.from_nth(u64::MAX),
        Trouble::ForGood | Trouble::Full => fault.from_nth(nth),
    });
    let empty = State::from([("default".to_owned(), Arc::default())]);
    let (oracle, report) = (Oracle::of(&empty), FaultReport::default());
    let sync_fails_at = matches!(trouble, Trouble::Sync).then_some(nth);
    let mut run = Run { bug, disk: MemFs::new(), fault, oracle, report, uncertain: None, sync_fails_at };
    run.live(trouble, seed)?;
    run.report.matched = run.fault.matched();
    for (outage, left) in [
        (Outage::Process, run.disk.clone_now()),
        (Outage::Power, run.disk.power_cut_worst()),
        (Outage::Power, run.disk.power_cut(seed ^ nth)),
    ] {
        let told = |what| format!("after the {outage:?} outage: {what}");
        let db = open(bug, Arc::new(left), seed).map_err(|error| told(format!("{error:?}")))?;
        run.oracle.judge(&state_of(&db)?, outage).map_err(told)?;
    }
    Ok(run.report)
}

impl Run {
    /// The life of the database until it is left.
    fn live(&mut self, trouble: Trouble, seed: u64) -> Result<(), String> {
        let mut number = 0;
        for life in 0..2 {
            let fs = FaultFs::new(Arc::new(self.disk.clone()), Arc::clone(&self.fault) as _);
            let db = match open(self.bug, Arc::new(fs), seed + life) {
                Ok(db) => db,
                Err(error) => {
                    self.note(&error)?;
                    continue;
                }
            };
            self.begin_life(life, seed)?;
            for step in 0..45 {
                number += 1;
                self.write(&db, number)?;
                match step {
                    14 => self.call(db.flush())?,
                    25 => self.call(db.compact().map(|_| ()))?,
                    20 | 26 => self.read(&db)?,
                    30 => self.call(db.sync())?,
                    _ => {}
                }
                if step == 35 && matches!(trouble, Trouble::Full) {
                    self.fault.lift();
                }
            }
            self.read(&db)?;
            self.after_lifting(&db, trouble, &mut number)?;
            let closed = db.close();
            if closed.is_ok() {
                self.oracle.make_durable(self.oracle.batches());
            }
            self.call(closed)?;
            if let Some(written) = self.uncertain.take() {
                self.oracle.begin_write(&written);
            }
        }
        Ok(())
    }

    /// What an earlier life left is recovered, and so durable.
    fn begin_life(&mut self, life: u64, seed: u64) -> Result<(), String> {
        self.report.is_poisoned = false;
        if life > 0 {
            let db = open(self.bug, Arc::new(self.disk.clone_now()), seed)
                .map_err(|error| format!("{error:?}"))?;
            let found = state_of(&db)?;
            self.oracle.judge(&found, Outage::Process).map_err(|what| format!("opened again: {what}"))?;
            self.oracle = Oracle::of(&found);
        }
        Ok(())
    }

    /// A disk that has room again is written to as before, unless writing has stopped.
    fn after_lifting(&mut self, db: &Db, trouble: Trouble, number: &mut u64) -> Result<(), String> {
        if !matches!(trouble, Trouble::Full) || self.report.is_poisoned {
            return Ok(());
        }
        // The first may be told of a flush that failed before.
        let before = self.report.errors;
        for _ in 0..12 {
            *number += 1;
            self.write(db, *number)?;
        }
        if self.report.errors > before + 1 && !self.report.is_poisoned {
            return Err("writes go on failing although there is room again".to_owned());
        }
        Ok(())
    }

    fn write(&mut self, db: &Db, number: u64) -> Result<(), String> {
        if self.sync_fails_at == Some(number) {
            self.disk.fail_next_syncs(1);
        }
        let mut batch = WriteBatch::new();
        let mut written = Vec::new();
        for part in 0..2 {
            let key = format!("key-{:02}", (number * 7 + part * 11) % 17).into_bytes();
            let value = (number % 5 != part).then(|| number.to_le_bytes().repeat(3));
            match &value {
                Some(value) => batch.put(&key, value),
                None => batch.delete(&key),
            };
            written.push(Written { keyspace: 0, key, value });
        }
        let is_sync = !number.is_multiple_of(3);
        let durability = if is_sync { Durability::Sync } else { Durability::Buffered };
        match db.write_with(&mut batch, durability) {
            Ok(_) => {
                self.uncertain = None;
                self.oracle.begin_write(&written);
                self.oracle.acknowledge();
                if is_sync {
                    self.oracle.make_durable(self.oracle.batches());
                }
            }
            Err(error) => {
                self.note(&error)?;
                if !matches!(error, Error::Poisoned { .. }) {
                    self.uncertain = Some(written);
                }
            }
        }
        Ok(())
    }

    /// Reads go on, and see what was acknowledged, or tell an error.
    fn read(&mut self, db: &Db) -> Result<(), String> {
        match state_of(db) {
            Ok(found) if found == self.oracle.now() => Ok(()),
            Ok(_) => Err("the open database does not hold what was acknowledged".to_owned()),
            Err(_) => {
                self.report.errors += 1;
                Ok(())
            }
        }
    }

    fn call(&mut self, outcome: siltstone::Result<()>) -> Result<(), String> {
        outcome.or_else(|error| self.note(&error))
    }

    fn note(&mut self, error: &Error) -> Result<(), String> {
        self.report.errors += 1;
        match error {
            Error::Io { .. } | Error::NoSpace { .. } => Ok(()),
            Error::Poisoned { .. } => {
                self.report.is_poisoned = true;
                Ok(())
            }
            other => Err(format!("not an error of the disk: {other:?}")),
        }
    }
}

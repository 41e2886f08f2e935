//! Opens databases for these tests: small enough that every write moves something, on files at which threads may be switched.

use std::{cell::Cell, io, sync::Arc, time::Duration};

use siltstone::{
    Builder, CompactionSettings, Compression, Db, FilterSettings, Inline, Keyspace, MemtableSettings,
    Settings, TestClock, planted::Bug,
};
use siltstone_vfs::{Fs, Layer, MemFs, Op, OpKind, WrapFs};

use crate::said;

/// Lets another thread go first before each change of the disk. Nothing of the file system is locked at that moment.
#[derive(Debug)]
struct Switching;

impl Layer for Switching {
    fn around<T>(&self, op: Op<'_>, run: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match op.kind() {
            OpKind::Create
            | OpKind::Open
            | OpKind::Rename
            | OpKind::Remove
            | OpKind::SyncDir
            | OpKind::WriteAt
            | OpKind::SyncData
            | OpKind::SyncAll => switch(),
            _ => {}
        }
        run()
    }
}

/// A place where another thread may go on.
pub(crate) fn switch() {
    shuttle::thread::sleep(Duration::ZERO);
}

/// Nothing that takes time and cannot interleave: no compression, no filters, no block cache (whose locks shuttle does not see).
fn plain() -> Settings {
    Settings {
        compression: vec![Compression::None],
        filter: FilterSettings::None,
        // Its lock is shuttle's.
        memtable: MemtableSettings::BTree,
        cache_bytes: 0,
        workers: 1,
        // There is no time, so a timer would only take turns.
        compaction_check_ms: 0,
        ..Settings::default()
    }
}

/// Memtables and logs are never full.
pub(crate) fn roomy() -> Settings {
    plain()
}

/// Every group of writes begins with a new log and new memtables, and every other flush makes a compaction due.
pub(crate) fn tiny() -> Settings {
    Settings {
        memtable_entries_max: 1,
        log_bytes_max: 1,
        compaction: CompactionSettings::size_tiered(2),
        ..plain()
    }
}

/// An open database with a second keyspace, and the disk below it.
#[derive(Clone)]
pub(crate) struct Database {
    pub(crate) fs: MemFs,
    pub(crate) db: Db,
    pub(crate) other: Keyspace,
}

thread_local! {
    static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
}

/// From now on databases that are opened on this system thread, and so in all threads of a test, have this bug.
pub(crate) fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

fn builder(fs: Arc<dyn Fs>) -> Builder {
    let builder = Db::builder("db").fs(fs).clock(Arc::new(TestClock::new(1_700_000_000_000))).seed(1);
    builder.plant(PLANTED.get())
}

impl Database {
    pub(crate) fn open(settings: Settings) -> Result<Database, String> {
        let fs = MemFs::new();
        let switching = WrapFs::with_layer(Arc::new(fs.clone()), Switching);
        let db = builder(Arc::new(switching)).settings(settings).open().map_err(said)?;
        let other = db.keyspace("other").map_err(said)?;
        Ok(Database { fs, db, other })
    }

    /// The database that is found on a disk, to be read.
    pub(crate) fn found_on(fs: &MemFs) -> Result<Database, String> {
        let db = builder(Arc::new(fs.clone())).read_only(true).open().map_err(said)?;
        let other = db.keyspace("other").map_err(said)?;
        Ok(Database { fs: fs.clone(), db, other })
    }

    /// The same, opened to be written.
    pub(crate) fn reopened_on(fs: &MemFs) -> Result<Database, String> {
        let executor = Arc::new(Inline::new(0));
        let db = builder(Arc::new(fs.clone())).executor(executor).open().map_err(said)?;
        let other = db.keyspace("other").map_err(said)?;
        Ok(Database { fs: fs.clone(), db, other })
    }
}

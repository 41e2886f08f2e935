//! Opens a database with settings and components of one's own.

use std::path::PathBuf;

use siltstone_bloom::FilterPolicy;
use siltstone_compaction::CompactionStrategy;
use siltstone_memtable::MemtableFactory;
use siltstone_sstable::BlockCache;
use siltstone_vfs::{Fs, MemFs, OsFs};

use crate::{
    Clock, Compression, Db, Executor, OsClock, Result, Settings, components::Components, open,
    planted::Planted, sync::Arc,
};

/// Settings are data and are checked; components are things that work: a file system, a clock.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it opens"]
pub struct Builder {
    pub(crate) path: PathBuf,
    pub(crate) settings: Option<Settings>,
    pub(crate) components: Components,
    pub(crate) create_if_missing: bool,
    pub(crate) read_only: bool,
    pub(crate) fs: Arc<dyn Fs>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) executor: Option<Arc<dyn Executor>>,
    pub(crate) seed: Option<u64>,
    pub(crate) planted: Planted,
}

impl Builder {
    pub(crate) fn new(path: PathBuf) -> Builder {
        Builder {
            path,
            settings: None,
            components: Components::default(),
            create_if_missing: true,
            read_only: false,
            fs: Arc::new(OsFs::new()),
            clock: Arc::new(OsClock),
            executor: None,
            seed: None,
            planted: Planted::default(),
        }
    }

    /// Uses these settings, and stores them with the database. Without this, a database is opened with the settings that it has stored, and a new one with the defaults.
    pub fn settings(mut self, settings: Settings) -> Builder {
        self.settings = Some(settings);
        self
    }

    /// Merges tables as this strategy says, whatever the settings say, in all keyspaces without a strategy of their own.
    ///
    /// A shipped strategy is stored as if its parameters, `table_bytes_max` among them, stood in the settings. Of any other the name is stored: whoever opens the
    /// database for writing later has to give it again, or other settings. So for memtables and filters. Any strategy can go on with the tree of any other.
    pub fn compaction(mut self, strategy: impl CompactionStrategy + 'static) -> Builder {
        self.components.set_compaction(strategy);
        self
    }

    /// Keeps writes in memtables that this factory makes, whatever the settings say.
    pub fn memtable(mut self, factory: impl MemtableFactory + 'static) -> Builder {
        self.components.set_memtable(factory);
        self
    }

    /// Builds filters as this policy says, whatever the settings say. Tables whose filters have its name can be read with it, too.
    pub fn filter(mut self, policy: impl FilterPolicy + 'static) -> Builder {
        self.components.set_filter(policy);
        self
    }

    /// Compresses tables so, by level; the last entry holds for all deeper levels. As if it stood in the settings.
    pub fn compression(mut self, by_level: impl IntoIterator<Item = Compression>) -> Builder {
        self.components.overrides.compression = Some(by_level.into_iter().collect());
        self
    }

    /// Keeps blocks in this cache, instead of in one of `cache_bytes` of the database's own. Several databases may share it: the most read blocks of all of
    /// them stay.
    pub fn cache(mut self, cache: Arc<dyn BlockCache>) -> Builder {
        self.components.cache = Some(cache);
        self
    }

    /// Whether a database that does not exist is created. It is, by default.
    pub fn create_if_missing(mut self, create: bool) -> Builder {
        self.create_if_missing = create;
        self
    }

    /// Opens for reading only: nothing is created, written or deleted, and no lock is taken.
    ///
    /// The logs are replayed into memory. A database that another process has open for writing can be read this way, as it is at this moment; files that the
    /// writer removes later may then be missing.
    pub fn read_only(mut self, read_only: bool) -> Builder {
        self.read_only = read_only;
        self
    }

    /// Keeps all files in memory: for tests and scratch data. They are gone with the last handle.
    pub fn in_memory(self) -> Builder {
        self.fs(Arc::new(MemFs::new()))
    }

    /// Uses another file system.
    pub fn fs(mut self, fs: Arc<dyn Fs>) -> Builder {
        self.fs = fs;
        self
    }

    /// Uses another clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Builder {
        self.clock = clock;
        self
    }

    /// Runs background jobs here, instead of on threads of the database's own. An executor serves one database: closing it shuts it down.
    pub fn executor(mut self, executor: Arc<dyn Executor>) -> Builder {
        self.executor = Some(executor);
        self
    }

    /// Draws every identity from this seed instead of the operating system, so that a run on a file system in memory is a function of it. For tests: two
    /// databases with one seed cannot be told apart.
    pub fn seed(mut self, seed: u64) -> Builder {
        self.seed = Some(seed);
        self
    }

    /// Gives the database a bug, to prove that a test finds it.
    #[cfg(feature = "planted-bugs")]
    pub fn plant(mut self, bug: Option<crate::planted::Bug>) -> Builder {
        self.planted = Planted::new(bug);
        self
    }

    /// Opens the database, and recovers what a process that died left behind.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for settings out of range, or that name a component that was not given, `NotFound` for a database that does not exist and must not be created, `Locked` when it is open elsewhere,
    /// `Corruption` for damage that cannot be the trace of a crash, `FormatTooNew`, `Io`, `NoSpace`.
    pub fn open(self) -> Result<Db> {
        open::open(self)
    }
}

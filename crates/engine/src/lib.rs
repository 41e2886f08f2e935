#![doc = include_str!("../README.md")]

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod root_readme {}

mod background;
mod batch;
mod builder;
mod checkpoint;
mod clock;
mod commit;
mod compact;
mod compact_range;
mod components;
mod db;
mod error;
mod execute;
mod executor;
mod expiry;
mod explain;
mod explain_compaction;
pub mod files;
mod flush;
mod folder;
mod heat;
mod identities;
mod iter;
mod keyspace;
mod ledger;
pub mod manifest;
mod memory;
mod metrics;
mod obsolete;
mod open;
mod options;
mod parts;
#[cfg(feature = "planted-bugs")]
pub mod planted;
#[cfg(not(feature = "planted-bugs"))]
mod planted;
mod poison;
mod pressure;
mod rate_limit;
mod read_view;
mod receipt;
mod recovery;
mod rotate;
mod settings;
mod snapshot;
mod stats;
mod sync;
mod table_cache;
mod table_io;
mod timer;
mod tree;
mod verify;
mod version;

pub use batch::{WriteBatch, format as batch_format};
pub use builder::Builder;
pub use checkpoint::CheckpointReport;
pub use clock::{Clock, OsClock, TestClock};
pub use compact::CompactionReport;
pub use db::Db;
pub use error::{Error, Result};
pub use executor::{BackgroundJob, Executor, Inline, Lane, Threads};
pub use explain::{Explanation, ReadStep};
pub use explain_compaction::{Alternative, CompactionExplanation, PlannedJob};
pub use iter::{
    cursor::DbCursor,
    range::{KeyBounds, KeyValue, Range},
};
pub use keyspace::{DEFAULT_KEYSPACE, Keyspace, KeyspaceId};
pub use memory::MemoryStats;
pub use metrics::ReadStats;
pub use pressure::{StallCause, StallFigures, StallStats, WriteState};
pub use rate_limit::RateLimitStats;
pub use receipt::Receipt;
pub use recovery::Recovery;
pub use settings::{
    Compression, Durability, Settings,
    compaction::{
        CompactionSettings, FifoSettings, LazyLeveledSettings, LeveledSettings, SimilaritySettings,
        SizeTieredSettings,
    },
    keyspace::KeyspaceSettings,
    strategies::{BloomSettings, ByLevel, FilterSettings, MemtableSettings},
};
pub use siltstone_bloom::{Bloom, FilterPolicy};
pub use siltstone_compaction::{CompactionStrategy, Fifo, LazyLeveled, Leveled, SizeTiered};
pub use siltstone_memtable::{BTreeFactory, MemtableFactory, SkipListFactory};
pub use siltstone_sstable::{BlockCache, BlockSource, FilterAnswer, QuickBlockCache};
pub use siltstone_types::{SequenceNumber, Slice};
pub use snapshot::Snapshot;
pub use stats::{KeyspaceStats, LevelStats, Stats, WriteStats};
pub use verify::{Damage, VerifyReport};

// What strategies and components of one's own are written against, so that this crate is enough of a dependency.
pub use siltstone_bloom as bloom;
pub use siltstone_compaction as compaction;
pub use siltstone_memtable as memtable;
pub use siltstone_sstable as sstable;
pub use siltstone_types as types;
pub use siltstone_vfs as vfs;

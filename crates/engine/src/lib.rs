#![doc = include_str!("../README.md")]

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod root_readme {}

mod background;
mod batch;
mod builder;
mod clock;
mod commit;
mod compact;
mod db;
mod error;
mod execute;
mod executor;
pub mod files;
mod flush;
mod folder;
mod identities;
mod iter;
mod keyspace;
mod ledger;
pub mod manifest;
mod metrics;
mod obsolete;
mod open;
mod options;
#[cfg(feature = "planted-bugs")]
pub mod planted;
#[cfg(not(feature = "planted-bugs"))]
mod planted;
mod poison;
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
mod tree;
mod verify;
mod version;

pub use batch::{WriteBatch, format as batch_format};
pub use builder::Builder;
pub use clock::{Clock, OsClock, TestClock};
pub use compact::CompactionReport;
pub use db::Db;
pub use error::{Error, Result};
pub use executor::{BackgroundJob, Executor, Inline, Lane, Threads};
pub use iter::{
    cursor::DbCursor,
    range::{KeyBounds, KeyValue, Range},
};
pub use keyspace::{DEFAULT_KEYSPACE, Keyspace, KeyspaceId};
pub use metrics::ReadStats;
pub use receipt::Receipt;
pub use recovery::Recovery;
pub use settings::{Compression, Durability, Settings};
pub use siltstone_types::{SequenceNumber, Slice};
pub use snapshot::Snapshot;
pub use stats::{KeyspaceStats, LevelStats, Stats, WriteStats};
pub use verify::{Damage, VerifyReport};

#![doc = include_str!("../README.md")]

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod root_readme {}

mod batch;
mod builder;
mod clock;
mod compact;
mod db;
mod error;
mod execute;
pub mod files;
mod iter;
mod keyspace;
pub mod manifest;
mod open;
mod read_view;
mod recovery;
mod settings;
mod snapshot;
mod stats;
mod table_io;
mod tree;
mod verify;
mod write;

pub use batch::{WriteBatch, format as batch_format};
pub use builder::Builder;
pub use clock::{Clock, OsClock};
pub use compact::CompactionReport;
pub use db::Db;
pub use error::{Error, Result};
pub use iter::range::{KeyBounds, KeyValue, Range};
pub use keyspace::{DEFAULT_KEYSPACE, KeyspaceId};
pub use recovery::Recovery;
pub use settings::{Compression, Durability, Settings};
pub use siltstone_types::{SequenceNumber, Slice};
pub use snapshot::Snapshot;
pub use stats::{LevelStats, Stats};
pub use verify::{Damage, VerifyReport};

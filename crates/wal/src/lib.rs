#![doc = include_str!("../README.md")]

mod chain;
pub mod format;
mod reader;
mod record;
mod report;
mod rule;
mod scan;
mod segment_files;
mod segment_recovery;
mod segments;
mod source;
mod sync;
mod syncer;
mod writer;

pub use chain::{ChainLog, ChainReader, ChainReport, Ending};
pub use format::{LogId, PAYLOAD_BYTES_MAX, Purpose, RecordKind};
pub use reader::{Expect, LogReader, LogRecord, ReadMode};
pub use record::{Payload, Record};
pub use report::{GAPS_MAX, Gap, LogEnd, ReadReport};
pub use rule::Rule;
pub use segments::{Position, Preallocate, SegmentOptions, SegmentedLog};
pub use syncer::LogSyncer;
pub use writer::{Appended, Finished, LogWriter, Predecessors, WriterOptions};

// What the interface names, so that this crate is enough of a dependency.
pub use siltstone_types as types;
pub use siltstone_vfs as vfs;

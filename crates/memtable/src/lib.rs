#![doc = include_str!("../README.md")]

mod answer;
mod arena;
mod btree;
#[cfg(feature = "conformance")]
pub mod conformance;
mod cost;
mod counters;
mod cursor;
mod filter;
mod key;
mod memtable;
mod skiplist;
mod sync;
mod versions;
mod words;

pub use btree::{BTreeFactory, BTreeMemtable};
pub use memtable::{Memtable, MemtableFactory};
pub use skiplist::{SkipListFactory, SkipListMemtable};

// What the interface names, so that this crate is enough of a dependency.
pub use siltstone_types as types;

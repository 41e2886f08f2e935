//! Other stores behind the trait that the benchmarks drive. Each is a feature of its own; docs/benchmarks.md has their settings and what differs.

#[cfg(feature = "fjall")]
mod fjall;
#[cfg(feature = "leveldb")]
mod leveldb;
#[cfg(feature = "lmdb")]
mod lmdb;
pub mod peer;
#[cfg(any(feature = "fjall", feature = "leveldb", feature = "rocksdb"))]
mod quiet;
#[cfg(any(feature = "fjall", feature = "lmdb", feature = "redb", feature = "sled"))]
mod range_cursor;
#[cfg(feature = "redb")]
mod redb;
#[cfg(feature = "rocksdb")]
mod rocksdb;
#[cfg(feature = "sled")]
mod sled;

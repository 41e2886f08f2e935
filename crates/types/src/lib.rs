#![doc = include_str!("../README.md")]

mod cursor;
mod entry;
mod error;
mod expiring;
mod hash;
mod key;
mod kind;
pub mod limits;
mod sequence;
mod slice;
pub mod varint;

pub use cursor::{Cursor, VecCursor};
pub use entry::{Entry, Lookup};
pub use error::{Error, IoResultExt, Result};
pub use expiring::{Expiring, has_expired};
pub use hash::KeyHash;
pub use key::InternalKey;
pub use kind::Kind;
pub use sequence::{SequenceNumber, Tag};
pub use slice::Slice;

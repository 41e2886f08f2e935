//! Why bytes are refused.

use std::path::Path;

use siltstone_types::{Error, varint};

/// The first rule of the table format that bytes break. The rules are numbered in `docs/format/sstable.md`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Broken {
    /// Damage: the rule's number, and what is wrong.
    Rule(u8, &'static str),
    /// The bytes are whole, and hold something that only a newer version (or another build) knows.
    TooNew(&'static str),
}

impl Broken {
    /// The error for a part of a file that starts at `offset`.
    pub fn at(self, path: &Path, offset: u64) -> Error {
        match self {
            Broken::Rule(rule, what) => Error::corruption(path, offset, format!("table rule {rule}: {what}")),
            Broken::TooNew(what) => Error::format_too_new(path, what),
        }
    }
}

impl From<varint::Broken> for Broken {
    fn from(broken: varint::Broken) -> Broken {
        Broken::Rule(15, broken.what())
    }
}

//! Results for tests: few, and always the same.

use siltstone_benches::row::Row;

use crate::results::Results;

/// A whole file: two strategies with two codecs, three times each, and a failure.
pub(crate) const TEXT: &str = include_str!("fixture.jsonl");

/// Its first row.
pub(crate) fn row() -> Row {
    Results::parse(TEXT).unwrap().rows.swap_remove(0)
}

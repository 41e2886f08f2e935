//! Tests of whole tables, through the public interface.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod entries;
mod model;

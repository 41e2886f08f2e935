//! Logs written and read through a file system in memory.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod round_trip;

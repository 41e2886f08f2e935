//! Logs written and read through a file system in memory.

mod round_trip;

//! The lock of the B-tree memtable, in one place, so that shuttle can stand in for it when it tries schedules (`--cfg shuttle`). The skip list has no locks, and
//! nothing that shuttle could stand in for.

#[cfg(shuttle)]
pub(crate) use shuttle::sync::{RwLock, RwLockReadGuard};
#[cfg(not(shuttle))]
pub(crate) use std::sync::{RwLock, RwLockReadGuard};

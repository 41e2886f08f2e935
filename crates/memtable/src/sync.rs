//! Locks and pointers that threads share, in one place, so that shuttle can stand in for locks when it tries schedules (`--cfg shuttle`).

pub(crate) use arc_swap::ArcSwap;
#[cfg(shuttle)]
pub(crate) use shuttle::sync::{Mutex, RwLock, RwLockReadGuard};
#[cfg(not(shuttle))]
pub(crate) use std::sync::{Mutex, RwLock, RwLockReadGuard};

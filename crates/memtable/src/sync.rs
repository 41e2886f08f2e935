//! Locks and pointers that threads share, in one place, so that shuttle can stand in for locks when it tries schedules (`--cfg shuttle`).

use std::sync::Arc;

pub(crate) use arc_swap::ArcSwap;
#[cfg(shuttle)]
pub(crate) use shuttle::sync::{Mutex, RwLock, RwLockReadGuard};
#[cfg(not(shuttle))]
pub(crate) use std::sync::{Mutex, RwLock, RwLockReadGuard};

/// What was loaded from an [`ArcSwap`]. It stays what it was, whatever is stored meanwhile.
pub(crate) type Loaded<T> = arc_swap::Guard<Arc<T>>;

/// A place where shuttle may let other threads go first; nothing otherwise.
///
/// The skip list's atomics, its pointers and what it takes from crossbeam are the real ones also under shuttle, which
/// then sees none of them. All threads of a schedule are one system thread, so that each sees what the others did up to
/// their last point. Points therefore stand where it matters what others do between two steps, and nowhere else: each
/// makes schedules longer, and what is found among them rarer. No point lies within the initialiser of a `OnceLock`:
/// the next to come would wait for its own system thread.
#[cfg(not(shuttle))]
#[inline]
pub(crate) fn point() {}

/// A place where other threads may go first. Yielding would do more: PCT then lets all others go first.
#[cfg(shuttle)]
pub(crate) fn point() {
    shuttle::thread::sleep(std::time::Duration::ZERO);
}

//! Locks, atomics and threads, from one place: those of the standard library and `parking_lot`, or shuttle's when it is to try every
//! schedule. No other module of this crate names them.

#[cfg(shuttle)]
mod scheduled;

#[cfg(shuttle)]
pub(crate) use scheduled::{
    Arc, AtomicBool, AtomicU64, Condvar, Loaded, Mutex, Ordering, Receiver, Sender, Swap, Weak, spawn,
    thread, unbounded,
};
/// For figures that decide nothing: under shuttle no place where it may switch threads, which would only make schedules longer.
pub(crate) use std::sync::atomic::{AtomicBool as FigureAtomicBool, AtomicU64 as FigureAtomicU64};
#[cfg(not(shuttle))]
pub(crate) use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

#[cfg(not(shuttle))]
pub(crate) use crossbeam_channel::{Receiver, Sender, unbounded};
#[cfg(not(shuttle))]
pub(crate) use locks::{Condvar, Mutex};
#[cfg(not(shuttle))]
pub(crate) use pointer::{Loaded, Swap};

#[cfg(not(shuttle))]
mod locks {
    use std::time::Duration;

    pub(crate) use parking_lot::MutexGuard;

    /// A lock that a panic does not poison.
    #[derive(Default, Debug)]
    pub(crate) struct Mutex<T>(parking_lot::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) const fn new(value: T) -> Mutex<T> {
            Mutex(parking_lot::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock()
        }

        /// `None` when someone has it.
        pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            self.0.try_lock()
        }
    }

    /// Waits for a change of what a lock protects.
    #[derive(Default, Debug)]
    pub(crate) struct Condvar(parking_lot::Condvar);

    impl Condvar {
        /// Gives the lock away until someone notifies; may return without.
        pub(crate) fn wait<'a, T>(&self, mut guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
            self.0.wait(&mut guard);
            guard
        }

        /// Like `wait`, for a limited time.
        pub(crate) fn wait_for<'a, T>(
            &self,
            mut guard: MutexGuard<'a, T>,
            limit: Duration,
        ) -> MutexGuard<'a, T> {
            self.0.wait_for(&mut guard, limit);
            guard
        }

        pub(crate) fn notify_one(&self) {
            self.0.notify_one();
        }

        pub(crate) fn notify_all(&self) {
            self.0.notify_all();
        }
    }
}

#[cfg(not(shuttle))]
mod pointer {
    use arc_swap::{ArcSwapAny, Guard, RefCnt};

    /// A shared pointer that is read by many and replaced by few. Loading it writes to no memory that readers share: no lock, and no reference count.
    #[derive(Debug)]
    pub(crate) struct Swap<P: RefCnt>(ArcSwapAny<P>);

    /// What was loaded. It stays what it was, whatever is stored meanwhile.
    pub(crate) type Loaded<P> = Guard<P>;

    impl<P: RefCnt> Swap<P> {
        pub(crate) fn new(pointer: P) -> Swap<P> {
            Swap(ArcSwapAny::new(pointer))
        }

        pub(crate) fn load(&self) -> Loaded<P> {
            self.0.load()
        }

        pub(crate) fn store(&self, pointer: P) {
            self.0.store(pointer);
        }
    }
}

/// Looks again and again for about two microseconds whether something is so, before the thread goes to sleep until it is: falling asleep and being woken take longer
/// than most of what other threads are waited for.
#[cfg(not(shuttle))]
pub(crate) fn look_for_a_moment(is_so: impl Fn() -> bool) {
    const LOOKS: u32 = 100;
    for _ in 0..LOOKS {
        if is_so() {
            return;
        }
        std::hint::spin_loop();
    }
}

/// Nothing happens while one looks.
#[cfg(shuttle)]
pub(crate) fn look_for_a_moment(_: impl Fn() -> bool) {}

/// A number that this process never gave to anyone else.
pub(crate) fn unique_in_process() -> u64 {
    // Of the standard library in any case: it is drawn outside of schedules, too.
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

/// Starts a named thread; `None`, with a message in the log, when the system has no more to give.
#[cfg(not(shuttle))]
pub(crate) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Option<thread::JoinHandle<()>> {
    match thread::Builder::new().name(name.to_owned()).spawn(run) {
        Ok(thread) => Some(thread),
        Err(error) => {
            tracing::error!(name, %error, "cannot start a thread");
            None
        }
    }
}

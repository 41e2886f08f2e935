//! Locks, atomics and threads, from one place: those of the standard library and `parking_lot`, or shuttle's when it is to try every
//! schedule. No other module of this crate names them.

#[cfg(shuttle)]
mod scheduled;

#[cfg(shuttle)]
pub(crate) use scheduled::{
    Arc, AtomicBool, AtomicU64, Condvar, Mutex, MutexGuard, Ordering, Receiver, RwLock, Sender, Weak, spawn,
    thread, unbounded,
};
/// For figures that decide nothing: under shuttle no place where it may switch threads, which would only make schedules longer.
pub(crate) use std::sync::atomic::AtomicU64 as FigureAtomicU64;
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
pub(crate) use locks::{Condvar, Mutex, MutexGuard, RwLock};

#[cfg(not(shuttle))]
mod locks {
    use std::time::Duration;

    pub(crate) use parking_lot::{MutexGuard, RwLock};

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

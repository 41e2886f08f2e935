//! The same names over shuttle, which runs every thread of a test as a coroutine of one system thread and chooses at each lock, atomic and channel who goes
//! on. Compiled under `--cfg shuttle` only.

use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};

use shuttle::sync::{LockResult, PoisonError, TryLockError, mpsc};
pub(crate) use shuttle::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::Sender,
    },
    thread,
};

/// A lock that a panic does not poison.
#[derive(Default, Debug)]
pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Mutex<T> {
        Mutex(shuttle::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard { inner: in_spite_of_poison(self.0.lock()), mutex: self }
    }

    /// `None` when someone has it.
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        let inner = match self.0.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poison)) => poison.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(MutexGuard { inner, mutex: self })
    }
}

/// Holds a lock, and knows which: shuttle's own does not tell.
#[derive(Debug)]
pub(crate) struct MutexGuard<'a, T> {
    inner: shuttle::sync::MutexGuard<'a, T>,
    mutex: &'a Mutex<T>,
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

/// A shared pointer that is read by many and replaced by few: the real one has no lock, and here a lock is where threads may be switched.
#[derive(Debug)]
pub(crate) struct Swap<P>(shuttle::sync::RwLock<P>);

/// What was loaded. It stays what it was, whatever is stored meanwhile.
#[derive(Debug)]
pub(crate) struct Loaded<P>(P);

impl<P: Clone> Swap<P> {
    pub(crate) fn new(pointer: P) -> Swap<P> {
        Swap(shuttle::sync::RwLock::new(pointer))
    }

    pub(crate) fn load(&self) -> Loaded<P> {
        Loaded(in_spite_of_poison(self.0.read()).clone())
    }

    pub(crate) fn store(&self, pointer: P) {
        // What was there is dropped when the lock is free again.
        let _old = std::mem::replace(&mut *in_spite_of_poison(self.0.write()), pointer);
    }
}

impl<P> Deref for Loaded<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.0
    }
}

fn in_spite_of_poison<G>(outcome: LockResult<G>) -> G {
    outcome.unwrap_or_else(PoisonError::into_inner)
}

/// Waits for a change of what a lock protects.
#[derive(Default, Debug)]
pub(crate) struct Condvar(shuttle::sync::Condvar);

impl Condvar {
    /// Gives the lock away until someone notifies. Nobody wakes without, so whoever is never notified is found as a deadlock.
    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        let MutexGuard { inner, mutex } = guard;
        MutexGuard { inner: in_spite_of_poison(self.0.wait(inner)), mutex }
    }

    /// Gives the lock away for a moment. There is no time under shuttle, so the limit may have passed at once: this only lets the other threads go
    /// first. Whoever would never be notified is therefore found by the bound on steps, and not as a deadlock.
    #[expect(clippy::unused_self, reason = "the real one waits on it")]
    pub(crate) fn wait_for<'a, T>(&self, guard: MutexGuard<'a, T>, _limit: Duration) -> MutexGuard<'a, T> {
        let mutex = guard.mutex;
        drop(guard);
        thread::yield_now();
        mutex.lock()
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// The receiving end of a channel, shared by the threads that take from it.
#[derive(Debug)]
pub(crate) struct Receiver<T>(Arc<Mutex<mpsc::Receiver<T>>>);

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Receiver<T> {
        Receiver(Arc::clone(&self.0))
    }
}

impl<T> Receiver<T> {
    /// The next message. One thread waits for it, the others for their turn.
    pub(crate) fn recv(&self) -> Result<T, mpsc::RecvError> {
        self.0.lock().recv()
    }
}

/// A channel without a limit.
pub(crate) fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = mpsc::channel();
    (sender, Receiver(Arc::new(Mutex::new(receiver))))
}

/// Starts a named thread.
pub(crate) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Option<thread::JoinHandle<()>> {
    thread::Builder::new().name(name.to_owned()).spawn(run).ok()
}

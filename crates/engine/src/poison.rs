//! The failure after which writing stops.

use crate::{
    Error, Result,
    sync::{Arc, AtomicBool, Mutex, Ordering},
};

/// Set once, and never taken back: only a new open knows again what is durable.
#[derive(Default, Debug)]
pub(crate) struct Poison {
    is_set: AtomicBool,
    cause: Mutex<Option<Error>>,
}

impl Poison {
    /// Stops writing. The first cause stays.
    pub(crate) fn set(&self, cause: &Error) {
        let mut first = self.cause.lock();
        if first.is_none() {
            tracing::error!(%cause, "writing stops until the database is opened again");
            *first = Some(cause.clone());
            self.is_set.store(true, Ordering::Release);
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        if !self.is_set.load(Ordering::Acquire) {
            return Ok(());
        }
        let cause = self.cause.lock().clone().unwrap_or(Error::Closed);
        Err(Error::Poisoned { cause: Arc::new(cause) })
    }
}

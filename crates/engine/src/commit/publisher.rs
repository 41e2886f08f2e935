//! Makes writes visible in the order of their sequence numbers.

use std::collections::VecDeque;

use siltstone_types::SequenceNumber;

use crate::{
    Error, Result,
    commit::pending::Pending,
    manifest::state::LogPosition,
    sync::{Arc, AtomicU64, Condvar, Mutex, Ordering},
};

/// A batch with its place in the order.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) batch: Arc<Pending>,
    pub(crate) first: SequenceNumber,
}

/// Batches that become visible together: a part of a group with one durability.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) placed: Vec<Placed>,
    pub(crate) last: SequenceNumber,
    /// Where its records end in the log.
    pub(crate) end: LogPosition,
}

impl Unit {
    pub(crate) fn batches(&self) -> impl Iterator<Item = &Arc<Pending>> {
        self.placed.iter().map(|placed| &placed.batch)
    }
}

#[derive(Debug)]
struct Entry {
    unit: Arc<Unit>,
    is_ready: bool,
}

/// The published number, and what waits to be published.
#[derive(Debug)]
pub(crate) struct Publisher {
    published: AtomicU64,
    waiting: Mutex<Waiting>,
    /// Something was published, or failed.
    changed: Condvar,
}

#[derive(Default, Debug)]
struct Waiting {
    // In sequence order; the front is the next to be published.
    units: VecDeque<Entry>,
    /// Why writing has stopped: nothing is published any more, or a number could pass over writes that were never applied.
    failed: Option<Error>,
}

impl Publisher {
    pub(crate) fn new(published: SequenceNumber) -> Publisher {
        Publisher {
            published: AtomicU64::new(published.get()),
            waiting: Mutex::default(),
            changed: Condvar::default(),
        }
    }

    /// Everything up to this number is visible.
    pub(crate) fn published(&self) -> SequenceNumber {
        SequenceNumber::new(self.published.load(Ordering::Acquire)).unwrap_or(SequenceNumber::MAX)
    }

    /// Takes a unit's place in the order. Called under the log's lock.
    pub(crate) fn enqueue(&self, unit: Arc<Unit>) {
        let mut waiting = self.waiting.lock();
        match &waiting.failed {
            Some(error) => unit.batches().for_each(|batch| batch.fail(error)),
            None => waiting.units.push_back(Entry { unit, is_ready: false }),
        }
    }

    /// Notes that a unit is applied, and synced if asked, and publishes whatever is ready and in front.
    pub(crate) fn ready(&self, unit: &Arc<Unit>) {
        let mut done = Vec::new();
        let mut waiting = self.waiting.lock();
        if let Some(entry) = waiting.units.iter_mut().find(|entry| Arc::ptr_eq(&entry.unit, unit)) {
            entry.is_ready = true;
        }
        while waiting.units.front().is_some_and(|entry| entry.is_ready) {
            done.extend(waiting.units.pop_front());
        }
        if let Some(last) = done.last() {
            // Still under the lock, so that the number never falls.
            self.published.store(last.unit.last.get(), Ordering::Release);
        }
        drop(waiting);
        if done.is_empty() {
            return;
        }
        self.changed.notify_all();
        for entry in done {
            entry.unit.batches().for_each(|batch| batch.publish(entry.unit.end));
        }
    }

    /// Waits until nothing is on its way any more. Nothing new may be enqueued meanwhile.
    pub(crate) fn wait_until_idle(&self) {
        let mut waiting = self.waiting.lock();
        while !waiting.units.is_empty() {
            waiting = self.changed.wait(waiting);
        }
    }

    /// Waits until everything up to `last` is visible.
    ///
    /// # Errors
    ///
    /// Why writing has stopped.
    pub(crate) fn wait_for(&self, last: SequenceNumber) -> Result<()> {
        let mut waiting = self.waiting.lock();
        while self.published() < last {
            if let Some(error) = &waiting.failed {
                return Err(error.clone());
            }
            waiting = self.changed.wait(waiting);
        }
        Ok(())
    }

    /// Tells everyone who waits that writing has stopped.
    pub(crate) fn fail_all(&self, error: &Error) {
        let failed = {
            let mut waiting = self.waiting.lock();
            waiting.failed = Some(error.clone());
            std::mem::take(&mut waiting.units)
        };
        self.changed.notify_all();
        failed.iter().flat_map(|entry| entry.unit.batches()).for_each(|batch| batch.fail(error));
    }
}

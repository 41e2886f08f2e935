//! Hands jobs over when their time has come, from a thread that is started with the first of them.

use std::{fmt, time::Duration};

use crate::{
    Clock, OsClock,
    executor::BackgroundJob,
    sync::{Arc, Condvar, Mutex, Sender, spawn, thread},
};

/// Jobs that are due later, by the operating system's clock. Nothing ticks while there is none.
pub(crate) struct Timer {
    shared: Arc<Shared>,
    /// Where jobs go when they are due.
    sender: Sender<BackgroundJob>,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// There is another job, or the end has come.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// With the time at which they are due, in no order: there are few.
    jobs: Vec<(Duration, BackgroundJob)>,
    is_closed: bool,
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timer({} jobs)", self.shared.state.lock().jobs.len())
    }
}

impl Timer {
    pub(crate) fn new(sender: Sender<BackgroundJob>) -> Timer {
        Timer { shared: Arc::default(), sender, thread: Mutex::default() }
    }

    pub(crate) fn add(&self, delay: Duration, job: BackgroundJob) {
        {
            let mut state = self.shared.state.lock();
            if state.is_closed {
                return;
            }
            state.jobs.push((OsClock.monotonic().saturating_add(delay), job));
        }
        self.shared.changed.notify_one();
        let mut thread = self.thread.lock();
        if thread.is_none() {
            let (shared, sender) = (Arc::clone(&self.shared), self.sender.clone());
            *thread = spawn("siltstone-timer", move || shared.run(&sender));
        }
    }

    /// Drops the jobs that are not due yet, and waits for the thread.
    pub(crate) fn shut_down(self) {
        let dropped = {
            let mut state = self.shared.state.lock();
            state.is_closed = true;
            std::mem::take(&mut state.jobs)
        };
        self.shared.changed.notify_one();
        drop(dropped);
        if let Some(thread) = self.thread.lock().take() {
            // It runs no job, so there is nothing that could panic.
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// The life of the thread.
    fn run(&self, sender: &Sender<BackgroundJob>) {
        let mut state = self.state.lock();
        while !state.is_closed {
            let now = OsClock.monotonic();
            for job in take_due(&mut state.jobs, now) {
                // The receiver outlives the timer.
                let _ = sender.send(job);
            }
            state = match state.jobs.iter().map(|(due, _)| *due).min() {
                Some(due) => self.changed.wait_for(state, due.saturating_sub(now)),
                None => self.changed.wait(state),
            };
        }
    }
}

/// Takes the jobs whose time has come, in the order of their times.
pub(crate) fn take_due(jobs: &mut Vec<(Duration, BackgroundJob)>, now: Duration) -> Vec<BackgroundJob> {
    let mut due: Vec<_> = jobs.extract_if(.., |(due, _)| *due <= now).collect();
    due.sort_by_key(|(due, _)| *due);
    due.into_iter().map(|(_, job)| job).collect()
}

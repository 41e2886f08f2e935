//! The threads of one run, and what they complain about.

use shuttle::thread::{self, JoinHandle};

use crate::Checked;

/// Threads that were started and not waited for.
#[derive(Default)]
pub(crate) struct Parts(Vec<(&'static str, JoinHandle<Checked>)>);

impl Parts {
    /// Starts one.
    pub(crate) fn start(&mut self, name: &'static str, run: impl FnOnce() -> Checked + Send + 'static) {
        self.0.push((name, thread::spawn(run)));
    }

    /// Waits for all, also when one complains, so that nothing goes on behind the caller.
    pub(crate) fn join(self) -> Checked {
        let mut outcome = Ok(());
        for (name, handle) in self.0 {
            let part = handle.join().unwrap_or_else(|_| Err("panicked".to_owned()));
            outcome = outcome.and(part.map_err(|what| format!("{name}: {what}")));
        }
        outcome
    }
}

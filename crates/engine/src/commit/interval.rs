//! Syncs in the background what was written with an interval, in time and all at once.

use std::time::Duration;

use crate::{commit::Commit, db::Inner, sync::Mutex};

/// The next sync that was asked for, if any: nothing ticks when nothing was written.
#[derive(Default, Debug)]
pub(crate) struct IntervalSync {
    /// When it is due, by the database's clock.
    due: Mutex<Option<Duration>>,
}

impl Inner {
    /// Sees to it that everything appended so far is durable when this time has passed, or soon after.
    pub(crate) fn sync_within(&self, commit: &Commit, interval: Duration) {
        let due = self.shared.clock.monotonic().saturating_add(interval);
        {
            let mut next = commit.interval.due.lock();
            if next.is_some_and(|earlier| earlier <= due) {
                return;
            }
            *next = Some(due);
        }
        self.spawn_after(interval, Inner::sync_in_background);
    }

    fn sync_in_background(&self) {
        let Ok(commit) = self.commit_side() else { return };
        // Taken before the sync begins, so that what is appended meanwhile asks for another. Not there when one that was due earlier has served this, too.
        if commit.interval.due.lock().take().is_some()
            && let Err(error) = self.sync()
        {
            // A sync that failed has stopped writing, and the next write is told. A database that was closed is durable.
            tracing::warn!(%error, "nothing is synced in the background any more");
        }
    }
}

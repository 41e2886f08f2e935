//! Bugs on demand, so that the torture harness can prove that it finds such bugs. Compiled in with the feature `planted-bugs` only, which is for that harness;
//! even then a database has no bug but the one that its builder asked for.

/// A bug that the engine could have.
#[cfg_attr(not(feature = "planted-bugs"), expect(unreachable_pub, reason = "public with the feature only"))]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bug {
    /// The newest sealed memtable is flushed before older ones.
    NewerMemtableFirst,
    /// A flush goes by the list of snapshots that an earlier flush has read, from before its own input was fixed.
    SnapshotListTooOld,
    /// A compaction may cut its output between two versions of one key.
    CutInsideKey,
    /// A merge takes an error of an input for its end.
    InputErrorIgnored,
    /// Recovery forgets the sequence numbers of records that it drops.
    DroppedNumbersForgotten,
    /// Replay leaves out the last entry of a batch.
    PartialBatch,
    /// A group is published before it is applied.
    PublishedBeforeApplied,
    /// That a memtable needs a log is noted when the group is applied, no longer under the log's lock: until then the log may be retired.
    LogNotedAfterApply,
    /// A read takes the published number first and the version second.
    NumberBeforeVersion,
    /// Tables are dropped whole though a snapshot sees them.
    DropIgnoresSnapshots,
}

#[cfg(feature = "planted-bugs")]
impl Bug {
    /// Those that show on one thread, after power cuts or in comparisons.
    pub const SHOWN_BY_POWER_CUTS: [Bug; 5] = [
        Bug::NewerMemtableFirst,
        Bug::SnapshotListTooOld,
        Bug::CutInsideKey,
        Bug::DroppedNumbersForgotten,
        Bug::PartialBatch,
    ];
    /// Those that take threads.
    pub const RACES: [Bug; 3] =
        [Bug::PublishedBeforeApplied, Bug::LogNotedAfterApply, Bug::NumberBeforeVersion];
}

#[cfg(feature = "planted-bugs")]
mod switch {
    use std::time::Duration;

    use siltstone_compaction::Readers;

    use super::Bug;
    use crate::sync::{Arc, Mutex, thread};

    /// The bug of one database, if it has one.
    #[derive(Clone, Default, Debug)]
    pub(crate) struct Planted {
        bug: Option<Bug>,
        listed: Arc<Mutex<Readers>>,
    }

    impl Planted {
        pub(crate) fn new(bug: Option<Bug>) -> Planted {
            Planted { bug, listed: Arc::default() }
        }

        pub(crate) fn is(&self, bug: Bug) -> bool {
            self.bug == Some(bug)
        }

        /// Widens the window of a race: other threads come to run within it, even on one processor.
        pub(crate) fn pause_if(&self, bug: Bug) {
            if self.is(bug) {
                thread::sleep(Duration::from_millis(1));
            }
        }

        /// What the last call was given.
        pub(crate) fn earlier(&self, live: Readers) -> Readers {
            std::mem::replace(&mut *self.listed.lock(), live)
        }
    }
}

#[cfg(not(feature = "planted-bugs"))]
mod switch {
    use siltstone_compaction::Readers;

    use super::Bug;

    /// No bug.
    #[derive(Clone, Copy, Default, Debug)]
    pub(crate) struct Planted {}

    #[expect(clippy::unused_self, clippy::trivially_copy_pass_by_ref, reason = "as with the feature")]
    impl Planted {
        pub(crate) const fn is(&self, _: Bug) -> bool {
            false
        }

        pub(crate) const fn pause_if(&self, _: Bug) {}

        pub(crate) fn earlier(&self, live: Readers) -> Readers {
            live
        }
    }
}

pub(crate) use switch::Planted;

//! Bugs on demand, so that the torture harness can prove that it finds such bugs. Compiled in with the feature `planted-bugs` only, which is for that harness;
//! even then there is no bug before a thread asks for one.

use siltstone_types::SequenceNumber;

/// The list of snapshots that a flush goes by.
pub(crate) fn snapshots(live: Vec<SequenceNumber>) -> Vec<SequenceNumber> {
    if is_planted(Bug::SnapshotListTooOld) { earlier(live) } else { live }
}

/// A bug that the engine could have.
#[cfg_attr(not(feature = "planted-bugs"), expect(unreachable_pub, reason = "public with the feature only"))]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bug {
    /// The newest sealed memtable is flushed before older ones.
    NewerMemtableFirst,
    /// A compaction may cut its output between two versions of one key.
    CutInsideKey,
    /// A merge takes an error of an input for its end.
    InputErrorIgnored,
    /// Recovery forgets the sequence numbers of records that it drops.
    DroppedNumbersForgotten,
    /// Replay leaves out the last entry of a batch.
    PartialBatch,
    /// A flush goes by the list of snapshots that an earlier flush has read, from before its own input was fixed.
    SnapshotListTooOld,
}

#[cfg(feature = "planted-bugs")]
mod switch {
    use std::cell::{Cell, RefCell};

    use siltstone_types::SequenceNumber;

    use super::Bug;

    thread_local! {
        static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
        static SNAPSHOTS: RefCell<Vec<SequenceNumber>> = const { RefCell::new(Vec::new()) };
    }

    /// From now on databases have this bug in what they do on this thread; `None` takes it away.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.set(bug);
        SNAPSHOTS.take();
    }

    /// What the last call was given.
    pub(crate) fn earlier(live: Vec<SequenceNumber>) -> Vec<SequenceNumber> {
        SNAPSHOTS.replace(live)
    }

    pub(crate) fn is_planted(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }
}

#[cfg(feature = "planted-bugs")]
use switch::earlier;
#[cfg(feature = "planted-bugs")]
pub(crate) use switch::is_planted;
#[cfg(feature = "planted-bugs")]
pub use switch::plant;

#[cfg(not(feature = "planted-bugs"))]
pub(crate) const fn is_planted(_: Bug) -> bool {
    false
}

#[cfg(not(feature = "planted-bugs"))]
const fn earlier(live: Vec<SequenceNumber>) -> Vec<SequenceNumber> {
    live
}

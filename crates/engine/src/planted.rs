//! Bugs on demand, so that the torture harness can prove that it finds such bugs. Compiled in with the feature `planted-bugs` only, which is for that harness;
//! even then there is no bug before a thread asks for one.

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
    /// A group becomes visible before it is in the memtables.
    PublishedBeforeApplied,
    /// A reader takes the published number first, and the version after it.
    NumberBeforeVersion,
    /// Which log a memtable needs is noted when its writes are applied, and not when they are logged: the log may be gone by then.
    LogNotedAfterApply,
}

#[cfg(feature = "planted-bugs")]
mod switch {
    use std::cell::Cell;

    use super::Bug;

    thread_local! {
        static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    /// From now on databases have this bug in what they do on this thread; `None` takes it away.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.set(bug);
    }

    pub(crate) fn is_planted(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }
}

#[cfg(feature = "planted-bugs")]
pub(crate) use switch::is_planted;
#[cfg(feature = "planted-bugs")]
pub use switch::plant;

#[cfg(not(feature = "planted-bugs"))]
pub(crate) const fn is_planted(_: Bug) -> bool {
    false
}

//! Who will read what a merge makes, and by which time they judge what has expired.

use siltstone_types::SequenceNumber;

/// A snapshot that somebody holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LiveSnapshot {
    /// It sees no later version.
    pub at: SequenceNumber,
    /// When it was taken, in Unix milliseconds: what had not expired by then, it sees for as long as it lives.
    pub taken_unix_ms: u64,
}

/// Everyone who can see the result of a merge: the holders of snapshots, and those who read the newest state from now on.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Readers {
    /// The live snapshots, in any order, several of one sequence number among them.
    pub snapshots: Vec<LiveSnapshot>,
    /// Now, in Unix milliseconds: whoever reads without a snapshot does it now or later. 0 when nothing is to expire.
    pub now_unix_ms: u64,
}

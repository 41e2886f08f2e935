//! Identity of a keyspace.

/// Id of a keyspace; never used again after the keyspace is dropped.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct KeyspaceId(pub u32);

impl KeyspaceId {
    /// The keyspace that every database has.
    pub const DEFAULT: KeyspaceId = KeyspaceId(0);
}

/// Name of the keyspace that every database has.
pub const DEFAULT_KEYSPACE: &str = "default";

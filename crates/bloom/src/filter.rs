//! What a filter is: a policy makes builders and opens what they built.

use std::{borrow::Cow, error, fmt, fmt::Debug, sync::Arc};

/// Makes filters of one kind, and opens them.
///
/// 1. [`name`](FilterPolicy::name) says what the bytes mean, never how they were tuned. It is stored with the
///    bytes.
/// 2. The bytes of a filter depend on the added hashes and the tuning only: not on the platform, the process
///    or the release.
/// 3. [`open`](FilterPolicy::open) judges bytes that may be damaged. It never panics, and never allocates
///    more than they are long.
pub trait FilterPolicy: Debug + Send + Sync {
    /// The name of the format, such as `fastbloom.1`: 1 to 255 ASCII characters.
    fn name(&self) -> &'static str;

    /// A builder for one table; `None` when a table in this place gets no filter.
    fn builder(&self, context: FilterContext) -> Option<Box<dyn FilterBuilder>>;

    /// Opens what a builder of this name finished, whatever the tuning was.
    ///
    /// # Errors
    ///
    /// [`DamagedFilter`] when no builder can have written the bytes.
    fn open(&self, bytes: &[u8]) -> Result<Arc<dyn Filter>, DamagedFilter>;
}

/// Takes the hashes of the keys of one table.
///
/// A hash is 64 well-mixed bits (in Siltstone: xxh3 with seed 0 of the user key).
pub trait FilterBuilder: Debug + Send {
    /// Adds the hash of a key. A hash equal to the one before it changes nothing, so that the versions of a
    /// key cost no more than one.
    fn add(&mut self, hash: u64);

    /// How much memory the builder holds now, in bytes. O(1).
    fn bytes(&self) -> usize;

    /// The filter's bytes.
    fn finish(self: Box<Self>) -> Vec<u8>;
}

/// An opened filter: a probe parses nothing.
pub trait Filter: Debug + Send + Sync {
    /// False only if the hash was not added. True for every hash that was.
    fn may_contain(&self, hash: u64) -> bool;

    /// How much memory the filter holds, in bytes.
    fn bytes(&self) -> usize;
}

/// Where the table will lie, for policies that tune by it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FilterContext {
    /// The level the table is written to; 0 is the newest.
    pub level: u32,
    /// The number of levels there are.
    pub level_count: u32,
    /// No more keys than this will be added. A bound, not an estimate.
    pub key_count_max: u64,
}

/// The bytes are no filter of the policy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DamagedFilter {
    what: Cow<'static, str>,
}

impl DamagedFilter {
    /// Says which rule the bytes break.
    pub fn new(what: impl Into<Cow<'static, str>>) -> DamagedFilter {
        DamagedFilter { what: what.into() }
    }

    /// Which rule the bytes break.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// Which rule the bytes break, as an owned text for an error that names the file.
    pub fn into_what(self) -> Cow<'static, str> {
        self.what
    }
}

impl fmt::Display for DamagedFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "damaged filter: {}", self.what)
    }
}

impl error::Error for DamagedFilter {}

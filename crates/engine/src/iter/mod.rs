//! From sorted sources to what a user sees.

pub(crate) mod cursor;
pub(crate) mod merge;
pub(crate) mod range;
pub(crate) mod run;
pub(crate) mod until;
pub(crate) mod visible;

//! One function for each decoder: it takes any bytes and panics when a promise is broken.
//!
//! None of them returns anything, and none depends on anything but its input. Most try the input in several ways: as it is, with its
//! checksums made right, and as the parts of a file that is put together around them.

mod batch_decode;
mod block_decode;
mod filter_open;
mod log_read;
mod manifest_read;
mod memory;
mod table_open;

pub use self::{
    batch_decode::batch_decode, block_decode::block_decode, filter_open::filter_open, log_read::log_read,
    manifest_read::manifest_read, table_open::table_open,
};

/// A decoder's function.
pub type Target = fn(&[u8]);

/// All of them, by the name of their corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("batch_decode", batch_decode),
    ("block_decode", block_decode),
    ("filter_open", filter_open),
    ("log_read", log_read),
    ("manifest_read", manifest_read),
    ("table_open", table_open),
];

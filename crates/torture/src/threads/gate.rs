//! A file system that can be copied at one moment, while threads use it.

use std::{
    io,
    sync::{PoisonError, RwLock},
};

use siltstone_vfs::{Layer, MemFs, Op, WrapFs};

/// Lets every operation through, but none while a copy is made.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    copies: RwLock<()>,
}

impl Layer for Gate {
    fn around<T>(&self, _op: Op<'_>, run: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let _open = self.copies.read().unwrap_or_else(PoisonError::into_inner);
        run()
    }
}

/// What a process that is killed now leaves.
pub(crate) fn kill(gate: &WrapFs<Gate>, fs: &MemFs) -> MemFs {
    let _closed = gate.layer().copies.write().unwrap_or_else(PoisonError::into_inner);
    fs.clone_now()
}

//! Slow disks.

use std::{io, sync::Arc, thread, time::Duration};

use crate::{Fs, Layer, Op, OpKind, WrapFs};

/// A file system on which some operations take longer: the thread sleeps before each.
pub type DelayFs = WrapFs<DelayLayer>;

impl DelayFs {
    /// Operations of these kinds take at least `delay`. For a disk with slow syncs, see [`OpKind::SYNCS`].
    pub fn new(inner: Arc<dyn Fs>, kinds: &[OpKind], delay: Duration) -> Self {
        Self::with_layer(inner, DelayLayer { kinds: kinds.to_vec(), delay })
    }
}

/// The layer of [`DelayFs`].
#[derive(Debug)]
pub struct DelayLayer {
    kinds: Vec<OpKind>,
    delay: Duration,
}

impl Layer for DelayLayer {
    fn around<T>(&self, op: Op<'_>, run: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        if self.kinds.contains(&op.kind()) && !self.delay.is_zero() {
            thread::sleep(self.delay);
        }
        run()
    }
}

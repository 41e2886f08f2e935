//! The one owned byte type.

use std::{borrow::Borrow, cmp::Ordering, fmt, hash, ops::Deref, ops::RangeBounds};

use byteview::ByteView;

/// Immutable bytes that are cheap to clone and to cut: up to 20 bytes are stored inline, longer ones share one allocation.
///
/// A part cut with [`Slice::slice`] keeps the whole allocation alive; [`Slice::detach`] copies it out. At most `u32::MAX` bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Slice(ByteView);

impl Slice {
    /// No bytes.
    pub fn empty() -> Slice {
        Slice::default()
    }

    /// Makes `len` bytes, zeroed, and lets `fill` write them before they become immutable. One allocation, no copy.
    ///
    /// # Errors
    ///
    /// Whatever `fill` returns.
    ///
    /// # Panics
    ///
    /// When `len` exceeds `u32::MAX`.
    pub fn build<E>(len: usize, fill: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<Slice, E> {
        let mut bytes = ByteView::with_size(len);
        if let Some(mut unique) = bytes.get_mut() {
            fill(&mut unique)?;
        }
        Ok(Slice(bytes))
    }

    /// The bytes of `range`, sharing the allocation.
    ///
    /// # Panics
    ///
    /// When the range is not within the slice.
    #[must_use]
    pub fn slice(&self, range: impl RangeBounds<usize>) -> Slice {
        Slice(self.0.slice(range))
    }

    /// A copy that shares nothing: use it to keep a small part of something large.
    #[must_use]
    pub fn detach(&self) -> Slice {
        Slice(self.0.to_detached())
    }
}

impl Deref for Slice {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Slice {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Borrow<[u8]> for Slice {
    fn borrow(&self) -> &[u8] {
        self
    }
}

impl From<&[u8]> for Slice {
    fn from(bytes: &[u8]) -> Slice {
        Slice(ByteView::new(bytes))
    }
}

impl<const N: usize> From<&[u8; N]> for Slice {
    fn from(bytes: &[u8; N]) -> Slice {
        Slice(ByteView::new(bytes))
    }
}

impl From<&str> for Slice {
    fn from(text: &str) -> Slice {
        Slice(ByteView::new(text.as_bytes()))
    }
}

impl From<Vec<u8>> for Slice {
    fn from(bytes: Vec<u8>) -> Slice {
        Slice(ByteView::new(&bytes))
    }
}

impl PartialEq<[u8]> for Slice {
    fn eq(&self, other: &[u8]) -> bool {
        **self == *other
    }
}

impl PartialEq<&[u8]> for Slice {
    fn eq(&self, other: &&[u8]) -> bool {
        **self == **other
    }
}

impl<const N: usize> PartialEq<&[u8; N]> for Slice {
    fn eq(&self, other: &&[u8; N]) -> bool {
        **self == **other
    }
}

impl PartialOrd<[u8]> for Slice {
    fn partial_cmp(&self, other: &[u8]) -> Option<Ordering> {
        Some((**self).cmp(other))
    }
}

impl fmt::Debug for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.escape_ascii())
    }
}

const _: fn() = || {
    fn shared_between_threads<T: Send + Sync + hash::Hash>() {}
    shared_between_threads::<Slice>();
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_equal_the_bytes_they_were_cut_from() {
        let bytes: Vec<u8> = (0..100).collect();
        let whole = Slice::from(bytes.as_slice());
        for (from, to) in [(0, 0), (0, 100), (1, 21), (1, 22), (99, 100)] {
            assert_eq!(whole.slice(from..to), &bytes[from..to]);
            assert_eq!(whole.slice(from..to).detach(), &bytes[from..to]);
        }
    }

    #[test]
    fn build_hands_out_exactly_the_bytes_asked_for() {
        for len in [0, 1, 20, 21, 5000] {
            let built = Slice::build(len, |bytes| {
                assert_eq!(bytes.len(), len);
                bytes.fill(7);
                Ok::<(), ()>(())
            });
            assert_eq!(built, Ok(Slice::from(vec![7; len])));
        }
        assert_eq!(Slice::build(3, |_| Err("no")), Err("no"));
    }
}

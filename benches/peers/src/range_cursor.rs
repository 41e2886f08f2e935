//! A cursor over stores that have only iterators over ranges, which go one way: turning around makes a new one.

use std::ops::Bound;

use anyhow::Result;
use siltstone_benches::store::Cursor;

/// An entry as an iterator yields it.
type Entry<R> = (<R as Ranges>::Key, <R as Ranges>::Value);

/// What has iterators over its entries.
pub(crate) trait Ranges {
    /// What keys are read through.
    type Key: AsRef<[u8]>;
    /// What values are read through.
    type Value: AsRef<[u8]>;
    /// An iterator, which is only ever asked for entries in the direction that it was made for.
    type Iter;

    /// An iterator that goes on from a bound.
    fn forward(&self, from: Bound<&[u8]>) -> Result<Self::Iter>;

    /// An iterator that goes back from a bound.
    fn backward(&self, to: Bound<&[u8]>) -> Result<Self::Iter>;

    /// The next entry of one that goes on.
    fn step(iter: &mut Self::Iter) -> Result<Option<Entry<Self>>>;

    /// The next entry of one that goes back.
    fn step_back(iter: &mut Self::Iter) -> Result<Option<Entry<Self>>>;
}

/// A position.
pub(crate) struct RangeCursor<R: Ranges> {
    ranges: R,
    walk: Option<Walk<R::Iter>>,
    at: Option<Entry<R>>,
}

enum Walk<I> {
    Forward(I),
    Backward(I),
}

impl<R: Ranges> RangeCursor<R> {
    /// A position on no entry yet.
    pub(crate) fn new(ranges: R) -> RangeCursor<R> {
        RangeCursor { ranges, walk: None, at: None }
    }

    fn go_on(&mut self, mut iter: R::Iter) -> Result<()> {
        self.at = R::step(&mut iter)?;
        self.walk = Some(Walk::Forward(iter));
        Ok(())
    }

    fn go_back(&mut self, mut iter: R::Iter) -> Result<()> {
        self.at = R::step_back(&mut iter)?;
        self.walk = Some(Walk::Backward(iter));
        Ok(())
    }
}

impl<R: Ranges> Cursor for RangeCursor<R> {
    fn first(&mut self) -> Result<()> {
        let iter = self.ranges.forward(Bound::Unbounded)?;
        self.go_on(iter)
    }

    fn last(&mut self) -> Result<()> {
        let iter = self.ranges.backward(Bound::Unbounded)?;
        self.go_back(iter)
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        let iter = self.ranges.forward(Bound::Included(key))?;
        self.go_on(iter)
    }

    fn next(&mut self) -> Result<()> {
        let Some((key, _)) = &self.at else { return Ok(()) };
        if let Some(Walk::Forward(iter)) = &mut self.walk {
            self.at = R::step(iter)?;
            return Ok(());
        }
        let iter = self.ranges.forward(Bound::Excluded(key.as_ref()))?;
        self.go_on(iter)
    }

    fn prev(&mut self) -> Result<()> {
        let Some((key, _)) = &self.at else { return Ok(()) };
        if let Some(Walk::Backward(iter)) = &mut self.walk {
            self.at = R::step_back(iter)?;
            return Ok(());
        }
        let iter = self.ranges.backward(Bound::Excluded(key.as_ref()))?;
        self.go_back(iter)
    }

    fn entry(&self) -> Option<(&[u8], &[u8])> {
        self.at.as_ref().map(|(key, value)| (key.as_ref(), value.as_ref()))
    }
}

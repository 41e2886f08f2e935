//! Faults on demand.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, IoSlice},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;

use crate::{Fs, Layer, Op, OpKind, WrapFs};

/// A file system that asks an [`Injector`] before every operation.
///
/// A failed operation does not reach the file system below. That holds for syncs too, so trying again can
/// make durable what a real disk would have lost: for failing syncs that lose data, see
/// [`MemFs::fail_next_syncs`](crate::MemFs::fail_next_syncs).
pub type FaultFs = WrapFs<FaultLayer>;

impl FaultFs {
    /// Puts `injector` before `inner`. Keep a clone of the `Arc` to count its hits, or to lift it.
    pub fn new(inner: Arc<dyn Fs>, injector: Arc<dyn Injector>) -> Self {
        Self::with_layer(inner, FaultLayer { injector })
    }
}

/// The layer of [`FaultFs`].
pub struct FaultLayer {
    injector: Arc<dyn Injector>,
}

impl fmt::Debug for FaultLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultLayer").finish_non_exhaustive()
    }
}

/// Decides what becomes of operations.
pub trait Injector: Send + Sync {
    /// Asked once before each operation, by the thread that performs it.
    fn decide(&self, op: &Op<'_>) -> Decision;
}

/// What becomes of an operation.
#[derive(Debug)]
#[non_exhaustive]
pub enum Decision {
    /// It is performed.
    Pass,
    /// It is not performed, and returns this error.
    Fail(io::Error),
    /// A read gets at most this many bytes, but one at least (none would mean the end of the file). A write
    /// is torn: this many bytes are written, then it fails. Other operations are performed.
    Shorten(usize),
}

/// The injector that asks a function.
pub fn injector_fn(decide: impl Fn(&Op<'_>) -> Decision + Send + Sync + 'static) -> Arc<dyn Injector> {
    struct FromFn<F>(F);
    impl<F: Fn(&Op<'_>) -> Decision + Send + Sync> Injector for FromFn<F> {
        fn decide(&self, op: &Op<'_>) -> Decision {
            (self.0)(op)
        }
    }
    Arc::new(FromFn(decide))
}

impl Layer for FaultLayer {
    fn around<T>(&self, op: Op<'_>, run: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self.injector.decide(&op) {
            Decision::Pass | Decision::Shorten(_) => run(),
            Decision::Fail(error) => Err(error),
        }
    }

    fn around_read(
        &self,
        op: Op<'_>,
        buf: &mut [u8],
        run: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        match self.injector.decide(&op) {
            Decision::Pass => run(buf),
            Decision::Fail(error) => Err(error),
            Decision::Shorten(bytes) => {
                let len = buf.len().min(bytes.max(1));
                run(buf.get_mut(..len).unwrap_or_default())
            }
        }
    }

    fn around_write(
        &self,
        op: Op<'_>,
        parts: &[IoSlice<'_>],
        run: impl FnOnce(&[IoSlice<'_>]) -> io::Result<()>,
    ) -> io::Result<()> {
        match self.injector.decide(&op) {
            Decision::Pass => run(parts),
            Decision::Fail(error) => Err(error),
            Decision::Shorten(bytes) => {
                let prefix: Vec<u8> =
                    parts.iter().flat_map(|part| part.iter().copied()).take(bytes).collect();
                run(&[IoSlice::new(&prefix)])?;
                Err(io::Error::other(format!("write torn bytes={}", prefix.len())))
            }
        }
    }
}

/// An injector for the usual faults: the operations of some kinds, on some paths, from the nth on.
///
/// ```
/// use std::{io::ErrorKind, path::Path, sync::Arc};
/// use siltstone_vfs::{Fault, FaultFs, Fs, MemFs, OpKind};
///
/// let full = Arc::new(Fault::fail(ErrorKind::StorageFull).on(&[OpKind::Create]).from_nth(1));
/// let fs = FaultFs::new(Arc::new(MemFs::new()), full.clone());
/// fs.create(Path::new("/a"))?;
/// assert_eq!(fs.create(Path::new("/b")).unwrap_err().kind(), ErrorKind::StorageFull);
/// full.lift();
/// fs.create(Path::new("/b"))?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Fault {
    outcome: Outcome,
    /// Empty for all kinds.
    kinds: Vec<OpKind>,
    on_path: Option<PathPredicate>,
    first: u64,
    is_once: bool,
    is_lifted: AtomicBool,
    matched: AtomicU64,
    hits: AtomicU64,
}

type PathPredicate = Box<dyn Fn(&Path) -> bool + Send + Sync>;

#[derive(Clone, Copy, Debug)]
enum Outcome {
    Fail(io::ErrorKind),
    Shorten(usize),
}

impl Fault {
    /// Fails operations with an error of this kind; all of them, until told otherwise.
    pub fn fail(kind: io::ErrorKind) -> Self {
        Self::new(Outcome::Fail(kind))
    }

    /// Shortens reads and tears writes, see [`Decision::Shorten`]. Other operations pass without being
    /// counted.
    pub fn shorten(bytes: usize) -> Self {
        Self::new(Outcome::Shorten(bytes)).on(&[OpKind::ReadAt, OpKind::WriteAt])
    }

    fn new(outcome: Outcome) -> Self {
        Self {
            outcome,
            kinds: Vec::new(),
            on_path: None,
            first: 0,
            is_once: false,
            is_lifted: AtomicBool::new(false),
            matched: AtomicU64::new(0),
            hits: AtomicU64::new(0),
        }
    }

    /// Only operations of these kinds match.
    #[must_use]
    pub fn on(mut self, kinds: &[OpKind]) -> Self {
        self.kinds = kinds.to_vec();
        self
    }

    /// Only operations match whose [`Op::path`] the predicate is true for.
    #[must_use]
    pub fn on_path(mut self, predicate: impl Fn(&Path) -> bool + Send + Sync + 'static) -> Self {
        self.on_path = Some(Box::new(predicate));
        self
    }

    /// Hits only the `nth` operation that matches, counted from 0.
    #[must_use]
    pub fn at_nth(mut self, nth: u64) -> Self {
        (self.first, self.is_once) = (nth, true);
        self
    }

    /// Hits the `nth` operation that matches, counted from 0, and all after it.
    #[must_use]
    pub fn from_nth(mut self, nth: u64) -> Self {
        (self.first, self.is_once) = (nth, false);
        self
    }

    /// From now on everything passes: the disk has room again. Operations are still counted.
    pub fn lift(&self) {
        self.is_lifted.store(true, Ordering::SeqCst);
    }

    /// Whether [`Fault::lift`] was called.
    pub fn is_lifted(&self) -> bool {
        self.is_lifted.load(Ordering::SeqCst)
    }

    /// How many operations matched so far, hit or not.
    pub fn matched(&self) -> u64 {
        self.matched.load(Ordering::SeqCst)
    }

    /// How many operations were hit so far. A test that meant to inject a fault should see that it did.
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::SeqCst)
    }

    fn matches(&self, op: &Op<'_>) -> bool {
        let is_kind = self.kinds.is_empty() || self.kinds.contains(&op.kind());
        is_kind && self.on_path.as_ref().is_none_or(|predicate| predicate(op.path()))
    }
}

impl Injector for Fault {
    fn decide(&self, op: &Op<'_>) -> Decision {
        if !self.matches(op) {
            return Decision::Pass;
        }
        let nth = self.matched.fetch_add(1, Ordering::SeqCst);
        let is_hit = if self.is_once { nth == self.first } else { self.first <= nth };
        if !is_hit || self.is_lifted.load(Ordering::SeqCst) {
            return Decision::Pass;
        }
        self.hits.fetch_add(1, Ordering::SeqCst);
        match self.outcome {
            Outcome::Fail(kind) => Decision::Fail(io::Error::new(kind, "injected fault")),
            Outcome::Shorten(bytes) => Decision::Shorten(bytes),
        }
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault")
            .field("outcome", &self.outcome)
            .field("kinds", &self.kinds)
            .field("first", &self.first)
            .field("is_once", &self.is_once)
            .field("matched", &self.matched())
            .field("hits", &self.hits())
            .finish_non_exhaustive()
    }
}

/// Asks several injectors. Each sees every operation; the first that does not let it pass decides.
pub struct FirstOf(pub Vec<Arc<dyn Injector>>);

impl Injector for FirstOf {
    fn decide(&self, op: &Op<'_>) -> Decision {
        let mut decided = Decision::Pass;
        for injector in &self.0 {
            let decision = injector.decide(op);
            if matches!(decided, Decision::Pass) {
                decided = decision;
            }
        }
        decided
    }
}

impl fmt::Debug for FirstOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FirstOf").field("injectors", &self.0.len()).finish()
    }
}

/// Lets everything pass and counts it.
#[derive(Debug, Default)]
pub struct OpCounter {
    counts: Mutex<BTreeMap<OpKind, u64>>,
}

impl OpCounter {
    /// Nothing counted yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Operations of one kind so far.
    pub fn count(&self, kind: OpKind) -> u64 {
        self.counts.lock().get(&kind).copied().unwrap_or_default()
    }

    /// All operations so far.
    pub fn total(&self) -> u64 {
        self.counts.lock().values().sum()
    }
}

impl Injector for OpCounter {
    fn decide(&self, op: &Op<'_>) -> Decision {
        *self.counts.lock().entry(op.kind()).or_default() += 1;
        Decision::Pass
    }
}

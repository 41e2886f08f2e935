//! The trait that strategies implement.

use std::fmt;

use crate::{Job, TreeView};

/// Decides what to compact: a pure function of the view.
///
/// A strategy must accept every tree that passes [`check_levels`](crate::check_levels), whoever made it, and
/// whatever is running in it.
pub trait CompactionStrategy: fmt::Debug + Send + Sync {
    /// A fixed name. It is recorded, and never enforced: trees may change hands.
    fn name(&self) -> &'static str;

    /// The most useful job that can begin now, or `None`.
    ///
    /// The job passes [`validate`](crate::validate) on the same view. The caller begins it, adds it to
    /// [`running`](TreeView::running) and asks again, until it gets `None` or has no worker left. When every
    /// job is applied and nothing else happens, the answer is `None` after finitely many jobs.
    fn plan(&self, view: &TreeView<'_>) -> Option<Job>;

    /// The work left until `plan` has nothing to say. Running jobs count in full until they are applied, and
    /// the budget does not count.
    ///
    /// Zero if and only if `plan` returns `None` on the same levels with nothing running and no limit.
    fn debt(&self, view: &TreeView<'_>) -> Debt;
}

/// Work left. Back-pressure on writers is computed from it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Debt {
    /// Bytes of files that jobs will have as inputs. A lower bound may be returned where jobs depend on what
    /// others leave behind, as long as it is not zero.
    pub bytes: u64,
    /// By how many runs the tree will have fewer.
    pub runs: u64,
    /// By how many runs level 0 will have fewer.
    pub level0_runs: u64,
}

impl Debt {
    /// Nothing to do.
    pub const ZERO: Debt = Debt { bytes: 0, runs: 0, level0_runs: 0 };
}

impl<S: CompactionStrategy + ?Sized> CompactionStrategy for Box<S> {
    fn name(&self) -> &'static str {
        (**self).name()
    }
    fn plan(&self, view: &TreeView<'_>) -> Option<Job> {
        (**self).plan(view)
    }
    fn debt(&self, view: &TreeView<'_>) -> Debt {
        (**self).debt(view)
    }
}

//! Stands before the disk, counts what is done to it, and keeps what a power cut at that moment would leave.

use std::{
    fmt, io,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use siltstone::{BackgroundJob, Executor, Inline, Lane};
use siltstone_testkit::Rng;
use siltstone_vfs::{Layer, MemFs, Op};

use crate::crash::oracle::Outage;

/// What is left of a disk, and when.
pub(crate) struct Cut {
    /// Number of the file operation before which it happened.
    pub(crate) operation: u64,
    pub(crate) outage: Outage,
    pub(crate) disk: MemFs,
}

/// What was done to the disk.
#[derive(Clone, Copy, Default, Debug)]
pub struct Counts {
    /// Calls of the file system, reads included.
    pub operations: u64,
    /// Those among them that change something, which are those worth a cut.
    pub changes: u64,
    /// Logs created.
    pub logs: u64,
    /// Tables created.
    pub tables: u64,
    /// Manifests created.
    pub manifests: u64,
}

struct State {
    counts: Counts,
    rng: Rng,
    /// One in so many operations is cut; 0 for none.
    one_in: usize,
    cuts: Vec<Cut>,
}

/// The layer of a run.
pub(crate) struct CutLayer {
    disk: MemFs,
    state: Arc<Mutex<State>>,
}

/// The other end of a [`CutLayer`].
#[derive(Clone)]
pub(crate) struct Cuts(Arc<Mutex<State>>);

impl fmt::Debug for CutLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CutLayer").finish_non_exhaustive()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl CutLayer {
    /// Cuts one in `one_in` of the operations that change `disk`.
    pub(crate) fn new(disk: MemFs, seed: u64, one_in: usize) -> (CutLayer, Cuts) {
        let state = State { counts: Counts::default(), rng: Rng::new(seed), one_in, cuts: Vec::new() };
        let state = Arc::new(Mutex::new(state));
        (CutLayer { disk, state: Arc::clone(&state) }, Cuts(state))
    }

    fn before(&self, op: &Op<'_>) {
        let mut state = lock(&self.state);
        state.counts.operations += 1;
        // Between two reads nothing changes that a cut could take.
        if is_read(op) {
            return;
        }
        state.counts.changes += 1;
        if let Op::Create { path } = op {
            count_file(&mut state.counts, path);
        }
        let one_in = state.one_in;
        if one_in == 0 || state.rng.index(one_in) != 0 {
            return;
        }
        let operation = state.counts.operations;
        let (fate, seed) = (state.rng.index(12), state.rng.next_u64());
        let (outage, disk) = match fate {
            0 => (Outage::Process, self.disk.clone_now()),
            1 => (Outage::Power, self.disk.power_cut_best()),
            2 | 3 => (Outage::Power, self.disk.power_cut_worst()),
            _ => (Outage::Power, self.disk.power_cut(seed)),
        };
        state.cuts.push(Cut { operation, outage, disk });
    }
}

fn count_file(counts: &mut Counts, path: &Path) {
    let name = path.to_string_lossy();
    counts.logs += u64::from(name.ends_with(".log"));
    counts.tables += u64::from(name.ends_with(".sst"));
    counts.manifests += u64::from(name.contains("MANIFEST-"));
}

fn is_read(op: &Op<'_>) -> bool {
    matches!(
        op,
        Op::Open { .. }
            | Op::OpenForOverwrite { .. }
            | Op::List { .. }
            | Op::Metadata { .. }
            | Op::AvailableBytes { .. }
            | Op::ReadAt { .. }
            | Op::Advise { .. }
            | Op::Len { .. }
    )
}

impl Layer for CutLayer {
    fn around<T>(&self, op: Op<'_>, run: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.before(&op);
        run()
    }
}

impl Cuts {
    /// Those since the last call.
    pub(crate) fn take(&self) -> Vec<Cut> {
        std::mem::take(&mut lock(&self.0).cuts)
    }

    pub(crate) fn counts(&self) -> Counts {
        lock(&self.0).counts
    }
}

/// An executor without threads that counts the jobs of each lane.
#[derive(Debug)]
pub(crate) struct Counted {
    inline: Inline,
    jobs: Arc<[AtomicU64; 3]>,
}

impl Counted {
    pub(crate) fn new(seed: u64, jobs: Arc<[AtomicU64; 3]>) -> Counted {
        Counted { inline: Inline::new(seed), jobs }
    }
}

impl Executor for Counted {
    fn spawn(&self, lane: Lane, job: BackgroundJob) {
        let jobs = Arc::clone(&self.jobs);
        let count = move || {
            let of_lane = jobs.iter().zip(Lane::ALL).find(|(_, known)| *known == lane);
            if let Some((count, _)) = of_lane {
                count.fetch_add(1, Ordering::Relaxed);
            }
            job();
        };
        self.inline.spawn(lane, Box::new(count));
    }

    fn spawn_after(&self, delay: Duration, job: BackgroundJob) {
        self.inline.spawn_after(delay, job);
    }

    fn step(&self) {
        self.inline.step();
    }

    fn has_threads(&self) -> bool {
        self.inline.has_threads()
    }

    fn help(&self) -> bool {
        self.inline.help()
    }

    fn shut_down(&self) {
        self.inline.shut_down();
    }
}

//! Stands before the disk, counts what is done to it, and keeps what a power cut at that moment would leave.

use std::{
    collections::BTreeSet,
    fmt, io,
    path::{Path, PathBuf},
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
    /// Those among them that change something, which are those worth a cut: between two reads nothing changes that a cut could take.
    pub changes: u64,
    /// Tables created.
    pub tables: u64,
    /// Logs that were left for another one by a database that was open.
    pub log_rotations: u64,
    /// Manifests that were begun by a database that was open.
    pub manifest_rotations: u64,
}

/// Before which of the changes the power goes.
#[derive(Debug)]
pub(crate) enum Choice {
    Never,
    Every,
    /// One in so many, on average.
    OneIn(usize),
    /// Those of these numbers, counted from 1.
    At(BTreeSet<u64>),
    /// So many, however many changes there will be, each as likely as every other: a reservoir sample (Vitter, "Random sampling with a
    /// reservoir", 1985, algorithm R).
    Any(usize),
}

struct State {
    counts: Counts,
    seed: u64,
    /// For the choice.
    rng: Rng,
    choice: Choice,
    cuts: Vec<Cut>,
    /// Whether a database is open, and no longer opening.
    is_open: bool,
    /// The log that has got the last record since it was opened.
    log: Option<PathBuf>,
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
    /// Cuts before the chosen ones of the operations that change `disk`.
    pub(crate) fn new(disk: MemFs, seed: u64, choice: Choice) -> (CutLayer, Cuts) {
        let (counts, rng) = (Counts::default(), Rng::new(seed));
        let state = State { counts, seed, rng, choice, cuts: Vec::new(), is_open: false, log: None };
        let state = Arc::new(Mutex::new(state));
        (CutLayer { disk, state: Arc::clone(&state) }, Cuts(state))
    }

    fn before(&self, op: &Op<'_>) {
        let mut state = lock(&self.state);
        state.counts.operations += 1;
        if op.kind().is_read() {
            return;
        }
        state.counts.changes += 1;
        state.count(op);
        match state.place() {
            Some(place) if place < state.cuts.len() => {
                let cut = state.cut(&self.disk);
                state.cuts[place] = cut;
            }
            Some(_) => {
                let cut = state.cut(&self.disk);
                state.cuts.push(cut);
            }
            None => {}
        }
    }
}

impl State {
    fn count(&mut self, op: &Op<'_>) {
        match op {
            Op::Create { path } => {
                self.counts.tables += u64::from(has_extension(path, "sst"));
                let is_manifest = path.to_string_lossy().contains("MANIFEST-");
                self.counts.manifest_rotations += u64::from(is_manifest && self.is_open);
            }
            // At the beginning is the header.
            Op::WriteAt { path, offset: 1.., .. } if self.is_open && has_extension(path, "log") => {
                // Paths of logs order as their numbers do; an older one may still get its end.
                let newest = self.log.as_deref().is_none_or(|log| log < *path);
                if newest {
                    self.counts.log_rotations += u64::from(self.log.is_some());
                    self.log = Some(path.to_path_buf());
                }
            }
            _ => {}
        }
    }

    /// Where the cut before this change goes among the cuts; `None` when there is none.
    fn place(&mut self) -> Option<usize> {
        let (next, change) = (self.cuts.len(), self.counts.changes);
        match &self.choice {
            Choice::Never => None,
            Choice::Every => Some(next),
            Choice::OneIn(one_in) => (self.rng.index(*one_in) == 0).then_some(next),
            Choice::At(changes) => changes.contains(&change).then_some(next),
            Choice::Any(count) if next < *count => Some(next),
            Choice::Any(count) => {
                let place = self.rng.below(change);
                usize::try_from(place).ok().filter(|place| place < count)
            }
        }
    }

    /// What is lost depends on the change alone, whichever others are chosen.
    fn cut(&self, disk: &MemFs) -> Cut {
        let mut rng = Rng::new(self.seed ^ self.counts.changes.wrapping_mul(0xd6e8_feb8_6659_fd93));
        let (fate, seed) = (rng.index(12), rng.next_u64());
        let (outage, disk) = match fate {
            0 => (Outage::Process, disk.clone_now()),
            1 => (Outage::Power, disk.power_cut_best()),
            2 | 3 => (Outage::Power, disk.power_cut_worst()),
            _ => (Outage::Power, disk.power_cut(seed)),
        };
        Cut { operation: self.counts.operations, outage, disk }
    }
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
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

    /// A database has been opened: what it begins from now on is a rotation.
    pub(crate) fn opened(&self) {
        lock(&self.0).is_open = true;
    }

    /// The database is closed, and will be opened again.
    pub(crate) fn closed(&self) {
        let mut state = lock(&self.0);
        (state.is_open, state.log) = (false, None);
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

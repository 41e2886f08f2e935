//! Where background jobs run: on threads, or at chosen points of one thread.

use std::{collections::VecDeque, fmt};

use crate::sync::{Arc, AtomicBool, Mutex, Ordering, Receiver, Sender, spawn, thread, unbounded};

/// A piece of background work.
pub type BackgroundJob = Box<dyn FnOnce() + Send>;

/// Jobs of one lane start in the order in which they were spawned; lanes do not wait for each other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Lane {
    /// Memtables to tables. Never behind a compaction.
    Flush,
    /// Tables to tables.
    Compaction,
    /// Preparing logs, removing files, dropping what takes long to drop.
    Housekeeping,
}

impl Lane {
    /// All of them.
    pub const ALL: [Lane; 3] = [Lane::Flush, Lane::Compaction, Lane::Housekeeping];
}

/// Runs the background jobs of a database.
///
/// A job does not panic (the engine catches that) and waits for no other job.
pub trait Executor: fmt::Debug + Send + Sync {
    /// Runs a job some time. Dropped, not run, after [`Executor::shut_down`].
    fn spawn(&self, lane: Lane, job: BackgroundJob);

    /// Called at every step of a foreground operation. An executor without threads runs jobs here.
    fn step(&self);

    /// Whether jobs run by themselves. Without threads, an operation that cannot go on before some job has run calls [`Executor::help`].
    fn has_threads(&self) -> bool;

    /// Runs one job, if there are no threads to do it. True when one was run.
    fn help(&self) -> bool;

    /// Refuses further jobs, drops those that have not begun, and waits for the others.
    fn shut_down(&self);
}

/// One thread for flushes and housekeeping each, and some for compactions, fed through channels.
pub struct Threads {
    /// One for each lane; none after the end.
    senders: Mutex<Option<[Sender<BackgroundJob>; 3]>>,
    /// Jobs that have not begun are dropped.
    is_closed: Arc<AtomicBool>,
    workers: Mutex<Vec<thread::JoinHandle<()>>>,
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Threads({})", self.workers.lock().len())
    }
}

impl Threads {
    /// Starts the threads: `compactions` for compactions, at least one.
    pub fn new(compactions: usize) -> Threads {
        let is_closed = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::new();
        let senders = Lane::ALL.map(|lane| {
            let (sender, receiver) = unbounded();
            let count = if lane == Lane::Compaction { compactions.max(1) } else { 1 };
            for _ in 0..count {
                let (receiver, is_closed) = (receiver.clone(), Arc::clone(&is_closed));
                let name = format!("siltstone-{lane:?}").to_lowercase();
                threads.extend(spawn(&name, move || run_jobs(&receiver, &is_closed)));
            }
            sender
        });
        Threads { senders: Mutex::new(Some(senders)), is_closed, workers: Mutex::new(threads) }
    }
}

/// The life of a thread: ends with its lane's sender.
fn run_jobs(jobs: &Receiver<BackgroundJob>, is_closed: &AtomicBool) {
    while let Ok(job) = jobs.recv() {
        if !is_closed.load(Ordering::Acquire) {
            job();
        }
    }
}

impl Executor for Threads {
    fn spawn(&self, lane: Lane, job: BackgroundJob) {
        let senders = self.senders.lock();
        if let Some([flush, compaction, housekeeping]) = &*senders {
            let sender = match lane {
                Lane::Flush => flush,
                Lane::Compaction => compaction,
                Lane::Housekeeping => housekeeping,
            };
            // Receivers live as long as the senders do.
            let _ = sender.send(job);
        }
    }

    fn step(&self) {}

    fn has_threads(&self) -> bool {
        true
    }

    fn help(&self) -> bool {
        false
    }

    fn shut_down(&self) {
        self.is_closed.store(true, Ordering::Release);
        drop(self.senders.lock().take());
        let threads = std::mem::take(&mut *self.workers.lock());
        for thread in threads {
            // A job that panicked was reported where it happened.
            let _ = thread.join();
        }
    }
}

/// No threads: jobs run one at a time on the thread of whoever steps, in an order chosen by a seed. For tests.
#[derive(Debug)]
pub struct Inline {
    state: Mutex<InlineState>,
    running: AtomicBool,
}

struct InlineState {
    lanes: [VecDeque<BackgroundJob>; 3],
    random: u64,
    closed: bool,
}

impl fmt::Debug for InlineState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InlineState({:?} waiting)", self.lanes.each_ref().map(VecDeque::len))
    }
}

impl Inline {
    /// An executor whose choices are a function of the seed.
    pub fn new(seed: u64) -> Inline {
        let state = InlineState { lanes: Default::default(), random: seed, closed: false };
        Inline { state: Mutex::new(state), running: AtomicBool::new(false) }
    }

    /// Takes the next job: of a lane that is chosen among those that have one.
    fn take(&self, may_idle: bool) -> Option<BackgroundJob> {
        let mut state = self.state.lock();
        // splitmix64 (Steele, Lea, Flood 2014).
        state.random = state.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^= mixed >> 27;
        if may_idle && mixed & 3 != 0 {
            return None;
        }
        let ready: Vec<usize> = (0..3).filter(|&lane| !state.lanes[lane].is_empty()).collect();
        let choice = usize::try_from((mixed >> 8) % ready.len().max(1) as u64).ok()?;
        let lane = *ready.get(choice)?;
        state.lanes[lane].pop_front()
    }

    fn run(&self, may_idle: bool) -> bool {
        // A job may step, too: it does not start another inside itself.
        if self.running.swap(true, Ordering::AcqRel) {
            return false;
        }
        let job = self.take(may_idle);
        let found = job.is_some();
        if let Some(job) = job {
            job();
        }
        self.running.store(false, Ordering::Release);
        found
    }
}

impl Executor for Inline {
    fn spawn(&self, lane: Lane, job: BackgroundJob) {
        let mut state = self.state.lock();
        if !state.closed {
            let at = Lane::ALL.iter().position(|known| *known == lane).unwrap_or(0);
            state.lanes[at].push_back(job);
        }
    }

    fn step(&self) {
        self.run(true);
    }

    fn has_threads(&self) -> bool {
        false
    }

    fn help(&self) -> bool {
        self.run(false)
    }

    fn shut_down(&self) {
        let dropped = {
            let mut state = self.state.lock();
            state.closed = true;
            std::mem::take(&mut state.lanes)
        };
        drop(dropped);
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;
    use crate::sync::AtomicU64;

    #[test]
    fn threads_run_every_job_and_shut_down_waits_for_those_that_run() {
        let done = Arc::new(AtomicU64::new(0));
        let threads = Threads::new(2);
        let (sender, receiver) = std::sync::mpsc::channel();
        for lane in Lane::ALL {
            for _ in 0..10 {
                let (done, sender) = (Arc::clone(&done), sender.clone());
                threads.spawn(
                    lane,
                    Box::new(move || {
                        done.fetch_add(1, Ordering::SeqCst);
                        let _ = sender.send(());
                    }),
                );
            }
        }
        for _ in 0..30 {
            receiver.recv_timeout(std::time::Duration::from_mins(1)).unwrap();
        }
        threads.shut_down();
        threads.spawn(Lane::Flush, Box::new(|| panic!("spawned after the end")));
        assert_eq!(done.load(Ordering::SeqCst), 30);
    }

    #[test]
    fn inline_runs_lanes_in_an_order_that_the_seed_decides() {
        let order = |seed| {
            let inline = Inline::new(seed);
            let order = Arc::new(Mutex::new(Vec::new()));
            for number in 0..4 {
                for lane in Lane::ALL {
                    let order = Arc::clone(&order);
                    inline.spawn(lane, Box::new(move || order.lock().push((lane, number))));
                }
            }
            while inline.help() {}
            let order = order.lock().clone();
            for lane in Lane::ALL {
                let of_lane: Vec<_> =
                    order.iter().filter(|(other, _)| *other == lane).map(|(_, n)| *n).collect();
                assert_eq!(of_lane, [0, 1, 2, 3], "a lane is out of order");
            }
            order
        };
        assert_eq!(order(1), order(1));
        assert!((2..20).any(|seed| order(seed) != order(1)), "the seed decides nothing");
    }
}

//! Where background jobs run: on threads, or at chosen points of one thread.

use std::{collections::VecDeque, fmt, time::Duration};

use crate::{
    Clock,
    sync::{Arc, AtomicBool, Mutex, Ordering, Receiver, Sender, spawn, thread, unbounded},
    timer::{Timer, take_due},
};

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

    /// Runs a job in [`Lane::Housekeeping`] when this time has passed, or soon after. Dropped, not run, after [`Executor::shut_down`].
    fn spawn_after(&self, delay: Duration, job: BackgroundJob);

    /// Called at every step of a foreground operation. An executor without threads runs jobs here.
    fn step(&self);

    /// Whether jobs run by themselves. Without threads, an operation that cannot go on before some job has run calls [`Executor::help`].
    fn has_threads(&self) -> bool;

    /// Runs one job, if there are no threads to do it. True when one was run.
    fn help(&self) -> bool;

    /// Refuses further jobs, drops those that have not begun, and waits for the others.
    fn shut_down(&self);
}

/// One thread for flushes and housekeeping each, and some for compactions, fed through channels. Another one waits for what is due later, once there is
/// something; it goes by the operating system's clock.
pub struct Threads {
    /// One for each lane; none after the end.
    senders: Mutex<Option<[Sender<BackgroundJob>; 3]>>,
    /// `None` after the end.
    timer: Mutex<Option<Timer>>,
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
        let [_, _, housekeeping] = &senders;
        let timer = Mutex::new(Some(Timer::new(housekeeping.clone())));
        Threads { senders: Mutex::new(Some(senders)), timer, is_closed, workers: Mutex::new(threads) }
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

    fn spawn_after(&self, delay: Duration, job: BackgroundJob) {
        if let Some(timer) = &*self.timer.lock() {
            timer.add(delay, job);
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
        // First, because it holds a sender, too.
        let timer = self.timer.lock().take();
        if let Some(timer) = timer {
            timer.shut_down();
        }
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
    clock: Option<Arc<dyn Clock>>,
}

struct InlineState {
    lanes: [VecDeque<BackgroundJob>; 3],
    /// What is due later, with the time by the clock.
    later: Vec<(Duration, BackgroundJob)>,
    random: u64,
    closed: bool,
}

impl fmt::Debug for InlineState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InlineState({:?} waiting)", self.lanes.each_ref().map(VecDeque::len))
    }
}

impl Inline {
    /// An executor whose choices are a function of the seed, and for which no time passes: what is due later is never run.
    pub fn new(seed: u64) -> Inline {
        let (lanes, later) = (Default::default(), Vec::new());
        let state = InlineState { lanes, later, random: seed, closed: false };
        Inline { state: Mutex::new(state), running: AtomicBool::new(false), clock: None }
    }

    /// Like [`Inline::new`], with a clock, which is looked at whenever a job could be run.
    pub fn with_clock(seed: u64, clock: Arc<dyn Clock>) -> Inline {
        Inline { clock: Some(clock), ..Inline::new(seed) }
    }

    /// Takes the next job: of a lane that is chosen among those that have one.
    fn take(&self, may_idle: bool) -> Option<BackgroundJob> {
        let now = self.clock.as_ref().map(|clock| clock.monotonic());
        let mut state = self.state.lock();
        if let Some(now) = now {
            let due = take_due(&mut state.later, now);
            let [_, _, housekeeping] = &mut state.lanes;
            housekeeping.extend(due);
        }
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

    fn spawn_after(&self, delay: Duration, job: BackgroundJob) {
        // Without a clock there is no later.
        let Some(now) = self.clock.as_ref().map(|clock| clock.monotonic()) else { return };
        let mut state = self.state.lock();
        if !state.closed {
            state.later.push((now.saturating_add(delay), job));
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
            (std::mem::take(&mut state.lanes), std::mem::take(&mut state.later))
        };
        drop(dropped);
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;
    use crate::{OsClock, TestClock, sync::AtomicU64};

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
    fn threads_run_what_is_due_later_in_the_order_of_its_time_and_shut_down_drops_the_rest() {
        let threads = Threads::new(1);
        let (sender, receiver) = std::sync::mpsc::channel();
        let started = OsClock.monotonic();
        for milliseconds in [60, 20, 40] {
            let sender = sender.clone();
            let job = move || sender.send(milliseconds).unwrap();
            threads.spawn_after(Duration::from_millis(milliseconds), Box::new(job));
        }
        let order: Vec<_> = (0..3).map(|_| receiver.recv_timeout(Duration::from_mins(1)).unwrap()).collect();
        assert_eq!(order, [20, 40, 60]);
        assert!(OsClock.monotonic().saturating_sub(started) >= Duration::from_millis(60));
        threads.spawn_after(Duration::from_hours(1), Box::new(move || sender.send(0).unwrap()));
        threads.shut_down();
        // The job is gone, and with it the last sender.
        assert!(receiver.recv().is_err());
    }

    #[test]
    fn inline_runs_what_is_due_later_when_its_clock_says_so() {
        let clock = Arc::new(TestClock::new(0));
        let inline = Inline::with_clock(1, Arc::clone(&clock) as Arc<dyn Clock>);
        let order = Arc::new(Mutex::new(Vec::new()));
        for milliseconds in [60, 20, 40] {
            let order = Arc::clone(&order);
            let job = move || order.lock().push(milliseconds);
            inline.spawn_after(Duration::from_millis(milliseconds), Box::new(job));
        }
        clock.advance(19);
        assert!(!inline.help());
        clock.advance(21);
        while inline.help() {}
        assert_eq!(*order.lock(), [20, 40]);
        clock.advance(20);
        assert!(inline.help());
        assert_eq!(*order.lock(), [20, 40, 60]);
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

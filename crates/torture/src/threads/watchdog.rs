//! Ends the process when a thread hangs, and says what every thread was doing.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// How often the watchdog looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A thread that does the same for so many looks hangs: a minute.
const LOOKS_MAX: u32 = 600;

/// What one thread tells the watchdog.
#[derive(Debug)]
pub(crate) struct Post {
    name: String,
    steps: AtomicU64,
    doing: Mutex<&'static str>,
}

impl Post {
    /// Says what comes next. Called before everything that could hang.
    pub(crate) fn doing(&self, what: &'static str) {
        *self.doing.lock().unwrap_or_else(PoisonError::into_inner) = what;
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    /// The thread is at its end, and will say no more.
    pub(crate) fn done(&self) {
        self.doing("done");
        self.steps.store(u64::MAX, Ordering::Relaxed);
    }

    fn what(&self) -> &'static str {
        *self.doing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Watches until it is dropped.
#[derive(Debug)]
pub(crate) struct Watchdog {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// Watches threads of these names; `what` says which run it is. Returns their posts, in this order.
    pub(crate) fn new(what: String, names: impl Iterator<Item = String>) -> (Watchdog, Vec<Arc<Post>>) {
        let post = |name| Arc::new(Post { name, steps: AtomicU64::new(0), doing: Mutex::new("starting") });
        let posts: Vec<_> = names.map(post).collect();
        let is_over = Arc::new(AtomicBool::new(false));
        let (over, watched) = (Arc::clone(&is_over), posts.clone());
        let thread = thread::spawn(move || watch(&what, &watched, &over));
        (Watchdog { is_over, thread: Some(thread) }, posts)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It has nothing to say: a hang ends the process.
            let _ = thread.join();
        }
    }
}

fn watch(what: &str, posts: &[Arc<Post>], is_over: &AtomicBool) {
    let mut seen: Vec<(u64, u32)> = vec![(0, 0); posts.len()];
    while !is_over.load(Ordering::Relaxed) {
        thread::park_timeout(LOOK_EVERY);
        for (post, (steps, looks)) in posts.iter().zip(&mut seen) {
            let now = post.steps.load(Ordering::Relaxed);
            *looks = if now == *steps && now != u64::MAX { *looks + 1 } else { 0 };
            *steps = now;
            if *looks > LOOKS_MAX {
                give_up(what, &post.name, posts);
            }
        }
    }
}

#[expect(clippy::print_stderr, reason = "the last words of a process that is about to end")]
fn give_up(what: &str, name: &str, posts: &[Arc<Post>]) {
    eprintln!("{what}: {name} hangs");
    for post in posts {
        eprintln!("  {} after {} steps: {}", post.name, post.steps.load(Ordering::Relaxed), post.what());
    }
    std::process::abort();
}

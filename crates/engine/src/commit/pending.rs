//! A write on its way through the pipeline, and the thread that waits for it.

use siltstone_wal::Payload;

use crate::{
    Durability, Error, Result, WriteBatch,
    keyspace::KeyspaceId,
    manifest::state::LogPosition,
    sync::{Arc, Condvar, FigureAtomicBool, Mutex, Ordering, look_for_a_moment},
};

/// One batch between `write` and its acknowledgement.
#[derive(Debug)]
pub(crate) struct Pending {
    /// The batch's encoding: what is logged, and what is applied.
    pub(crate) payload: Vec<u8>,
    pub(crate) payload_crc: u32,
    /// Number of entries, at least 1.
    pub(crate) count: u32,
    /// Bytes of its keys and values.
    pub(crate) user_bytes: u64,
    /// Those that have entries, each once.
    pub(crate) keyspaces: Vec<KeyspaceId>,
    pub(crate) durability: Durability,
    progress: Mutex<Progress>,
    changed: Condvar,
    /// Whether it was told something that it does not know yet. Only says that the lock is worth taking.
    has_news: FigureAtomicBool,
}

#[derive(Clone, Debug)]
enum Progress {
    /// In the queue, or in the hands of a leader.
    Waiting,
    /// To lead the next group.
    Leads,
    /// Visible, and as durable as asked.
    Published(LogPosition),
    Failed(Error),
}

/// What a waiting writer is told.
#[derive(Debug)]
pub(crate) enum Told {
    Lead,
    Published(LogPosition),
}

impl Pending {
    pub(crate) fn new(batch: &mut WriteBatch, durability: Durability) -> Arc<Pending> {
        let ((payload, keyspaces), count) = (batch.take(), batch.len());
        let user_bytes = batch.user_bytes();
        // Here, on the writer's own thread, and not under the log's lock.
        let payload_crc = Payload::new(&payload).crc();
        let (progress, changed) = (Mutex::new(Progress::Waiting), Condvar::default());
        let has_news = FigureAtomicBool::new(false);
        Arc::new(Pending {
            payload,
            payload_crc,
            count,
            user_bytes,
            keyspaces,
            durability,
            progress,
            changed,
            has_news,
        })
    }

    pub(crate) fn payload(&self) -> Payload<'_> {
        Payload::with_crc(&self.payload, self.payload_crc)
    }

    pub(crate) fn wait(&self) -> Result<Told> {
        // Whoever waits for no sync waits for less time than it takes to be woken.
        if !self.durability.waits_for_sync() {
            look_for_a_moment(|| self.has_news.load(Ordering::Relaxed));
        }
        let mut progress = self.progress.lock();
        loop {
            match &*progress {
                Progress::Waiting => progress = self.changed.wait(progress),
                Progress::Leads => {
                    *progress = Progress::Waiting;
                    self.has_news.store(false, Ordering::Relaxed);
                    return Ok(Told::Lead);
                }
                Progress::Published(end) => return Ok(Told::Published(*end)),
                Progress::Failed(error) => return Err(error.clone()),
            }
        }
    }

    pub(crate) fn lead(&self) {
        self.tell(Progress::Leads);
    }

    pub(crate) fn publish(&self, end: LogPosition) {
        self.tell(Progress::Published(end));
    }

    pub(crate) fn fail(&self, error: &Error) {
        self.tell(Progress::Failed(error.clone()));
    }

    fn tell(&self, news: Progress) {
        {
            let mut progress = self.progress.lock();
            *progress = news;
            self.has_news.store(true, Ordering::Relaxed);
        }
        self.changed.notify_one();
    }
}

//! What was written, and when it was acknowledged: what a reader may see and must see follows from that.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use siltstone::{Durability, Error, WriteBatch};

use crate::{Checked, database::Database};

/// Writers in any test, at most.
pub(crate) const WRITERS: usize = 3;

/// For each writer the number of a batch of it; 0 for none.
pub(crate) type Rounds = [u64; WRITERS];

/// One batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Write {
    pub(crate) writer: usize,
    pub(crate) round: u64,
    pub(crate) durability: Durability,
    /// When it was begun; the moments of a history are numbered.
    pub(crate) began: u64,
    pub(crate) ended: Option<Ended>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ended {
    Acknowledged(u64),
    Failed(u64),
}

/// All batches of a run. Clones are the same history.
///
/// Its lock is the standard library's: it is never held where shuttle may switch threads.
#[derive(Clone, Default, Debug)]
pub(crate) struct History(Arc<Mutex<Events>>);

#[derive(Default, Debug)]
struct Events {
    now: u64,
    writes: Vec<Write>,
}

impl Events {
    fn tick(&mut self) -> u64 {
        self.now += 1;
        self.now
    }
}

impl History {
    fn events(&self) -> MutexGuard<'_, Events> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn writes(&self) -> Vec<Write> {
        self.events().writes.clone()
    }

    /// Writes the next batch of a writer: its round and "I was the last" (`x`, and `y`) into both keyspaces.
    pub(crate) fn write(
        &self,
        database: &Database,
        writer: usize,
        durability: Durability,
    ) -> siltstone::Result<()> {
        let (at, round) = {
            let mut events = self.events();
            let round = 1 + events.writes.iter().filter(|write| write.writer == writer).count() as u64;
            let began = events.tick();
            events.writes.push(Write { writer, round, durability, began, ended: None });
            (events.writes.len() - 1, round)
        };
        let mut batch = WriteBatch::new();
        let (mark, last) = (format!("w{writer}"), format!("{writer}:{round}"));
        batch.put(&mark, round.to_string()).put("x", &last);
        // One more on one side, so that the memtables of the two keyspaces are not full at the same time.
        batch.put("y", &last);
        batch.put_in(&database.other, &mark, round.to_string()).put_in(&database.other, "x", &last);
        let outcome = database.db.write_with(&mut batch, durability).map(drop);
        let mut events = self.events();
        let now = events.tick();
        events.writes[at].ended =
            Some(if outcome.is_ok() { Ended::Acknowledged(now) } else { Ended::Failed(now) });
        outcome
    }

    /// The present moment, which is different from every other one.
    pub(crate) fn moment(&self) -> u64 {
        self.events().tick()
    }

    /// Checks what a read that was begun at a moment found of the key that every batch writes: it must not be older than what was acknowledged by then.
    pub(crate) fn check_last(&self, found: Option<(usize, u64)>, began: u64) -> Checked {
        let writes = self.writes();
        let acknowledged = |write: &Write| match write.ended {
            Some(Ended::Acknowledged(at)) => at,
            _ => u64::MAX,
        };
        let found_at = match found {
            None => 0,
            Some(found) => {
                let write = writes.iter().find(|write| (write.writer, write.round) == found);
                acknowledged(write.ok_or_else(|| format!("nobody wrote {found:?}"))?)
            }
        };
        let newer = writes.iter().find(|write| write.began > found_at && acknowledged(write) < began);
        newer.map_or(Ok(()), |newer| Err(format!("{found:?} was read although {newer:?} came before")))
    }

    fn newest(&self, counts: impl Fn(&Write) -> bool) -> Rounds {
        let mut rounds = Rounds::default();
        for write in self.events().writes.iter().filter(|write| counts(write)) {
            rounds[write.writer] = rounds[write.writer].max(write.round);
        }
        rounds
    }

    /// What is acknowledged by now: every view that is taken from now on has it.
    pub(crate) fn acknowledged(&self) -> Rounds {
        self.newest(|write| matches!(write.ended, Some(Ended::Acknowledged(_))))
    }

    /// What is acknowledged as durable by now.
    pub(crate) fn durable(&self) -> Rounds {
        self.newest(|write| {
            write.durability == Durability::Sync && matches!(write.ended, Some(Ended::Acknowledged(_)))
        })
    }

    /// What may be seen by now.
    pub(crate) fn begun(&self) -> Rounds {
        self.newest(|_| true)
    }

    /// What was acknowledged before a batch was begun: it comes before that batch in every order.
    pub(crate) fn before(&self, writer: usize, round: u64) -> Rounds {
        let began = self
            .writes()
            .iter()
            .find(|write| (write.writer, write.round) == (writer, round))
            .map_or(0, |write| write.began);
        self.newest(|write| matches!(write.ended, Some(Ended::Acknowledged(at)) if at < began))
    }

    /// Once somebody was told that writing has stopped, nobody is told that it goes on.
    pub(crate) fn check_nothing_after_a_failure(&self) -> Checked {
        let writes = self.writes();
        let failed = writes.iter().filter_map(|write| match write.ended {
            Some(Ended::Failed(at)) => Some(at),
            _ => None,
        });
        let Some(first) = failed.min() else { return Ok(()) };
        let late = writes
            .iter()
            .find(|write| write.began > first && matches!(write.ended, Some(Ended::Acknowledged(_))));
        late.map_or(Ok(()), |write| Err(format!("acknowledged after a failure at {first}: {write:?}")))
    }
}

/// Whether a write was refused because the database is closed.
pub(crate) fn is_closed(error: &Error) -> bool {
    matches!(error, Error::Closed)
}

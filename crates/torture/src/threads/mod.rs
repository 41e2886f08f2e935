//! Real threads on one database: writers, readers, flushes, compactions, keyspaces that come and go, and kills. What must hold at every moment is
//! checked at every moment that somebody looks at.
//!
//! Each writer owns some accounts, half of them in each of two keyspaces, and moves money between them: one batch writes two accounts and the
//! writer's round at both ends of the key range of both keyspaces. So every view of the database must show the same round in all four places, and
//! the same sum; and no account may go back to an older round, neither for a reader who looks again, nor after a kill.

mod gate;
mod run;
mod view;
mod watchdog;

pub use run::{Plan, Report, run};

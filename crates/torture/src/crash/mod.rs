//! Whole databases that lose their power: operations by seed, an outage before every change of the disk, recovery, and an oracle that
//! knows what may be found.

mod content;
mod layer;
mod open;
mod oracle;
mod plan;
mod recover;
mod run;
mod shrink;
mod swallow;

pub use content::{Content, Report};
pub use layer::Counts;
pub(crate) use open::{contents as contents_of, state as state_of};
pub(crate) use oracle::{Contents, Incarnation, Oracle, Outage, State, Written, difference};
pub(crate) use plan::key;
pub use plan::{Change, Operation, Plan};
pub use recover::Recovered;
pub use run::{Amount, CutAt, Failure, Options, full_plan, run};
pub use shrink::shrink;
pub use siltstone::planted::Bug;
pub use swallow::Plant;

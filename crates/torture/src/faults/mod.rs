//! Whole databases on a disk whose operations fail: what was acknowledged stays, errors are told, and what can go on goes on.

mod life;

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use siltstone_vfs::{Decision, Fault, FaultFs, FirstOf, Injector, MemFs, Op, OpKind, injector_fn};

use crate::{
    crash::{Bug, Outage, state_of},
    faults::life::{Run, open},
};

/// What goes wrong with operations of some kinds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// One fails.
    Once,
    /// One fails, and all after it.
    ForGood,
    /// The disk is full from one operation on, and has room again some writes after that was first noticed.
    Full,
    /// One write is torn: it fails after some bytes.
    Torn,
    /// Reads from one on get a few bytes at a time, which is no failure.
    Short,
    /// A sync fails as on Linux: what it was for is lost, and the next one succeeds. It happens at the `nth` write, and the kinds do not matter.
    Sync,
}

/// The kinds of operations that a database uses.
pub const USED: [OpKind; 20] = [
    OpKind::Create,
    OpKind::Open,
    OpKind::Rename,
    OpKind::HardLink,
    OpKind::Remove,
    OpKind::List,
    OpKind::Metadata,
    OpKind::CreateDirAll,
    OpKind::RemoveDir,
    OpKind::SyncDir,
    OpKind::Lock,
    OpKind::ReadAt,
    OpKind::Advise,
    OpKind::WriteAt,
    OpKind::Allocate,
    OpKind::SyncData,
    OpKind::SyncAll,
    OpKind::SetLen,
    OpKind::Len,
    OpKind::SetLockContent,
];

/// Those that it does not use, and why.
pub const UNUSED: [(OpKind, &str); 2] = [
    (OpKind::OpenForOverwrite, "no log is recycled"),
    (OpKind::AvailableBytes, "that the disk is full is told by the write that fails"),
];

/// Those that a full disk fails.
pub const NEED_SPACE: [OpKind; 6] = [
    OpKind::Create,
    OpKind::WriteAt,
    OpKind::Allocate,
    OpKind::Rename,
    OpKind::HardLink,
    OpKind::CreateDirAll,
];

/// A run with one trouble.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// Kinds of the operations that it happens to.
    pub kinds: &'a [OpKind],
    /// What happens.
    pub trouble: Trouble,
    /// Which of the operations it happens to, or begins with, counted from 0.
    pub nth: u64,
    /// What the run is drawn from.
    pub seed: u64,
    /// A bug of the engine, which must be found.
    pub bug: Option<Bug>,
}

/// What a run did.
#[derive(Clone, Copy, Default, Debug)]
pub struct FaultReport {
    /// Operations of the kinds, so that one can fail each of them in turn.
    pub matched: u64,
    /// Those that something was done to.
    pub hits: u64,
    /// Calls of the database that returned an error.
    pub errors: u64,
    /// Whether writing had stopped at the end of a life.
    pub has_stopped: bool,
    /// Whether a full disk got room again and was written to, flushed and compacted in the same life.
    pub has_gone_on: bool,
    /// Checkpoints that were made, opened and compared.
    pub checkpoints: u64,
    /// Snapshots that were read and compared.
    pub snapshots: u64,
    /// Tables that were given another place as they are.
    pub moves: u64,
    /// Merges.
    pub merges: u64,
}

/// Writes, flushes, compacts, copies and reopens a database on a disk in trouble, and then looks at what is left, without the trouble, after a
/// kill and after a power cut.
///
/// # Errors
///
/// The promise that was broken.
pub fn run(case: &Case<'_>) -> Result<FaultReport, String> {
    let fault = Arc::new(fault(case));
    let mut injectors: Vec<Arc<dyn Injector>> = vec![Arc::clone(&fault) as _];
    injectors.extend(case.kinds.iter().filter_map(|kind| cause(*kind)));
    let disk = MemFs::new();
    let fs = FaultFs::new(Arc::new(disk.clone()), Arc::new(FirstOf(injectors)));
    let mut run = Run::new(*case, disk, Arc::new(fs), Arc::clone(&fault));
    run.live()?;
    (run.report.matched, run.report.hits) = (fault.matched(), fault.hits());
    for (outage, left) in [
        (Outage::Process, run.disk.clone_now()),
        (Outage::Power, run.disk.power_cut_worst()),
        (Outage::Power, run.disk.power_cut(case.seed ^ case.nth)),
    ] {
        let told = |what| format!("after the {outage:?} outage: {what}");
        let db = open(case, Arc::new(left), case.seed).map_err(|error| told(format!("{error:?}")))?;
        run.oracle.judge(&state_of(&db)?, outage).map_err(told)?;
    }
    Ok(run.report)
}

/// How often a whole run without any trouble does operations of a kind.
///
/// # Errors
///
/// As for [`run`].
pub fn count(kind: OpKind, seed: u64) -> Result<u64, String> {
    let case = Case { kinds: &[kind], trouble: Trouble::ForGood, nth: u64::MAX, seed, bug: None };
    run(&case).map(|report| report.matched)
}

fn fault(case: &Case<'_>) -> Fault {
    let fail = |kind| Fault::fail(kind).on(case.kinds);
    match case.trouble {
        Trouble::Once => fail(io::ErrorKind::Other).at_nth(case.nth),
        Trouble::ForGood => fail(io::ErrorKind::Other).from_nth(case.nth),
        Trouble::Full => fail(io::ErrorKind::StorageFull).from_nth(case.nth),
        Trouble::Torn => Fault::shorten(9).on(case.kinds).at_nth(case.nth),
        Trouble::Short => Fault::shorten(5).on(case.kinds).from_nth(case.nth),
        Trouble::Sync => fail(io::ErrorKind::Other).from_nth(u64::MAX),
    }
}

/// What has to go wrong before, for operations of a kind to happen at all.
fn cause(kind: OpKind) -> Option<Arc<dyn Injector>> {
    match kind {
        // A log is cut after an append that failed.
        OpKind::SetLen => {
            let appends = AtomicU64::new(0);
            Some(injector_fn(move |op| {
                let is_torn = is_append(op) && appends.fetch_add(1, Ordering::Relaxed) % 8 == 7;
                if is_torn { Decision::Shorten(9) } else { Decision::Pass }
            }))
        }
        // Folders go with a checkpoint that is given up.
        OpKind::RemoveDir => Some(injector_fn(|op| match op {
            Op::HardLink { .. } => Decision::Fail(io::Error::other("no second name")),
            _ => Decision::Pass,
        })),
        _ => None,
    }
}

/// Of a record, to a log; the header is at the beginning.
fn is_append(op: &Op<'_>) -> bool {
    let is_log = |path: &Path| path.extension().is_some_and(|extension| extension == "log");
    matches!(op, Op::WriteAt { path, offset: 1.., .. } if is_log(path))
}

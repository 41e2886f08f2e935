//! Power cuts at any moment: what was synced is found, and what is found is a prefix of what was written.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use proptest::{collection::vec, prelude::*};
use siltstone_vfs::{Decision, FaultFs, Fs, MemFs, Op, injector_fn};
use siltstone_wal::{ChainLog, ChainReader, Ending, LogId, LogWriter, Predecessors, ReadMode, WriterOptions};

use crate::kit::{ID, record};

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<usize>),
    /// An append of which only this many bytes are written.
    Torn(usize),
    Sync,
    /// Goes on in a new log, which may be made from the file of the oldest one. The old log is finished by
    /// the next sync.
    Rotate {
        recycle: bool,
    },
    PowerCut(u64),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => vec(prop_oneof![0_usize..200, 3000_usize..9000], 1..4).prop_map(Step::Append),
        1 => (1_usize..500).prop_map(Step::Torn),
        3 => Just(Step::Sync),
        2 => any::<bool>().prop_map(|recycle| Step::Rotate { recycle }),
        4 => any::<u64>().prop_map(Step::PowerCut),
    ]
}

/// An owner of logs that keeps its list of them in memory, as if in a manifest.
struct Owner {
    disk: Arc<MemFs>,
    fs: FaultFs,
    /// Bytes after which the next write tears; 0 for none.
    tear_after: Arc<AtomicUsize>,
    /// Not synced in full; all but the last are full.
    writers: Vec<LogWriter>,
    live: Vec<LiveLog>,
    /// Payload lengths by tag.
    appended: Vec<usize>,
    /// Records that must survive.
    durable: usize,
    number: u64,
}

#[derive(Clone, Copy)]
struct LiveLog {
    number: u64,
    first_tag: usize,
    ending: Ending,
}

fn log_path(number: u64) -> PathBuf {
    Path::new("/").join(format!("{number:06}.log"))
}

fn payload(tag: usize, len: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from((at + tag) % 13).unwrap()).collect()
}

impl Owner {
    fn new() -> Owner {
        let disk = Arc::new(MemFs::new());
        let tear_after = Arc::new(AtomicUsize::new(0));
        let next_tear = Arc::clone(&tear_after);
        let injector = injector_fn(move |op| match op {
            Op::WriteAt { .. } => match next_tear.swap(0, Ordering::SeqCst) {
                0 => Decision::Pass,
                bytes => Decision::Shorten(bytes),
            },
            _ => Decision::Pass,
        });
        let fs = FaultFs::new(disk.clone(), injector);
        let (writers, live, appended) = (Vec::new(), Vec::new(), Vec::new());
        let mut owner = Owner { disk, fs, tear_after, writers, live, appended, durable: 0, number: 0 };
        owner.begin(None);
        owner
    }

    fn begin(&mut self, old_path: Option<&Path>) {
        self.number += 1;
        let id = LogId { number: self.number, ..ID };
        let predecessors =
            if self.writers.is_empty() { Predecessors::Synced } else { Predecessors::Unsynced };
        let options = WriterOptions { preallocate_bytes: 20_000, reserve_bytes: 0, predecessors };
        let path = log_path(self.number);
        let writer = match old_path {
            Some(old_path) => LogWriter::recycle(&self.fs, old_path, &path, id, options),
            None => LogWriter::create(&self.fs, &path, id, options),
        };
        self.writers.push(writer.unwrap());
        self.fs.sync_dir(Path::new("/")).unwrap();
        self.live.push(LiveLog {
            number: self.number,
            first_tag: self.appended.len(),
            ending: Ending::Unknown,
        });
    }

    fn append(&mut self, lens: &[usize], tear_after: usize) {
        let first = self.appended.len();
        let payloads: Vec<_> = lens.iter().enumerate().map(|(at, &len)| payload(first + at, len)).collect();
        let group: Vec<_> =
            payloads.iter().enumerate().map(|(at, bytes)| record((first + at) as u64, bytes)).collect();
        self.tear_after.store(tear_after, Ordering::SeqCst);
        let outcome = self.writers.last_mut().unwrap().append(&group);
        assert_eq!(outcome.is_err(), tear_after > 0);
        if outcome.is_ok() {
            self.appended.extend(lens);
        } else {
            // The cut was synced, which covers everything before it in this log; earlier logs may still be
            // lost.
            self.writers.last().unwrap().check().unwrap();
        }
    }

    fn sync(&mut self) {
        let last = self.writers.pop().unwrap();
        for writer in self.writers.drain(..) {
            let number = writer.number();
            writer.finish().unwrap();
            // Sometimes the owner writes that down, sometimes it does not come to it.
            let log = self.live.iter_mut().find(|log| log.number == number).unwrap();
            log.ending = if number.is_multiple_of(2) { Ending::Finished } else { Ending::Unknown };
        }
        last.predecessors_synced();
        last.sync().unwrap();
        self.writers.push(last);
        self.durable = self.appended.len();
    }

    fn rotate(&mut self, recycle: bool) {
        // Only a finished log may be recycled, and only when nothing refers to it.
        let can_recycle = recycle && self.live.len() > self.writers.len();
        let oldest = can_recycle.then(|| log_path(self.live.remove(0).number));
        self.begin(oldest.as_deref());
    }

    fn check_power_cut(&self, seed: u64) {
        let left = self.disk.power_cut(seed);
        let chain = |log: &LiveLog| ChainLog {
            path: log_path(log.number),
            id: LogId { number: log.number, ..ID },
            ending: log.ending,
            synced_to: 0,
        };
        let mut reader = ChainReader::open(&left, self.live.iter().map(chain).collect(), ReadMode::CrashTail)
            .unwrap_or_else(|error| panic!("{error:?}"));
        let mut expected = self.live[0].first_tag;
        while let Some((log, found)) = reader.next().unwrap_or_else(|error| panic!("{error:?}")) {
            assert_eq!(found.tag, expected as u64, "no hole and no ghost, in log {}", log.id.number);
            assert!(found.payload == payload(expected, self.appended[expected]));
            expected += 1;
        }
        assert!(expected >= self.durable, "{expected} records found, {} were synced", self.durable);
        assert!(expected <= self.appended.len());
    }
}

fn run(steps: &[Step]) {
    let mut owner = Owner::new();
    for step in steps {
        match step {
            Step::Append(lens) => owner.append(lens, 0),
            Step::Torn(bytes) => owner.append(&[100, 300, 100], *bytes),
            Step::Sync => owner.sync(),
            Step::Rotate { recycle } => owner.rotate(*recycle),
            Step::PowerCut(seed) => owner.check_power_cut(*seed),
        }
    }
    for seed in 0..5 {
        owner.check_power_cut(seed);
    }
}

proptest! {
    #![proptest_config(crate::kit::cases(400))]

    #[test]
    fn a_power_cut_leaves_a_prefix_with_everything_that_was_synced(steps in vec(any_step(), 0..30)) {
        run(&steps);
    }
}

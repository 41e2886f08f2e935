//! Appending and syncing from several threads, watched from below.

use std::{
    io::{self, IoSlice},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use siltstone_vfs::{Layer, MemFs, Op, WrapFs};
use siltstone_wal::{LogWriter, ReadMode};

use crate::kit::{ALONE, ID, create, path, read, record};

/// Knows what has really been synced, and checks each promise against it.
#[derive(Clone, Debug, Default)]
struct Watch(Arc<Seen>);

#[derive(Debug, Default)]
struct Seen {
    written: AtomicU64,
    synced: AtomicU64,
    promises_above_header: AtomicU64,
    syncs_at_once: AtomicU64,
}

impl Layer for Watch {
    fn around<T>(&self, op: Op<'_>, run: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        if !matches!(op, Op::SyncData { .. }) {
            return run();
        }
        assert_eq!(self.0.syncs_at_once.fetch_add(1, Ordering::SeqCst), 0, "one sync at a time");
        let covered = self.0.written.load(Ordering::SeqCst);
        thread::yield_now();
        let outcome = run();
        if outcome.is_ok() {
            self.0.synced.fetch_max(covered, Ordering::SeqCst);
        }
        self.0.syncs_at_once.fetch_sub(1, Ordering::SeqCst);
        outcome
    }

    fn around_write(
        &self,
        op: Op<'_>,
        parts: &[IoSlice<'_>],
        run: impl FnOnce(&[IoSlice<'_>]) -> io::Result<()>,
    ) -> io::Result<()> {
        let Op::WriteAt { offset, len, .. } = op else { return run(parts) };
        if offset > 0 {
            let promise = u64::from_le_bytes(parts[0][25..33].try_into().unwrap());
            let synced = self.0.synced.load(Ordering::SeqCst);
            assert!(promise <= synced, "promised {promise}, synced {synced}");
            self.0.promises_above_header.fetch_add(u64::from(promise > 44), Ordering::SeqCst);
        }
        run(parts)?;
        self.0.written.fetch_max(offset + len, Ordering::SeqCst);
        Ok(())
    }
}

fn append_and_sync(writer: &Mutex<LogWriter>, watch: &Watch, thread_number: u64) {
    let syncer = writer.lock().unwrap().syncer();
    for step in 0..200 {
        let tag = thread_number << 32 | step;
        let payload = tag.to_le_bytes();
        let appended = {
            let mut writer = writer.lock().unwrap();
            assert!(writer.synced_to() <= watch.0.synced.load(Ordering::SeqCst));
            writer.append(&[record(tag, &payload), record(tag, b"")]).unwrap()
        };
        if step % 3 == 0 {
            let reached = syncer.sync().unwrap();
            assert!(reached >= appended.end, "a sync covers what was appended before it");
            assert!(
                reached <= watch.0.synced.load(Ordering::SeqCst),
                "a sync returns no more than was synced"
            );
        }
    }
}

#[test]
fn promises_and_syncs_never_exceed_what_was_synced_while_threads_append() {
    let watch = Watch::default();
    let fs = WrapFs::with_layer(Arc::new(MemFs::new()), watch.clone());
    let writer = Mutex::new(create(&fs, ALONE));
    thread::scope(|scope| {
        for thread_number in 0..4 {
            let (writer, watch) = (&writer, &watch);
            scope.spawn(move || append_and_sync(writer, watch, thread_number));
        }
    });
    let writer = writer.into_inner().unwrap();
    assert_eq!(writer.records(), 4 * 200 * 2);
    writer.finish().unwrap();
    let (records, outcome, _) = read(&fs, ReadMode::Strict);
    assert!(outcome.is_ok());
    for thread_number in 0..4_u64 {
        let steps = records.iter().map(|found| found.tag).filter(|tag| tag >> 32 == thread_number);
        let expected: Vec<_> = (0..200).flat_map(|step| [step, step]).collect();
        assert_eq!(steps.map(|tag| tag & 0xffff).collect::<Vec<_>>(), expected, "thread {thread_number}");
    }
    assert!(watch.0.promises_above_header.load(Ordering::SeqCst) > 100, "the test saw promises");
}

#[test]
fn a_sync_failure_reaches_every_thread_and_nothing_is_promised_after_it() {
    let fs = MemFs::new();
    let writer = Mutex::new(create(&fs, ALONE));
    let failed = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let syncer = writer.lock().unwrap().syncer();
                for tag in 0..500 {
                    let was_failed = failed.load(Ordering::SeqCst);
                    let appended = writer.lock().unwrap().append(&[record(tag, b"x")]);
                    assert!(!(was_failed && appended.is_ok()), "appended after a failed sync");
                    if tag == 100 {
                        fs.fail_next_syncs(1);
                    }
                    let outcome = syncer.sync();
                    assert!(!(was_failed && outcome.is_ok()), "synced after a failed sync");
                    failed.fetch_or(outcome.is_err(), Ordering::SeqCst);
                }
            });
        }
    });
    assert!(failed.load(Ordering::SeqCst));
    // What a power cut leaves is at least what was promised, and it is a prefix.
    let promised = writer.lock().unwrap().synced_to();
    let folder = Path::new("/");
    siltstone_vfs::Fs::sync_dir(&fs, folder).unwrap();
    for seed in 0..20 {
        let left = fs.power_cut(seed);
        assert!(siltstone_vfs::Fs::open(&left, path()).unwrap().len().unwrap() >= promised);
        let (_, outcome, report) = read(&left, ReadMode::CrashTail);
        assert!(outcome.is_ok() && report.bytes >= promised, "{ID:?} {outcome:?}");
    }
}

//! A log of many files: its promises at every operation that may fail or be the last before a power cut.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use proptest::{collection::vec, prelude::*};
use siltstone_types::{Error, Result};
use siltstone_vfs::{Decision, Fault, FaultFs, Fs, Injector, LogFs, MemFs, OpKind, OpLog, injector_fn};
use siltstone_wal::{ChainReport, Position, Preallocate, ReadMode, SegmentOptions, SegmentedLog};

use crate::kit::{file_bytes, record};

const OPTIONS: SegmentOptions = SegmentOptions {
    purpose: siltstone_wal::Purpose::CUSTOM,
    identity: [3; 16],
    segment_bytes_max: 600,
    preallocate: Preallocate::No,
    recycled_max: 0,
};

fn dir() -> &'static Path {
    Path::new("/log")
}

fn new_fs() -> Arc<MemFs> {
    let fs = MemFs::new();
    fs.create_dir_all(dir()).unwrap();
    fs.sync_dir(Path::new("/")).unwrap();
    Arc::new(fs)
}

fn payload(tag: u64) -> Vec<u8> {
    (0..tag * 37 % 200).map(|at| u8::try_from((at + tag) % 7).unwrap()).collect()
}

type Opened = Result<(SegmentedLog, ChainReport, Vec<u64>)>;

fn open_with(fs: &Arc<dyn Fs>, options: SegmentOptions, mode: ReadMode) -> Opened {
    let mut tags = Vec::new();
    let mut last = None;
    let (log, report) = SegmentedLog::open(Arc::clone(fs), dir(), options, mode, &mut |position, found| {
        assert!(last < Some(position), "positions grow");
        assert!(found.payload == payload(found.tag));
        last = Some(position);
        tags.push(found.tag);
        Ok(())
    })?;
    Ok((log, report, tags))
}

fn open(fs: &Arc<MemFs>) -> Opened {
    open_with(&(Arc::clone(fs) as Arc<dyn Fs>), OPTIONS, ReadMode::CrashTail)
}

fn append(log: &mut SegmentedLog, tag: u64) -> Result<Position> {
    log.append(&[record(tag, &payload(tag))])
}

fn names(fs: &MemFs) -> Vec<String> {
    fs.list(dir())
        .unwrap()
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect()
}

fn segment(number: u64) -> PathBuf {
    dir().join(format!("{number:06}.log"))
}

#[test]
fn a_closed_log_comes_back_in_strict_mode_from_the_position_asked_for() {
    let fs = new_fs();
    let (mut log, _, tags) = open(&fs).unwrap();
    assert!(tags.is_empty());
    let positions: Vec<_> = (0..20).map(|tag| append(&mut log, tag).unwrap()).collect();
    assert!(positions.is_sorted() && positions[19].segment > 3);
    log.close().unwrap();
    let shared: Arc<dyn Fs> = fs.clone();
    let (mut log, report, tags) = open_with(&shared, OPTIONS, ReadMode::Strict).unwrap();
    assert_eq!((tags, report.dropped_bytes), ((0..20).collect(), 0));
    let removed = log.remove_before(positions[10]).unwrap();
    assert_eq!((removed, log.start().segment), (positions[10].segment - 1, positions[10].segment));
    log.close().unwrap();
    let (log, _, tags) = open_with(&shared, OPTIONS, ReadMode::Strict).unwrap();
    let first_kept = positions.iter().position(|position| position.segment == positions[10].segment).unwrap();
    assert_eq!(tags, (first_kept as u64..20).collect::<Vec<_>>());
    assert_eq!(log.end().unwrap().offset, 44);
}

#[test]
fn any_damage_to_a_closed_log_is_seen() {
    let fs = new_fs();
    let (mut log, ..) = open(&fs).unwrap();
    for tag in 0..12 {
        append(&mut log, tag).unwrap();
    }
    log.close().unwrap();
    let files: Vec<_> = names(&fs).into_iter().filter(|name| name != "LOCK").collect();
    assert!(files.len() > 3);
    for name in &files {
        let path = dir().join(name);
        let bytes = file_bytes(&*fs, &path);
        for at in 0..bytes.len() {
            let left: Arc<dyn Fs> = Arc::new(fs.clone_now());
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            left.remove(&path).unwrap();
            crate::kit::put_file(&*left, &path, &damaged[..]);
            assert!(
                open_with(&left, OPTIONS, ReadMode::Strict).is_err_and(|error| error.is_corruption()),
                "{name} {at}"
            );
            left.remove(&path).unwrap();
            crate::kit::put_file(&*left, &path, &bytes[..at]);
            assert!(
                open_with(&left, OPTIONS, ReadMode::Strict).is_err_and(|error| error.is_corruption()),
                "{name} {at}"
            );
        }
    }
}

#[test]
fn a_segment_that_is_missing_between_others_is_reported() {
    let fs = new_fs();
    let (mut log, ..) = open(&fs).unwrap();
    for tag in 0..20 {
        append(&mut log, tag).unwrap();
    }
    drop(log);
    fs.remove(&segment(2)).unwrap();
    let Err(Error::Corruption { path, .. }) = open(&fs) else { panic!("it was not reported") };
    assert_eq!(path, segment(2));
}

#[test]
fn a_second_opening_and_a_foreign_log_are_refused() {
    let fs = new_fs();
    let (mut log, ..) = open(&fs).unwrap();
    let Err(Error::Io { source, .. }) = open(&fs) else { panic!("two at once") };
    assert_eq!(source.kind(), ErrorKind::WouldBlock);
    append(&mut log, 1).unwrap();
    drop(log);
    let shared: Arc<dyn Fs> = fs.clone();
    let foreign = SegmentOptions { identity: [4; 16], ..OPTIONS };
    assert!(open_with(&shared, foreign, ReadMode::CrashTail).is_err_and(|error| error.is_corruption()));
    let salvage = open_with(&shared, OPTIONS, ReadMode::Salvage);
    assert!(matches!(salvage, Err(Error::InvalidArgument { .. })));
    assert_eq!(open(&fs).unwrap().2, [1]);
}

#[test]
fn files_of_others_are_left_alone_and_temporary_ones_go() {
    let fs = new_fs();
    for name in ["notes.txt", "1.log", "000009.log.tmp", "recycled-000004.tmp"] {
        crate::kit::put_file(&*fs, &dir().join(name), b"x");
    }
    drop(open(&fs).unwrap());
    assert_eq!(names(&fs), ["000001.log", "1.log", "LOCK", "notes.txt"]);
}

#[test]
fn what_was_replayed_from_a_torn_segment_is_durable_and_stays() {
    let fs = new_fs();
    let (mut log, ..) = open(&fs).unwrap();
    append(&mut log, 1).unwrap();
    append(&mut log, 2).unwrap();
    drop(log);
    // A sync that failed in an earlier process: the bytes are readable, and syncing them again proves
    // nothing.
    fs.fail_next_syncs(1);
    assert!(fs.open_for_overwrite(&segment(1)).unwrap().sync_data().is_err());
    let (log, _, tags) = open(&fs).unwrap();
    assert_eq!(tags, [1, 2]);
    let cut = Arc::new(fs.power_cut_worst());
    drop(log);
    let (_, report, tags) = open(&cut).unwrap();
    assert_eq!((tags, report.dropped_bytes), (vec![1, 2], 0));
}

#[test]
fn an_opening_that_changes_nothing_does_not_pile_up_segments() {
    let fs = new_fs();
    let (mut log, ..) = open(&fs).unwrap();
    append(&mut log, 1).unwrap();
    drop(log);
    for _ in 0..5 {
        drop(open(&fs).unwrap());
        open(&fs).unwrap().0.close().unwrap();
    }
    assert_eq!(names(&fs), ["000001.log", "000002.log", "LOCK"]);
}

#[test]
fn point_in_time_drops_what_lies_behind_damage_for_good() {
    let fs = new_fs();
    let (mut log, ..) = open(&fs).unwrap();
    for tag in 0..20 {
        append(&mut log, tag).unwrap();
    }
    drop(log);
    fs.open_for_overwrite(&segment(2)).unwrap().write_at(&[std::io::IoSlice::new(b"???")], 100).unwrap();
    assert!(open(&fs).is_err_and(|error| error.is_corruption()));
    let shared: Arc<dyn Fs> = fs.clone();
    let (mut log, report, tags) = open_with(&shared, OPTIONS, ReadMode::PointInTime).unwrap();
    assert!(report.dropped_records > 0 && report.dropped_bytes > 0);
    let kept = tags.len() as u64;
    append(&mut log, kept).unwrap();
    log.close().unwrap();
    let (_, _, tags) = open_with(&shared, OPTIONS, ReadMode::Strict).unwrap();
    assert_eq!(tags, (0..=kept).collect::<Vec<_>>());
}

#[test]
fn a_power_cut_while_segments_are_dropped_leaves_no_hole_and_brings_nothing_back() {
    let fs = new_fs();
    let (mut log, ..) = open(&fs).unwrap();
    for tag in 0..20 {
        append(&mut log, tag).unwrap();
    }
    log.sync().unwrap();
    drop(log);
    let damaged = fs.open_for_overwrite(&segment(2)).unwrap();
    damaged.write_at(&[std::io::IoSlice::new(b"???")], 100).unwrap();
    damaged.sync_data().unwrap();
    let kept =
        open_with(&(Arc::new(fs.clone_now()) as Arc<dyn Fs>), OPTIONS, ReadMode::PointInTime).unwrap().2;
    for seed in 0..10 {
        let disk = Arc::new(fs.clone_now());
        let (seen_disk, seen_kept) = (Arc::clone(&disk), kept.clone());
        let injector = injector_fn(move |op| {
            if !op.kind().is_read() {
                let left: Arc<dyn Fs> = Arc::new(seen_disk.power_cut(seed));
                let (_, _, tags) = open_with(&left, OPTIONS, ReadMode::PointInTime).unwrap();
                assert_eq!(tags, seen_kept, "before {op:?}");
            }
            Decision::Pass
        });
        let shared: Arc<dyn Fs> = Arc::new(FaultFs::new(disk, injector));
        open_with(&shared, OPTIONS, ReadMode::PointInTime).unwrap();
    }
}

#[test]
fn a_newer_segment_proves_that_an_older_one_is_whole_even_without_records() {
    let fs = new_fs();
    let (mut log, ..) = open(&fs).unwrap();
    append(&mut log, 1).unwrap();
    log.rotate().unwrap();
    drop(log);
    let end_record_at = fs.metadata(&segment(1)).unwrap().len - 41;
    fs.open_for_overwrite(&segment(1)).unwrap().set_len(end_record_at).unwrap();
    assert!(open(&fs).is_err_and(|error| error.is_corruption()));
}

#[test]
fn a_removal_that_failed_can_be_tried_again() {
    for recycled_max in [0, 2] {
        let disk = new_fs();
        let options = SegmentOptions { recycled_max, ..OPTIONS };
        let on = Arc::new(AtomicBool::new(false));
        let is_on = Arc::clone(&on);
        let injector = injector_fn(move |op| match op.kind() {
            OpKind::SyncDir if is_on.load(Ordering::SeqCst) => Decision::Fail(ErrorKind::Other.into()),
            _ => Decision::Pass,
        });
        let fs: Arc<dyn Fs> = Arc::new(FaultFs::new(disk, injector));
        let (mut log, ..) = open_with(&fs, options, ReadMode::CrashTail).unwrap();
        let positions: Vec<_> = (0..20).map(|tag| append(&mut log, tag).unwrap()).collect();
        on.store(true, Ordering::SeqCst);
        assert!(log.remove_before(positions[19]).is_err());
        on.store(false, Ordering::SeqCst);
        log.remove_before(positions[19]).unwrap();
        assert_eq!(log.start().segment, positions[19].segment);
        append(&mut log, 20).unwrap();
        log.close().unwrap();
        let tags = open_with(&fs, options, ReadMode::Strict).unwrap().2;
        assert_eq!(tags.last(), Some(&20));
    }
}

#[test]
fn a_segment_is_begun_recycled_and_removed_in_this_order() {
    let lines = OpLog::new();
    let fs: Arc<dyn Fs> = Arc::new(LogFs::new(new_fs(), dir(), lines.clone()));
    let options = SegmentOptions { recycled_max: 1, ..OPTIONS };
    let (mut log, ..) = open_with(&fs, options, ReadMode::CrashTail).unwrap();
    let big = [5; 560];
    for tag in 0..3 {
        lines.push(format!("-- append {tag}"));
        log.append(&[record(tag, &big)]).unwrap();
    }
    lines.push("-- remove");
    log.remove_before(Position { segment: 3, offset: 0 }).unwrap();
    lines.push("-- append 3");
    log.append(&[record(3, &big)]).unwrap();
    let expected = [
        "lock LOCK",
        "create 000001.log.tmp",
        "write 000001.log.tmp 0+44",
        "sync-data 000001.log.tmp",
        "rename 000001.log.tmp 000001.log",
        "sync-dir .",
        "-- append 0",
        "write 000001.log.tmp 44+601",
        "-- append 1",
        "write 000001.log.tmp 645+41",
        "sync-data 000001.log.tmp",
        "create 000002.log.tmp",
        "write 000002.log.tmp 0+44",
        "sync-data 000002.log.tmp",
        "rename 000002.log.tmp 000002.log",
        "sync-dir .",
        "write 000002.log.tmp 44+601",
        "-- append 2",
        "write 000002.log.tmp 645+41",
        "sync-data 000002.log.tmp",
        "create 000003.log.tmp",
        "write 000003.log.tmp 0+44",
        "sync-data 000003.log.tmp",
        "rename 000003.log.tmp 000003.log",
        "sync-dir .",
        "write 000003.log.tmp 44+601",
        "-- remove",
        "rename 000001.log recycled-000001.tmp",
        "sync-dir .",
        "remove 000002.log",
        "sync-dir .",
        "-- append 3",
        "write 000003.log.tmp 645+41",
        "sync-data 000003.log.tmp",
        "write recycled-000001.tmp 0+44",
        "sync-data recycled-000001.tmp",
        "rename recycled-000001.tmp 000004.log",
        "sync-dir .",
        "write recycled-000001.tmp 44+601",
    ];
    let changes: Vec<_> = lines.take().into_iter().filter(|line| !line.starts_with("open")).collect();
    assert_eq!(changes, expected);
}

#[derive(Clone, Debug)]
enum Step {
    Append(u64),
    Sync,
    RemoveBefore(prop::sample::Index),
    Close,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (1_u64..4).prop_map(Step::Append),
        3 => Just(Step::Sync),
        1 => any::<prop::sample::Index>().prop_map(Step::RemoveBefore),
        1 => Just(Step::Close),
    ]
}

/// What the log must and may hold.
#[derive(Clone, Debug, Default)]
struct Promised {
    /// First record that must not be missing.
    start: u64,
    /// Behind the last record that must not be missing.
    synced: u64,
    /// Behind the last record that may be there.
    appended: u64,
}

impl Promised {
    fn check(&self, tags: &[u64]) {
        let first = tags.first().copied().unwrap_or(self.appended.min(self.synced));
        assert!(tags.iter().copied().eq(first..first + tags.len() as u64), "{self:?} {tags:?}");
        let end = tags.last().map_or(first, |tag| tag + 1);
        assert!(first <= self.start && end >= self.synced && end <= self.appended, "{self:?} {tags:?}");
    }
}

/// Runs the steps on a disk, and calls `at_operation` before each operation that changes something, with what
/// holds at this moment.
fn run(
    steps: &[Step],
    options: SegmentOptions,
    at_operation: impl Fn(&MemFs, &Promised) + Send + Sync + 'static,
) {
    let disk = new_fs();
    let promised = Arc::new(Mutex::new(Promised::default()));
    let (seen_disk, seen) = (Arc::clone(&disk), Arc::clone(&promised));
    let injector = injector_fn(move |op| {
        if !op.kind().is_read() {
            at_operation(&seen_disk, &seen.lock().unwrap());
        }
        Decision::Pass
    });
    let fs: Arc<dyn Fs> = Arc::new(FaultFs::new(disk, injector));
    let (mut log, ..) = open_with(&fs, options, ReadMode::CrashTail).unwrap();
    let mut positions = Vec::new();
    for step in steps {
        let before = promised.lock().unwrap().clone();
        match step {
            Step::Append(count) => {
                // What is being written may be found.
                promised.lock().unwrap().appended += count;
                let payloads: Vec<_> =
                    (before.appended..before.appended + count).map(|tag| (tag, payload(tag))).collect();
                let group: Vec<_> = payloads.iter().map(|(tag, bytes)| record(*tag, bytes)).collect();
                let position = log.append(&group).unwrap();
                positions.extend((0..*count).map(|_| position));
            }
            Step::Sync => {
                log.sync().unwrap();
                promised.lock().unwrap().synced = before.appended;
            }
            Step::RemoveBefore(index) if !positions.is_empty() => {
                let first = index.index(positions.len());
                // While it is at it, everything before may be gone.
                promised.lock().unwrap().start = before.start.max(first as u64);
                log.remove_before(positions[first]).unwrap();
            }
            Step::RemoveBefore(_) => {}
            Step::Close => {
                log.close().unwrap();
                promised.lock().unwrap().synced = before.appended;
                let tags;
                (log, _, tags) = open_with(&fs, options, ReadMode::Strict).unwrap();
                promised.lock().unwrap().check(&tags);
            }
        }
    }
}

fn any_options() -> impl Strategy<Value = SegmentOptions> {
    (any::<bool>(), 0_usize..3).prop_map(|(preallocated, recycled_max)| {
        let preallocate = if preallocated { Preallocate::Yes } else { Preallocate::No };
        SegmentOptions { preallocate, recycled_max, ..OPTIONS }
    })
}

/// Recovers, with another power cut at each operation of the recovery down to `depth`.
fn recover(left: MemFs, options: SegmentOptions, promised: &Promised, seed: u64, depth: u32) {
    let left = Arc::new(left);
    if depth > 0 {
        let (disk, promised) = (Arc::clone(&left), promised.clone());
        let injector = injector_fn(move |op| {
            if !op.kind().is_read() {
                recover(disk.power_cut(seed), options, &promised, seed + 1, depth - 1);
            }
            Decision::Pass
        });
        let shared: Arc<dyn Fs> = Arc::new(FaultFs::new(left.clone(), injector));
        drop(open_with(&shared, options, ReadMode::CrashTail).unwrap());
    }
    let shared: Arc<dyn Fs> = left.clone();
    let (mut log, _, tags) = open_with(&shared, options, ReadMode::CrashTail).unwrap();
    promised.check(&tags);
    // What was found is durable now, and the log goes on.
    let next = tags.last().map_or(promised.synced, |tag| tag + 1);
    append(&mut log, next).unwrap();
    log.sync().unwrap();
    let cut: Arc<dyn Fs> = Arc::new(left.power_cut_worst());
    let (_, report, again) = open_with(&cut, options, ReadMode::CrashTail).unwrap();
    assert_eq!(again, tags.into_iter().chain([next]).collect::<Vec<_>>());
    assert_eq!(report.dropped_bytes, 0);
}

proptest! {
    #![proptest_config(crate::kit::cases(12))]

    #[test]
    fn a_power_cut_at_any_operation_loses_nothing_that_was_synced(
        steps in vec(any_step(), 0..25),
        options in any_options(),
        seed in 0_u64..1 << 40,
    ) {
        let count = AtomicU64::new(seed);
        run(&steps, options, move |disk, promised| {
            let seed = count.fetch_add(1, Ordering::SeqCst);
            recover(disk.power_cut(seed), options, promised, seed, 1);
            recover(disk.clone_now(), options, promised, seed, 0);
        });
    }
}

#[test]
fn a_failure_at_any_operation_is_told_and_costs_nothing_that_was_synced() {
    let options = SegmentOptions { recycled_max: 1, preallocate: Preallocate::Yes, ..OPTIONS };
    let kinds = [
        OpKind::Create,
        OpKind::OpenForOverwrite,
        OpKind::Rename,
        OpKind::Remove,
        OpKind::SyncDir,
        OpKind::WriteAt,
        OpKind::SyncData,
        OpKind::Allocate,
        OpKind::SetLen,
    ];
    for kind in kinds {
        for nth in 0.. {
            let disk = new_fs();
            let fault = Arc::new(Fault::fail(ErrorKind::StorageFull).on(&[kind]).at_nth(nth));
            let fs: Arc<dyn Fs> =
                Arc::new(FaultFs::new(disk.clone(), Arc::clone(&fault) as Arc<dyn Injector>));
            let mut promised = Promised::default();
            let errors = fail_somewhere(&fs, options, &mut promised);
            if fault.hits() == 0 {
                assert!(nth > 0 && errors == 0, "{kind:?} was never used");
                break;
            }
            assert!(errors > 0, "{kind:?} {nth} was not told");
            let (_, _, tags) = open_with(&(disk as Arc<dyn Fs>), options, ReadMode::CrashTail).unwrap();
            promised.check(&tags);
        }
    }
}

/// Appends, syncs and removes, and goes on whatever fails; returns how many calls failed.
fn fail_somewhere(fs: &Arc<dyn Fs>, options: SegmentOptions, promised: &mut Promised) -> u64 {
    let Ok((mut log, ..)) = open_with(fs, options, ReadMode::CrashTail) else { return 1 };
    let mut errors = 0;
    let mut tag = 0;
    for step in 0..30 {
        if let Ok(position) = append(&mut log, tag) {
            tag += 1;
            promised.appended = tag;
            if step % 10 == 9 {
                promised.start = tag - 1;
                errors += u64::from(log.remove_before(position).is_err());
            }
        } else {
            errors += 1;
        }
        match log.sync() {
            Ok(()) => promised.synced = promised.appended,
            Err(_) => errors += 1,
        }
    }
    errors + u64::from(log.close().is_err())
}

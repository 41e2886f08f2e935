//! Disks that refuse: what is left of the log, and what the writer says afterwards.

use std::{io::ErrorKind, path::Path, sync::Arc};

use siltstone_types::Error;
use siltstone_vfs::{Decision, Fault, FaultFs, Fs, Injector, MemFs, Op, OpKind, injector_fn};
use siltstone_wal::{LogEnd, LogId, LogWriter, PAYLOAD_BYTES_MAX, Payload, ReadMode, Record, WriterOptions};

use crate::kit::{ALONE, HEADER, ID, create, file_bytes, path, read, record};

fn tags(fs: &dyn Fs, mode: ReadMode) -> Vec<u64> {
    let (records, outcome, _) = read(fs, mode);
    outcome.unwrap();
    records.iter().map(|found| found.tag).collect()
}

#[test]
fn a_torn_append_is_cut_off_and_the_log_goes_on() {
    let group = [record(7, b"seven"), record(8, b"eight")];
    for torn_bytes in 0..2 * (HEADER + 5) {
        for preallocate_bytes in [0, 4096] {
            let inner = Arc::new(MemFs::new());
            let torn = Arc::new(Fault::shorten(torn_bytes).on(&[OpKind::WriteAt]).at_nth(2));
            let fs = FaultFs::new(inner.clone(), Arc::clone(&torn) as Arc<dyn Injector>);
            let mut writer = create(&fs, WriterOptions { preallocate_bytes, ..ALONE });
            let first = writer.append(&[record(1, b"one")]).unwrap();
            assert!(writer.append(&group).is_err());
            assert_eq!(torn.hits(), 1);
            assert_eq!((writer.len(), writer.records()), (first.end, 1));
            assert_eq!(file_bytes(&*inner, path()).len() as u64, first.end, "cut");
            // The cut is durable: whatever a power cut takes, the remains do not come back.
            for seed in 0..4 {
                assert_eq!(file_bytes(&with_name(&inner).power_cut(seed), path()).len() as u64, first.end);
            }
            writer.append(&[record(2, b"two")]).unwrap();
            writer.finish().unwrap();
            assert_eq!(tags(&*inner, ReadMode::Strict), [1, 2]);
        }
    }
}

fn with_name(fs: &MemFs) -> &MemFs {
    fs.sync_dir(Path::new("/")).unwrap();
    fs
}

#[test]
fn an_append_whose_remains_cannot_be_cut_off_ends_the_log() {
    for refused in [OpKind::SetLen, OpKind::SyncData] {
        let inner = Arc::new(MemFs::new());
        let broken = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let is_broken = Arc::clone(&broken);
        let injector = injector_fn(move |op| match op {
            _ if !is_broken.load(std::sync::atomic::Ordering::SeqCst) => Decision::Pass,
            Op::WriteAt { .. } => Decision::Shorten(50),
            op if op.kind() == refused => Decision::Fail(ErrorKind::StorageFull.into()),
            _ => Decision::Pass,
        });
        let fs = FaultFs::new(inner.clone(), injector);
        let mut writer = create(&fs, ALONE);
        writer.append(&[record(1, b"one")]).unwrap();
        broken.store(true, std::sync::atomic::Ordering::SeqCst);
        let first = writer.append(&[record(2, &[7; 100])]).unwrap_err();
        broken.store(false, std::sync::atomic::Ordering::SeqCst);
        assert!(writer.check().is_err());
        let again = writer.append(&[record(3, b"three")]).unwrap_err();
        if refused == OpKind::SetLen {
            assert_eq!(again.to_string(), first.to_string(), "the first failure is told");
            // The good part can still be made durable, and finished: the remains are behind the end record
            // then.
            writer.sync().unwrap();
            let finished = writer.finish().unwrap();
            assert_eq!((finished.records, tags(&*inner, ReadMode::Strict)), (1, vec![1]));
            assert_eq!(file_bytes(&*inner, path()).len() as u64, finished.length);
        } else {
            assert!(matches!(again, Error::NoSpace { op: "sync a log", .. }), "{again:?}");
            assert!(writer.sync().is_err() && writer.finish().is_err(), "a failed sync is final");
            assert_eq!(tags(&*inner, ReadMode::CrashTail), [1]);
        }
    }
}

#[test]
fn a_log_reserves_ahead_and_goes_on_where_it_cannot() {
    for refuses in [false, true] {
        let inner = Arc::new(MemFs::new());
        let fault = Arc::new(Fault::fail(ErrorKind::StorageFull).on(&[OpKind::Allocate]));
        if !refuses {
            fault.lift();
        }
        let fs = FaultFs::new(inner.clone(), Arc::clone(&fault) as Arc<dyn Injector>);
        let mut writer = create(&fs, WriterOptions { reserve_bytes: 300, ..ALONE });
        let lengths: Vec<_> = (0..6)
            .map(|tag| {
                writer.append(&[record(tag, &[7; 100])]).unwrap();
                // As a killed process leaves it: the rest is neither dropped nor the remains of anything.
                let (records, outcome, report) = read(&inner.clone_now(), ReadMode::CrashTail);
                outcome.unwrap();
                assert_eq!(
                    (records.len() as u64, report.dropped_bytes, report.remains_bytes),
                    (tag + 1, 0, 0)
                );
                file_bytes(&*inner, path()).len()
            })
            .collect();
        // 44 bytes, and 141 for each record; what goes beyond the file takes 300 more along.
        let expected =
            if refuses { [185, 326, 467, 608, 749, 890] } else { [300, 626, 626, 626, 1049, 1049] };
        assert_eq!(lengths, expected);
        assert_eq!(fault.hits() > 0, refuses);
        let finished = writer.finish().unwrap();
        assert_eq!(file_bytes(&*inner, path()).len() as u64, finished.length);
        assert_eq!(tags(&*inner, ReadMode::Strict), [0, 1, 2, 3, 4, 5]);
    }
}

#[test]
fn a_failed_sync_is_final() {
    let inner = Arc::new(MemFs::new());
    // The first sync is the header's.
    let fault = Arc::new(Fault::fail(ErrorKind::Other).on(&[OpKind::SyncData]).at_nth(2));
    let fs = FaultFs::new(inner.clone(), Arc::clone(&fault) as Arc<dyn Injector>);
    let mut writer = create(&fs, ALONE);
    let end = writer.append(&[record(1, b"one")]).unwrap().end;
    let syncer = writer.syncer();
    assert_eq!(syncer.sync().unwrap(), end);
    assert_eq!(syncer.sync().unwrap(), end, "nothing new: no sync is needed");
    assert_eq!(fault.matched(), 2);
    writer.append(&[record(2, b"two")]).unwrap();
    let first = syncer.sync().unwrap_err().to_string();
    for again in [syncer.sync().unwrap_err(), writer.sync().unwrap_err(), writer.append(&[]).unwrap_err()] {
        assert_eq!(again.to_string(), first);
    }
    assert_eq!(writer.synced_to(), end);
    assert!(writer.append(&[record(3, b"three")]).is_err());
    assert!(writer.finish().is_err());
    assert_eq!(fault.matched(), 3, "it is not tried again");
    assert_eq!(tags(&*inner, ReadMode::CrashTail), [1, 2]);
}

#[test]
fn a_log_whose_start_fails_is_an_error_and_leaves_no_file() {
    let options = WriterOptions { preallocate_bytes: 4096, ..ALONE };
    for kind in [OpKind::Create, OpKind::Len, OpKind::Allocate, OpKind::WriteAt, OpKind::SyncData] {
        let inner = Arc::new(MemFs::new());
        let fault = Arc::new(Fault::fail(ErrorKind::StorageFull).on(&[kind]));
        let fs = FaultFs::new(inner.clone(), Arc::clone(&fault) as Arc<dyn Injector>);
        let error = LogWriter::create(&fs, path(), ID, options).unwrap_err();
        assert!(matches!(error, Error::NoSpace { .. }), "{kind:?}: {error:?}");
        assert!(fault.hits() > 0 && inner.open(path()).is_err(), "{kind:?}");
    }
}

#[test]
fn an_existing_file_is_never_taken_for_a_new_log() {
    let fs = MemFs::new();
    create(&fs, ALONE).finish().unwrap();
    let before = file_bytes(&fs, path());
    let error = LogWriter::create(&fs, path(), ID, ALONE).unwrap_err();
    let Error::Io { source, .. } = &error else { panic!("{error:?}") };
    assert_eq!(source.kind(), ErrorKind::AlreadyExists);
    assert_eq!(file_bytes(&fs, path()), before);
}

#[test]
fn a_finish_that_fails_leaves_an_unfinished_log_with_its_records() {
    // 0 and 1 are header and record, and header's sync.
    for (kind, nth) in [(OpKind::WriteAt, 2), (OpKind::SetLen, 0), (OpKind::SyncData, 1)] {
        let inner = Arc::new(MemFs::new());
        let fault = Arc::new(Fault::fail(ErrorKind::Other).on(&[kind]).at_nth(nth));
        let fs = FaultFs::new(inner.clone(), Arc::clone(&fault) as Arc<dyn Injector>);
        let mut writer = create(&fs, WriterOptions { preallocate_bytes: 4096, ..ALONE });
        writer.append(&[record(1, b"one")]).unwrap();
        assert!(writer.finish().is_err(), "{kind:?}");
        assert_eq!((fault.hits(), tags(&*inner, ReadMode::CrashTail)), (1, vec![1]), "{kind:?}");
    }
}

#[test]
fn a_read_that_fails_is_an_error_at_every_operation() {
    let inner = Arc::new(MemFs::new());
    let mut writer = create(&*inner, ALONE);
    for tag in 0..5 {
        writer.append(&[record(tag, &vec![7; 700_000])]).unwrap();
    }
    writer.finish().unwrap();
    let modes = [ReadMode::Strict, ReadMode::CrashTail, ReadMode::PointInTime, ReadMode::Salvage];
    for (kind, mode) in
        [OpKind::Open, OpKind::Len, OpKind::ReadAt].iter().flat_map(|kind| modes.map(|mode| (*kind, mode)))
    {
        let mut failures = 0;
        for nth in 0.. {
            let fault = Arc::new(Fault::fail(ErrorKind::Other).on(&[kind]).at_nth(nth));
            let fs = FaultFs::new(inner.clone(), Arc::clone(&fault) as Arc<dyn Injector>);
            let (_, outcome, _) = read(&fs, mode);
            if fault.hits() == 0 {
                break;
            }
            assert!(matches!(outcome, Err(Error::Io { .. })), "{kind:?} {nth} {outcome:?}");
            failures += 1;
        }
        assert!(failures >= if kind == OpKind::ReadAt { 3 } else { 1 }, "{kind:?}: {failures}");
    }
    // A hint that is refused changes nothing.
    let fs = FaultFs::new(inner, Arc::new(Fault::fail(ErrorKind::Unsupported).on(&[OpKind::Advise])));
    assert_eq!(tags(&fs, ReadMode::Strict).len(), 5);
}

#[test]
fn a_payload_above_the_limit_is_refused_before_anything_is_written() {
    let fs = MemFs::new();
    let mut writer = create(&fs, ALONE);
    let half = vec![0; usize::try_from(PAYLOAD_BYTES_MAX).unwrap() / 2];
    let mut longer = half.clone();
    longer.push(0);
    let above = Payload::in_two(&half, &longer);
    assert_eq!(above.len(), usize::try_from(PAYLOAD_BYTES_MAX).unwrap() + 1);
    let group = [record(1, b"fine"), Record { tag: 2, payload: above }];
    assert!(matches!(writer.append(&group), Err(Error::InvalidArgument { .. })));
    assert!(writer.is_empty() && file_bytes(&fs, path()).len() == 44);
    writer.append(&[record(1, b"fine")]).unwrap();
    writer.finish().unwrap();
    assert_eq!(tags(&fs, ReadMode::Strict), [1]);
}

#[test]
fn a_recycled_log_has_its_new_header_before_its_new_name() {
    for (kind, nth) in
        [(OpKind::OpenForOverwrite, 0), (OpKind::WriteAt, 2), (OpKind::SyncData, 2), (OpKind::Rename, 0)]
    {
        let inner = Arc::new(MemFs::new());
        let fault = Arc::new(Fault::fail(ErrorKind::Other).on(&[kind]).at_nth(nth));
        let fs = FaultFs::new(inner.clone(), Arc::clone(&fault) as Arc<dyn Injector>);
        let old_path = Path::new("/000001.log");
        let mut old = LogWriter::create(&fs, old_path, LogId { number: 1, ..ID }, ALONE).unwrap();
        // Two writes, two syncs.
        drop(old.append(&[]));
        old.finish().unwrap();
        assert!(LogWriter::recycle(&fs, old_path, path(), ID, ALONE).is_err(), "{kind:?}");
        assert_eq!(fault.hits(), 1);
        assert!(inner.open(path()).is_err() && inner.open(old_path).is_ok(), "{kind:?}");
    }
}

#[test]
fn an_empty_group_writes_nothing() {
    let fs = MemFs::new();
    let mut writer = create(&fs, ALONE);
    let appended = writer.append(&[]).unwrap();
    assert_eq!((appended.start, appended.end), (44, 44));
    writer.finish().unwrap();
    let (_, outcome, report) = read(&fs, ReadMode::Strict);
    assert!(outcome.is_ok());
    assert_eq!((report.records, report.end), (0, Some(LogEnd::Finished)));
}

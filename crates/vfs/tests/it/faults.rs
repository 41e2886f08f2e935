//! Injected faults, and slow operations.

use std::{
    io::{self, ErrorKind, IoSlice},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use siltstone_vfs::{
    Advice, Decision, DelayFs, Fault, FaultFs, FirstOf, Fs, Injector, MemFs, Op, OpCounter, OpKind,
    injector_fn,
};

use crate::{content, write};

fn path(path: &str) -> &Path {
    Path::new(path)
}

fn faulty(fault: Fault) -> (FaultFs, Arc<Fault>) {
    let fault = Arc::new(fault);
    (FaultFs::new(Arc::new(MemFs::new()), fault.clone()), fault)
}

/// Calls every method there is; returns which calls failed.
fn call_everything(fs: &dyn Fs) -> Vec<(OpKind, bool)> {
    let good = MemFs::new();
    let mut calls: Vec<(OpKind, bool)> = Vec::new();
    let mut note = |kind, result: io::Result<()>| calls.push((kind, result.is_err()));
    note(OpKind::CreateDirAll, fs.create_dir_all(path("/d")));
    note(OpKind::Create, fs.create(path("/f")).map(drop));
    note(OpKind::HardLink, fs.hard_link(path("/f"), path("/g")));
    note(OpKind::Rename, fs.rename(path("/g"), path("/h")));
    note(OpKind::Remove, fs.remove(path("/h")));
    note(OpKind::List, fs.list(path("/")).map(drop));
    note(OpKind::Metadata, fs.metadata(path("/")).map(drop));
    note(OpKind::RemoveDir, fs.remove_dir(path("/d")));
    note(OpKind::SyncDir, fs.sync_dir(path("/")));
    note(OpKind::AvailableBytes, fs.available_bytes(path("/")).map(drop));
    let reader = fs.open(path("/f"));
    note(OpKind::Open, reader.as_ref().map(drop).map_err(|error| error.kind().into()));
    let reader = reader.unwrap_or_else(|_| {
        good.create(path("/f")).unwrap();
        good.open(path("/f")).unwrap()
    });
    note(OpKind::ReadAt, reader.read_at(&mut [0], 0).map(drop));
    note(OpKind::Advise, reader.advise(0, 1, Advice::Random));
    note(OpKind::Len, reader.len().map(drop));
    let writer = fs.open_for_overwrite(path("/f"));
    note(OpKind::OpenForOverwrite, writer.as_ref().map(drop).map_err(|error| error.kind().into()));
    let writer = writer.unwrap_or_else(|_| good.create(path("/w")).unwrap());
    note(OpKind::WriteAt, writer.write_at(&[IoSlice::new(b"x")], 0));
    note(OpKind::SyncData, writer.sync_data());
    note(OpKind::SyncAll, writer.sync_all());
    note(OpKind::Allocate, writer.allocate(0, 5));
    note(OpKind::SetLen, writer.set_len(1));
    note(OpKind::Len, writer.len().map(drop));
    let lock = fs.lock(path("/LOCK"));
    note(OpKind::Lock, lock.as_ref().map(drop).map_err(|error| error.kind().into()));
    let lock = lock.unwrap_or_else(|_| good.lock(path("/LOCK")).unwrap());
    note(OpKind::SetLockContent, lock.set_content(b"1"));
    calls
}

#[test]
fn every_method_can_be_failed() {
    let kinds: Vec<OpKind> = call_everything(&MemFs::new()).into_iter().map(|(kind, _)| kind).collect();
    for kind in kinds {
        // A file whose creation failed cannot be opened, and so on: only the kind itself is looked at.
        let (fs, fault) = faulty(Fault::fail(ErrorKind::Other).on(&[kind]));
        let calls = call_everything(&fs);
        assert!(calls.iter().filter(|call| call.0 == kind).all(|call| call.1), "{kind:?} {calls:?}");
        assert!(0 < fault.hits(), "{kind:?}");
    }
}

#[test]
fn every_method_is_counted_once() {
    let counter = Arc::new(OpCounter::new());
    let fs = FaultFs::new(Arc::new(MemFs::new()), counter.clone());
    let calls = call_everything(&fs);
    assert!(calls.iter().all(|call| !call.1), "{calls:?}");
    assert_eq!(counter.total(), calls.len() as u64);
    assert!(calls.iter().all(|call| 0 < counter.count(call.0)));
    assert_eq!(counter.count(OpKind::Len), 2);
}

#[test]
fn syncs_reach_the_file_system_below() {
    let mem = Arc::new(MemFs::new());
    let fs = FaultFs::new(mem.clone(), Arc::new(OpCounter::new()));
    let file = fs.create(path("/data")).unwrap();
    write(&*file, b"x", 0);
    file.sync_data().unwrap();
    let file = fs.create(path("/all")).unwrap();
    write(&*file, b"x", 0);
    file.sync_all().unwrap();
    fs.sync_dir(path("/")).unwrap();
    let left = mem.power_cut_worst();
    assert_eq!(["/data", "/all"].map(|name| content(&left, name).unwrap()), [b"x", b"x"]);
}

#[test]
fn a_failed_operation_does_not_happen() {
    let (fs, _) = faulty(Fault::fail(ErrorKind::StorageFull).on(&[OpKind::WriteAt, OpKind::Remove]));
    let file = fs.create(path("/f")).unwrap();
    assert_eq!(file.write_at(&[IoSlice::new(b"x")], 0).unwrap_err().kind(), ErrorKind::StorageFull);
    fs.remove(path("/f")).unwrap_err();
    assert_eq!(content(&fs, "/f").unwrap(), b"");
}

#[test]
fn a_fault_hits_the_nth_match_only() {
    let (fs, fault) = faulty(Fault::fail(ErrorKind::Other).on(&[OpKind::SyncDir]).at_nth(2));
    let failed: Vec<bool> = (0..5).map(|_| fs.sync_dir(path("/")).is_err()).collect();
    assert_eq!(failed, [false, false, true, false, false]);
    assert_eq!((fault.matched(), fault.hits()), (5, 1));
}

#[test]
fn a_sticky_fault_stays_until_it_is_lifted() {
    let (fs, fault) = faulty(Fault::fail(ErrorKind::Other).on(&[OpKind::SyncDir]).from_nth(1));
    let failed: Vec<bool> = (0..4).map(|_| fs.sync_dir(path("/")).is_err()).collect();
    assert_eq!(failed, [false, true, true, true]);
    fault.lift();
    fs.sync_dir(path("/")).unwrap();
    assert_eq!((fault.matched(), fault.hits()), (5, 3));
}

#[test]
fn a_fault_can_be_aimed_at_paths() {
    let is_table = |path: &Path| path.extension().is_some_and(|extension| extension == "sst");
    let (fs, _) = faulty(Fault::fail(ErrorKind::Other).on_path(is_table));
    fs.create(path("/1.log")).unwrap();
    fs.create(path("/1.sst")).unwrap_err();
    fs.rename(path("/1.log"), path("/2.sst")).unwrap_err();
}

#[test]
fn a_torn_write_leaves_a_prefix_and_fails() {
    let (fs, fault) = faulty(Fault::shorten(5).at_nth(0));
    let file = fs.create(path("/f")).unwrap();
    file.write_at(&[IoSlice::new(b"abc"), IoSlice::new(b"defgh")], 1).unwrap_err();
    assert_eq!(content(&fs, "/f").unwrap(), b"\0abcde");
    assert_eq!(fault.hits(), 1);
    write(&*file, b"whole", 0);
}

#[test]
fn a_torn_write_fails_even_if_it_all_fits() {
    let (fs, _) = faulty(Fault::shorten(100));
    fs.create(path("/f")).unwrap().write_at(&[IoSlice::new(b"abc")], 0).unwrap_err();
}

#[test]
fn short_reads_are_short_but_never_look_like_the_end() {
    let mem = Arc::new(MemFs::new());
    write(&*mem.create(path("/f")).unwrap(), b"12345", 0);
    for (bytes, first) in [(0, 1), (1, 1), (3, 3), (9, 5)] {
        let fs = FaultFs::new(mem.clone(), Arc::new(Fault::shorten(bytes)));
        let file = fs.open(path("/f")).unwrap();
        assert_eq!(file.read_at(&mut [0; 10], 0).unwrap(), first);
        let mut buf = [0; 5];
        file.read_exact_at(&mut buf, 0).unwrap();
        assert_eq!(&buf, b"12345");
    }
}

#[test]
fn the_first_injector_that_objects_decides_and_all_are_asked() {
    let (a, b) =
        (Arc::new(Fault::fail(ErrorKind::Other).from_nth(1)), Arc::new(Fault::fail(ErrorKind::TimedOut)));
    let injectors: Vec<Arc<dyn Injector>> = vec![a.clone(), b.clone()];
    let fs = FaultFs::new(Arc::new(MemFs::new()), Arc::new(FirstOf(injectors)));
    assert_eq!(fs.list(path("/")).unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(fs.list(path("/")).unwrap_err().kind(), ErrorKind::Other);
    assert_eq!((a.matched(), b.matched()), (2, 2));
}

#[test]
fn a_function_can_cut_the_power_between_two_operations() {
    let mem = MemFs::new();
    let (left, disk) = (Arc::new(Mutex::new(None)), mem.clone());
    let keep = Arc::clone(&left);
    let cut_at_rename = injector_fn(move |op: &Op<'_>| {
        if op.kind() == OpKind::Rename {
            *keep.lock().unwrap() = Some(disk.power_cut_best());
        }
        Decision::Pass
    });
    let fs = FaultFs::new(Arc::new(mem), cut_at_rename);
    fs.create(path("/a")).unwrap();
    fs.rename(path("/a"), path("/b")).unwrap();
    let left = left.lock().unwrap().take().unwrap();
    assert_eq!(left.list(path("/")).unwrap(), [path("/a")]);
}

#[test]
fn operations_name_their_paths() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&seen);
    let note = injector_fn(move |op: &Op<'_>| {
        keep.lock().unwrap().push((op.kind(), op.path().to_owned()));
        Decision::Pass
    });
    call_everything(&FaultFs::new(Arc::new(MemFs::new()), note));
    let expected = [
        (OpKind::CreateDirAll, "/d"),
        (OpKind::Create, "/f"),
        (OpKind::HardLink, "/g"),
        (OpKind::Rename, "/h"),
        (OpKind::Remove, "/h"),
        (OpKind::List, "/"),
        (OpKind::Metadata, "/"),
        (OpKind::RemoveDir, "/d"),
        (OpKind::SyncDir, "/"),
        (OpKind::AvailableBytes, "/"),
        (OpKind::Open, "/f"),
        (OpKind::ReadAt, "/f"),
        (OpKind::Advise, "/f"),
        (OpKind::Len, "/f"),
        (OpKind::OpenForOverwrite, "/f"),
        (OpKind::WriteAt, "/f"),
        (OpKind::SyncData, "/f"),
        (OpKind::SyncAll, "/f"),
        (OpKind::Allocate, "/f"),
        (OpKind::SetLen, "/f"),
        (OpKind::Len, "/f"),
        (OpKind::Lock, "/LOCK"),
        (OpKind::SetLockContent, "/LOCK"),
    ];
    assert_eq!(*seen.lock().unwrap(), expected.map(|(kind, text)| (kind, text.into())));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the delay is one of real time")]
fn delays_hold_up_only_what_they_are_meant_for() {
    let delay = Duration::from_millis(30);
    let fs = DelayFs::new(Arc::new(MemFs::new()), &OpKind::SYNCS, delay);
    let file = fs.create(path("/f")).unwrap();
    for (sync, is_slow) in [
        (&(|| file.sync_data()) as &dyn Fn() -> io::Result<()>, true),
        (&|| file.sync_all(), true),
        (&|| fs.sync_dir(path("/")), true),
        (&|| file.set_len(3), false),
    ] {
        let start = std::time::Instant::now();
        sync().unwrap();
        // A busy machine makes anything slower, so only the slow ones can be checked.
        assert!(!is_slow || delay <= start.elapsed());
    }
}

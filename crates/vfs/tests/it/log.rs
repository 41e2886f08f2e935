//! The text of operations.

use std::{
    io::{ErrorKind, IoSlice},
    path::Path,
    sync::Arc,
};

use siltstone_vfs::{Advice, Fault, FaultFs, Fs, LogFs, MemFs, OpKind, OpLog};

use crate::write;

fn at(name: &str) -> std::path::PathBuf {
    Path::new("/db").join(name)
}

/// Performs one operation of each kind.
fn perform(fs: &dyn Fs) {
    fs.create_dir_all(Path::new("/db")).unwrap();
    let file = fs.create(&at("1.log")).unwrap();
    file.write_at(&[IoSlice::new(b"abc"), IoSlice::new(b"de")], 4096).unwrap();
    file.sync_data().unwrap();
    file.sync_all().unwrap();
    file.allocate(0, 65536).unwrap();
    file.set_len(10).unwrap();
    file.len().unwrap();
    fs.open_for_overwrite(&at("1.log")).unwrap();
    let file = fs.open(&at("1.log")).unwrap();
    file.read_at(&mut [0; 7], 3).unwrap();
    file.advise(0, 4096, Advice::WillNeed).unwrap();
    fs.hard_link(&at("1.log"), &at("2.log")).unwrap();
    fs.rename(&at("2.log"), Path::new("/3.log")).unwrap();
    fs.remove(Path::new("/3.log")).unwrap();
    fs.list(Path::new("/db")).unwrap();
    fs.metadata(&at("1.log")).unwrap();
    fs.create_dir_all(&at("sub/deep")).unwrap();
    fs.remove_dir(&at("sub/deep")).unwrap();
    fs.sync_dir(Path::new("/db")).unwrap();
    fs.lock(&at("LOCK")).unwrap().set_content(b"12345").unwrap();
    fs.available_bytes(Path::new("/db")).unwrap();
}

#[test]
fn every_operation_has_its_line() {
    let log = OpLog::new();
    perform(&LogFs::with_reads(Arc::new(MemFs::new()), "/db", log.clone()));
    let expected = "\
create-dir-all .
create 1.log
write 1.log 4096+5
sync-data 1.log
sync-all 1.log
allocate 1.log 0+65536
set-len 1.log 10
len 1.log
open-for-overwrite 1.log
open 1.log
read 1.log 3+7
advise 1.log 0+4096
hard-link 1.log 2.log
rename 2.log /3.log
remove /3.log
list .
metadata 1.log
create-dir-all sub/deep
remove-dir sub/deep
sync-dir .
lock LOCK
set-lock-content LOCK 5
available-bytes .";
    assert_eq!(log.lines().join("\n"), expected);
}

#[test]
fn reads_are_left_out_unless_asked_for() {
    let log = OpLog::new();
    perform(&LogFs::new(Arc::new(MemFs::new()), "/db", log.clone()));
    let reads =
        ["len", "open", "open-for-overwrite", "read", "advise", "list", "metadata", "available-bytes"];
    let lines = log.take();
    assert_eq!(lines.len(), 15);
    assert!(lines.iter().all(|line| !reads.contains(&line.split(' ').next().unwrap())), "{lines:?}");
    assert!(log.lines().is_empty(), "taking empties the log");
}

#[test]
fn failures_are_shown() {
    let log = OpLog::new();
    let full = Fault::fail(ErrorKind::StorageFull).on(&[OpKind::WriteAt]);
    let faulty = FaultFs::new(Arc::new(MemFs::new()), Arc::new(full));
    let fs = LogFs::new(Arc::new(faulty), "/", log.clone());
    let file = fs.create(Path::new("/f")).unwrap();
    log.push("-- full");
    file.write_at(&[IoSlice::new(b"x")], 0).unwrap_err();
    fs.create(Path::new("/f")).unwrap_err();
    assert_eq!(log.lines(), ["create f", "-- full", "write f 0+1 ! StorageFull", "create f ! AlreadyExists"]);
}

#[test]
fn a_handle_keeps_the_name_it_was_opened_by() {
    let log = OpLog::new();
    let fs = LogFs::new(Arc::new(MemFs::new()), "/", log.clone());
    let file = fs.create(Path::new("/old")).unwrap();
    fs.rename(Path::new("/old"), Path::new("/new")).unwrap();
    write(&*file, b"x", 0);
    assert_eq!(log.lines(), ["create old", "rename old new", "write old 0+1"]);
}

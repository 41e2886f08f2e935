//! Full disks, and counting.

use std::{io::ErrorKind, path::Path};

use siltstone_vfs::{Fs, MemFs};

use crate::{content, write};

fn path(path: &str) -> &Path {
    Path::new(path)
}

fn available(fs: &MemFs) -> u64 {
    fs.available_bytes(path("/")).unwrap()
}

#[test]
fn a_write_to_a_full_disk_fails_after_what_fits() {
    let fs = MemFs::new();
    fs.set_capacity_bytes(10);
    let file = fs.create(path("/f")).unwrap();
    write(&*file, b"123456", 0);
    let error = file.write_at(&[std::io::IoSlice::new(b"abcdef")], 6).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    assert_eq!(content(&fs, "/f").unwrap(), b"123456abcd");
    assert_eq!(available(&fs), 0);
}

#[test]
fn a_full_disk_takes_overwrites() {
    let fs = MemFs::new();
    fs.set_capacity_bytes(3);
    let file = fs.create(path("/f")).unwrap();
    write(&*file, b"abc", 0);
    write(&*file, b"xyz", 0);
    assert_eq!(content(&fs, "/f").unwrap(), b"xyz");
}

#[test]
fn a_hole_that_does_not_fit_is_not_made() {
    let fs = MemFs::new();
    fs.set_capacity_bytes(10);
    let file = fs.create(path("/f")).unwrap();
    assert_eq!(file.write_at(&[std::io::IoSlice::new(b"x")], 20).unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(file.len().unwrap(), 0);
    assert_eq!(available(&fs), 10);
}

#[test]
fn allocate_and_set_len_take_all_or_nothing() {
    let fs = MemFs::new();
    fs.set_capacity_bytes(10);
    let file = fs.create(path("/f")).unwrap();
    assert_eq!(file.allocate(0, 11).unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(file.set_len(11).unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!((file.len().unwrap(), available(&fs)), (0, 10));
    file.allocate(0, 10).unwrap();
    assert_eq!(available(&fs), 0);
    file.set_len(4).unwrap();
    assert_eq!(available(&fs), 6);
}

#[test]
fn bytes_are_free_with_the_last_name_and_the_last_handle() {
    let fs = MemFs::new();
    fs.set_capacity_bytes(10);
    let file = fs.create(path("/f")).unwrap();
    write(&*file, b"123456", 0);
    fs.hard_link(path("/f"), path("/g")).unwrap();
    fs.remove(path("/f")).unwrap();
    assert_eq!(available(&fs), 4);
    fs.remove(path("/g")).unwrap();
    assert_eq!(available(&fs), 4, "the handle keeps the file");
    drop(file);
    assert_eq!(available(&fs), 10);
}

#[test]
fn bytes_of_a_replaced_file_are_free() {
    let fs = MemFs::new();
    fs.set_capacity_bytes(10);
    write(&*fs.create(path("/f")).unwrap(), b"12345", 0);
    fs.create(path("/g")).unwrap();
    fs.rename(path("/g"), path("/f")).unwrap();
    assert_eq!(available(&fs), 10);
}

#[test]
fn room_can_be_made_by_raising_the_capacity() {
    let fs = MemFs::new();
    fs.set_capacity_bytes(0);
    let file = fs.create(path("/f")).unwrap();
    file.write_at(&[std::io::IoSlice::new(b"x")], 0).unwrap_err();
    fs.set_capacity_bytes(1);
    write(&*file, b"x", 0);
}

#[test]
fn what_is_left_after_a_power_cut_counts() {
    let fs = MemFs::new();
    fs.set_capacity_bytes(100);
    let file = fs.create(path("/f")).unwrap();
    fs.hard_link(path("/f"), path("/g")).unwrap();
    write(&*file, &[1; 60], 0);
    for left in [fs.power_cut_best(), fs.clone_now()] {
        assert_eq!(available(&left), 40, "two names, one file");
        left.remove(path("/f")).unwrap();
        left.remove(path("/g")).unwrap();
        assert_eq!(available(&left), 100);
    }
    assert_eq!(available(&fs.power_cut_worst()), 100);
}

#[test]
fn every_call_is_counted() {
    let fs = MemFs::new();
    let file = fs.create(path("/f")).unwrap();
    write(&*file, b"x", 0);
    file.sync_data().unwrap();
    fs.sync_dir(path("/")).unwrap();
    let lock = fs.lock(path("/LOCK")).unwrap();
    fs.open(path("/gone")).unwrap_err();
    assert_eq!(fs.op_count(), 6);
    drop((file, lock));
    assert_eq!(fs.op_count(), 6);
    assert_eq!(fs.clone_now().op_count(), 0);
}

//! Checks of locks.

use std::{
    io::{self, ErrorKind},
    path::Path,
};

use super::{content_of, kind_of, list_checks, put};
use crate::Fs;

list_checks!(
    a_lock_excludes_a_second_one,
    a_refused_lock_leaves_the_first_one_alone,
    a_dropped_lock_can_be_taken_again,
    locks_of_two_files_are_apart,
    lock_keeps_the_content_until_it_is_replaced,
    locks_can_be_read,
);

fn a_lock_excludes_a_second_one(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    let path = &root.join("LOCK");
    let held = fs.lock(path)?;
    assert_eq!(fs.list(root)?, std::slice::from_ref(path));
    assert_eq!(kind_of(fs.lock(path)), ErrorKind::WouldBlock);
    drop(held);
    Ok(())
}

fn a_refused_lock_leaves_the_first_one_alone(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    let path = &root.join("LOCK");
    let held = fs.lock(path)?;
    for _ in 0..3 {
        assert_eq!(kind_of(fs.lock(path)), ErrorKind::WouldBlock);
    }
    drop(held);
    Ok(())
}

fn a_dropped_lock_can_be_taken_again(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    let path = &root.join("LOCK");
    for _ in 0..3 {
        drop(fs.lock(path)?);
    }
    assert_eq!(fs.list(root)?, std::slice::from_ref(path));
    Ok(())
}

fn locks_of_two_files_are_apart(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    let first = fs.lock(&root.join("a"))?;
    let second = fs.lock(&root.join("b"))?;
    drop(first);
    assert_eq!(kind_of(fs.lock(&root.join("b"))), ErrorKind::WouldBlock);
    drop(second);
    Ok(())
}

fn lock_keeps_the_content_until_it_is_replaced(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    let path = &root.join("LOCK");
    put(fs, path, b"pid 123456")?;
    let lock = fs.lock(path)?;
    assert_eq!(content_of(fs, path)?, b"pid 123456");
    lock.set_content(b"pid 7")?;
    assert_eq!(content_of(fs, path)?, b"pid 7");
    lock.set_content(b"")?;
    assert_eq!(content_of(fs, path)?, b"");
    Ok(())
}

fn locks_can_be_read(fs: &dyn Fs, root: &Path) -> io::Result<()> {
    let path = &root.join("LOCK");
    let lock = fs.lock(path)?;
    lock.set_content(b"12")?;
    assert_eq!(content_of(fs, path)?, b"12");
    assert_eq!(fs.metadata(path)?.len, 2);
    Ok(())
}

//! Opens a store again and again: after it was closed, or as a crash left it, with a log to replay.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use siltstone::{Clock as _, OsClock};

use crate::{
    cell::Cell,
    drive::Driven,
    keys::Values,
    process,
    store::{Store, View as _},
    stream::Step,
    workload::Workload,
};

/// A folder of files as a crash leaves them: a copy that is made while the store is open and does nothing.
#[derive(Debug)]
pub struct Crashed(PathBuf);

impl Crashed {
    /// Copies the folder of an open store to one beside it, once nothing changes in it any more.
    ///
    /// # Errors
    ///
    /// The operating system's, and when the store does not come to rest.
    pub fn copy(dir: &Path) -> Result<Crashed> {
        let to = beside(dir);
        for _ in 0..1_000 {
            let before = listing(dir)?;
            thread::sleep(Duration::from_millis(20));
            if listing(dir)? == before && copied(dir, &to).is_ok() && listing(dir)? == before {
                return Ok(Crashed(to));
            }
        }
        bail!("the files of the store do not come to rest")
    }
}

impl Drop for Crashed {
    fn drop(&mut self) {
        // The run removes what is left of a database as well.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Beside the folder of a database: begins as that one does.
fn beside(dir: &Path) -> PathBuf {
    let mut name = dir.file_name().unwrap_or_default().to_owned();
    name.push("-crashed");
    dir.with_file_name(name)
}

/// Names and sizes of all files.
fn listing(dir: &Path) -> Result<Vec<(PathBuf, u64)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        // It may go between two looks: then the listings differ.
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => files.extend(listing(&path)?),
            Ok(metadata) => files.push((path, metadata.len())),
            Err(_) => files.push((path, 0)),
        }
    }
    files.sort();
    Ok(files)
}

/// Replaces a folder by a copy of another one.
fn copied(from: &Path, to: &Path) -> Result<()> {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.metadata()?.is_dir() {
            copied(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Opens a store that is closed so many times, after a crash if there was one. Only that is timed, and closing it when there was none. Each time the key that was written last
/// must be there.
///
/// # Errors
///
/// The store's, and a key that is not there.
pub fn all<S: Store>(
    cell: &Cell,
    dir: &Path,
    crashed: Option<&Crashed>,
    count: u32,
    (last, values): (&Step, &Values),
) -> Result<Driven> {
    let mut driven = Driven::nothing()?;
    let waited = process::waited();
    for _ in 0..count {
        if let Some(Crashed(from)) = crashed {
            copied(from, dir).context("cannot copy the folder of the crash")?;
        }
        let began = OsClock.monotonic();
        let store = S::open(cell, dir)?;
        let opened = OsClock.monotonic();
        let is_there = store.view()?.get_with(&last.key, |value| value == values.of(last.number.into()))?;
        if is_there != Some(true) {
            bail!("key {} is not there after opening", last.number);
        }
        let found = OsClock.monotonic();
        store.close()?;
        let closing = OsClock.monotonic().saturating_sub(found);
        let timed = opened.saturating_sub(began) + if crashed.is_some() { Duration::ZERO } else { closing };
        driven.elapsed += timed;
        let ns = u64::try_from(timed.as_nanos()).unwrap_or(u64::MAX);
        driven.latencies.saturating_record(ns.max(1));
    }
    driven.waited = process::waited().saturating_sub(waited);
    Ok(driven)
}

impl Workload {
    /// How often the store is opened, if that is the workload.
    pub fn openings(self) -> Option<u32> {
        matches!(self, Workload::OpenClose | Workload::OpenReplay).then_some(20)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine::Siltstone, matrix::Matrix, measure::measure};

    fn cell(workload: &str) -> Cell {
        let text = format!("about = ''\n[axes]\nkeys = [3000]\nworkload = ['{workload}']\noperations = [3]");
        Matrix::parse(&text).unwrap().cells("m").remove(0)
    }

    #[test]
    fn a_crash_leaves_a_log_and_a_close_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("db");
        let cell = cell("openreplay");
        let db = Siltstone::open(&cell, &dir).unwrap();
        for number in 0..100_u8 {
            db.put(&[b'k', number], b"value").unwrap();
        }
        let crashed = Crashed::copy(&dir).unwrap();
        db.close().unwrap();
        let found = |dir: &Path| {
            let db = Siltstone::open(&cell, dir).unwrap();
            let records = db.0.recovery().records;
            let keys = db.0.range(..).count();
            db.close().unwrap();
            (records, keys)
        };
        assert_eq!(found(&crashed.0), (100, 100));
        assert_eq!(found(&dir), (0, 100));
        let beside = crashed.0.clone();
        drop(crashed);
        assert!(!beside.exists());
    }

    #[test]
    fn openings_are_counted_and_leave_everything() {
        for workload in ["openclose", "openreplay"] {
            let folder = tempfile::tempdir().unwrap();
            let dir = folder.path().join("db");
            let row = measure::<Siltstone>(&cell(workload), 0, &dir).unwrap();
            assert!(row.operations == 3 && row.latency_us.p50 > 1.0 && row.per_second > 0.0, "{workload}");
            let db = Siltstone::open(&cell(workload), &dir).unwrap();
            assert_eq!(db.0.range(..).count(), 3_000, "{workload}");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{workload}");
        }
    }

    #[test]
    fn a_key_that_was_lost_fails_the_cell() {
        let folder = tempfile::tempdir().unwrap();
        let (cell, values) = (cell("openclose"), Values::new(100));
        Siltstone::open(&cell, folder.path()).unwrap().close().unwrap();
        let last = crate::stream::Streams::new(&cell).unwrap().load[0];
        let error = all::<Siltstone>(&cell, folder.path(), None, 1, (&last, &values)).unwrap_err();
        assert!(error.to_string().contains("is not there"), "{error}");
    }
}

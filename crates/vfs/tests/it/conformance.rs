//! The suite, over every file system there is.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use siltstone_vfs::{
    DelayFs, FaultFs, FirstOf, Fs, LogFs, MemFs, OpCounter, OpKind, OpLog, OsFs, conformance,
};

fn mem() -> Arc<dyn Fs> {
    Arc::new(MemFs::new())
}

#[test]
fn the_real_file_system_conforms() {
    let dir = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    conformance::run(&|| {
        count.set(count.get() + 1);
        let root = dir.path().join(count.get().to_string());
        OsFs::new().create_dir_all(&root).unwrap();
        (Arc::new(OsFs::new()), root)
    });
}

#[test]
fn the_memory_file_system_conforms() {
    conformance::run(&|| (mem(), PathBuf::from("/")));
}

#[test]
fn relative_paths_work_in_memory() {
    conformance::run(&|| {
        let fs = mem();
        fs.create_dir_all(Path::new("deep/down")).unwrap();
        (fs, PathBuf::from("deep/down"))
    });
}

#[test]
fn wrappers_that_change_nothing_conform() {
    let pass = || FirstOf(vec![Arc::new(OpCounter::new()), Arc::new(FirstOf(Vec::new()))]);
    conformance::run(&|| (Arc::new(FaultFs::new(mem(), Arc::new(pass()))), PathBuf::from("/")));
    conformance::run(&|| (Arc::new(LogFs::with_reads(mem(), "/", OpLog::new())), PathBuf::from("/")));
    conformance::run(&|| (Arc::new(DelayFs::new(mem(), &OpKind::SYNCS, Duration::ZERO)), PathBuf::from("/")));
}

#[test]
fn what_is_left_after_a_power_cut_conforms() {
    let used = || {
        let fs = MemFs::new();
        fs.create_dir_all(Path::new("/left")).unwrap();
        fs.lock(Path::new("/left/LOCK")).unwrap().set_content(b"1").unwrap();
        fs.sync_dir(Path::new("/")).unwrap();
        fs.remove(Path::new("/left/LOCK")).unwrap();
        fs
    };
    let root = || PathBuf::from("/left");
    conformance::run(&|| (Arc::new(used().power_cut_best()), root()));
    conformance::run(&|| (Arc::new(used().power_cut_worst()), root()));
    conformance::run(&|| (Arc::new(used().clone_now()), root()));
}

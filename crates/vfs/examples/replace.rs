//! Replaces a file so that a power cut leaves the old content or the new, and tries it.

use std::{
    io::{self, IoSlice, Write},
    path::Path,
    sync::Arc,
};

use siltstone_vfs::{Fs, LogFs, MemFs, OpLog};

/// Replaces a file so that a power cut leaves the old content or the new.
fn replace(fs: &dyn Fs, dir: &Path, content: &[u8]) -> io::Result<()> {
    let temporary = dir.join("CURRENT.tmp");
    let file = fs.create(&temporary)?;
    file.write_at(&[IoSlice::new(content)], 0)?;
    file.sync_data()?;
    fs.rename(&temporary, &dir.join("CURRENT"))?;
    fs.sync_dir(dir)
}

fn main() -> io::Result<()> {
    let disk = MemFs::new();
    let log = OpLog::new();
    let dir = Path::new("/");
    replace(&LogFs::new(Arc::new(disk.clone()), dir, log.clone()), dir, b"first")?;

    let mut out = io::stdout().lock();
    for line in log.lines() {
        writeln!(out, "{line}")?;
    }
    // Nothing of it may be lost now, whatever the power cut.
    for seed in 0..100 {
        let left = disk.power_cut(seed);
        assert_eq!(left.metadata(&dir.join("CURRENT"))?.len, 5);
    }
    writeln!(out, "after each of 100 power cuts, CURRENT was there")
}

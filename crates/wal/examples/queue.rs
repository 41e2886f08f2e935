//! A queue of jobs that survives its process: run it twice, and see the jobs that were left.
//!
//! `cargo run --example queue -- DIR`, where DIR is a folder that exists; without it, the queue lives in
//! memory.

use std::{env, error::Error, io, io::Write, path::PathBuf, sync::Arc};

use siltstone_wal::{
    Payload, ReadMode, Record, SegmentOptions, SegmentedLog,
    vfs::{Fs, MemFs, OsFs},
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    let (fs, dir): (Arc<dyn Fs>, PathBuf) = match env::args_os().nth(1) {
        Some(dir) => (Arc::new(OsFs::new()), dir.into()),
        None => (Arc::new(MemFs::new()), "/queue".into()),
    };
    fs.create_dir_all(&dir)?;
    // A program of its own would draw these bytes at random when it makes the folder, and keep them.
    let options = SegmentOptions {
        segment_bytes_max: 4096,
        recycled_max: 2,
        ..SegmentOptions::new(*b"16 random bytes.")
    };

    let mut jobs = Vec::new();
    let (mut log, report) =
        SegmentedLog::open(fs, &dir, options, ReadMode::CrashTail, &mut |position, record| {
            jobs.push((position, record.tag, String::from_utf8_lossy(record.payload).into_owned()));
            Ok(())
        })?;
    writeln!(out, "{} jobs left, {} bytes of torn writes dropped", jobs.len(), report.dropped_bytes)?;

    // Everything that was found is done now: forget it, in whole segments.
    if let Some((position, tag, job)) = jobs.last() {
        writeln!(out, "the last one was number {tag}: {job}")?;
        let removed = log.remove_before(*position)?;
        writeln!(out, "{removed} segments removed")?;
    }

    let next_tag = jobs.last().map_or(1, |(_, tag, _)| tag + 1);
    let new_jobs: Vec<_> = (next_tag..next_tag + 100).map(|tag| (tag, format!("fold shirt {tag}"))).collect();
    let group: Vec<_> = new_jobs
        .iter()
        .map(|(tag, job)| Record { tag: *tag, payload: Payload::new(job.as_bytes()) })
        .collect();
    let position = log.append(&group)?;
    log.sync()?;
    writeln!(out, "100 jobs are durable from {position:?} on")?;
    log.close()?;
    Ok(())
}

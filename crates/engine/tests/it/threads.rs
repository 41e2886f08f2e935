//! Many threads at once, with real background threads.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use siltstone::{CompactionSettings, Db, Durability, Settings, WriteBatch};
use siltstone_vfs::MemFs;

fn open(fs: &MemFs) -> Db {
    let settings = Settings {
        memtable_entries_max: 50,
        table_bytes_max: 2000,
        log_bytes_max: 20_000,
        ..Settings::default()
    };
    Db::builder("db").fs(Arc::new(fs.clone())).settings(settings).open().unwrap()
}

/// Tells the other threads when one of them panics, so that a failure does not wait for what will not come.
struct StopOnPanic<'a>(&'a AtomicBool);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

#[test]
fn readers_never_see_half_a_batch_or_time_run_backwards() {
    let fs = MemFs::new();
    let db = open(&fs);
    let other = db.keyspace("other").unwrap();
    let stop = AtomicBool::new(false);
    let committed = AtomicU64::new(0);
    thread::scope(|scope| {
        for writer in 0..4_u64 {
            let (db, other, stop, committed) = (&db, &other, &stop, &committed);
            scope.spawn(move || {
                let _guard = StopOnPanic(stop);
                let mut batch = WriteBatch::new();
                for round in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let value = format!("{round:08}");
                    // The same value everywhere: in both keyspaces, at both ends of the key range.
                    batch.put(format!("a{writer}"), &value).put(format!("z{writer}"), &value);
                    batch.put_in(other, format!("m{writer}"), &value);
                    let durability = if round % 5 == 0 { Durability::Sync } else { Durability::Buffered };
                    db.write_with(&mut batch, durability).unwrap();
                    committed.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let readers: Vec<_> = (0..2)
            .map(|reader| {
                let (db, other, stop, committed) = (&db, &other, &stop, &committed);
                scope.spawn(move || {
                    let _guard = StopOnPanic(stop);
                    let mut newest = [0_u64; 4];
                    while committed.load(Ordering::Relaxed) < 5000 && !stop.load(Ordering::Relaxed) {
                        let snapshot = db.snapshot();
                        let forward: Vec<_> = snapshot.range(..).map(Result::unwrap).collect();
                        let mut backward: Vec<_> = snapshot.range(..).rev().map(Result::unwrap).collect();
                        backward.reverse();
                        assert_eq!(forward, backward, "reader {reader}");
                        for (writer, newest) in newest.iter_mut().enumerate() {
                            let a = snapshot.get(format!("a{writer}")).unwrap();
                            let z = snapshot.get(format!("z{writer}")).unwrap();
                            let m = snapshot.get_in(other, format!("m{writer}")).unwrap();
                            assert_eq!((&a, &a), (&z, &m), "half a batch, reader {reader}");
                            let Some(value) = a else { continue };
                            let round: u64 = std::str::from_utf8(&value).unwrap().parse().unwrap();
                            assert!(round >= *newest, "time ran backwards, reader {reader}");
                            *newest = round;
                            let plain = db.get(format!("a{writer}")).unwrap().unwrap();
                            assert!(plain >= value, "a get is older than a snapshot taken before");
                        }
                    }
                })
            })
            .collect();
        readers.into_iter().for_each(|reader| reader.join().unwrap());
        stop.store(true, Ordering::Relaxed);
    });
    assert!(db.stats().unwrap().tables() > 0);
    let before: Vec<_> = db.range(..).map(Result::unwrap).collect();
    drop(other);
    db.close().unwrap();
    let db = open(&fs);
    assert_eq!(db.range(..).map(Result::unwrap).collect::<Vec<_>>(), before);
}

#[test]
fn the_last_handle_closes_the_database() {
    let fs = MemFs::new();
    let db = open(&fs);
    let clone = db.clone();
    for i in 0..500_u32 {
        db.put_with(format!("{i}"), "v", Durability::Buffered).unwrap();
    }
    drop(db);
    clone.put("last", "v").unwrap();
    drop(clone);
    let db = open(&fs);
    assert!(db.recovery().was_closed);
    assert_eq!(db.range(..).count(), 501);
}

#[test]
fn writes_that_race_with_close_are_there_or_refused() {
    for _ in 0..20 {
        let fs = MemFs::new();
        let db = open(&fs);
        let written = thread::scope(|scope| {
            let writers: Vec<_> = (0..4)
                .map(|writer| {
                    let db = &db;
                    scope.spawn(move || {
                        (0..10_000).take_while(|i| db.put(format!("{writer}-{i:05}"), "v").is_ok()).count()
                    })
                })
                .collect();
            thread::sleep(std::time::Duration::from_millis(5));
            db.close().unwrap();
            writers.into_iter().map(|writer| writer.join().unwrap()).sum::<usize>()
        });
        let db = open(&fs);
        assert!(db.recovery().was_closed);
        assert_eq!(db.range(..).count(), written);
    }
}

#[test]
fn compacting_agrees_with_jobs_that_end_meanwhile_and_with_closing() {
    for _ in 0..10 {
        let fs = MemFs::new();
        let settings = Settings {
            memtable_entries_max: 5,
            compaction: CompactionSettings::size_tiered(2),
            ..Settings::default()
        };
        let db = Db::builder("db").fs(Arc::new(fs.clone())).settings(settings).open().unwrap();
        let outcomes = thread::scope(|scope| {
            scope.spawn(|| {
                (0..10_000_000)
                    .take_while(|i| db.put_with(format!("{i}"), "v", Durability::Buffered).is_ok())
                    .count()
            });
            let compactions = scope.spawn(|| {
                let mut outcomes = Vec::new();
                while outcomes.last().is_none_or(Result::is_ok) {
                    outcomes.push(db.compact());
                }
                outcomes
            });
            thread::sleep(std::time::Duration::from_millis(30));
            db.close().unwrap();
            compactions.join().unwrap()
        });
        // It ends, with nothing but the news that the database is closed.
        assert!(matches!(outcomes.last(), Some(Err(siltstone::Error::Closed))), "{:?}", outcomes.last());
    }
}

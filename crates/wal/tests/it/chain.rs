//! Which of many logs may have lost its end.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
};

use siltstone_types::{Error, Result};
use siltstone_vfs::{Fault, FaultFs, Fs, Injector, MemFs, OpKind};
use siltstone_wal::{
    ChainLog, ChainReader, ChainReport, Ending, LogEnd, LogId, LogWriter, Predecessors, ReadMode,
    WriterOptions,
};

use crate::kit::{ID, file_bytes, put_file, record};

fn log_path(number: u64) -> PathBuf {
    Path::new("/").join(format!("{number:06}.log"))
}

/// Logs as text: one word each, in order; `r` a record, `p` one with a promise, `e` an end record. Tags count
/// up over all logs. `!` behind it: the byte in the middle of the last record before it is changed
/// afterwards. A `0` is a log without records.
fn logs(text: &str) -> (MemFs, Vec<ChainLog>) {
    let (fs, mut chain, mut tag) = (MemFs::new(), Vec::new(), 0);
    for (word, number) in text.split_whitespace().zip(1..) {
        let id = LogId { number, ..ID };
        let path = log_path(number);
        let options =
            WriterOptions { preallocate_bytes: 0, reserve_bytes: 0, predecessors: Predecessors::Unsynced };
        let mut writer = Some(LogWriter::create(&fs, &path, id, options).unwrap());
        let mut damaged = Vec::new();
        let mut last = 0;
        for letter in word.chars() {
            match letter {
                'r' | 'p' => {
                    let writer = writer.as_mut().unwrap();
                    if letter == 'p' {
                        writer.predecessors_synced();
                        writer.sync().unwrap();
                    }
                    last = writer.append(&[record(tag, b"payload")]).unwrap().start;
                    tag += 1;
                }
                'e' => drop(writer.take().unwrap().finish().unwrap()),
                '!' => damaged.push(last),
                _ => {}
            }
        }
        let mut bytes = file_bytes(&fs, &path);
        for offset in damaged {
            bytes[usize::try_from(offset).unwrap() + 43] ^= 1;
        }
        fs.remove(&path).unwrap();
        put_file(&fs, &path, &bytes);
        chain.push(ChainLog { path, id, ending: Ending::Unknown, synced_to: 0 });
    }
    (fs, chain)
}

fn read(fs: &MemFs, chain: Vec<ChainLog>, mode: ReadMode) -> (Vec<u64>, Result<ChainReport>) {
    let mut tags = Vec::new();
    let mut reader = match ChainReader::open(fs, chain, mode) {
        Ok(reader) => reader,
        Err(error) => return (tags, Err(error)),
    };
    loop {
        match reader.next() {
            Ok(Some((_, found))) => tags.push(found.tag),
            Ok(None) => return (tags, Ok(reader.report().clone())),
            Err(error) => {
                assert_eq!(
                    reader.next().unwrap_err().to_string(),
                    error.to_string(),
                    "an error stays an error"
                );
                return (tags, Err(error));
            }
        }
    }
}

/// How many records are found and how many are dropped, or which log is damaged.
fn outcome(fs: &MemFs, chain: Vec<ChainLog>, mode: ReadMode) -> String {
    let (tags, outcome) = read(fs, chain, mode);
    assert!(mode == ReadMode::Salvage || tags.iter().copied().eq(0..tags.len() as u64), "{tags:?}");
    match outcome {
        Ok(report) if report.dropped_records + report.dropped_bytes == 0 => format!("{} found", tags.len()),
        Ok(report) => format!("{} found, {} dropped", tags.len(), report.dropped_records),
        Err(Error::Corruption { path, .. }) => {
            format!("damaged {}", path.file_stem().unwrap().to_str().unwrap())
        }
        Err(error) => panic!("{error}"),
    }
}

#[track_caller]
fn check(text: &str, mode: ReadMode, expected: &str) {
    let (fs, chain) = logs(text);
    assert_eq!(outcome(&fs, chain, mode), expected, "{text}");
}

#[test]
fn after_a_crash_logs_below_the_newest_promise_are_complete_or_damaged() {
    let crash = ReadMode::CrashTail;
    check("", crash, "0 found");
    check("0", crash, "0 found");
    check("rr", crash, "2 found");
    check("rre pr", crash, "4 found");
    check("rre pre 0 0", crash, "4 found");
    // The first log has lost its end record, and a promise in the second says that it was synced.
    check("rr pr", crash, "damaged 000001");
    check("rr r p", crash, "damaged 000001");
    check("rr! pr", crash, "damaged 000001");
    check("rre r p", crash, "damaged 000002");
    check("rr!e pr", crash, "damaged 000001");
    // Without a promise nobody said that the first was synced: what comes behind it is dropped.
    check("rr rr", crash, "2 found, 2 dropped");
    check("rr!e rre r", crash, "1 found, 3 dropped");
    check("rre r re r", crash, "3 found, 2 dropped");
    check("rr 0 0", crash, "2 found");
    // Of several promises the newest counts.
    check("pre pr pr", crash, "damaged 000002");
    check("pre pr!e pr", crash, "damaged 000002");
    // Damage to the log with the newest promise, and behind it.
    check("rre prr!", crash, "4 found, 0 dropped");
    check("rre pr!pr", crash, "damaged 000002");
    check("rre pre rr!", crash, "5 found, 0 dropped");
    // A promise in a header behind a damaged record counts, for the logs before and for its own.
    check("rr r!p", crash, "damaged 000001");
    check("rre r!p", crash, "damaged 000002");
}

#[test]
fn what_the_owner_knows_counts() {
    let with = |text, change: fn(&mut Vec<ChainLog>)| {
        let (fs, mut chain) = logs(text);
        change(&mut chain);
        outcome(&fs, chain, ReadMode::CrashTail)
    };
    // Recorded as finished, or with a position in a later one: strict.
    assert_eq!(with("rr r", |_| ()), "2 found, 1 dropped");
    assert_eq!(with("rr r", |chain| chain[0].ending = Ending::Finished), "damaged 000001");
    assert_eq!(with("rr r", |chain| chain[1].synced_to = 44), "damaged 000001");
    assert_eq!(with("rr!", |chain| chain[0].synced_to = 44), "1 found, 0 dropped");
    assert_eq!(with("rr!", |chain| chain[0].synced_to = 100), "damaged 000001");
    // Given up behind its second record: as if an end record stood there.
    let given_up = |length| Ending::GivenUp { length };
    let (fs, mut chain) = logs("rrr r");
    chain[0].ending = given_up(44 + 2 * 48);
    let (tags, report) = read(&fs, chain, ReadMode::CrashTail);
    let ends: Vec<_> = report.unwrap().logs.iter().map(|log| log.end).collect();
    assert_eq!((tags, ends), (vec![0, 1, 3], vec![Some(LogEnd::GivenUp), Some(LogEnd::Open)]));
}

#[test]
fn other_modes_do_without_the_chain_rule() {
    check("rre pre", ReadMode::Strict, "4 found");
    check("rre pr", ReadMode::Strict, "damaged 000002");
    check("rr pr", ReadMode::PointInTime, "2 found, 2 dropped");
    check("rr!e pr", ReadMode::PointInTime, "1 found, 2 dropped");
    check("rr!e pr", ReadMode::Salvage, "3 found, 0 dropped");
    check("rr pr", ReadMode::Salvage, "4 found");
}

#[test]
fn a_log_that_is_missing_is_an_error() {
    for mode in [ReadMode::Strict, ReadMode::CrashTail, ReadMode::PointInTime, ReadMode::Salvage] {
        let (fs, chain) = logs("re pe pe");
        fs.remove(&log_path(2)).unwrap();
        let (_, outcome) = read(&fs, chain, mode);
        assert!(matches!(outcome, Err(Error::Io { .. })), "{outcome:?}");
    }
}

#[test]
fn an_error_while_opening_a_log_is_not_forgotten() {
    // The third log is opened to be read, or to count what is dropped.
    for (text, mode) in [("re re re", ReadMode::Strict), ("r re re", ReadMode::PointInTime)] {
        let (disk, chain) = logs(text);
        let fault = Arc::new(Fault::fail(ErrorKind::Other).on(&[OpKind::Open]).at_nth(2));
        let fs = FaultFs::new(Arc::new(disk), Arc::clone(&fault) as Arc<dyn Injector>);
        let mut reader = ChainReader::open(&fs, chain, mode).unwrap();
        let error = loop {
            match reader.next() {
                Ok(found) => assert!(found.is_some(), "an error is not an end"),
                Err(error) => break error,
            }
        };
        assert_eq!(fault.hits(), 1);
        for _ in 0..3 {
            assert_eq!(reader.next().unwrap_err().to_string(), error.to_string());
        }
    }
}

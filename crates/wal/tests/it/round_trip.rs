//! What is written is read.

use std::path::Path;

use siltstone_vfs::MemFs;
use siltstone_wal::{
    Expect, LogEnd, LogId, LogReader, LogWriter, Payload, Purpose, ReadMode, Record, WriterOptions,
};

#[test]
fn a_finished_log_gives_back_its_records() {
    let fs = MemFs::new();
    let path = Path::new("000001.log");
    let id = LogId { purpose: Purpose::WRITE_AHEAD, number: 1, identity: [7; 16] };
    let mut writer = LogWriter::create(&fs, path, id, WriterOptions::default()).unwrap();
    writer.append(&[Record { tag: 1, payload: Payload::new(b"a") }]).unwrap();
    writer.finish().unwrap();
    let mut reader = LogReader::open(&fs, path, Expect::Log(id), ReadMode::Strict).unwrap();
    let record = reader.next().unwrap().unwrap();
    assert_eq!((record.tag, record.payload), (1, &b"a"[..]));
    assert_eq!(reader.next().unwrap(), None);
    assert_eq!(reader.report().end, Some(LogEnd::Finished));
}

//! What the account of memory says.

use siltstone::Settings;
use siltstone_vfs::MemFs;

use crate::{on, tiny};

#[test]
fn a_memtable_counts_for_as_long_as_a_reader_keeps_it() {
    let db = on(&MemFs::new()).open().unwrap();
    db.put("k", vec![7; 10_000]).unwrap();
    let bytes = || db.stats().unwrap().memory.memtable_bytes;
    let before = bytes();
    assert!(before > 10_000);
    let (snapshot, cursor) = (db.snapshot(), db.cursor().unwrap());
    db.flush().unwrap();
    assert_eq!(bytes(), before, "the cursor holds it");
    drop(cursor);
    assert_eq!(bytes(), 0, "a snapshot holds nothing");
    assert_eq!(snapshot.get("k").unwrap().unwrap().len(), 10_000);
}

#[test]
fn open_tables_count_with_those_that_cursors_keep() {
    let settings = Settings { open_tables_max: 1, ..tiny() };
    let db = on(&MemFs::new()).settings(settings).open().unwrap();
    for i in 0..100 {
        db.put(format!("{i:03}"), "v").unwrap();
    }
    db.compact().unwrap();
    let bytes = || db.stats().unwrap().memory.table_bytes;
    db.get("000").unwrap();
    let one = bytes();
    let mut cursor = db.cursor().unwrap();
    cursor.last().unwrap();
    db.get("000").unwrap();
    db.get("050").unwrap();
    assert_eq!(db.stats().unwrap().open_tables, 1);
    assert!(bytes() > one + one / 2, "{} beside {one}", bytes());
    drop(cursor);
    assert!(bytes() < one + one / 2);
}

#[test]
fn a_cache_counts_by_its_capacity_and_no_budget_limits_nothing_else() {
    let db =
        on(&MemFs::new()).settings(Settings { cache_bytes: 12_345, ..Settings::default() }).open().unwrap();
    let memory = db.stats().unwrap().memory;
    assert_eq!((memory.cache_bytes, memory.budget_bytes, memory.buffer_bytes), (12_345, 0, 0));
    let too_small = Settings { memory_bytes_max: 1 << 20, ..Settings::default() };
    let error = on(&MemFs::new()).settings(too_small).open().unwrap_err();
    assert!(error.to_string().contains("memory-bytes-max"), "{error}");
}

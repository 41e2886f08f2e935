//! Adds versions of two keys from two threads, looks them up as of different times, and walks over all of
//! them.
#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use std::{error::Error, thread};

use siltstone_memtable::{
    MemtableFactory, SkipListFactory,
    types::{Entry, InternalKey, KeyHash, Kind, Lookup, SequenceNumber},
};

fn main() -> Result<(), Box<dyn Error>> {
    let number = |n| SequenceNumber::new(n).ok_or("sequence numbers have 56 bits");
    let table = SkipListFactory.create();
    let batches = [
        [
            Entry { key: InternalKey::new(b"apple", number(1)?, Kind::Put), value: b"red" },
            Entry { key: InternalKey::new(b"apple", number(2)?, Kind::Put), value: b"green" },
        ],
        [
            Entry { key: InternalKey::new(b"banana", number(3)?, Kind::Put), value: b"yellow" },
            Entry { key: InternalKey::new(b"banana", number(4)?, Kind::Delete), value: b"" },
        ],
    ];
    thread::scope(|scope| {
        for batch in batches {
            let table = &table;
            scope.spawn(move || table.insert_batch(&mut batch.into_iter()));
        }
    });

    for (key, at) in [("apple", 1), ("apple", 9), ("banana", 3), ("banana", 9), ("cherry", 9)] {
        match table.get(key.as_bytes(), KeyHash::of(key.as_bytes()), number(at)?) {
            Some(Lookup::Value(value)) => println!("{key} at {at}: {value:?}"),
            Some(Lookup::Expiring { expires_at_unix_ms, value }) => {
                println!("{key} at {at}: {value:?} until {expires_at_unix_ms}");
            }
            Some(Lookup::Tombstone) => println!("{key} at {at}: deleted"),
            None => println!("{key} at {at}: not known here, ask older data"),
        }
    }

    println!("{table:?}");
    let mut cursor = table.cursor();
    cursor.first()?;
    while cursor.valid() {
        let (key, value) = (cursor.key(), cursor.value());
        println!("{} {:?} = {}", key.user_key.escape_ascii(), key.tag, value.escape_ascii());
        cursor.next()?;
    }
    Ok(())
}

//! Write batches, and manifests with the edits of a small life.

use std::error::Error;

use siltstone::{
    batch_format::VERSION,
    manifest::{
        format::{Edit, Field, LogEnding, TableRecord},
        state::State,
    },
};
use siltstone_types::{Slice, varint};
use siltstone_wal::{LogId, Purpose};

use crate::{Seed, logs::log};

pub(crate) fn batches() -> Vec<Seed> {
    let entry = |kind: u8, keyspace: u64, key: &[u8], value: &[u8]| {
        let mut out = vec![kind];
        varint::put_u64(&mut out, keyspace);
        for part in [key, value].into_iter().take(if matches!(kind, 1 | 7) { 2 } else { 1 }) {
            varint::put_u64(&mut out, part.len() as u64);
            out.extend_from_slice(part);
        }
        out
    };
    let batch =
        |count: u32, entries: &[Vec<u8>]| [&[VERSION], &count.to_le_bytes()[..], &entries.concat()].concat();
    let put = entry(1, 0, b"k", b"v");
    let delete = entry(2, 300, b"old", b"");
    let long = entry(1, 1, &[b'k'; 200], &[b'v'; 300]);
    let expiring = entry(7, 0, b"k", b"\x80\xd0\x95\xff\xbc\x31v");
    let highest = [&[0xff; 6][..], &[0xff], &batch(2, &[put.clone(), delete.clone()])].concat();
    vec![
        ("example", batch(2, &[put.clone(), delete.clone()])),
        ("empty", batch(0, &[])),
        ("long", batch(1, &[long])),
        ("many", batch(20, &vec![put.clone(); 20])),
        ("empty-key-and-value", batch(2, &[entry(1, 0, b"", b""), entry(2, 0, b"", b"")])),
        ("count-of-4-billion", batch(u32::MAX, std::slice::from_ref(&put))),
        ("keyspace-of-32-bits", batch(1, &[entry(2, u64::from(u32::MAX), b"k", b"")])),
        ("kind-too-new", batch(2, &[put.clone(), entry(5, 0, b"from", b"to")])),
        ("expiring", batch(3, &[put.clone(), expiring.clone(), entry(7, 300, b"", &[0])])),
        (
            "expiring-at-the-end-of-time",
            batch(1, &[entry(7, 0, b"k", &[&[0xff; 9][..], &[1], b"v"].concat())]),
        ),
        ("expiring-without-a-time", batch(2, &[expiring, entry(7, 0, b"k", b"")])),
        ("expiring-with-a-spare-byte", batch(1, &[entry(7, 0, b"k", &[0x80, 0])])),
        ("version-2", [&[2], &batch(1, std::slice::from_ref(&put))[1..]].concat()),
        ("sequence-numbers-run-out", highest),
        ("length-of-4-gib", batch(1, &[[1, 0, 0xff, 0xff, 0xff, 0xff, 0x0f].to_vec()])),
    ]
}

fn table(number: u64, smallest: &str, largest: &str) -> TableRecord {
    TableRecord {
        level: 0,
        epoch: 1,
        number,
        unique_id: *b"0123456789abcdef",
        file_bytes: 4_321,
        file_crc: 0xdead_beef,
        raw_bytes: 9_876,
        entries: 100,
        tombstones: 3,
        smallest: Slice::from(smallest),
        largest: Slice::from(largest),
        first_sequence: 1,
        last_sequence: 90,
        created_unix_ms: 1_700_000_000_000,
        oldest_tombstone_unix_ms: 1_600_000_000_000,
    }
}

/// The edits of a database that was created, filled, flushed and compacted.
fn life() -> Vec<Edit> {
    let counters =
        State { format_version: 1, next_file_number: 2, next_keyspace: 1, next_epoch: 1, ..State::default() };
    let mut snapshot = counters.to_edit();
    let name = |name: &str| name.to_owned();
    snapshot.fields.push(Field::KeyspaceCreated {
        id: 0,
        name: name("default"),
        strategy: name("size-tiered"),
    });
    let changes = [
        vec![Field::NextFileNumber(9), Field::LogCreated { number: 3 }, Field::LogCreated { number: 4 }],
        vec![
            Field::LastSequence(90),
            Field::NextEpoch(3),
            Field::TableAdded { keyspace: 0, table: Box::new(table(5, "a", "f")) },
            Field::TableAdded { keyspace: 0, table: Box::new(table(6, "g", "p")) },
            Field::LogFinished { number: 3, bytes: 500, ending: LogEnding::EndRecord },
            Field::LogPosition { keyspace: 0, log: 4, offset: 44 },
            Field::LogRemoved { number: 3 },
        ],
        vec![
            Field::NextKeyspace(2),
            Field::KeyspaceCreated { id: 1, name: name("users"), strategy: name("leveled") },
            Field::TableRemoved { keyspace: 0, number: 5 },
            Field::TableAdded {
                keyspace: 0,
                table: Box::new(TableRecord { level: 1, ..table(5, "a", "f") }),
            },
        ],
        vec![
            Field::KeyspaceDropped { id: 1 },
            Field::LogFinished { number: 4, bytes: 300, ending: LogEnding::Cut },
        ],
    ];
    let changes = changes.map(|fields| Edit { snapshot: false, fields });
    [snapshot].into_iter().chain(changes).collect()
}

fn keyspace(id: u32) -> Field {
    Field::KeyspaceCreated { id, name: "again".to_owned(), strategy: "leveled".to_owned() }
}

pub(crate) fn manifests() -> Result<Vec<Seed>, Box<dyn Error>> {
    let id = LogId { purpose: Purpose::MANIFEST, number: 3, identity: *b"0123456789abcdef" };
    let payloads: Vec<Vec<u8>> = life().iter().map(Edit::encode).collect();
    let framed = |payloads: &[Vec<u8>]| {
        let framed = payloads.iter().map(|payload| {
            let length = u16::try_from(payload.len()).map(u16::to_le_bytes)?;
            Ok([&length, payload.as_slice()].concat())
        });
        framed.collect::<Result<Vec<_>, Box<dyn Error>>>().map(|framed| framed.concat())
    };
    let mut state = State::from_snapshot(&life()[0]).map_err(|broken| broken.to_string())?;
    for edit in &life()[1..3] {
        state.apply(edit).map_err(|broken| broken.to_string())?;
    }
    let with = |edits: &[Vec<Field>]| {
        let edits = edits.iter().map(|fields| Edit { snapshot: false, fields: fields.clone() }.encode());
        let payloads: Vec<Vec<u8>> = payloads[..3].iter().cloned().chain(edits).collect();
        framed(&payloads)
    };
    let added = |number, smallest, largest| Field::TableAdded {
        keyspace: 0,
        table: Box::new(table(number, smallest, largest)),
    };
    let skippable = [vec![1, 0xf0], vec![0x8e, 2, 7, 7, 8, 1, 8]];
    Ok(vec![
        ("closed", log(id, &payloads, 0, true)?),
        ("crashed", log(id, &payloads, 0, false)?),
        ("snapshot-only", log(id, &payloads[..1], 0, true)?),
        ("busy-snapshot", log(id, &[state.to_edit().encode()], 0, true)?),
        ("no-snapshot", log(id, &payloads[1..2], 0, true)?),
        ("edits", framed(&payloads)?),
        ("edits-of-a-busy-snapshot", framed(&[state.to_edit().encode(), payloads[4].clone()])?),
        ("edits-with-fields-to-skip", framed(&[payloads[0].clone(), skippable.concat()])?),
        ("log-with-a-tables-number", with(&[vec![Field::LogCreated { number: 6 }]])?),
        ("table-with-a-logs-number", with(&[vec![added(4, "x", "z")]])?),
        ("tables-that-touch", with(&[vec![added(7, "p", "q")]])?),
        ("keyspace-id-used-again", with(&[vec![Field::KeyspaceDropped { id: 0 }, keyspace(0)]])?),
        ("sequence-of-57-bits", with(&[vec![Field::LastSequence(1 << 56)]])?),
        ("one-edit", payloads[2].clone()),
        ("one-snapshot", state.to_edit().encode()),
        ("one-edit-too-new", vec![1, 0, 14, 0]),
        ("one-edit-with-a-length-of-64-bits", [&[1, 0, 8][..], &[0xff; 9], &[1]].concat()),
    ])
}

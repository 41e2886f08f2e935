//! What holds of the state of a database after any edit, by docs/format/manifest.md.

use std::collections::{BTreeMap, BTreeSet};

use siltstone::manifest::{format::TableRecord, state::State};

/// The first rule that the state breaks, in words.
pub(crate) fn broken(state: &State) -> Option<String> {
    let mut owners = BTreeSet::new();
    let tables = state.keyspaces.values().flat_map(|keyspace| keyspace.tables.keys());
    for number in state.logs.keys().chain(tables) {
        if state.next_file_number <= *number || !owners.insert(*number) {
            return Some(format!(
                "rules 8 and 10: file number {number} is taken twice, or was never given out"
            ));
        }
    }
    let mut names = BTreeSet::new();
    for (id, keyspace) in &state.keyspaces {
        let name = keyspace.name.as_str();
        let well_named = (1..=255).contains(&name.len()) && names.insert(name);
        if !well_named || state.next_keyspace <= u64::from(*id) {
            return Some(format!("rule 6: keyspace {id}"));
        }
        if let Some(number) =
            keyspace.tables.values().find(|table| !is_sound(table, state)).map(|table| table.number)
        {
            return Some(format!("rule 8: table {number}"));
        }
        if let Some((a, b)) = overlap(&keyspace.tables) {
            return Some(format!("rule 9: tables {a} and {b}"));
        }
    }
    None
}

/// Rule 8.
fn is_sound(table: &TableRecord, state: &State) -> bool {
    table.last_sequence <= state.last_sequence
        && table.level < 64
        && table.epoch < state.next_epoch
        && table.smallest <= table.largest
        && table.first_sequence <= table.last_sequence
        && (1..).contains(&table.entries)
        && table.tombstones <= table.entries
}

/// Rule 9, each pair on its own.
fn overlap(tables: &BTreeMap<u64, TableRecord>) -> Option<(u64, u64)> {
    let overlaps = |a: &TableRecord, b: &TableRecord| {
        let same_run = (a.level, a.epoch) == (b.level, b.epoch) && a.number != b.number;
        same_run && a.smallest <= b.largest && b.smallest <= a.largest
    };
    tables.values().find_map(|a| {
        let other = tables.values().find(|b| overlaps(a, b));
        other.map(|b| (a.number, b.number))
    })
}

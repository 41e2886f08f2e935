//! Holds a store against a model before anything is timed: a store that answers wrongly may be very fast.

use std::{collections::BTreeMap, ops::Bound, path::Path};

use anyhow::{Result, bail, ensure};
use siltstone_testkit::Rng;

use crate::{
    cell::Cell,
    store::{Cursor, Store, View, Write},
};

type Model = BTreeMap<Vec<u8>, Vec<u8>>;
type Entry = (Vec<u8>, Vec<u8>);

/// So many keys are enough that all levels have some, and so few that most come again.
const KEYS: usize = 500;

/// Carries out so many random operations on a store in a folder that does not exist yet and on a map, and compares all answers: puts, overwrites, deletes, batches, lookups, seeks,
/// steps both ways, and closing and opening again. The seed decides which.
///
/// # Errors
///
/// The first answer that differs, and errors of the store.
pub fn check<S: Store>(cell: &Cell, dir: &Path, seed: u64, operations: u32) -> Result<()> {
    let mut rng = Rng::new(seed);
    let mut model = Model::new();
    let mut store = S::open(cell, dir)?;
    for operation in 0..operations {
        match below(&mut rng, 100) {
            0..35 => {
                let (key, value) = (key(&mut rng), value(&mut rng));
                store.put(&key, &value)?;
                model.insert(key, value);
            }
            35..48 => {
                let key = key(&mut rng);
                store.delete(&key)?;
                model.remove(&key);
            }
            48..54 => write_together(&store, &mut model, &mut rng)?,
            54..80 => look(&store, &model, &key(&mut rng))?,
            80..97 => walk(&store, &model, &mut rng)?,
            97 => compare_all(&store, &model)?,
            // Rarely: some stores take long.
            98 if operation % 5 == 0 => {
                store.settle()?;
            }
            99 if operation % 5 == 0 => {
                store.close()?;
                store = S::open(cell, dir)?;
            }
            _ => {}
        }
    }
    store.settle()?;
    compare_all(&store, &model)?;
    store.close()?;
    let store = S::open(cell, dir)?;
    compare_all(&store, &model)?;
    store.close()
}

fn below(rng: &mut Rng, end: usize) -> usize {
    usize::try_from(rng.next_u64() % end as u64).unwrap_or_default()
}

/// Of various lengths, some the beginning of others; not only digits.
fn key(rng: &mut Rng) -> Vec<u8> {
    let number = below(rng, KEYS);
    let mut key = format!("{:03}", number / 2).into_bytes();
    if number % 2 == 1 {
        key.extend([0, 255, 7].repeat(number % 5 + 1));
    }
    key
}

fn value(rng: &mut Rng) -> Vec<u8> {
    let bytes = below(rng, 200);
    rng.bytes(bytes)
}

fn write_together<S: Store>(store: &S, model: &mut Model, rng: &mut Rng) -> Result<()> {
    // A value is a put, none a delete. The last one of a key counts.
    let writes: Vec<(Vec<u8>, Option<Vec<u8>>)> =
        (0..=below(rng, 20)).map(|_| (key(rng), (below(rng, 4) > 0).then(|| value(rng)))).collect();
    store.write_batch(writes.iter().map(|(key, value)| match value {
        Some(value) => Write::Put(key, value),
        None => Write::Delete(key),
    }))?;
    for (key, value) in writes {
        match value {
            Some(value) => model.insert(key, value),
            None => model.remove(&key),
        };
    }
    Ok(())
}

fn look<S: Store>(store: &S, model: &Model, key: &[u8]) -> Result<()> {
    let found = store.view()?.get_with(key, <[u8]>::to_vec)?;
    ensure!(
        found.as_ref() == model.get(key),
        "a lookup of {} found {} and should find {}",
        shown(key),
        words(found.as_deref()),
        words(model.get(key).map(Vec::as_slice))
    );
    Ok(())
}

/// A cursor that goes somewhere and then steps to and fro, beside one of the model.
fn walk<S: Store>(store: &S, model: &Model, rng: &mut Rng) -> Result<()> {
    let view = store.view()?;
    let mut cursor = view.cursor()?;
    ensure!(cursor.entry().is_none(), "a new cursor stands on an entry");
    let mut expected = match below(rng, 6) {
        0 => {
            cursor.first()?;
            model.first_key_value()
        }
        1 => {
            cursor.last()?;
            model.last_key_value()
        }
        _ => {
            let key = key(rng);
            cursor.seek(&key)?;
            model.range(key..).next()
        }
    };
    let mut did = "went there".to_owned();
    for _ in 0..=below(rng, 12) {
        let found = cursor.entry().map(|(key, value)| (key.to_vec(), value.to_vec()));
        compare(&did, found.as_ref(), expected)?;
        let is_forward = below(rng, 3) > 0;
        if is_forward {
            cursor.next()?;
        } else {
            cursor.prev()?;
        }
        expected = expected.and_then(|(key, _)| {
            if is_forward {
                model.range::<[u8], _>((Bound::Excluded(key.as_slice()), Bound::Unbounded)).next()
            } else {
                model.range::<[u8], _>((Bound::Unbounded, Bound::Excluded(key.as_slice()))).next_back()
            }
        });
        did = format!("{} {}", did, if is_forward { "next" } else { "prev" });
    }
    Ok(())
}

/// Everything, in both directions.
fn compare_all<S: Store>(store: &S, model: &Model) -> Result<()> {
    let view = store.view()?;
    let mut cursor = view.cursor()?;
    cursor.first()?;
    for expected in model.iter().map(Some).chain([None]) {
        compare("went through all", own(&cursor).as_ref(), expected)?;
        cursor.next()?;
    }
    cursor.last()?;
    for expected in model.iter().rev().map(Some).chain([None]) {
        compare("went back through all", own(&cursor).as_ref(), expected)?;
        cursor.prev()?;
    }
    Ok(())
}

fn own(cursor: &impl Cursor) -> Option<Entry> {
    cursor.entry().map(|(key, value)| (key.to_vec(), value.to_vec()))
}

fn compare(did: &str, found: Option<&Entry>, expected: Option<(&Vec<u8>, &Vec<u8>)>) -> Result<()> {
    if found.map(|(key, value)| (key, value)) == expected {
        return Ok(());
    }
    let words = |entry: Option<(&Vec<u8>, &Vec<u8>)>| match entry {
        Some((key, value)) => format!("{} with {}", shown(key), words(Some(value))),
        None => "none".to_owned(),
    };
    bail!(
        "a cursor that {did} stands on {} and should stand on {}",
        words(found.map(|(key, value)| (key, value))),
        words(expected)
    )
}

fn shown(key: &[u8]) -> String {
    format!("`{}`", key.escape_ascii())
}

fn words(value: Option<&[u8]>) -> String {
    match value {
        Some(value) => format!("{} bytes, `{}`", value.len(), value[..value.len().min(8)].escape_ascii()),
        None => "nothing".to_owned(),
    }
}

#[cfg(test)]
mod tests;

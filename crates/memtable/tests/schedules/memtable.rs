//! Two writers of one small skip list beside two readers: what was published is found, in every way there is.

use std::sync::Arc;

use shuttle::{
    rand::{Rng, thread_rng},
    sync::atomic::{AtomicU64, Ordering},
    thread,
};
use siltstone_memtable::{
    Memtable, SkipListMemtable,
    types::{Cursor, Entry, KeyHash, Lookup},
};

use crate::{
    Checked,
    explore::{explore, run_again},
    model::{Counts, ENTRIES, Order, Orders, WRITERS, Written, all, check_walk},
};

/// How often each reader looks.
const ROUNDS: usize = 3;

/// A table, and how many entries of each writer have been published.
struct Shared {
    table: Arc<SkipListMemtable>,
    orders: Orders,
    published: [AtomicU64; WRITERS],
}

impl Shared {
    fn published(&self) -> Counts {
        self.published.each_ref().map(|published| published.load(Ordering::SeqCst))
    }

    fn cursor(&self) -> Box<dyn Cursor> {
        Arc::clone(&self.table).cursor()
    }
}

fn run() -> Checked {
    let shared = Arc::new(Shared {
        table: Arc::new(SkipListMemtable::new()),
        orders: std::array::from_fn(|_| Order::drawn()),
        published: Default::default(),
    });
    let mut parts = Vec::new();
    for writer in 0..WRITERS {
        let shared = Arc::clone(&shared);
        parts.push(thread::spawn(move || {
            write(&shared, writer);
            Ok(())
        }));
    }
    for read in [look_up, walk] {
        let shared = Arc::clone(&shared);
        parts.push(thread::spawn(move || (0..ROUNDS).try_for_each(|_| read(&shared))));
    }
    let outcomes: Vec<Checked> =
        parts.into_iter().map(|part| part.join().unwrap_or_else(|_| Err("panicked".to_owned()))).collect();
    outcomes
        .into_iter()
        .collect::<Checked>()
        .and_then(|()| check_whole(&shared))
        .map_err(|what| format!("{:?}: {what}", shared.orders))
}

fn write(shared: &Shared, writer: usize) {
    for number in 0..ENTRIES {
        let written = Written::of(shared.orders, writer, number);
        let entry = Entry { key: written.key(), value: written.value.as_bytes() };
        shared.table.insert_batch(&mut [entry].into_iter());
        shared.published[writer].store(number + 1, Ordering::SeqCst);
    }
}

/// Looks for one published entry of each writer: the newest most often, since it is there that leaves are split.
fn look_up(shared: &Shared) -> Checked {
    let published = shared.published();
    let mut cursor = shared.cursor();
    for (writer, count) in published.into_iter().enumerate().filter(|(_, count)| *count > 0) {
        let number = if thread_rng().gen_bool(0.5) { count - 1 } else { thread_rng().gen_range(0..count) };
        let written = Written::of(shared.orders, writer, number);
        let hash = KeyHash::of(written.user_key.as_bytes());
        let found = shared.table.get(written.user_key.as_bytes(), hash, written.sequence());
        if found != Some(Lookup::Value(written.value.as_bytes().into())) {
            return Err(format!("get of {written:?} found {found:?}"));
        }
        cursor.seek(written.key()).map_err(|error| error.to_string())?;
        stands_on(&*cursor, &written, "seek")?;
        cursor.seek_for_prev(written.key()).map_err(|error| error.to_string())?;
        stands_on(&*cursor, &written, "seek from behind")?;
    }
    Ok(())
}

fn stands_on(cursor: &dyn Cursor, written: &Written, way: &str) -> Checked {
    let found = cursor.valid().then(|| Written::under(cursor));
    if found.as_ref() == Some(written) {
        Ok(())
    } else {
        Err(format!("{way} to {written:?} found {found:?}"))
    }
}

/// Walks in one direction, from an end or from somewhere.
fn walk(shared: &Shared) -> Checked {
    let published = all(shared.orders, &shared.published());
    let from = published.iter().nth(thread_rng().gen_range(0..2 * published.len() + 1));
    let mut cursor = shared.cursor();
    if thread_rng().gen_bool(0.5) {
        let begin = match from {
            Some(from) => cursor.seek(from.key()),
            None => cursor.first(),
        };
        let found = steps(&mut *cursor, begin, |cursor| cursor.next())?;
        let on_its_way = published.iter().filter(|entry| from.is_none_or(|from| *entry >= from));
        return check_walk(shared.orders, &found, on_its_way).map_err(|what| format!("forwards: {what}"));
    }
    let begin = match from {
        Some(from) => cursor.seek_for_prev(from.key()),
        None => cursor.last(),
    };
    let mut found = steps(&mut *cursor, begin, |cursor| cursor.prev())?;
    found.reverse();
    let on_its_way = published.iter().filter(|entry| from.is_none_or(|from| *entry <= from));
    check_walk(shared.orders, &found, on_its_way).map_err(|what| format!("backwards: {what}"))
}

type Step = siltstone_memtable::types::Result<()>;

/// What a cursor comes to.
fn steps(
    cursor: &mut dyn Cursor,
    begin: Step,
    step: fn(&mut dyn Cursor) -> Step,
) -> Result<Vec<Written>, String> {
    let (mut found, mut outcome) = (Vec::new(), begin);
    loop {
        outcome.map_err(|error| error.to_string())?;
        if !cursor.valid() {
            return Ok(found);
        }
        found.push(Written::under(cursor));
        outcome = step(cursor);
    }
}

/// Checks the table that nobody writes any more.
fn check_whole(shared: &Shared) -> Checked {
    let counted = shared.table.entry_count();
    if counted != WRITERS as u64 * ENTRIES {
        return Err(format!("{counted} entries are counted"));
    }
    let everything = all(shared.orders, &[ENTRIES; WRITERS]);
    let mut cursor = shared.cursor();
    let begin = cursor.first();
    let forwards = steps(&mut *cursor, begin, |cursor| cursor.next())?;
    let begin = cursor.last();
    let backwards = steps(&mut *cursor, begin, |cursor| cursor.prev())?;
    if !forwards.iter().eq(&everything) || !backwards.iter().rev().eq(&everything) {
        return Err(format!("in the end there are {forwards:?}, and backwards {backwards:?}"));
    }
    Ok(())
}

#[test]
fn what_was_published_is_found_while_leaves_are_split() {
    explore("memtable", run);
}

#[test]
fn a_schedule_can_be_run_again() {
    run_again(run);
}

//! Manifests: what is read can be written again, and the modes agree.

use siltstone::{
    Error,
    manifest::{
        self,
        format::{Broken, Edit},
        state::State,
    },
};
use siltstone_wal::{Expect, LogEnd, LogReader, ReadMode, ReadReport};

use super::memory::{fs_with, path};
use crate::{
    plain::{state, varint},
    repair,
};

/// Reads a manifest as after a clean close, and as after a crash.
///
/// The input is tried as it is, with its crcs made right, as the edits of a manifest (a length of 16 bits before each), and as one edit.
///
/// # Panics
///
/// When an edit encodes to other bytes, when a state that was read is not one that a snapshot can say, or when the two modes disagree.
pub fn manifest_read(data: &[u8]) {
    check(data);
    check(&repair::log::repaired(data));
    check(&repair::log::framed(2, data));
    check_edit(data);
}

type Read = (State, ReadReport);

fn check(file: &[u8]) {
    let fs = fs_with(file);
    let read = |mode| {
        let mut edits = Vec::new();
        let read =
            manifest::read(&fs, path(), Expect::Any, mode, |offset, edit| edits.push((offset, edit.clone())));
        (read, edits)
    };
    let (strict, strict_edits) = read(ReadMode::Strict);
    let (crash_tail, edits) = read(ReadMode::CrashTail);
    assert!(edits.is_sorted_by(|(a, _), (b, _)| a < b), "edits in the order of the file");
    assert_eq!(
        strict_edits, edits,
        "the modes differ in what they take for the end, not in what is before it"
    );
    for read in [&strict, &crash_tail] {
        assert!(!matches!(read, Err(Error::InvalidArgument { .. } | Error::Io { .. })), "{read:?}");
        if let Ok(read) = read {
            check_state(read, &edits);
        }
    }
    if let Ok((state, report)) = &strict {
        assert_eq!(report.end, Some(LogEnd::Finished));
        assert_eq!(Some(state), crash_tail.as_ref().ok().map(|(state, _)| state));
    }
    if let Ok(mut reader) = LogReader::open(&fs, path(), Expect::Any, ReadMode::Salvage) {
        while let Ok(Some(record)) = reader.next() {
            check_edit(record.payload);
        }
    }
}

/// The state is what its edits add up to, and a snapshot says it.
fn check_state((state, report): &Read, edits: &[(u64, Edit)]) {
    assert_eq!(report.records, edits.len() as u64);
    let again = replay(edits.iter().map(|(_, edit)| edit));
    assert_eq!(again.as_ref(), Ok(state));
    let broken = state::broken(state);
    assert!(broken.is_none(), "{broken:?}");
    let snapshot = Edit::decode(&state.to_edit().encode());
    assert_eq!(snapshot.as_ref(), Ok(&state.to_edit()));
    let read_back = replay(snapshot.as_ref());
    assert_eq!(read_back.as_ref(), Ok(state), "the state cannot be written as a snapshot");
}

fn replay<'a>(edits: impl IntoIterator<Item = &'a Edit>) -> Result<State, Broken> {
    let mut edits = edits.into_iter();
    let mut state = edits.next().map_or_else(|| Ok(State::default()), State::from_snapshot)?;
    edits.try_for_each(|edit| state.apply(edit))?;
    Ok(state)
}

/// An edit that decodes, and holds nothing that may be skipped, encodes to the same bytes.
fn check_edit(payload: &[u8]) {
    let Ok(edit) = Edit::decode(payload) else { return };
    let encoded = edit.encode();
    assert_eq!(Edit::decode(&encoded).as_ref(), Ok(&edit));
    if skippable(payload) == Some(false) {
        assert_eq!(encoded, payload);
    }
}

/// Whether flags or fields are there that a reader does not keep.
fn skippable(payload: &[u8]) -> Option<bool> {
    let (&[_, flags], mut rest) = payload.split_first_chunk::<2>()?;
    let mut found = flags & 0xf0 != 0;
    while let Some((id, tail)) = rest.split_first() {
        let (len, tail) = varint::take(tail, 64)?;
        rest = tail.get(usize::try_from(len).ok()?..)?;
        found |= id & 0x80 != 0;
    }
    Some(found)
}

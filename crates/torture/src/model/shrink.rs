//! Makes a failing run shorter.

use crate::model::operation::Operation;

/// Runs that are tried at most.
const TRIES_MAX: u32 = 2000;

/// Leaves out parts of a list of operations, larger ones first, as long as it still fails. What it returns fails, if the list did.
pub fn shrink(operations: &[Operation], fails: impl Fn(&[Operation]) -> bool) -> Vec<Operation> {
    let mut shortest = operations.to_vec();
    let (mut part, mut tries) = (shortest.len().div_ceil(2), 0);
    while part > 0 && tries < TRIES_MAX {
        let (mut at, mut has_shrunk) = (0, false);
        while at < shortest.len() && tries < TRIES_MAX {
            let end = (at + part).min(shortest.len());
            let mut shorter = shortest.clone();
            shorter.drain(at..end);
            tries += 1;
            if fails(&shorter) {
                (shortest, has_shrunk) = (shorter, true);
            } else {
                at = end;
            }
        }
        // A part of one is tried again until nothing can go.
        part = if part == 1 && has_shrunk { 1 } else { part / 2 };
    }
    shortest
}

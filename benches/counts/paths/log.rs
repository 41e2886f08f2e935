//! Paths of the log.

use siltstone_benches::{Outcome, VALUE_BYTES, logs};
use siltstone_testkit::Rng;

use super::Prepared;

const RECORDS: usize = 10_000;

/// Appending records, each alone.
pub(super) fn append() -> Outcome<Prepared> {
    let mut rng = Rng::new(17);
    let payloads: Vec<Vec<u8>> = (0..RECORDS).map(|_| rng.bytes(VALUE_BYTES)).collect();
    let mut log = logs::create()?;
    Prepared::new(RECORDS, move || {
        logs::append(&mut log, &payloads, 1)?;
        Ok(payloads.len())
    })
}

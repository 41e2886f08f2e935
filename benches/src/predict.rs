//! What the simulation of the engine says that a cell writes and keeps.

use std::collections::BTreeSet;

use anyhow::Result;
use siltstone::compaction::{EngineParameters, EngineSimulation, EntrySizes, Operation};
use siltstone::types::Kind;

use crate::{
    cell::Cell,
    keys::KEY_BYTES,
    row::Predicted,
    stream::{Step, Streams},
    units::number,
};

/// All writes of a cell, one behind the other.
pub(crate) fn writes(streams: &Streams, written_beside: u64) -> Vec<Operation> {
    let beside = usize::try_from(written_beside).unwrap_or(usize::MAX);
    let load = streams.load.iter();
    let steps = load.chain(streams.threads.iter().flatten());
    let own = steps.filter_map(Step::write);
    own.chain(streams.writer.iter().cycle().take(beside).filter_map(Step::write)).collect()
}

/// Bytes of keys and values of so many writes.
pub(crate) fn user_bytes(writes: &[Operation], value_bytes: u64) -> u64 {
    let bytes = |write: &Operation| KEY_BYTES as u64 + if write.kind == Kind::Put { value_bytes } else { 0 };
    writes.iter().map(bytes).sum()
}

/// How many keys have a value once all is written.
pub(crate) fn live_keys(writes: &[Operation]) -> u64 {
    let mut live = BTreeSet::new();
    for write in writes {
        if write.kind == Kind::Put {
            live.insert(write.key);
        } else {
            live.remove(&write.key);
        }
    }
    live.len() as u64
}

/// Writes the same into a simulated engine whose jobs take no time, with entries of the same sizes. `None` when there is nothing to tell sizes from.
pub(crate) fn predict(
    cell: &Cell,
    writes: &[Operation],
    memory_bytes: u64,
    file_bytes: u64,
) -> Result<Option<Predicted>> {
    if memory_bytes == 0 || file_bytes == 0 {
        return Ok(None);
    }
    let sizes = |bytes| EntrySizes { put_bytes: bytes, tombstone_bytes: bytes };
    let parameters = EngineParameters {
        memory: sizes(memory_bytes),
        file: sizes(file_bytes),
        memtable_bytes_max: cell.memtable_bytes.0,
        // Reads are measured, not simulated.
        reads_per_flush: 0,
        ..EngineParameters::default()
    };
    let mut simulation = EngineSimulation::new(cell.strategy()?.make()?, parameters);
    let report = simulation.run(writes.iter().copied())?;
    if report.bytes_flushed == 0 || report.live_bytes == 0 {
        return Ok(None);
    }
    Ok(Some(Predicted {
        table_write: number(report.bytes_flushed + report.bytes_merged) / number(report.bytes_flushed),
        space: report.space_amplification_settled,
    }))
}

//! The workloads by name: what each does, and what must be there before it begins.

use serde::{Deserialize, Serialize};

/// A workload, by the name it has in `db_bench` or in YCSB; docs/benchmarks.md says what each does.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub(crate) enum Workload {
    #[serde(rename = "fillseq")]
    FillSeq,
    #[serde(rename = "fillrandom")]
    FillRandom,
    #[serde(rename = "fillbatch")]
    FillBatch,
    #[serde(rename = "fillsync")]
    FillSync,
    #[serde(rename = "overwrite")]
    Overwrite,
    #[serde(rename = "readrandom")]
    ReadRandom,
    #[serde(rename = "readmissing")]
    ReadMissing,
    #[serde(rename = "readseq")]
    ReadSeq,
    #[serde(rename = "readreverse")]
    ReadReverse,
    #[serde(rename = "seekrandom")]
    SeekRandom,
    #[serde(rename = "readwhilewriting")]
    ReadWhileWriting,
    #[serde(rename = "deleterandom")]
    DeleteRandom,
    #[serde(rename = "ycsb-a")]
    YcsbA,
    #[serde(rename = "ycsb-b")]
    YcsbB,
    #[serde(rename = "ycsb-c")]
    YcsbC,
    #[serde(rename = "ycsb-d")]
    YcsbD,
    #[serde(rename = "ycsb-e")]
    YcsbE,
    #[serde(rename = "ycsb-f")]
    YcsbF,
}

impl Workload {
    /// Whether it begins with an empty database.
    pub(crate) fn is_fresh(self) -> bool {
        matches!(self, Workload::FillSeq | Workload::FillRandom | Workload::FillBatch | Workload::FillSync)
    }

    /// Entries that are written together.
    pub(crate) fn batch_entries(self) -> usize {
        if self == Workload::FillBatch { 1_000 } else { 1 }
    }

    /// Whether every write is synced, whatever the cell's durability is.
    pub(crate) fn syncs(self) -> bool {
        self == Workload::FillSync
    }
}

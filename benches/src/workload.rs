//! The workloads by name: what each does, and what must be there before it begins.

use serde::{Deserialize, Serialize};

/// A workload, by the name it has in `db_bench` or in YCSB; docs/benchmarks.md says what each does.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub enum Workload {
    /// Puts of ascending keys.
    #[serde(rename = "fillseq")]
    FillSeq,
    /// Puts of keys drawn from all.
    #[serde(rename = "fillrandom")]
    FillRandom,
    /// Batches of ascending keys.
    #[serde(rename = "fillbatch")]
    FillBatch,
    /// Puts of keys drawn from all, each synced.
    #[serde(rename = "fillsync")]
    FillSync,
    /// Puts of keys that are there.
    #[serde(rename = "overwrite")]
    Overwrite,
    /// Lookups of keys that are there.
    #[serde(rename = "readrandom")]
    ReadRandom,
    /// Lookups of keys that are not.
    #[serde(rename = "readmissing")]
    ReadMissing,
    /// Steps of a cursor, forwards.
    #[serde(rename = "readseq")]
    ReadSeq,
    /// Steps of a cursor, backwards.
    #[serde(rename = "readreverse")]
    ReadReverse,
    /// A seek and ten steps, with a new cursor each.
    #[serde(rename = "seekrandom-10", alias = "seekrandom")]
    SeekRandom10,
    /// A seek and a hundred steps, with a new cursor each.
    #[serde(rename = "seekrandom-100")]
    SeekRandom100,
    /// Lookups beside a thread that writes.
    #[serde(rename = "readwhilewriting")]
    ReadWhileWriting,
    /// Deletes of keys that are there.
    #[serde(rename = "deleterandom")]
    DeleteRandom,
    /// Half lookups, half puts.
    #[serde(rename = "ycsb-a")]
    YcsbA,
    /// 95 % lookups, 5 % puts.
    #[serde(rename = "ycsb-b")]
    YcsbB,
    /// Lookups.
    #[serde(rename = "ycsb-c")]
    YcsbC,
    /// 95 % lookups of what came last, 5 % inserts.
    #[serde(rename = "ycsb-d")]
    YcsbD,
    /// 95 % scans, 5 % inserts.
    #[serde(rename = "ycsb-e")]
    YcsbE,
    /// Half lookups, half lookups and puts of the same key.
    #[serde(rename = "ycsb-f")]
    YcsbF,
    /// Lookups of keys that are there, each with a put of the same key.
    #[serde(rename = "updaterandom")]
    UpdateRandom,
    /// Puts of a few keys over and over, and scans of them.
    #[serde(rename = "hotoverwrite")]
    HotOverwrite,
    /// Puts behind the last key, and deletes of the first one.
    #[serde(rename = "queue")]
    Queue,
    /// Puts at the ends of many series, of entries that expire.
    #[serde(rename = "timeseries-ttl")]
    TimeSeriesTtl,
    /// Opening after a close, and closing.
    #[serde(rename = "openclose")]
    OpenClose,
    /// Opening as a crash left it.
    #[serde(rename = "openreplay")]
    OpenReplay,
}

impl Workload {
    /// Whether it begins with an empty database.
    pub fn is_fresh(self) -> bool {
        matches!(
            self,
            Workload::FillSeq
                | Workload::FillRandom
                | Workload::FillBatch
                | Workload::FillSync
                | Workload::TimeSeriesTtl
        )
    }

    /// Entries that are written together.
    pub fn batch_entries(self) -> usize {
        if self == Workload::FillBatch { 1_000 } else { 1 }
    }

    /// Whether what it writes is gone after a while.
    pub fn expires(self) -> bool {
        self == Workload::TimeSeriesTtl
    }

    /// Whether every write is synced, whatever the cell's durability is.
    pub fn syncs(self) -> bool {
        self == Workload::FillSync
    }
}

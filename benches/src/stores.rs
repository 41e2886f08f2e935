//! The stores by name: which axes of a cell each has, and the cell that it can be measured with.

use serde::{Deserialize, Serialize};

use crate::{
    cell::Cell,
    matrix::Axes,
    nearest::unknown,
    values::{self, Compression},
};

/// A store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, Debug)]
#[serde(rename_all = "lowercase")]
pub enum StoreName {
    /// The engine of this workspace.
    #[default]
    Siltstone,
    /// A log-structured merge tree, in C++.
    RocksDb,
    /// A log-structured merge tree.
    Fjall,
    /// A copy-on-write B-tree.
    Redb,
    /// A copy-on-write B-tree in mapped memory, in C.
    Lmdb,
    /// A log-structured merge tree, in C++.
    LevelDb,
    /// A log-structured B-tree.
    Sled,
}

/// All but the engine.
pub const PEERS: [StoreName; 6] = [
    StoreName::RocksDb,
    StoreName::Fjall,
    StoreName::Redb,
    StoreName::Lmdb,
    StoreName::LevelDb,
    StoreName::Sled,
];

impl StoreName {
    /// As the command line and the results have it.
    pub fn word(self) -> &'static str {
        match self {
            StoreName::Siltstone => "siltstone",
            StoreName::RocksDb => "rocksdb",
            StoreName::Fjall => "fjall",
            StoreName::Redb => "redb",
            StoreName::Lmdb => "lmdb",
            StoreName::LevelDb => "leveldb",
            StoreName::Sled => "sled",
        }
    }

    /// Reads the name of a peer.
    ///
    /// # Errors
    ///
    /// For a name that none has, with what was probably meant.
    pub fn peer(word: &str) -> Result<StoreName, String> {
        let words = PEERS.map(StoreName::word);
        PEERS.into_iter().find(|peer| peer.word() == word).ok_or_else(|| unknown("peer", word, &words))
    }

    /// Whether the store works differently with another value of an axis. The axes that every store has say what is done, not how.
    pub fn has(self, axis: &str) -> bool {
        let is_merge_tree = matches!(self, StoreName::RocksDb | StoreName::Fjall | StoreName::LevelDb);
        match axis {
            _ if self == StoreName::Siltstone => true,
            "strategy" | "memtable" => false,
            "compression" | "filter-bits" | "memtable-bytes" | "table-bytes" | "block-bytes" => is_merge_tree,
            "cache-bytes" => self != StoreName::Lmdb,
            _ => true,
        }
    }

    /// The cell that measures this store where the engine is measured with another: what the store does not have is as by default, so that cells that differ in nothing else are
    /// equal.
    ///
    /// # Errors
    ///
    /// When the store cannot do what the cell says, and why.
    pub fn cell(self, engine: &Cell) -> Result<Cell, String> {
        let name = self.word();
        let default = Axes::default_cell(&engine.matrix);
        let mut cell = Cell { store: self, require: default.require, ..engine.clone() };
        if self == StoreName::Siltstone {
            return Ok(engine.clone());
        }
        if !matches!(cell.durability.0.as_str(), "sync" | "buffered") {
            return Err(format!("{name} is opened with durability `sync` or `buffered`"));
        }
        cell.compression = self.compression(&cell)?;
        (cell.strategy, cell.memtable) = (default.strategy, default.memtable);
        if !self.has("filter-bits") {
            cell.filter_bits = 0.0;
            (cell.memtable_bytes, cell.table_bytes) = (default.memtable_bytes, default.table_bytes);
            cell.block_bytes = default.block_bytes;
        }
        if !self.has("cache-bytes") {
            cell.cache_bytes = default.cache_bytes;
        }
        Ok(cell)
    }

    /// Codecs in the words of the engine. `LevelDB` has one, which `lz4` stands for.
    fn compression(self, cell: &Cell) -> Result<Compression, String> {
        let none = || Compression("none".to_owned());
        let codecs = values::compression(&cell.compression.0).map_err(|error| format!("{error:#}"))?;
        let is_zstd = |codec: &siltstone::Compression| matches!(codec, siltstone::Compression::Zstd { .. });
        match self {
            StoreName::Redb | StoreName::Lmdb | StoreName::Sled => Ok(none()),
            StoreName::Fjall | StoreName::LevelDb if codecs.iter().any(is_zstd) => {
                Err(format!("{} has no zstd", self.word()))
            }
            StoreName::LevelDb if codecs.len() > 1 => Err("leveldb has one codec for all levels".to_owned()),
            StoreName::RocksDb
                if codecs
                    .iter()
                    .filter(|codec| is_zstd(codec))
                    .any(|one| codecs.iter().filter(|codec| is_zstd(codec)).any(|other| one != other)) =>
            {
                Err("rocksdb has one level of zstd for all levels of the tree".to_owned())
            }
            _ => Ok(cell.compression.clone()),
        }
    }
}

/// What peers are measured with where the engine is measured with these cells: each cell once, and why others are left out, each reason once.
pub fn of_peers(cells: &[Cell], peers: &[StoreName]) -> (Vec<Cell>, Vec<String>) {
    let (mut of_peers, mut left_out) = (Vec::new(), Vec::new());
    for peer in peers {
        for cell in cells {
            match peer.cell(cell) {
                Ok(cell) if !of_peers.contains(&cell) => of_peers.push(cell),
                Err(why) if !left_out.contains(&why) => left_out.push(why),
                _ => {}
            }
        }
    }
    (of_peers, left_out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Matrix;

    fn cells(axes: &str) -> Vec<Cell> {
        Matrix::parse(&format!("about = ''\n[axes]\n{axes}")).unwrap().cells("m")
    }

    #[test]
    fn peers_are_measured_once_over_what_they_do_not_have() {
        let cells = cells(
            "strategy = ['leveled', 'size-tiered']\nmemtable = ['skiplist', 'btree']\ncompression = ['lz4']\n\
             filter-bits = [0, 10]\ncache-bytes = ['1MiB', '2MiB']\nthreads = [1, 2]",
        );
        let count = |peer: StoreName| of_peers(&cells, &[peer]).0.len();
        assert_eq!((cells.len(), of_peers(&cells, &[]).0.len()), (32, 0));
        assert_eq!(PEERS.map(count), [8, 8, 4, 2, 8, 4]);
        let rocksdb = of_peers(&cells, &[StoreName::RocksDb]).0;
        assert_eq!(rocksdb[0].word("strategy"), "–");
        let siltstone = cells.iter().filter(|cell| StoreName::RocksDb.cell(cell).as_ref() == Ok(&rocksdb[0]));
        let both: Vec<Cell> =
            vec![cells[0].clone(), rocksdb[0].clone(), StoreName::Lmdb.cell(&cells[0]).unwrap()];
        assert_eq!(crate::cell::varying(&both), ["store"], "what a store does not have tells no cells apart");
        assert_eq!(siltstone.count(), 4, "every strategy and memtable is compared with the same cell");
    }

    #[test]
    fn what_a_peer_cannot_do_is_left_out_with_the_reason() {
        let cells = cells(
            "compression = ['zstd', 'none/lz4', 'zstd-1/zstd-9']\ndurability = ['buffered', 'interval-10']",
        );
        let (of_peers, left_out) = of_peers(&cells, &PEERS);
        assert_eq!(of_peers.iter().filter(|cell| cell.store == StoreName::LevelDb).count(), 0);
        assert_eq!(of_peers.iter().filter(|cell| cell.store == StoreName::RocksDb).count(), 2);
        assert!(left_out.contains(&"fjall has no zstd".to_owned()), "{left_out:?}");
        assert!(left_out.iter().any(|why| why.starts_with("sled is opened with durability")), "{left_out:?}");
    }

    #[test]
    fn names_are_read_and_others_refused() {
        assert!(PEERS.iter().all(|peer| StoreName::peer(peer.word()) == Ok(*peer)));
        assert_eq!(
            StoreName::peer("rocksdbb").unwrap_err(),
            "there is no peer `rocksdbb`; did you mean `rocksdb`?"
        );
        assert!(StoreName::peer("siltstone").is_err());
        let json = serde_json::to_string(&PEERS).unwrap();
        assert_eq!(json, r#"["rocksdb","fjall","redb","lmdb","leveldb","sled"]"#, "as `word` has them");
    }
}

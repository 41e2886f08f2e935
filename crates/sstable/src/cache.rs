//! Keeps blocks that are read often.

use std::fmt;

use quick_cache::{
    DefaultHashBuilder, OptionsBuilder, Weighter,
    sync::{Cache, DefaultLifecycle},
};

use crate::Block;

/// Name of a block among all open tables.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct BlockKey {
    /// [`OpenOptions::cache_number`](crate::OpenOptions::cache_number) of the table.
    pub table: u64,
    /// Where the block starts in its file.
    pub offset: u64,
}

/// Keeps data blocks, decompressed and checked. It may forget any of them at any time.
///
/// There is no call to forget a table: its number is never used again, so its blocks fade.
pub trait BlockCache: fmt::Debug + Send + Sync {
    /// The block, if it is kept.
    fn get(&self, key: BlockKey) -> Option<Block>;
    /// Offers a block.
    fn insert(&self, key: BlockKey, block: Block);
    /// What is kept now, and what was asked.
    fn stats(&self) -> CacheStats;
    /// Bytes held, with what keeping them costs.
    fn used_bytes(&self) -> u64 {
        self.stats().used_bytes
    }
}

/// Figures of a cache.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct CacheStats {
    /// Bytes held, with what keeping them costs.
    pub used_bytes: u64,
    /// Most bytes it holds.
    pub capacity_bytes: u64,
    /// Blocks held.
    pub block_count: u64,
    /// Questions that were answered, since the cache was made.
    pub hits: u64,
    /// Questions that were not.
    pub misses: u64,
}

/// The shipped cache: sharded, and resistant to scans (`quick_cache`).
pub struct QuickBlockCache {
    cache: Cache<BlockKey, Block, BlockWeighter, DefaultHashBuilder, DefaultLifecycle<BlockKey, Block>>,
}

/// What an entry costs beside the block's bytes: key, handle, slots of the hash table and of the queue.
const OVERHEAD_BYTES: u64 = 128;
/// A shard holds at least this many blocks of the expected size; otherwise its share of the budget would be
/// too coarse.
const SHARD_BLOCK_COUNT_MIN: u64 = 16;
const SHARD_COUNT_MAX: u64 = 64;

#[derive(Clone, Copy, Debug)]
struct BlockWeighter;

impl Weighter<BlockKey, Block> for BlockWeighter {
    fn weight(&self, _: &BlockKey, block: &Block) -> u64 {
        block.raw().len() as u64 + OVERHEAD_BYTES
    }
}

impl QuickBlockCache {
    /// A cache of `capacity_bytes` for blocks of about `block_bytes` each.
    ///
    /// The capacity is divided among shards, as many as leave room for sixteen such blocks in each (at most
    /// 64, at least one). A block that is larger than a shard's share is not kept: it is read anew each time.
    pub fn new(capacity_bytes: u64, block_bytes: usize) -> QuickBlockCache {
        let block_cost = (block_bytes as u64).max(1).saturating_add(OVERHEAD_BYTES);
        let shard_count = (capacity_bytes / block_cost / SHARD_BLOCK_COUNT_MIN).clamp(1, SHARD_COUNT_MAX);
        // Rounded down to a power of two here: the library would round up, and make the shards too small.
        let shard_count = 1_usize << shard_count.ilog2();
        let block_count = usize::try_from(capacity_bytes / block_cost).unwrap_or(usize::MAX).max(1);
        let options = OptionsBuilder::new()
            .shards(shard_count)
            .estimated_items_capacity(block_count)
            .weight_capacity(capacity_bytes)
            .build();
        let cache = match options {
            Ok(options) => Cache::with_options(
                options,
                BlockWeighter,
                DefaultHashBuilder::default(),
                DefaultLifecycle::default(),
            ),
            // Only a missing option is an error, and none is missing.
            Err(_) => Cache::with_weighter(block_count, capacity_bytes, BlockWeighter),
        };
        QuickBlockCache { cache }
    }

    /// Independent parts of the cache.
    pub fn shard_count(&self) -> usize {
        self.cache.num_shards()
    }
}

impl fmt::Debug for QuickBlockCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuickBlockCache").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl BlockCache for QuickBlockCache {
    fn get(&self, key: BlockKey) -> Option<Block> {
        self.cache.get(&key)
    }

    fn insert(&self, key: BlockKey, block: Block) {
        self.cache.insert(key, block);
    }

    fn stats(&self) -> CacheStats {
        CacheStats {
            used_bytes: self.cache.weight(),
            capacity_bytes: self.cache.capacity(),
            block_count: self.cache.len() as u64,
            hits: self.cache.hits(),
            misses: self.cache.misses(),
        }
    }
}

//! A cursor over all entries of a table: one over the index, one over a data block.
#![deny(clippy::indexing_slicing)]

use std::sync::Arc;

use siltstone_types::{Cursor, Error, InternalKey, Result, Slice};

use crate::{Block, BlockCursor, EntryKind, FillCache, Handle, Table, readahead::Readahead};

/// How a cursor reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CursorOptions {
    /// Whether blocks that are read from the file are offered to the cache.
    pub fill_cache: FillCache,
    /// Most bytes to read at a time when blocks are read one after the other, up to 64 MiB; 0 reads
    /// each on its own.
    pub readahead_bytes: usize,
}

impl Default for CursorOptions {
    /// Fills the cache, reads 64 KiB ahead.
    fn default() -> CursorOptions {
        CursorOptions { fill_cache: FillCache::Yes, readahead_bytes: 64 << 10 }
    }
}

/// A two-way cursor over a table's entries. Keeps the table open.
#[derive(Debug)]
pub struct TableCursor {
    table: Arc<Table>,
    fill_cache: FillCache,
    readahead: Readahead,
    index: BlockCursor,
    data: Option<BlockCursor>,
    // The block that `data` walks over.
    at: Option<Handle>,
    failed: Option<Error>,
}

#[derive(Clone, Copy)]
enum Way {
    On,
    Back,
}

impl TableCursor {
    pub(crate) fn new(table: Arc<Table>, options: CursorOptions) -> TableCursor {
        let index = BlockCursor::new(table.index().clone(), EntryKind::Index);
        let readahead = Readahead::new(options.readahead_bytes);
        TableCursor {
            table,
            fill_cache: options.fill_cache,
            readahead,
            index,
            data: None,
            at: None,
            failed: None,
        }
    }

    /// Keeps the error of a move, after which the cursor is not valid.
    fn fuse(&mut self, moved: Result<()>) -> Result<()> {
        if let Err(error) = &moved {
            self.failed = Some(error.clone());
            self.at = None;
            self.data = None;
        }
        moved
    }

    /// Moves the index cursor, and makes `data` stand nowhere in the block that the index cursor comes to.
    fn enter(
        &mut self,
        move_index: impl FnOnce(&mut BlockCursor) -> std::result::Result<(), crate::Broken>,
    ) -> Result<Option<Handle>> {
        move_index(&mut self.index).map_err(|broken| self.table.index_error(broken))?;
        if !self.index.valid() {
            self.at = None;
            self.data = None;
            return Ok(None);
        }
        let handle = Handle::decode(self.index.value()).map_err(|broken| self.table.index_error(broken))?;
        if self.at != Some(handle) {
            self.at = None;
            let block = self.load(handle)?;
            match &mut self.data {
                Some(data) => data.reset(block),
                None => self.data = Some(BlockCursor::new(block, EntryKind::Data)),
            }
            self.at = Some(handle);
        }
        Ok(Some(handle))
    }

    fn load(&mut self, handle: Handle) -> Result<Block> {
        if let Some(block) = self.table.cached_block(handle) {
            self.readahead.note(handle);
            return Ok(block);
        }
        let raw = self.readahead.read(self.table.blocks(), handle, self.table.footer().data_end())?;
        self.table.parsed_block(raw, handle, self.fill_cache)
    }

    /// Moves in the data block, if there is one.
    fn walk(
        &mut self,
        handle: Handle,
        step: impl FnOnce(&mut BlockCursor) -> std::result::Result<(), crate::Broken>,
    ) -> Result<()> {
        match &mut self.data {
            Some(data) => step(data).map_err(|broken| broken.at(self.table.path(), handle.offset)),
            None => Ok(()),
        }
    }

    /// Goes on (or back) to the neighbouring block while the cursor stands past the end of its block.
    fn settle(&mut self, way: Way) -> Result<()> {
        while self.at.is_some() && !self.valid() {
            let entered = match way {
                Way::On => self.enter(BlockCursor::next)?,
                Way::Back => self.enter(BlockCursor::prev)?,
            };
            if let Some(handle) = entered {
                match way {
                    Way::On => self.walk(handle, BlockCursor::first)?,
                    Way::Back => self.walk(handle, BlockCursor::last)?,
                }
            }
        }
        Ok(())
    }

    fn try_first(&mut self) -> Result<()> {
        if let Some(handle) = self.enter(BlockCursor::first)? {
            self.walk(handle, BlockCursor::first)?;
        }
        self.settle(Way::On)
    }

    fn try_last(&mut self) -> Result<()> {
        if let Some(handle) = self.enter(BlockCursor::last)? {
            self.walk(handle, BlockCursor::last)?;
        }
        self.settle(Way::Back)
    }

    fn try_seek(&mut self, target: InternalKey<'_>) -> Result<()> {
        if let Some(handle) = self.enter(|index| index.seek(target))? {
            self.walk(handle, |data| data.seek(target))?;
        }
        self.settle(Way::On)
    }

    fn try_seek_for_prev(&mut self, target: InternalKey<'_>) -> Result<()> {
        match self.enter(|index| index.seek(target))? {
            Some(handle) => {
                self.walk(handle, |data| data.seek_for_prev(target))?;
                self.settle(Way::Back)
            }
            // Behind the last separator.
            None => self.try_last(),
        }
    }

    fn step(&mut self, way: Way) -> Result<()> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let Some(handle) = self.at else { return Ok(()) };
        let moved = match way {
            Way::On => self.walk(handle, BlockCursor::next),
            Way::Back => self.walk(handle, BlockCursor::prev),
        };
        let moved = moved.and_then(|()| self.settle(way));
        self.fuse(moved)
    }

    fn entry(&self) -> &BlockCursor {
        match &self.data {
            Some(data) if data.valid() => data,
            _ => {
                #[expect(clippy::panic, reason = "rule 2 of Cursor: a bug of the caller")]
                {
                    panic!("the cursor stands on no entry")
                }
            }
        }
    }
}

impl Cursor for TableCursor {
    fn first(&mut self) -> Result<()> {
        self.failed = None;
        let moved = self.try_first();
        self.fuse(moved)
    }

    fn last(&mut self) -> Result<()> {
        self.failed = None;
        let moved = self.try_last();
        self.fuse(moved)
    }

    fn seek(&mut self, target: InternalKey<'_>) -> Result<()> {
        self.failed = None;
        let moved = self.try_seek(target);
        self.fuse(moved)
    }

    fn seek_for_prev(&mut self, target: InternalKey<'_>) -> Result<()> {
        self.failed = None;
        let moved = self.try_seek_for_prev(target);
        self.fuse(moved)
    }

    fn next(&mut self) -> Result<()> {
        self.step(Way::On)
    }

    fn prev(&mut self) -> Result<()> {
        self.step(Way::Back)
    }

    fn valid(&self) -> bool {
        self.data.as_ref().is_some_and(BlockCursor::valid)
    }

    fn key(&self) -> InternalKey<'_> {
        self.entry().key()
    }

    fn value(&self) -> &[u8] {
        self.entry().value()
    }

    fn pin_value(&self) -> Slice {
        self.entry().pin_value()
    }
}

//! The bytes of one file, and which of them a power cut can take back.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::IoSlice,
    sync::Arc,
};

use super::power_cut::Fate;

/// What the disk writes whole or not at all.
pub const PAGE_BYTES: usize = 4096;
const PAGE: u64 = PAGE_BYTES as u64;

/// How many earlier versions of a page are remembered. The durable one is always among them.
const PAGE_VERSIONS_MAX: usize = 8;
/// The same for lengths, which are smaller.
const LEN_VERSIONS_MAX: usize = 64;

/// `None` is a page of zeros.
type Page = Option<Arc<[u8; PAGE_BYTES]>>;

/// A value, and what it may fall back to when power is cut.
#[derive(Clone, Debug, Default)]
struct Versions<T, const MAX: usize> {
    now: T,
    /// The durable version, then those that came after it, the latest excepted. Empty when `now` is durable.
    before: Vec<T>,
    /// A sync of `now` failed: until it is written again, no sync makes it durable.
    is_stuck: bool,
}

impl<T: Clone, const MAX: usize> Versions<T, MAX> {
    fn durable(now: T) -> Self {
        Self { now, before: Vec::new(), is_stuck: false }
    }

    /// Gives the value to change, after remembering what it was.
    fn change(&mut self) -> &mut T {
        if self.before.len() == MAX {
            self.before.remove(1);
        }
        self.before.push(self.now.clone());
        self.is_stuck = false;
        &mut self.now
    }

    /// True when the value is durable afterwards.
    fn sync(&mut self) -> bool {
        if !self.is_stuck {
            self.before.clear();
        }
        self.before.is_empty()
    }

    fn after_power_cut(&self, fate: &mut Fate) -> T {
        let picked = fate.pick_content(self.before.len() + 1);
        self.before.get(picked).unwrap_or(&self.now).clone()
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    len: Versions<u64, LEN_VERSIONS_MAX>,
    /// A page that is missing is durably zero. Pages past the length are zero now, but may have been
    /// something else before.
    pages: BTreeMap<u64, Versions<Page, PAGE_VERSIONS_MAX>>,
    /// Pages that have something to fall back to.
    unsynced: BTreeSet<u64>,
}

impl Content {
    pub(super) fn len(&self) -> u64 {
        self.len.now
    }

    /// Copies bytes from `offset` on; returns how many there were.
    pub(super) fn read(&self, buf: &mut [u8], offset: u64) -> usize {
        let left = self.len.now.saturating_sub(offset);
        let len = usize::try_from(left).map_or(buf.len(), |left| left.min(buf.len()));
        let Some(mut buf) = buf.get_mut(..len) else { return 0 };
        let mut at = offset;
        while !buf.is_empty() {
            let from = offset_in_page(at);
            let (part, rest) = buf.split_at_mut(buf.len().min(PAGE_BYTES - from));
            match self.pages.get(&(at / PAGE)).and_then(|page| page.now.as_deref()) {
                Some(page) => part.copy_from_slice(page.get(from..from + part.len()).unwrap_or_default()),
                None => part.fill(0),
            }
            at += part.len() as u64;
            buf = rest;
        }
        len
    }

    /// Writes the first `len` bytes of `parts`. Each page it touches gets one new version.
    pub(super) fn write(&mut self, parts: &[IoSlice<'_>], len: u64, offset: u64) {
        if len == 0 {
            return;
        }
        let end = offset + len;
        let mut source = Source { rest: &[], parts };
        let mut at = offset;
        while at < end {
            let from = offset_in_page(at);
            let until = usize::try_from(end - at).map_or(PAGE_BYTES, |left| PAGE_BYTES.min(from + left));
            let page = self.change_page(at / PAGE).get_or_insert_with(|| Arc::new([0; PAGE_BYTES]));
            source.fill(Arc::make_mut(page).get_mut(from..until).unwrap_or_default());
            at += (until - from) as u64;
        }
        self.grow(end);
    }

    /// Extends the length to `end`; what is new reads as zeros.
    pub(super) fn grow(&mut self, end: u64) {
        if self.len.now < end {
            *self.len.change() = end;
        }
    }

    pub(super) fn set_len(&mut self, len: u64) {
        if len < self.len.now {
            self.zero_from(len);
        }
        if len != self.len.now {
            *self.len.change() = len;
        }
    }

    /// Zeroes what stands at `offset` and after it.
    fn zero_from(&mut self, offset: u64) {
        let from = offset_in_page(offset);
        let cut: Vec<u64> = self.pages.range(offset / PAGE..).map(|(&idx, _)| idx).collect();
        for idx in cut {
            let page = self.change_page(idx);
            if idx == offset / PAGE && from != 0 {
                zero_page_from(page, from);
            } else {
                *page = None;
            }
        }
    }

    fn change_page(&mut self, idx: u64) -> &mut Page {
        self.unsynced.insert(idx);
        self.pages.entry(idx).or_default().change()
    }

    /// Makes everything durable, except what an earlier failed sync has lost.
    pub(super) fn sync(&mut self) {
        self.len.sync();
        self.unsynced.retain(|idx| match self.pages.get_mut(idx) {
            Some(page) => !page.sync(),
            None => false,
        });
    }

    /// What a sync that fails does: nothing becomes durable, and what was unsynced stays so until it is
    /// written again.
    pub(super) fn fail_sync(&mut self) {
        self.len.is_stuck = !self.len.before.is_empty();
        for idx in &self.unsynced {
            if let Some(page) = self.pages.get_mut(idx) {
                page.is_stuck = true;
            }
        }
    }

    pub(super) fn after_power_cut(&self, fate: &mut Fate) -> Self {
        let len = self.len.after_power_cut(fate);
        let mut pages = BTreeMap::new();
        for (&idx, page) in &self.pages {
            let page = page.after_power_cut(fate);
            if page.is_some() && idx < len.div_ceil(PAGE) {
                pages.insert(idx, Versions::durable(page));
            }
        }
        // Bytes past the end must read as zeros when the file grows again.
        if let Some(last) = pages.get_mut(&(len / PAGE)) {
            zero_page_from(&mut last.now, offset_in_page(len));
        }
        Self { len: Versions::durable(len), pages, unsynced: BTreeSet::new() }
    }
}

/// What is left to take from the parts of a write.
struct Source<'a> {
    rest: &'a [u8],
    parts: &'a [IoSlice<'a>],
}

impl Source<'_> {
    /// Takes `to.len()` bytes, or what there is.
    fn fill(&mut self, mut to: &mut [u8]) {
        while !to.is_empty() {
            if self.rest.is_empty() {
                let Some((first, parts)) = self.parts.split_first() else { return };
                (self.rest, self.parts) = (first, parts);
            }
            let len = to.len().min(self.rest.len());
            let (from, rest) = self.rest.split_at(len);
            let (part, left) = to.split_at_mut(len);
            part.copy_from_slice(from);
            (self.rest, to) = (rest, left);
        }
    }
}

fn zero_page_from(page: &mut Page, from: usize) {
    if let Some(page) = page {
        Arc::make_mut(page).get_mut(from..).unwrap_or_default().fill(0);
    }
}

fn offset_in_page(offset: u64) -> usize {
    usize::try_from(offset % PAGE).unwrap_or_default()
}

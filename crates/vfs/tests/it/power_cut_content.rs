//! Random work on a file, and a model that knows all content a power cut may leave.
//!
//! The model keeps, for the length and for each page, the values since the last that is surely durable. It
//! does not know how the file system picks among them.

use std::{io::IoSlice, path::Path};

use proptest::prelude::*;
use siltstone_vfs::{Fs, MemFs, PAGE_BYTES};

use crate::content;

const PAGES: usize = 3;
const FILE: &str = "/f";

#[derive(Clone, Debug)]
enum Step {
    Write {
        offset: usize,
        len: usize,
        byte: u8,
    },
    SetLen(usize),
    Allocate(usize),
    Sync,
    FailSync,
    /// A kill, which loses nothing and makes nothing durable.
    Kill,
    /// The file system goes on with what a power cut left.
    PowerCut(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let len = || 0..=PAGES * PAGE_BYTES;
    prop_oneof![
        8 => (len(), 1..2 * PAGE_BYTES, 1_u8..)
            .prop_map(|(offset, len, byte)| Step::Write { offset, len, byte }),
        3 => len().prop_map(Step::SetLen),
        1 => len().prop_map(Step::Allocate),
        3 => Just(Step::Sync),
        1 => Just(Step::FailSync),
        1 => Just(Step::Kill),
        1 => any::<u64>().prop_map(Step::PowerCut),
    ]
}

/// The values something may have after a power cut: the first is durable, the last is current.
#[derive(Clone, Debug)]
struct Possible<T> {
    values: Vec<T>,
    /// A sync failed, and there was no change since.
    is_lost: bool,
}

impl<T: Clone> Possible<T> {
    fn new(value: T) -> Self {
        Self { values: vec![value], is_lost: false }
    }

    fn current(&self) -> &T {
        self.values.last().unwrap()
    }

    fn set(&mut self, value: T) {
        self.values.push(value);
        self.is_lost = false;
    }

    fn sync(&mut self) {
        if !self.is_lost {
            self.values.drain(..self.values.len() - 1);
        }
    }

    fn fail_sync(&mut self) {
        self.is_lost = 1 < self.values.len();
    }
}

#[derive(Clone, Debug)]
struct Model {
    len: Possible<usize>,
    pages: Vec<Possible<Vec<u8>>>,
}

impl Model {
    /// A file of this content, all durable.
    fn of(bytes: &[u8]) -> Self {
        let mut padded = bytes.to_vec();
        padded.resize(PAGES * PAGE_BYTES, 0);
        let pages = padded.chunks(PAGE_BYTES).map(|page| Possible::new(page.to_vec()));
        Self { len: Possible::new(bytes.len()), pages: pages.collect() }
    }

    fn current(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.pages.iter().flat_map(|page| page.current().clone()).collect();
        bytes.truncate(*self.len.current());
        bytes
    }

    fn fill(&mut self, from: usize, to: usize, byte: u8) {
        for (idx, page) in self.pages.iter_mut().enumerate() {
            let start = idx * PAGE_BYTES;
            let (from, to) = (from.max(start), to.min(start + PAGE_BYTES));
            if from < to {
                let mut new = page.current().clone();
                new[from - start..to - start].fill(byte);
                page.set(new);
            }
        }
    }

    fn grow(&mut self, len: usize) {
        if *self.len.current() < len {
            self.len.set(len);
        }
    }

    fn set_len(&mut self, len: usize) {
        if len < *self.len.current() {
            self.fill(len, PAGES * PAGE_BYTES, 0);
            self.len.set(len);
        }
        self.grow(len);
    }

    /// Panics when this cannot be left after a power cut.
    fn check(&self, found: &[u8]) {
        assert!(self.len.values.contains(&found.len()), "length {} not in {:?}", found.len(), self.len);
        for (idx, (page, found)) in self.pages.iter().zip(found.chunks(PAGE_BYTES)).enumerate() {
            let is_possible = page.values.iter().any(|value| value[..found.len()] == *found);
            assert!(is_possible, "page {idx} is none of its {} versions", page.values.len());
        }
    }
}

fn perform(fs: &mut MemFs, model: &mut Model, step: &Step) {
    let file = fs.open_for_overwrite(Path::new(FILE)).unwrap();
    match *step {
        Step::Write { offset, len, byte } => {
            let end = (offset + len).min(PAGES * PAGE_BYTES);
            let bytes = vec![byte; end - offset];
            let (first, second) = bytes.split_at(bytes.len() / 3);
            file.write_at(&[IoSlice::new(first), IoSlice::new(second)], offset as u64).unwrap();
            if offset < end {
                model.fill(offset, end, byte);
                model.grow(end);
            }
        }
        Step::SetLen(len) => {
            file.set_len(len as u64).unwrap();
            model.set_len(len);
        }
        Step::Allocate(len) => {
            file.allocate(0, len as u64).unwrap();
            model.grow(len);
        }
        Step::Sync => {
            file.sync_data().unwrap();
            model.len.sync();
            model.pages.iter_mut().for_each(Possible::sync);
        }
        Step::FailSync => {
            fs.fail_next_syncs(1);
            file.sync_data().unwrap_err();
            model.len.fail_sync();
            model.pages.iter_mut().for_each(Possible::fail_sync);
        }
        Step::Kill => *fs = fs.clone_now(),
        Step::PowerCut(seed) => {
            *fs = fs.power_cut(seed);
            let left = content(fs, FILE).unwrap();
            model.check(&left);
            *model = Model::of(&left);
        }
    }
}

proptest! {
    #![proptest_config(crate::cases(1000))]

    #[test]
    fn power_cuts_leave_only_content_the_model_allows(
        steps in prop::collection::vec(step(), 1..40),
        seeds in prop::collection::vec(any::<u64>(), 6),
    ) {
        let mut fs = MemFs::new();
        fs.create(Path::new(FILE)).unwrap();
        fs.sync_dir(Path::new("/")).unwrap();
        let mut model = Model::of(&[]);
        for step in &steps {
            perform(&mut fs, &mut model, step);
            assert!(content(&fs, FILE).unwrap() == model.current(), "{step:?}");
        }
        let best = content(&fs.power_cut_best(), FILE).unwrap();
        assert!(best == model.current());
        let worst = content(&fs.power_cut_worst(), FILE).unwrap();
        model.check(&worst);
        assert_eq!(worst.len(), model.len.values[0], "the worst is what is durable");
        for (page, found) in model.pages.iter().zip(worst.chunks(PAGE_BYTES)) {
            assert!(page.values[0][..found.len()] == *found, "the worst is what is durable");
        }
        for seed in seeds {
            model.check(&content(&fs.power_cut(seed), FILE).unwrap());
        }
    }
}

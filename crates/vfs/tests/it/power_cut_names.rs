//! Random work on names, and a model that knows all names a power cut may leave.
//!
//! Every file has a durable content of its own, so what a name stands for can be seen.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use proptest::prelude::*;
use siltstone_vfs::{Fs, MemFs};

use crate::{content, write};

const DIRS: [&str; 2] = ["/", "/d"];
const NAMES: [&str; 3] = ["a", "b", "c"];

/// A folder and a name in it, by index.
type Slot = (usize, usize);
/// What a file contains.
type FileId = usize;
type ChangeId = usize;

#[derive(Clone, Debug)]
enum Step {
    Create(Slot),
    Rename(Slot, Slot),
    Link(Slot, Slot),
    Remove(Slot),
    SyncDir(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let slot = || (0..DIRS.len(), 0..NAMES.len());
    prop_oneof![
        4 => slot().prop_map(Step::Create),
        5 => (slot(), slot()).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => (slot(), slot()).prop_map(|(from, to)| Step::Link(from, to)),
        1 => slot().prop_map(Step::Remove),
        3 => (0..DIRS.len()).prop_map(Step::SyncDir),
    ]
}

#[derive(Debug)]
struct File {
    /// Nothing but its creation and renames of it have touched its names.
    is_plain: bool,
    /// The changes that gave it a name.
    named_by: Vec<ChangeId>,
}

#[derive(Debug)]
struct Model {
    files: Vec<File>,
    /// What each name stood for, by the change that made it so; the first entry is the empty beginning.
    slots: BTreeMap<Slot, Vec<(ChangeId, Option<FileId>)>>,
    /// For each change, the folders that were not synced since.
    unsynced: Vec<BTreeSet<usize>>,
}

impl Model {
    fn new() -> Self {
        let slots = (0..DIRS.len()).flat_map(|dir| (0..NAMES.len()).map(move |name| (dir, name)));
        Self {
            files: Vec::new(),
            slots: slots.map(|slot| (slot, vec![(0, None)])).collect(),
            unsynced: vec![BTreeSet::new()],
        }
    }

    fn at(&self, slot: Slot) -> Option<FileId> {
        self.slots[&slot].last().unwrap().1
    }

    fn change(&mut self, edits: &[(Slot, Option<FileId>)]) -> ChangeId {
        let id = self.unsynced.len();
        self.unsynced.push(edits.iter().map(|((dir, _), _)| *dir).collect());
        for (slot, file) in edits {
            self.slots.get_mut(slot).unwrap().push((id, *file));
        }
        id
    }

    fn is_durable(&self, change: ChangeId) -> bool {
        self.unsynced[change].is_empty()
    }

    /// What a name may stand for after a power cut.
    fn possible(&self, slot: Slot) -> BTreeSet<Option<FileId>> {
        let history = &self.slots[&slot];
        let durable = history.iter().rposition(|(change, _)| self.is_durable(*change)).unwrap();
        history[durable..].iter().map(|(_, file)| *file).collect()
    }

    fn spoil(&mut self, file: Option<FileId>) {
        if let Some(file) = file {
            self.files[file].is_plain = false;
        }
    }

    fn current(&self) -> BTreeMap<Slot, Option<FileId>> {
        self.slots.keys().map(|slot| (*slot, self.at(*slot))).collect()
    }

    /// Panics when these names cannot be left after a power cut.
    fn check(&self, found: &BTreeMap<Slot, Option<FileId>>) {
        for (slot, file) in found {
            let possible = self.possible(*slot);
            assert!(possible.contains(file), "{slot:?} is {file:?}, not one of {possible:?}");
        }
        for (id, file) in self.files.iter().enumerate().filter(|(_, file)| file.is_plain) {
            let count = found.values().filter(|found| **found == Some(id)).count();
            let is_named = file.named_by.iter().any(|change| self.is_durable(*change));
            assert!(count <= 1, "file {id} was only renamed, but has {count} names");
            assert!(
                !is_named || count == 1,
                "file {id} had a durable name and was only renamed, but is gone"
            );
        }
    }
}

fn path((dir, name): Slot) -> PathBuf {
    Path::new(DIRS[dir]).join(NAMES[name])
}

/// What each name stands for. A folder that is gone has no names.
fn names(fs: &MemFs) -> BTreeMap<Slot, Option<FileId>> {
    let slots = (0..DIRS.len()).flat_map(|dir| (0..NAMES.len()).map(move |name| (dir, name)));
    let id_of = |bytes: Vec<u8>| FileId::from(u16::from_le_bytes(bytes.try_into().unwrap()));
    slots.map(|slot| (slot, content(fs, path(slot).to_str().unwrap()).map(id_of))).collect()
}

fn perform(fs: &MemFs, model: &mut Model, step: &Step) {
    match *step {
        Step::Create(slot) => {
            let created = fs.create(&path(slot));
            assert_eq!(created.is_ok(), model.at(slot).is_none());
            if let Ok(file) = created {
                let id = model.files.len();
                write(&*file, &u16::try_from(id).unwrap().to_le_bytes(), 0);
                file.sync_data().unwrap();
                let change = model.change(&[(slot, Some(id))]);
                model.files.push(File { is_plain: true, named_by: vec![change] });
            }
        }
        Step::Rename(from, to) => {
            let renamed = fs.rename(&path(from), &path(to));
            let replaced = model.at(to);
            let Some(id) = model.at(from) else { return assert!(renamed.is_err()) };
            renamed.unwrap();
            // Between two names of one file, a rename does nothing.
            if replaced != Some(id) {
                let change = model.change(&[(from, None), (to, Some(id))]);
                model.files[id].named_by.push(change);
                model.spoil(replaced);
            }
        }
        Step::Link(from, to) => {
            let linked = fs.hard_link(&path(from), &path(to));
            let (Some(id), None) = (model.at(from), model.at(to)) else { return assert!(linked.is_err()) };
            linked.unwrap();
            model.change(&[(to, Some(id))]);
            model.spoil(Some(id));
        }
        Step::Remove(slot) => {
            let removed = fs.remove(&path(slot));
            assert_eq!(removed.is_ok(), model.at(slot).is_some());
            if removed.is_ok() {
                model.spoil(model.at(slot));
                model.change(&[(slot, None)]);
            }
        }
        Step::SyncDir(dir) => {
            fs.sync_dir(Path::new(DIRS[dir])).unwrap();
            for unsynced in &mut model.unsynced {
                unsynced.remove(&dir);
            }
        }
    }
}

proptest! {
    #![proptest_config(crate::cases(3000))]

    #[test]
    fn power_cuts_leave_only_names_the_model_allows(
        steps in prop::collection::vec(step(), 1..40),
        seeds in prop::collection::vec(any::<u64>(), 8),
    ) {
        let fs = MemFs::new();
        fs.create_dir_all(Path::new(DIRS[1])).unwrap();
        fs.sync_dir(Path::new("/")).unwrap();
        let mut model = Model::new();
        for step in &steps {
            perform(&fs, &mut model, step);
        }
        assert_eq!(names(&fs), model.current());
        assert_eq!(names(&fs.clone_now()), model.current());
        assert_eq!(names(&fs.power_cut_best()), model.current());
        model.check(&names(&fs.power_cut_worst()));
        for seed in seeds {
            model.check(&names(&fs.power_cut(seed)));
            assert_eq!(names(&fs.power_cut(seed)), names(&fs.clone_now().power_cut(seed)));
        }
    }
}

//! Folders and the names in them, and which names a power cut can take back.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    io,
    path::{Component, Path},
    sync::Arc,
};

use super::{inode::Inode, power_cut::Fate};

/// Identity of a folder, whatever its name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct DirId(u64);

const ROOT: DirId = DirId(0);

/// What a name stands for.
#[derive(Clone, Debug)]
pub(super) enum Node {
    File(Arc<Inode>),
    Dir(DirId),
}

impl Node {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File(a), Self::File(b)) => Arc::ptr_eq(a, b),
            (Self::Dir(a), Self::Dir(b)) => a == b,
            _ => false,
        }
    }
}

type Entries = BTreeMap<OsString, Node>;

#[derive(Clone, Debug, Default)]
struct Dir {
    now: Entries,
    durable: Entries,
}

/// A place where a name can be: the folder, and the name in it.
pub(super) type Slot = (DirId, OsString);

/// One slot's part in a change.
#[derive(Clone, Debug)]
struct Edit {
    slot: Slot,
    node: Option<Node>,
    is_synced: bool,
}

/// A change of names that is not folded into the durable names yet. It is kept or lost as a whole.
#[derive(Clone, Debug)]
struct Change {
    /// A rename has two, the slot that loses its node first; everything else has one.
    edits: Vec<Edit>,
}

impl Change {
    fn is_synced(&self) -> bool {
        self.edits.iter().all(|edit| edit.is_synced)
    }

    /// Where a rename took its node from.
    fn source(&self) -> Option<&Slot> {
        match self.edits.as_slice() {
            [from, _] => Some(&from.slot),
            _ => None,
        }
    }

    /// What the change gives a name to, and where.
    fn added(&self) -> Option<(&Slot, &Node)> {
        self.edits.last().and_then(|edit| Some((&edit.slot, edit.node.as_ref()?)))
    }

    fn crosses_dirs(&self) -> bool {
        matches!(self.edits.as_slice(), [from, to] if from.slot.0 != to.slot.0)
    }
}

#[derive(Clone, Debug)]
pub(super) struct Names {
    dirs: BTreeMap<DirId, Dir>,
    /// In the order in which they were made.
    changes: Vec<Change>,
    next_dir: u64,
}

impl Names {
    pub(super) fn new() -> Self {
        Self { dirs: BTreeMap::from([(ROOT, Dir::default())]), changes: Vec::new(), next_dir: 1 }
    }

    /// What `path` stands for.
    pub(super) fn find(&self, path: &Path) -> io::Result<Node> {
        match self.slot(path)? {
            Some(slot) => self.at(&slot).cloned().ok_or_else(not_found),
            None => Ok(Node::Dir(ROOT)),
        }
    }

    pub(super) fn find_file(&self, path: &Path) -> io::Result<Arc<Inode>> {
        match self.find(path)? {
            Node::File(file) => Ok(file),
            Node::Dir(_) => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    pub(super) fn find_dir(&self, path: &Path) -> io::Result<DirId> {
        match self.find(path)? {
            Node::Dir(dir) => Ok(dir),
            Node::File(_) => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    pub(super) fn at(&self, (dir, name): &Slot) -> Option<&Node> {
        self.dirs.get(dir)?.now.get(name)
    }

    /// The names in a folder, sorted.
    pub(super) fn list(&self, dir: DirId) -> impl Iterator<Item = &OsStr> {
        self.dirs.get(&dir).into_iter().flat_map(|dir| dir.now.keys()).map(OsString::as_os_str)
    }

    /// The slot `path` names, in a folder that exists; `None` for the root, which has none.
    pub(super) fn slot(&self, path: &Path) -> io::Result<Option<Slot>> {
        let mut parts = components(path)?;
        let Some(name) = parts.pop() else { return Ok(None) };
        let mut dir = ROOT;
        for part in parts {
            dir = match self.at(&(dir, part.to_owned())) {
                Some(Node::Dir(dir)) => *dir,
                Some(Node::File(_)) => return Err(io::ErrorKind::NotADirectory.into()),
                None => return Err(not_found()),
            };
        }
        Ok(Some((dir, name.to_owned())))
    }

    /// Puts `node` into a slot, or empties it.
    pub(super) fn set(&mut self, slot: Slot, node: Option<Node>) {
        let edits = vec![Edit { slot, node, is_synced: false }];
        self.make(Change { edits });
    }

    /// Moves `node` from one slot to another.
    pub(super) fn rename(&mut self, node: Node, from: Slot, to: Slot) -> io::Result<()> {
        if let Node::Dir(dir) = node
            && self.is_within(to.0, dir)
        {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let edits = vec![
            Edit { slot: from, node: None, is_synced: false },
            Edit { slot: to, node: Some(node), is_synced: false },
        ];
        self.make(Change { edits });
        Ok(())
    }

    pub(super) fn create_dir_all(&mut self, path: &Path) -> io::Result<()> {
        let mut dir = ROOT;
        let parts = components(path)?;
        let depth = parts.len();
        for (idx, part) in parts.into_iter().enumerate() {
            let slot = (dir, part.to_owned());
            dir = match self.at(&slot) {
                Some(Node::Dir(dir)) => *dir,
                Some(Node::File(_)) if idx + 1 == depth => return Err(io::ErrorKind::AlreadyExists.into()),
                Some(Node::File(_)) => return Err(io::ErrorKind::NotADirectory.into()),
                None => {
                    let new = DirId(self.next_dir);
                    self.next_dir += 1;
                    self.dirs.insert(new, Dir::default());
                    self.set(slot, Some(Node::Dir(new)));
                    new
                }
            };
        }
        Ok(())
    }

    /// Makes the names in a folder durable.
    pub(super) fn sync_dir(&mut self, dir: DirId) {
        for edit in self.changes.iter_mut().flat_map(|change| &mut change.edits) {
            edit.is_synced |= edit.slot.0 == dir;
        }
        // A synced change waits behind an earlier one that is not (a rename of whose two folders one was
        // synced) and touches its slots: folding it first would let the earlier one overwrite it.
        let mut waiting = Vec::new();
        let mut waited_for = BTreeSet::new();
        for change in std::mem::take(&mut self.changes) {
            if change.is_synced() && change.edits.iter().all(|edit| !waited_for.contains(&edit.slot)) {
                apply(&mut self.dirs, &change, |dir| &mut dir.durable);
            } else {
                waited_for.extend(change.edits.iter().map(|edit| edit.slot.clone()));
                waiting.push(change);
            }
        }
        self.changes = waiting;
    }

    /// The names found after a power cut.
    pub(super) fn after_power_cut(&self, fate: &mut Fate) -> Self {
        let mut dirs: BTreeMap<DirId, Dir> = BTreeMap::new();
        for (&id, dir) in &self.dirs {
            dirs.insert(id, Dir { now: dir.durable.clone(), durable: Entries::new() });
        }
        for (change, is_kept) in self.changes.iter().zip(self.kept(fate)) {
            if is_kept {
                apply(&mut dirs, change, |dir| &mut dir.now);
            }
        }
        let mut names = Self { dirs, changes: Vec::new(), next_dir: self.next_dir };
        names.forget_unreachable();
        for dir in names.dirs.values_mut() {
            dir.durable = dir.now.clone();
        }
        names
    }

    /// Which of the changes are kept.
    fn kept(&self, fate: &mut Fate) -> Vec<bool> {
        let mut kept: Vec<bool> =
            self.changes.iter().map(|change| fate.keeps_name() || change.is_synced()).collect();
        let mut needed_dirs = BTreeSet::new();
        for idx in (0..self.changes.len()).rev() {
            let (Some(change), Some(is_kept)) = (self.changes.get(idx), kept.get_mut(idx)) else { continue };
            let added = change.added();
            let is_needed_dir = matches!(added, Some((_, Node::Dir(dir))) if needed_dirs.remove(dir));
            *is_kept |= is_needed_dir;
            if !*is_kept {
                continue;
            }
            // What was moved into a new folder would be gone if the folder were: the move brings the folder
            // with it.
            if is_needed_dir || change.crosses_dirs() {
                needed_dirs.extend(added.map(|((dir, _), _)| *dir));
            }
            for earlier in self.renames_before(idx, change) {
                if let Some(is_kept) = kept.get_mut(earlier) {
                    *is_kept = true;
                }
            }
        }
        kept
    }

    /// The renames that have happened if the change at `idx` has. Without them, a file that was only renamed
    /// would have two names or none.
    fn renames_before(&self, idx: usize, change: &Change) -> Vec<usize> {
        let Some(earlier) = self.changes.get(..idx) else { return Vec::new() };
        // A slot this change touches was left by its file before.
        let mut renames: Vec<usize> = (change.edits.iter())
            .filter_map(|edit| earlier.iter().rposition(|earlier| earlier.source() == Some(&edit.slot)))
            .collect();
        // What this change renames came to its source by a rename.
        if let (Some(source), Some((_, node))) = (change.source(), change.added()) {
            renames.extend(earlier.iter().rposition(|earlier| {
                let added = earlier.source().and(earlier.added());
                added.is_some_and(|(slot, added)| slot == source && added.is_same(node))
            }));
        }
        renames
    }

    fn forget_unreachable(&mut self) {
        let mut reached = BTreeMap::new();
        let mut to_visit = vec![ROOT];
        while let Some(id) = to_visit.pop() {
            if let Some(dir) = self.dirs.remove(&id) {
                to_visit.extend(dir.now.values().filter_map(|node| match node {
                    Node::Dir(dir) => Some(*dir),
                    Node::File(_) => None,
                }));
                reached.insert(id, dir);
            }
        }
        self.dirs = reached;
    }

    /// Replaces every file by what `copy` makes of it.
    pub(super) fn map_files(&mut self, mut copy: impl FnMut(&Arc<Inode>) -> Arc<Inode>) {
        let entries =
            self.dirs.values_mut().flat_map(|dir| dir.now.values_mut().chain(dir.durable.values_mut()));
        let edited = self
            .changes
            .iter_mut()
            .flat_map(|change| &mut change.edits)
            .filter_map(|edit| edit.node.as_mut());
        for node in entries.chain(edited) {
            if let Node::File(file) = node {
                *file = copy(file);
            }
        }
    }

    /// Files by their current names; one with two names comes twice.
    pub(super) fn files(&self) -> impl Iterator<Item = &Arc<Inode>> {
        self.dirs.values().flat_map(|dir| dir.now.values()).filter_map(|node| match node {
            Node::File(file) => Some(file),
            Node::Dir(_) => None,
        })
    }

    fn make(&mut self, change: Change) {
        apply(&mut self.dirs, &change, |dir| &mut dir.now);
        self.changes.push(change);
    }

    fn is_within(&self, inner: DirId, outer: DirId) -> bool {
        let mut to_visit = vec![outer];
        while let Some(id) = to_visit.pop() {
            if id == inner {
                return true;
            }
            to_visit.extend(self.dirs.get(&id).into_iter().flat_map(|dir| dir.now.values()).filter_map(
                |node| match node {
                    Node::Dir(dir) => Some(*dir),
                    Node::File(_) => None,
                },
            ));
        }
        false
    }
}

fn apply(dirs: &mut BTreeMap<DirId, Dir>, change: &Change, side: impl Fn(&mut Dir) -> &mut Entries) {
    for edit in &change.edits {
        let (dir, name) = &edit.slot;
        let Some(dir) = dirs.get_mut(dir) else { continue };
        match &edit.node {
            Some(node) => side(dir).insert(name.clone(), node.clone()),
            None => side(dir).remove(name),
        };
    }
}

/// The names on the way from the root to `path`. Relative paths start at the root too; there is no other
/// place.
fn components(path: &Path) -> io::Result<Vec<&OsStr>> {
    if path.as_os_str().is_empty() {
        return Err(not_found());
    }
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => names.push(name),
            Component::ParentDir => drop(names.pop()),
            Component::Prefix(_) | Component::RootDir | Component::CurDir => {}
        }
    }
    Ok(names)
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

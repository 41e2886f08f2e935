//! What reads see: memtables and tables of all keyspaces at one moment.

use std::{collections::BTreeMap, fmt};

use siltstone_compaction::{Debt, TreeView};
use siltstone_memtable::Memtable;
use siltstone_types::SequenceNumber;

use crate::{
    components::Profile,
    executor::{Executor, Lane},
    expiry::Expiry,
    keyspace::KeyspaceId,
    manifest::state::LogPosition,
    metrics::Metrics,
    sync::{Arc, AtomicU64, Loaded, Mutex, Ordering, Swap},
    tree::Tree,
};

/// A memtable and what the logs hold of it.
pub(crate) struct Slot {
    pub(crate) table: Arc<dyn Memtable>,
    /// Number of the first log with an entry of it; 0 while there is none. Set under the log's lock, before the entry is applied.
    first_log: AtomicU64,
}

impl Slot {
    pub(crate) fn new(table: Arc<dyn Memtable>) -> Arc<Slot> {
        Arc::new(Slot { table, first_log: AtomicU64::new(0) })
    }

    /// Notes that a log has an entry of it. Called under the log's lock only.
    pub(crate) fn note_log(&self, number: u64) {
        if self.first_log.load(Ordering::Relaxed) == 0 {
            self.first_log.store(number, Ordering::Relaxed);
        }
    }

    /// The oldest log that is needed until it is flushed; `None` when nothing was logged for it.
    pub(crate) fn first_log(&self) -> Option<u64> {
        Some(self.first_log.load(Ordering::Relaxed)).filter(|number| *number != 0)
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slot({} entries)", self.table.entry_count())
    }
}

/// A memtable that takes no more writes.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    pub(crate) slot: Arc<Slot>,
    /// All entries are at or below it: they are all applied, and acknowledged, once it is published.
    pub(crate) last_sequence: SequenceNumber,
    /// Everything of it is below this position.
    pub(crate) end: LogPosition,
}

/// One keyspace in a version.
#[derive(Clone, Debug)]
pub(crate) struct KeyspaceVersion {
    pub(crate) name: Arc<str>,
    /// What it writes with.
    pub(crate) profile: Arc<Profile>,
    pub(crate) active: Arc<Slot>,
    /// Newest first.
    pub(crate) sealed: Vec<Sealed>,
    pub(crate) tree: Arc<Tree>,
    /// What the strategy said about the tree when it came to be.
    pub(crate) debt: Debt,
}

impl KeyspaceVersion {
    /// A keyspace without any data.
    pub(crate) fn new(name: Arc<str>, profile: Arc<Profile>, memtable: Arc<dyn Memtable>) -> KeyspaceVersion {
        KeyspaceVersion {
            name,
            profile,
            active: Slot::new(memtable),
            sealed: Vec::new(),
            tree: Arc::default(),
            debt: Debt::ZERO,
        }
    }

    /// Replaces the tree, and asks the strategy what it owes now.
    pub(crate) fn set_tree(&mut self, tree: Tree, now_unix_ms: u64) {
        self.tree = Arc::new(tree);
        self.assess(now_unix_ms);
    }

    /// Asks the strategy what the tree owes: here, and not with every write.
    pub(crate) fn assess(&mut self, now_unix_ms: u64) {
        let view = TreeView { now_unix_ms, ..TreeView::idle(&self.tree.levels) };
        self.debt = self.profile.strategy.debt(&view);
    }

    pub(crate) fn memtables(&self) -> impl Iterator<Item = &Arc<Slot>> {
        std::iter::once(&self.active).chain(self.sealed.iter().map(|sealed| &sealed.slot))
    }
}

/// The versions between two rotations. They share their active memtables, so they all see the same writes, up to the moment when one of
/// the memtables was replaced.
#[derive(Debug)]
pub(crate) struct Generation {
    superseded_at: AtomicU64,
}

impl Generation {
    pub(crate) fn new() -> Arc<Generation> {
        Arc::new(Generation { superseded_at: AtomicU64::new(u64::MAX) })
    }

    /// Writes behind `last` go to memtables that these versions do not have. Called before any of them is published.
    pub(crate) fn supersede(&self, last: SequenceNumber) {
        self.superseded_at.store(last.get(), Ordering::Release);
    }

    /// The newest write that these versions are sure to hold, of those up to `published`.
    pub(crate) fn bound(&self, published: SequenceNumber) -> SequenceNumber {
        let bound = SequenceNumber::new(self.superseded_at.load(Ordering::Acquire));
        bound.map_or(published, |bound| bound.min(published))
    }
}

/// The version that reads see now. Reads load it without writing to memory that they share; changes take turns.
#[derive(Debug)]
pub(crate) struct Versions {
    current: Swap<Arc<Version>>,
    turn: Mutex<()>,
}

impl Versions {
    pub(crate) fn new(mut first: Version) -> Versions {
        first.note_strain();
        Versions { current: Swap::new(Arc::new(first)), turn: Mutex::new(()) }
    }

    pub(crate) fn load(&self) -> Loaded<Arc<Version>> {
        self.current.load()
    }

    /// Makes what `change` returns the current version; `None` leaves it as it is. True when it changed.
    pub(crate) fn replace(&self, change: impl FnOnce(&Version) -> Option<Version>) -> bool {
        let _turn = self.turn.lock();
        let next = change(&self.load());
        let changed = next.is_some();
        if let Some(mut next) = next {
            next.note_strain();
            self.current.store(Arc::new(next));
        }
        changed
    }
}

/// Where memtables go that nobody reads any more: freeing one takes long, and whoever lets go of it last shall not wait for that.
#[derive(Clone, Debug)]
pub(crate) struct Attic {
    pub(crate) executor: Arc<dyn Executor>,
}

impl Attic {
    /// Lets go of something in the background.
    pub(crate) fn take(&self, something: impl Send + 'static) {
        self.executor.spawn(Lane::Housekeeping, Box::new(move || drop(something)));
    }
}

/// Everything that reads see. Never changes; rotations, flushes and compactions make a new one.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) expiry: Arc<Expiry>,
    pub(crate) attic: Attic,
    pub(crate) generation: Arc<Generation>,
    pub(crate) keyspaces: BTreeMap<KeyspaceId, KeyspaceVersion>,
    /// Something may hold up writers.
    pub(crate) is_strained: bool,
}

impl Drop for Version {
    fn drop(&mut self) {
        let slots = self.keyspaces.values().flat_map(KeyspaceVersion::memtables);
        let last: Vec<_> = slots.filter(|slot| Arc::strong_count(slot) == 1).cloned().collect();
        if !last.is_empty() {
            self.attic.take(last);
        }
    }
}

impl Version {
    fn note_strain(&mut self) {
        self.is_strained = self.keyspaces.values().any(KeyspaceVersion::is_strained);
    }

    pub(crate) fn keyspace(&self, id: KeyspaceId) -> Option<&KeyspaceVersion> {
        self.keyspaces.get(&id)
    }

    pub(crate) fn keyspace_mut(&mut self, id: KeyspaceId) -> Option<&mut KeyspaceVersion> {
        self.keyspaces.get_mut(&id)
    }

    pub(crate) fn id_of(&self, name: &str) -> Option<KeyspaceId> {
        self.keyspaces.iter().find(|(_, keyspace)| &*keyspace.name == name).map(|(id, _)| *id)
    }

    /// Bytes of all memtables.
    pub(crate) fn memtable_bytes(&self) -> u64 {
        self.keyspaces.values().flat_map(KeyspaceVersion::memtables).map(|slot| slot.table.bytes()).sum()
    }

    /// The oldest log with an entry that is in no table yet; `None` when all are.
    pub(crate) fn first_needed_log(&self) -> Option<u64> {
        self.keyspaces.values().flat_map(KeyspaceVersion::memtables).filter_map(|slot| slot.first_log()).min()
    }

    /// Bytes of all tables' files.
    pub(crate) fn file_bytes(&self) -> u64 {
        let tables = self.keyspaces.values().flat_map(|keyspace| keyspace.tree.tables());
        tables.map(|table| table.record.file_bytes).sum()
    }
}

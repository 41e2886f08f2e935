//! Opens a database: locks, reads the manifest, replays the logs, starts afresh. The steps are numbered as in `docs/format/files.md`, "Recovery".

use std::{collections::BTreeMap, io};

use siltstone_compaction::Readers;
use siltstone_sstable::{BlockCache, QuickBlockCache};
use siltstone_types::{IoResultExt, SequenceNumber};
use siltstone_vfs::Fs;
use siltstone_wal::{Expect, LogEnd, LogReader, Predecessors, ReadMode};

use crate::{
    Builder, Db, Error, Executor, Inline, Recovery, Result, Settings, Threads,
    background::Background,
    commit::{
        Commit,
        log_set::{LogSet, create_log},
        publisher::Publisher,
    },
    components::Profile,
    db::{Inner, Shared, WriteSide},
    execute,
    expiry::Expiry,
    files::{Closing, Current, FileKind, Identity, Layout},
    folder::{
        create_directories, create_empty, read_current, read_settings, require_current, start_manifest,
        store_settings, take_lock, write_current,
    },
    identities::Identities,
    keyspace::{DEFAULT_KEYSPACE, KeyspaceId},
    ledger::{Counters, Ledger},
    manifest::{
        self,
        format::FORMAT_VERSION_OF_EXPIRY,
        state::{LogPosition, LogRecord, State},
    },
    memory::Memory,
    metrics::Metrics,
    obsolete::ObsoleteFiles,
    poison::Poison,
    rate_limit::RateLimiter,
    recovery::{self, Memtables},
    sync::{Arc, AtomicBool, Mutex},
    table_cache::TableCache,
    table_io::Output,
    tree::{OpenTable, Tree},
    version::{Attic, Generation, KeyspaceVersion, Version, Versions},
};

pub(crate) fn open(builder: Builder) -> Result<Db> {
    builder.settings.as_ref().map_or(Ok(()), Settings::validate)?;
    if builder.read_only { open_read_only(builder) } else { open_for_writing(builder) }
}

fn open_for_writing(builder: Builder) -> Result<Db> {
    let started = builder.clock.monotonic();
    let layout = Layout::new(&builder.path);
    let fs = &*builder.fs;
    let mut identities = Identities::new(builder.seed);
    if !builder.create_if_missing {
        require_current(fs, &layout)?;
    }
    create_directories(fs, &layout)?;
    let lock = take_lock(fs, &layout)?;
    let current = match read_current(fs, &layout)? {
        Some(current) => current,
        None => {
            let mut settings = builder.settings.clone().unwrap_or_default();
            builder.components.overrides.apply_to(&mut settings);
            settings.validate()?;
            builder.components.check(&settings)?;
            let profile = builder.components.profile(settings.of_keyspace(DEFAULT_KEYSPACE))?;
            create_empty(fs, &layout, identities.draw(), &settings, profile.strategy.name())?
        }
    };
    let executor = builder.executor.clone();
    let mut base = Base::load(builder, layout, current)?;
    // Whoever was refused so far left the database untouched.
    lock.set_content(format!("{}\n", std::process::id()).as_bytes())
        .on("write the lock", &base.layout.lock())?;
    base.refuse_lost_edit()?;
    let files = base.number_files()?;
    store_settings(&*base.shared.fs, &base.layout, base.current.identity, &base.shared.settings)?;

    // 5. What was replayed goes into tables.
    let mut state = base.state.clone();
    state.last_sequence = base.last_sequence.get();
    if base.shared.settings.have_ttl() {
        state.format_version = state.format_version.max(FORMAT_VERSION_OF_EXPIRY);
    }
    let mut tables = base.tables();
    base.flush_replayed(&mut state, &mut identities, &mut tables)?;

    // 6. A manifest that names the tables and one fresh log; then CURRENT; then removals.
    let log_number = next_number(&mut state);
    let log = create_log(&base.shared, log_number, Predecessors::Synced)?;
    state.logs = BTreeMap::from([(log_number, LogRecord::default())]);
    for (id, keyspace) in &mut state.keyspaces {
        keyspace.position = LogPosition { log: log_number, offset: 0 };
        // For whoever looks at it: it may have changed since, and no strategy minds.
        if let Some(profile) = base.profiles.get(id) {
            profile.strategy.name().clone_into(&mut keyspace.strategy);
        }
    }
    let manifest_number = next_number(&mut state);
    let identity = base.current.identity;
    let manifest = start_manifest(&*base.shared.fs, &base.layout, manifest_number, identity, &state)?;
    let current = Current { manifest: manifest_number, identity, closing: Closing::Open };
    write_current(&*base.shared.fs, &base.layout, &current)?;
    remove_unowned(&*base.shared.fs, &state, manifest_number, &files);

    base.recovery.duration = base.shared.clock.monotonic().saturating_sub(started);
    let log = LogSet::new(log, base.last_sequence);
    let ledger = Ledger { manifest: Some(manifest), state, current, lock: Some(lock) };
    let executor = executor.unwrap_or_else(|| Arc::new(Threads::new(base.shared.settings.workers())));
    Ok(base.into_db(&tables, Memtables::new(), identities, executor, Some((log, ledger))))
}

fn next_number(state: &mut State) -> u64 {
    state.next_file_number += 1;
    state.next_file_number - 1
}

fn open_read_only(builder: Builder) -> Result<Db> {
    let started = builder.clock.monotonic();
    let layout = Layout::new(&builder.path);
    let current = require_current(&*builder.fs, &layout)?;
    let identities = Identities::new(builder.seed);
    let mut base = Base::load(builder, layout, current)?;
    let tables = base.tables();
    let memtables = std::mem::take(&mut base.memtables);
    base.recovery.duration = base.shared.clock.monotonic().saturating_sub(started);
    // Nothing happens in the background of a database that does not change.
    Ok(base.into_db(&tables, memtables, identities, Arc::new(Inline::new(0)), None))
}

/// What both ways of opening have read.
struct Base {
    shared: Shared,
    layout: Layout,
    current: Current,
    state: State,
    /// What each keyspace of the state works with.
    profiles: BTreeMap<u32, Arc<Profile>>,
    memtables: Memtables,
    last_sequence: SequenceNumber,
    recovery: Recovery,
}

impl Base {
    /// Steps 1 to 3: CURRENT and manifest, the files they name, the logs.
    fn load(builder: Builder, layout: Layout, current: Current) -> Result<Base> {
        let settings = effective_settings(&builder, &layout, current.identity)?;
        let components = builder.components;
        if !builder.read_only {
            components.check(&settings)?;
        }
        let memory = Memory::new(&settings, components.cache.is_none(), settings.workers());
        let cache =
            components.cache.clone().or_else(|| make_cache(memory.shares.cache, settings.block_bytes));
        let tables = TableCache::new(
            Arc::clone(&builder.fs),
            layout.clone(),
            cache,
            components.filter_policies(),
            &settings,
            Arc::clone(&memory),
        );
        let shared = Shared {
            tables,
            components,
            memory,
            obsolete_files: ObsoleteFiles::new(Arc::clone(&builder.fs), layout.clone()),
            limiter: RateLimiter::new(&settings, &builder.clock),
            layout: layout.clone(),
            settings,
            fs: builder.fs,
            clock: builder.clock,
            identity: current.identity,
            planted: builder.planted,
        };
        let fs = &*shared.fs;
        let mut recovery = Recovery::default();
        let mut state = read_manifest(fs, &layout, &current, &mut recovery)?;
        check_files(fs, &layout, &state)?;
        let profiles: BTreeMap<u32, Arc<Profile>> = state
            .keyspaces
            .iter()
            .map(|(id, keyspace)| {
                let settings = shared.settings.of_keyspace(&keyspace.name);
                (*id, shared.components.profile_for_reading(&settings))
            })
            .collect();
        let memtables: Memtables =
            profiles.iter().map(|(id, profile)| (*id, profile.memtables.create())).collect();
        let replayed = recovery::replay(&shared, &state, &memtables, &mut recovery)?;
        if replayed.is_expiring {
            state.format_version = state.format_version.max(FORMAT_VERSION_OF_EXPIRY);
        }
        let last_sequence = replayed.last_sequence;
        Ok(Base { shared, layout, current, state, profiles, memtables, last_sequence, recovery })
    }

    fn tables(&self) -> Vec<Arc<OpenTable>> {
        let records = self.state.keyspaces.iter().flat_map(|(id, keyspace)| {
            keyspace.tables.values().map(|record| (KeyspaceId(*id), record.clone()))
        });
        records.map(|(id, record)| self.shared.table(id, record)).collect()
    }

    /// Step 5, for all keyspaces.
    fn flush_replayed(
        &self,
        state: &mut State,
        identities: &mut Identities,
        tables: &mut Vec<Arc<OpenTable>>,
    ) -> Result<()> {
        for (&id, memtable) in &self.memtables {
            let (keyspace, epoch) = (KeyspaceId(id), state.next_epoch);
            let draw = || {
                let unique_id = identities.draw();
                Output { keyspace, number: next_number(state), level: 0, epoch, unique_id }
            };
            let Some(profile) = self.profiles.get(&id) else { continue };
            let grant = self.shared.memory.begin_flush();
            // Nobody has a snapshot yet.
            let readers = Readers { now_unix_ms: self.shared.clock.now_unix_ms(), ..Readers::default() };
            let flushed = execute::flush_memtable(&self.shared, profile, memtable, &readers, &grant, draw)?;
            state.next_epoch = epoch + 1;
            if let Some(record) = state.keyspaces.get_mut(&id) {
                let records = flushed.tables.iter().map(|table| (table.record.number, table.record.clone()));
                record.tables.extend(records);
            }
            tables.extend(flushed.tables);
        }
        Ok(())
    }

    fn into_db(
        self,
        tables: &[Arc<OpenTable>],
        mut memtables: Memtables,
        identities: Identities,
        executor: Arc<dyn Executor>,
        write_side: Option<(LogSet, Ledger)>,
    ) -> Db {
        let state = write_side.as_ref().map_or(&self.state, |(_, ledger)| &ledger.state);
        let counters = Counters::new(state);
        let now_unix_ms = self.shared.clock.now_unix_ms();
        let keyspaces = state.keyspaces.iter().filter_map(|(&id, record)| {
            let profile = Arc::clone(self.profiles.get(&id)?);
            let memtable = memtables.remove(&id).unwrap_or_else(|| profile.memtables.create());
            let mut keyspace = KeyspaceVersion::new(record.name.as_str().into(), profile, memtable);
            let own = tables.iter().filter(|table| table.keyspace.0 == id).cloned();
            keyspace.set_tree(Tree::new(own), now_unix_ms);
            Some((KeyspaceId(id), keyspace))
        });
        let metrics: Arc<Metrics> = Arc::default();
        let expiry = Expiry::new(Arc::clone(&self.shared.clock), state.format_version);
        let attic = Attic { executor: Arc::clone(&executor) };
        let version = Version {
            metrics: Arc::clone(&metrics),
            expiry: Arc::clone(&expiry),
            attic,
            generation: Generation::new(),
            keyspaces: keyspaces.collect(),
            is_strained: false,
        };
        let Base { shared, recovery, last_sequence, .. } = self;
        let write_side = write_side
            .map(|(log, ledger)| WriteSide { commit: Commit::new(log), ledger: Mutex::new(ledger) });
        if write_side.is_some() {
            shared.obsolete_files.remove_on(&executor);
            if executor.has_threads() {
                shared.limiter.turn_on();
            }
        }
        let keyspace_settings = Mutex::new(shared.settings.keyspaces.clone());
        let inner = Arc::new_cyclic(|weak| Inner {
            shared,
            keyspace_settings,
            recovery,
            metrics,
            executor,
            weak: weak.clone(),
            versions: Versions::new(version),
            publisher: Publisher::new(last_sequence),
            expiry,
            snapshots: Arc::default(),
            counters,
            identities: Mutex::new(identities),
            background: Background::default(),
            poison: Poison::default(),
            closed: AtomicBool::new(false),
            write_side,
        });
        if inner.write_side.is_some() {
            inner.metrics.heat.serve(inner.weak.clone());
        }
        inner.schedule_compactions();
        inner.check_later();
        Db::new(inner)
    }

    /// Step 4: a log that the manifest does not name must not hold anything newer than the manifest knows.
    fn refuse_lost_edit(&self) -> Result<()> {
        let wal_dir = self.layout.wal_dir();
        for path in self.shared.fs.list(wal_dir).on("list the folder", wal_dir)? {
            let FileKind::Log(number) = self.layout.kind(&path) else { continue };
            if self.state.logs.contains_key(&number) {
                continue;
            }
            let expect = Expect::Log(recovery::log_id(number, self.current.identity));
            // One without a valid header was never used; one of another database is none of ours.
            let Ok(mut reader) = LogReader::open(&*self.shared.fs, &path, expect, ReadMode::PointInTime)
            else {
                continue;
            };
            while let Some(record) = reader.next()? {
                if record.tag > self.state.last_sequence {
                    let what = "the manifest does not name this log, but it holds writes that the manifest does not know";
                    return Err(Error::corruption(&path, record.offset, what));
                }
            }
        }
        Ok(())
    }

    /// Moves the file counter past every number in use, and returns the files.
    fn number_files(&mut self) -> Result<Vec<(std::path::PathBuf, FileKind)>> {
        let mut files = Vec::new();
        for dir in [self.layout.dir(), self.layout.wal_dir(), self.layout.sst_dir()] {
            for path in self.shared.fs.list(dir).on("list the folder", dir)? {
                let kind = self.layout.kind(&path);
                if let FileKind::Manifest(number) | FileKind::Log(number) | FileKind::Table(number) = kind {
                    let next = number.checked_add(1).ok_or_else(|| {
                        Error::corruption(&path, 0, "there is no file number above that of this file")
                    })?;
                    self.state.next_file_number = self.state.next_file_number.max(next);
                }
                files.push((path, kind));
            }
        }
        Ok(files)
    }
}

/// What was given, or else what is stored; then what components say in their place.
fn effective_settings(builder: &Builder, layout: &Layout, identity: Identity) -> Result<Settings> {
    let stored = read_settings(&*builder.fs, layout, identity);
    let mut settings = match (builder.settings.clone(), stored) {
        (None, stored) => stored?,
        // Keyspaces are given settings where they are made, and keep them.
        (Some(given), Ok(stored)) => {
            let mut keyspaces = stored.keyspaces;
            keyspaces.extend(given.keyspaces);
            Settings { keyspaces, ..given }
        }
        // What is damaged is written anew; what cannot be read at the moment must not be lost.
        (Some(_), Err(error @ (Error::Io { .. } | Error::NoSpace { .. }))) => return Err(error),
        (Some(given), Err(_)) => given,
    };
    builder.components.overrides.apply_to(&mut settings);
    settings.validate()?;
    Ok(settings)
}

fn make_cache(bytes: u64, block_bytes: u32) -> Option<Arc<dyn BlockCache>> {
    (bytes > 0).then(|| {
        let block_bytes = usize::try_from(block_bytes).unwrap_or(usize::MAX);
        Arc::new(QuickBlockCache::new(bytes, block_bytes)) as Arc<dyn BlockCache>
    })
}

fn read_manifest(fs: &dyn Fs, layout: &Layout, current: &Current, recovery: &mut Recovery) -> Result<State> {
    let path = layout.manifest(current.manifest);
    let expect = Expect::Log(manifest::log_id(current.manifest, current.identity));
    let mode = match current.closing {
        Closing::Open => ReadMode::CrashTail,
        Closing::Closed { .. } => ReadMode::Strict,
    };
    let (state, report) = manifest::read(fs, &path, expect, mode, |_, _| ())?;
    // A manifest is never recycled, so what looks like the remains of another one is damage.
    recovery.dropped_manifest_bytes = report.dropped_bytes + report.remains_bytes;
    if let Closing::Closed { manifest_bytes } = current.closing {
        recovery.was_closed = true;
        let file = fs.metadata(&path).on("measure", &path)?.len;
        if report.end != Some(LogEnd::Finished) || file != manifest_bytes || report.bytes != manifest_bytes {
            let what = format!("CURRENT says that the manifest has {manifest_bytes} bytes");
            return Err(Error::corruption(&path, file.min(manifest_bytes), what));
        }
        if let Some((number, _)) = state.logs.iter().find(|(_, log)| log.finished.is_none()) {
            return Err(Error::corruption(&path, 0, format!("closed, but log {number} is not finished")));
        }
    }
    Ok(state)
}

/// Step 2: everything that is named is there, and as long as it should be.
fn check_files(fs: &dyn Fs, layout: &Layout, state: &State) -> Result<()> {
    let tables = state.keyspaces.values().flat_map(|keyspace| keyspace.tables.values());
    let tables = tables.map(|table| (layout.table(table.number), Some(table.file_bytes)));
    let logs = state.logs.keys().map(|&number| (layout.log(number), None));
    for (path, bytes) in tables.chain(logs) {
        let found = match fs.metadata(&path) {
            Ok(metadata) => metadata.len,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::corruption(&path, 0, "the manifest names this file, but it is missing"));
            }
            Err(error) => return Err(siltstone_types::Error::io("look for the file", &path, error).into()),
        };
        if let Some(bytes) = bytes
            && bytes != found
        {
            let what = format!("the file has {found} bytes where the manifest says {bytes}");
            return Err(Error::corruption(&path, found.min(bytes), what));
        }
    }
    Ok(())
}

/// Removes what was there before and belongs to nobody now. A file that cannot be removed stays for the next time.
fn remove_unowned(fs: &dyn Fs, state: &State, manifest: u64, files: &[(std::path::PathBuf, FileKind)]) {
    let is_live_table =
        |number: &u64| state.keyspaces.values().any(|keyspace| keyspace.tables.contains_key(number));
    for (path, kind) in files {
        let unowned = match kind {
            FileKind::Manifest(number) => *number != manifest,
            FileKind::Log(number) => !state.logs.contains_key(number),
            FileKind::Table(number) => !is_live_table(number),
            FileKind::Temporary => true,
            FileKind::Lock | FileKind::Current | FileKind::Options | FileKind::Foreign => false,
        };
        // CURRENT.tmp was renamed by now.
        // A temporary file that was written meanwhile has another name by now.
        if unowned
            && (*kind != FileKind::Temporary || fs.metadata(path).is_ok())
            && let Err(error) = fs.remove(path)
        {
            tracing::warn!(path = %path.display(), %error, "cannot remove a file that is not needed any more");
        }
    }
}

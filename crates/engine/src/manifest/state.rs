//! The state that edits add up to, and the rules an edit must satisfy.

use std::collections::{BTreeMap, BTreeSet};

use siltstone_types::SequenceNumber;

use crate::manifest::format::{Broken, Edit, FORMAT_VERSION, Field, LogEnding, TableRecord};

/// Levels a tree may have.
pub(crate) const LEVELS_MAX: u32 = 64;
const NAME_BYTES_MAX: usize = 255;

/// A log as the manifest knows it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct LogRecord {
    /// Length in bytes, and how it ends, once it is finished.
    pub finished: Option<(u64, LogEnding)>,
}

/// Where the part of a keyspace that is only in logs begins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub struct LogPosition {
    /// Number of the log.
    pub log: u64,
    /// Offset within it, in bytes.
    pub offset: u64,
}

/// A keyspace as the manifest knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyspaceRecord {
    /// Its name.
    pub name: String,
    /// Name of its compaction strategy.
    pub strategy: String,
    /// Everything in the logs below is in tables.
    pub position: LogPosition,
    /// Its tables by number.
    pub tables: BTreeMap<u64, TableRecord>,
}

/// Everything that a manifest says.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct State {
    /// Version of the database's formats.
    pub format_version: u64,
    /// Every file number below is taken.
    pub next_file_number: u64,
    /// No higher sequence number is durable outside of the live logs.
    pub last_sequence: u64,
    /// Every keyspace id below is taken.
    pub next_keyspace: u64,
    /// Every run epoch below is taken.
    pub next_epoch: u64,
    /// The keyspaces by id.
    pub keyspaces: BTreeMap<u32, KeyspaceRecord>,
    /// The live logs by number.
    pub logs: BTreeMap<u64, LogRecord>,
}

fn broken(rule: u32, what: impl std::fmt::Display) -> Broken {
    Broken::State(format!("{what} (manifest rule {rule})"))
}

impl State {
    /// The state as a snapshot edit.
    pub fn to_edit(&self) -> Edit {
        let mut fields = vec![
            Field::FormatVersion(self.format_version),
            Field::NextFileNumber(self.next_file_number),
            Field::LastSequence(self.last_sequence),
            Field::NextKeyspace(self.next_keyspace),
            Field::NextEpoch(self.next_epoch),
        ];
        for (&number, log) in &self.logs {
            fields.push(Field::LogCreated { number });
            fields.extend(log.finished.map(|(bytes, ending)| Field::LogFinished { number, bytes, ending }));
        }
        for (&id, keyspace) in &self.keyspaces {
            let (name, strategy) = (keyspace.name.clone(), keyspace.strategy.clone());
            fields.push(Field::KeyspaceCreated { id, name, strategy });
            let LogPosition { log, offset } = keyspace.position;
            if keyspace.position != LogPosition::default() {
                fields.push(Field::LogPosition { keyspace: id, log, offset });
            }
            fields.extend(
                keyspace
                    .tables
                    .values()
                    .map(|table| Field::TableAdded { keyspace: id, table: Box::new(table.clone()) }),
            );
        }
        Edit { snapshot: true, fields }
    }

    /// The state that a snapshot edit describes.
    ///
    /// # Errors
    ///
    /// The first rule the edit breaks.
    pub fn from_snapshot(edit: &Edit) -> Result<State, Broken> {
        if !edit.snapshot {
            return Err(broken(2, "the first edit is not a snapshot"));
        }
        check_snapshot_counters(edit)?;
        let mut state = State::default();
        state.apply_fields(edit, 0)?;
        Ok(state)
    }

    /// Applies an edit.
    ///
    /// # Errors
    ///
    /// The first rule the edit breaks. The state is then changed in part, and of no further use.
    pub fn apply(&mut self, edit: &Edit) -> Result<(), Broken> {
        if edit.snapshot {
            return Err(broken(2, "an edit after the first is a snapshot"));
        }
        self.apply_fields(edit, self.next_keyspace)
    }

    /// `keyspaces_from` is the lowest id that the edit may give to a new keyspace.
    fn apply_fields(&mut self, edit: &Edit, keyspaces_from: u64) -> Result<(), Broken> {
        let mut runs_touched = BTreeSet::new();
        let mut last_sequence = 0;
        for field in &edit.fields {
            self.apply_field(field)?;
            match field {
                Field::TableAdded { keyspace, table } => {
                    runs_touched.insert((*keyspace, table.level, table.epoch));
                    last_sequence = last_sequence.max(table.last_sequence);
                }
                Field::KeyspaceCreated { id, .. } if u64::from(*id) < keyspaces_from => {
                    return Err(broken(6, format_args!("keyspace id {id} is used again")));
                }
                _ => {}
            }
        }
        // Behind the last field, so that an edit may replace tables in any order.
        if last_sequence > self.last_sequence {
            return Err(broken(8, "a table holds a sequence number above the last one"));
        }
        runs_touched
            .into_iter()
            .try_for_each(|(keyspace, level, epoch)| self.check_run(keyspace, level, epoch))
    }

    fn apply_field(&mut self, field: &Field) -> Result<(), Broken> {
        match field {
            Field::FormatVersion(version) => {
                if *version > FORMAT_VERSION {
                    return Err(Broken::TooNew(format!("database of format version {version}")));
                }
                raise(&mut self.format_version, *version, "the format version fell")
            }
            Field::NextFileNumber(number) => {
                raise(&mut self.next_file_number, *number, "the file number fell")
            }
            Field::LastSequence(number) => {
                if SequenceNumber::new(*number).is_none() {
                    return Err(broken(4, "a sequence number exceeds 56 bits"));
                }
                raise(&mut self.last_sequence, *number, "the last sequence number fell")
            }
            Field::NextKeyspace(number) => raise(&mut self.next_keyspace, *number, "the keyspace id fell"),
            Field::NextEpoch(number) => raise(&mut self.next_epoch, *number, "the epoch fell"),
            Field::KeyspaceCreated { id, name, strategy } => self.create_keyspace(*id, name, strategy),
            Field::KeyspaceDropped { id } => match self.keyspaces.remove(id) {
                Some(_) => Ok(()),
                None => Err(broken(7, format_args!("keyspace {id} is dropped but does not exist"))),
            },
            Field::LogCreated { number } => self.create_log(*number),
            Field::LogRemoved { number } => match self.logs.remove(number) {
                Some(_) => Ok(()),
                None => Err(broken(10, format_args!("log {number} is removed but does not exist"))),
            },
            Field::LogFinished { number, bytes, ending } => match self.logs.get_mut(number) {
                Some(log) if log.finished.is_none() => {
                    log.finished = Some((*bytes, *ending));
                    Ok(())
                }
                _ => Err(broken(10, format_args!("log {number} is finished but is not open"))),
            },
            Field::LogPosition { keyspace, log, offset } => {
                let position = LogPosition { log: *log, offset: *offset };
                let record = self.keyspace(*keyspace)?;
                if position < record.position {
                    return Err(broken(
                        10,
                        format_args!("the log position of keyspace {keyspace} moves back"),
                    ));
                }
                record.position = position;
                Ok(())
            }
            Field::TableAdded { keyspace, table } => self.add_table(*keyspace, table),
            Field::TableRemoved { keyspace, number } => match self.keyspace(*keyspace)?.tables.remove(number)
            {
                Some(_) => Ok(()),
                None => Err(broken(10, format_args!("table {number} is removed but does not exist"))),
            },
        }
    }

    fn keyspace(&mut self, id: u32) -> Result<&mut KeyspaceRecord, Broken> {
        self.keyspaces.get_mut(&id).ok_or_else(|| broken(7, format_args!("keyspace {id} does not exist")))
    }

    fn create_keyspace(&mut self, id: u32, name: &str, strategy: &str) -> Result<(), Broken> {
        let taken = self.keyspaces.iter().any(|(&other, record)| other == id || record.name == name);
        if u64::from(id) >= self.next_keyspace || taken || name.is_empty() || name.len() > NAME_BYTES_MAX {
            return Err(broken(6, format_args!("keyspace {id} cannot be created")));
        }
        let (name, strategy) = (name.to_owned(), strategy.to_owned());
        let record =
            KeyspaceRecord { name, strategy, position: LogPosition::default(), tables: BTreeMap::new() };
        self.keyspaces.insert(id, record);
        Ok(())
    }

    fn create_log(&mut self, number: u64) -> Result<(), Broken> {
        let taken = self.has_table(number) || self.logs.contains_key(&number);
        if taken || number >= self.next_file_number {
            return Err(broken(10, format_args!("log {number} cannot be created")));
        }
        self.logs.insert(number, LogRecord::default());
        Ok(())
    }

    fn has_table(&self, number: u64) -> bool {
        self.keyspaces.values().any(|record| record.tables.contains_key(&number))
    }

    fn add_table(&mut self, keyspace: u32, table: &TableRecord) -> Result<(), Broken> {
        let TableRecord { number, .. } = *table;
        let sound = number < self.next_file_number
            && !self.has_table(number)
            && !self.logs.contains_key(&number)
            && table.level < LEVELS_MAX
            && table.epoch < self.next_epoch
            && *table.smallest <= *table.largest
            && table.first_sequence <= table.last_sequence
            && table.last_sequence <= SequenceNumber::MAX.get()
            && table.entries > 0
            && table.tombstones <= table.entries;
        if !sound {
            return Err(broken(8, format_args!("table {number} cannot be added")));
        }
        self.keyspace(keyspace)?.tables.insert(number, table.clone());
        Ok(())
    }

    /// Rule 9: the tables of a run are disjoint.
    fn check_run(&self, keyspace: u32, level: u32, epoch: u64) -> Result<(), Broken> {
        let tables = self.keyspaces.get(&keyspace).into_iter().flat_map(|record| record.tables.values());
        let mut run: Vec<_> = tables.filter(|table| (table.level, table.epoch) == (level, epoch)).collect();
        run.sort_by(|a, b| a.smallest.cmp(&b.smallest));
        match run.iter().zip(run.iter().skip(1)).find(|(left, right)| left.largest >= right.smallest) {
            None => Ok(()),
            Some((left, right)) => {
                let (left, right) = (left.number, right.number);
                Err(broken(9, format_args!("tables {left} and {right} of one run overlap")))
            }
        }
    }
}

/// Rule 5: a snapshot begins with the five counters, once each.
fn check_snapshot_counters(edit: &Edit) -> Result<(), Broken> {
    let is_counter = |field: &Field| {
        matches!(
            field,
            Field::FormatVersion(_)
                | Field::NextFileNumber(_)
                | Field::LastSequence(_)
                | Field::NextKeyspace(_)
                | Field::NextEpoch(_)
        )
    };
    let mut kinds: Vec<_> = edit.fields.iter().take(5).map(std::mem::discriminant).collect();
    kinds.dedup();
    let counters = edit.fields.iter().filter(|field| is_counter(field)).count();
    let leading = edit.fields.iter().take(5).filter(|field| is_counter(field)).count();
    let distinct =
        kinds.iter().enumerate().all(|(i, kind)| !kinds.iter().skip(i + 1).any(|other| other == kind));
    if counters == 5 && leading == 5 && kinds.len() == 5 && distinct {
        return Ok(());
    }
    Err(broken(5, "the snapshot does not begin with the five counters"))
}

fn raise(counter: &mut u64, to: u64, what: &'static str) -> Result<(), Broken> {
    if to < *counter {
        return Err(broken(4, what));
    }
    *counter = to;
    Ok(())
}

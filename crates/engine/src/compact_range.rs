//! Merges the tables that hold a range of keys, when asked.

use std::ops::Bound;

use siltstone_compaction::{
    Action, Cuts, Job, KeyRange, Level, Output, Place, Position, Reason, TableId, TableMeta, runs_by_age,
};
use siltstone_types::Slice;

use crate::{
    CompactionReport, Db, Error, KeyBounds, Keyspace, Result, db::Inner, keyspace::KeyspaceId,
    version::KeyspaceVersion,
};

type Bounds = (Bound<Slice>, Bound<Slice>);

/// The job that takes a range of keys down to where its oldest data is; `None` when no table overlaps it.
///
/// Beside the tables that overlap the range it takes what rule 2 of `docs/traits/compaction-strategy.md` asks for: what is older than one of them, overlaps it, and
/// would come to be in front of it. Rule 4 adds nothing: between two inputs there are only keys of the range and of other inputs, so what lies there in the run that the
/// result joins is an input already.
fn job_for_range(levels: &[Level], bounds: &Bounds, table_bytes_max: u64) -> Option<Job> {
    let mut inputs: Vec<TableId> = Vec::new();
    let mut covered = Vec::new();
    let mut oldest: Option<Position> = None;
    for (position, run) in runs_by_age(levels) {
        let is_input = |table: &TableMeta| touches(bounds, &table.range) || overlaps(&covered, &table.range);
        let of_run: Vec<&TableMeta> =
            run.tables.iter().map(|table| &**table).filter(|table| is_input(table)).collect();
        if !of_run.is_empty() {
            oldest = Some(position);
            covered = merged(covered, of_run.iter().map(|table| table.range.clone()));
            inputs.extend(of_run.iter().map(|table| table.id));
        }
    }
    let oldest = oldest?;
    let output = match oldest.level {
        0 => Output { level: 1, place: Place::NewRun },
        level => Output { level, place: Place::JoinRun(oldest.epoch()) },
    };
    let action = Action::Merge { output, table_bytes_max, cuts: Cuts::BY_SIZE };
    Some(Job { action, inputs, reason: Reason::new("manual", "a range was asked for") })
}

/// True when some key of the table may be within the bounds.
fn touches((start, end): &Bounds, range: &KeyRange) -> bool {
    let reaches_start = match start {
        Bound::Unbounded => true,
        Bound::Included(key) => range.last >= *key,
        Bound::Excluded(key) => range.last > *key,
    };
    let reaches_end = match end {
        Bound::Unbounded => true,
        Bound::Included(key) => range.first <= *key,
        Bound::Excluded(key) => range.first < *key,
    };
    reaches_start && reaches_end
}

/// True when the range shares a key with one of the others, which are disjoint and in order.
fn overlaps(covered: &[KeyRange], range: &KeyRange) -> bool {
    let at = covered.partition_point(|other| other.last < range.first);
    covered.get(at).is_some_and(|other| other.overlaps(range))
}

/// All ranges, with those that share keys put together, in order.
fn merged(mut ranges: Vec<KeyRange>, others: impl Iterator<Item = KeyRange>) -> Vec<KeyRange> {
    ranges.extend(others);
    ranges.sort_unstable();
    let mut merged: Vec<KeyRange> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if last.overlaps(&range) => {
                if range.last > last.last {
                    last.last = range.last;
                }
            }
            _ => merged.push(range),
        }
    }
    merged
}

impl Inner {
    fn compact_range(&self, id: KeyspaceId, bounds: &Bounds) -> Result<CompactionReport> {
        let started = self.shared.clock.monotonic();
        self.flush()?;
        let figures = || {
            let version = self.version();
            let tree = version.keyspace(id).map(|keyspace| &keyspace.tree);
            tree.map_or((0, 0), |tree| (tree.tables().count() as u64, tree.file_bytes))
        };
        let not_found =
            || Error::NotFound { what: format!("keyspace {} does not exist, or was dropped", id.0) };
        self.version().keyspace(id).ok_or_else(not_found)?;
        let (tables_before, bytes_before) = figures();
        let statistics = self.compact_keyspace(id, |keyspace: &KeyspaceVersion| {
            job_for_range(&keyspace.tree.levels, bounds, keyspace.profile.settings.table_bytes_max)
        })?;
        let (tables_after, bytes_after) = figures();
        self.shared.obsolete_files.remove_all();
        Ok(CompactionReport {
            tables_before,
            tables_after,
            entries_removed: statistics.entries_in - statistics.entries_out,
            bytes_reclaimed: bytes_before.saturating_sub(bytes_after),
            duration: self.shared.clock.monotonic().saturating_sub(started),
        })
    }
}

impl Db {
    /// Writes what is in memory to tables, and merges the tables that hold keys of a range, down to where the oldest of them are: afterwards the range has no stale versions
    /// and no tombstones, but for what snapshots see. Tables are merged whole, and so are those that lie between them. The report is about the keyspace.
    ///
    /// ```
    /// # let db = siltstone::Db::builder("scratch").in_memory().open()?;
    /// db.put("log/2023/1", "old")?;
    /// db.delete("log/2023/1")?;
    /// let report = db.compact_range("log/2023/".."log/2024/")?;
    /// assert_eq!(report.tables_after, 0);
    /// # Ok::<(), siltstone::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`Db::compact`].
    pub fn compact_range(&self, bounds: impl KeyBounds) -> Result<CompactionReport> {
        self.inner().compact_range(KeyspaceId::DEFAULT, &bounds.into_bounds())
    }
}

impl Keyspace {
    /// As [`Db::compact_range`].
    ///
    /// # Errors
    ///
    /// Also `NotFound` when the keyspace was dropped.
    pub fn compact_range(&self, bounds: impl KeyBounds) -> Result<CompactionReport> {
        self.db().inner().compact_range(self.id(), &bounds.into_bounds())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;
    use siltstone_compaction::{TreeView, text::parse_levels, validate};

    use super::*;

    fn bounds(first: &str, last: &str) -> Bounds {
        (Bound::Included(Slice::from(first.as_bytes())), Bound::Included(Slice::from(last.as_bytes())))
    }

    /// The job for a range of a tree, which has to be a valid one.
    fn said(levels: &str, first: &str, last: &str) -> String {
        let levels = parse_levels(levels).unwrap();
        let Some(mut job) = job_for_range(&levels, &bounds(first, last), 1) else {
            return "nothing".to_owned();
        };
        validate(&job, &TreeView::idle(&levels)).unwrap();
        job.inputs.sort_unstable();
        job.to_string()
    }

    #[test]
    fn a_range_takes_what_overlaps_it_and_what_would_be_passed() {
        let levels = "0 | 9: 9=a..k | 8: 8=p..s\n1 | 4: 1=a..c 2=e..g 3=m..z";
        for (first, last, expected) in [
            // What is older than table 9 and overlaps it goes along.
            ("a", "b", "merge 1 2 9 -> level 1 run 4 (manual)"),
            ("p", "p", "merge 3 8 -> level 1 run 4 (manual)"),
            // From one end of the run to the other: what lies between is part of the result.
            ("a", "z", "merge 1 2 3 8 9 -> level 1 run 4 (manual)"),
            ("l", "l", "nothing"),
            ("zz", "zzz", "nothing"),
        ] {
            assert_eq!(said(levels, first, last), expected, "{first}..={last}");
        }
        assert_eq!(said("0 | 9: 9=a..k | 8: 8=b..c", "h", "h"), "merge 8 9 -> level 1 new run (manual)");
        // The newer table 9 may stay in front of what is merged below it.
        assert_eq!(
            said("0 | 9: 9=a..c | 8: 8=b..f\n1 | 4: 1=e..e 2=x..x", "e", "e"),
            "merge 1 8 -> level 1 run 4 (manual)"
        );
        let between = "0 | 9: 9=a..b 8=y..z\n1 | 4: 1=a..a 2=m..m 3=z..z";
        assert_eq!(said(between, "a", "z"), "merge 1 2 3 8 9 -> level 1 run 4 (manual)");
    }

    #[test]
    fn excluded_ends_are_excluded() {
        let range = KeyRange::new(&b"b"[..], &b"d"[..]);
        let key = |key: &str| Slice::from(key.as_bytes());
        for (start, end, expected) in [
            (Bound::Excluded(key("d")), Bound::Unbounded, false),
            (Bound::Included(key("d")), Bound::Unbounded, true),
            (Bound::Unbounded, Bound::Excluded(key("b")), false),
            (Bound::Unbounded, Bound::Included(key("b")), true),
            (Bound::Excluded(key("c")), Bound::Excluded(key("c")), true),
        ] {
            assert_eq!(touches(&(start.clone(), end.clone()), &range), expected, "{start:?} {end:?}");
        }
    }

    /// A tree of so many runs in each of three levels, with tables cut out of the letters.
    fn any_levels() -> impl Strategy<Value = String> {
        let run = proptest::collection::btree_set(0..24_u8, 1..8);
        let level = proptest::collection::vec(run, 0..4);
        proptest::collection::vec(level, 3).prop_map(|levels| {
            let (mut text, mut id, mut epoch) = (String::new(), 0, 100);
            for (number, runs) in levels.iter().enumerate().filter(|(_, runs)| !runs.is_empty()) {
                text += &number.to_string();
                for keys in runs {
                    epoch -= 1;
                    let _ = write!(text, " | {epoch}:");
                    let keys: Vec<char> = keys.iter().map(|key| char::from(b'a' + key)).collect();
                    for ends in keys.chunks(2) {
                        id += 1;
                        let _ = write!(text, " {id}={}..{}", ends[0], ends[ends.len() - 1]);
                    }
                }
                text.push('\n');
            }
            text
        })
    }

    proptest! {
        #[test]
        fn the_job_is_valid_and_leaves_one_table_for_each_key_of_the_range(
            text in any_levels(), a in 0..24_u8, b in 0..24_u8
        ) {
            let levels = parse_levels(&text).unwrap();
            let ends = [a.min(b), a.max(b)].map(|key| char::from(b'a' + key).to_string());
            let bounds = bounds(&ends[0], &ends[1]);
            let tables = || runs_by_age(&levels).flat_map(|(_, run)| &run.tables);
            match job_for_range(&levels, &bounds, 1) {
                None => prop_assert!(tables().all(|table| !touches(&bounds, &table.range))),
                Some(job) => {
                    prop_assert!(validate(&job, &TreeView::idle(&levels)).is_ok(), "{} in {}", job, text);
                    let is_left = |table: &&std::sync::Arc<TableMeta>| !job.inputs.contains(&table.id);
                    prop_assert!(tables().filter(is_left).all(|table| !touches(&bounds, &table.range)));
                }
            }
        }
    }
}

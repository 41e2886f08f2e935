//! Decides where one output table ends and the next begins.

use siltstone_types::Slice;

use crate::{Action, Job, Level, validate::Inputs};

/// Where the tables of a merge may end before they have their full size, so that later merges are smaller:
/// each table of a level is one day merged with those that it overlaps in the level below.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cuts {
    /// Once a table has this many percent of its size it may end where a table of the level below the output
    /// ends, so that it does not overlap the next one. For each such place that it has passed, up to eight,
    /// it takes five percent more: where there are many, a better one is near. 100 or more: never.
    pub boundary_percent_min: u32,
    /// A table ends before it overlaps more than this many bytes of the level below the output.
    pub overlap_bytes_max: u64,
}

impl Cuts {
    /// Tables end when they have their size, and nowhere else.
    pub const BY_SIZE: Cuts = Cuts { boundary_percent_min: 100, overlap_bytes_max: u64::MAX };
}

/// By how many percent of the size a table has to be fuller for each boundary it has passed.
const BOUNDARY_STEP_PERCENT: u32 = 5;
/// Boundaries that count for that.
const BOUNDARY_STEPS_MAX: u32 = 8;

/// Cuts the output of a merge into tables of about `table_bytes_max`, never between two versions of one user
/// key: a reader that finds the key in one table of a run does not look into the next.
#[derive(Clone, Debug)]
pub struct Split {
    table_bytes_max: u64,
    cuts: Cuts,
    /// Tables of the next level below that holds any, by rising keys.
    below: Vec<Below>,
    /// The first of them that does not end before the last key.
    next: usize,
    /// Boundaries passed since the table under way began.
    passed: u32,
    /// Bytes below that the table under way overlaps for sure: those whose end it has passed.
    overlap_bytes: u64,
    user_key: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Below {
    first: Slice,
    last: Slice,
    bytes: u64,
}

impl Split {
    /// Tables end once they have this many bytes. A key with many versions makes one that is longer.
    pub fn new(table_bytes_max: u64) -> Split {
        Split {
            table_bytes_max,
            cuts: Cuts::BY_SIZE,
            below: Vec::new(),
            next: 0,
            passed: 0,
            overlap_bytes: 0,
            user_key: Vec::new(),
        }
    }

    /// As a merge asks for it, on the levels that it was planned on. `None` when the job is no merge.
    pub fn of_job(job: &Job, levels: &[Level]) -> Option<Split> {
        let Action::Merge { output, table_bytes_max, cuts } = job.action else { return None };
        let mut split = Split { cuts, ..Split::new(table_bytes_max) };
        if cuts != Cuts::BY_SIZE
            && let Ok(inputs) = Inputs::find(&job.inputs, levels)
        {
            let deeper = levels.iter().skip(output.level as usize + 1);
            let runs = deeper.map(|level| &level.runs).find(|runs| !runs.is_empty());
            let tables = runs.into_iter().flatten().flat_map(|run| run.overlapping(inputs.hull()));
            let below = tables.filter(|table| !inputs.contains(table.id)).map(|table| Below {
                first: table.range.first.clone(),
                last: table.range.last.clone(),
                bytes: table.file_bytes,
            });
            split.below = below.collect();
            split.below.sort_unstable_by(|a, b| a.last.cmp(&b.last));
        }
        Some(split)
    }

    /// The same with tables of at most so many bytes, as when memory is short.
    #[must_use]
    pub fn at_most(self, table_bytes_max: u64) -> Split {
        Split { table_bytes_max: self.table_bytes_max.min(table_bytes_max), ..self }
    }

    /// True when the table under way is to be finished before an entry with this key is written. Ask for
    /// every entry, in order.
    ///
    /// `table_bytes` is the size of the file as far as it is written; 0 when no table is under way.
    pub fn ends_before(&mut self, user_key: &[u8], table_bytes: u64) -> bool {
        if self.user_key == user_key && table_bytes > 0 {
            return false;
        }
        self.user_key.clear();
        self.user_key.extend_from_slice(user_key);
        let passes = self.pass(user_key);
        let ends =
            table_bytes > 0 && (table_bytes >= self.table_bytes_max || self.ends_early(passes, table_bytes));
        if ends || table_bytes == 0 {
            (self.passed, self.overlap_bytes) = (0, 0);
        }
        ends
    }

    /// True for a table of so many bytes that it ends behind the user key under way.
    pub fn is_full(&self, table_bytes: u64) -> bool {
        table_bytes >= self.table_bytes_max
    }

    /// Steps over the boundaries in front of the key. True when there are any.
    fn pass(&mut self, user_key: &[u8]) -> bool {
        let before = self.next;
        while let Some(table) = self.below.get(self.next).filter(|table| *table.last < *user_key) {
            self.overlap_bytes = self.overlap_bytes.saturating_add(table.bytes);
            self.passed = self.passed.saturating_add(1);
            self.next += 1;
        }
        self.next > before
    }

    fn ends_early(&self, passes: bool, table_bytes: u64) -> bool {
        let current = self.below.get(self.next).filter(|table| *table.first <= *self.user_key);
        let overlap_bytes =
            current.map_or(self.overlap_bytes, |table| self.overlap_bytes.saturating_add(table.bytes));
        let steps = self.passed.min(BOUNDARY_STEPS_MAX) * BOUNDARY_STEP_PERCENT;
        let percent_min = u128::from(self.cuts.boundary_percent_min) + u128::from(steps);
        // With nothing passed there would be no end to cutting in front of one large table.
        self.passed > 0 && overlap_bytes > self.cuts.overlap_bytes_max
            || passes && u128::from(table_bytes) * 100 >= u128::from(self.table_bytes_max) * percent_min
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Output, Place, Reason, TableId, text::parse_levels};

    /// Ten bytes for each entry.
    fn cut(mut split: Split, keys: &str) -> String {
        let mut bytes = 0;
        let mut tables = String::new();
        for key in keys.split(' ') {
            if split.ends_before(key.as_bytes(), bytes) {
                tables.push('|');
                bytes = 0;
            }
            bytes += 10;
            tables += key;
        }
        tables
    }

    fn tables(table_bytes_max: u64, keys: &str) -> String {
        cut(Split::new(table_bytes_max), keys)
    }

    #[test]
    fn tables_end_at_their_size_and_between_keys() {
        assert_eq!(tables(20, "a b c d e"), "ab|cd|e");
        assert_eq!(tables(15, "a b c d e"), "ab|cd|e");
        assert_eq!(tables(20, "a b b b c c d"), "abbb|cc|d");
        assert_eq!(tables(0, "a a b c"), "aa|b|c");
        assert_eq!(tables(u64::MAX, "a b c"), "abc");
    }

    #[test]
    fn the_empty_key_is_a_key() {
        let mut split = Split::new(10);
        assert!(!split.ends_before(b"", 0));
        assert!(!split.ends_before(b"", 50));
        assert!(split.ends_before(b"a", 50));
    }

    /// A merge of the whole of level 1 into itself, above a level 2.
    fn above(below: &str, table_bytes_max: u64, cuts: Cuts, keys: &str) -> String {
        let levels = parse_levels(&format!("1 | 99: 99=a..z\n{below}")).unwrap();
        let output = Output { level: 1, place: Place::ReplaceNewest };
        let action = Action::Merge { output, table_bytes_max, cuts };
        let job = Job { action, inputs: vec![TableId(99)], reason: Reason::new("test", "") };
        cut(Split::of_job(&job, &levels).unwrap(), keys)
    }

    #[test]
    fn tables_end_where_those_below_end() {
        let below = "2 | 9: 1=a..c 2=e..f 3=j..m";
        let halves = Cuts { boundary_percent_min: 50, ..Cuts::BY_SIZE };
        // Half full takes three keys, and one boundary makes it more than that.
        assert_eq!(above(below, 60, halves, "a b c d e f g h i j"), "abcdef|ghij");
        assert_eq!(above(below, 60, halves, "a b bb c d e f g"), "abbbc|defg");
        assert_eq!(above(below, 60, Cuts::BY_SIZE, "a b bb c d e f g"), "abbbcde|fg");
        assert_eq!(above("3 | 9: 1=a..c", 60, halves, "a b bb c d"), "abbbc|d");
        assert_eq!(above("", 60, halves, "a b bb c d"), "abbbcd");
        assert_eq!(above(below, 60, halves, "a b bb c d d d"), "abbbc|ddd");
    }

    #[test]
    fn tables_end_before_they_overlap_too_much() {
        let below = "2 | 9: 1=a..c*10 2=e..f*10 3=j..m*10 4=o..p*500";
        let few = Cuts { overlap_bytes_max: 20, ..Cuts::BY_SIZE };
        assert_eq!(above(below, 1000, few, "a e i j k n o p q"), "aei|jkn|op|q");
        assert_eq!(above(below, 1000, Cuts { overlap_bytes_max: 0, ..few }, "a b e j"), "ab|e|j");
    }
}

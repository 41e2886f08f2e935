//! Divides the keys of a merge into parts that cost about the same.

use siltstone_types::Slice;

/// The user keys of a part: from `start` on, and before `end`; without a limit where there is none.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct KeyPart {
    pub(crate) start: Option<Slice>,
    pub(crate) end: Option<Slice>,
}

impl KeyPart {
    /// Every key.
    pub(crate) const WHOLE: KeyPart = KeyPart { start: None, end: None };

    /// Whether some key from `first` to `last` is in it.
    pub(crate) fn overlaps(&self, first: &[u8], last: &[u8]) -> bool {
        self.start.as_ref().is_none_or(|start| *last >= **start)
            && self.end.as_ref().is_none_or(|end| *first < **end)
    }
}

/// An input, as far as it matters here.
#[derive(Clone, Debug)]
pub(crate) struct Extent {
    pub(crate) first: Slice,
    pub(crate) last: Slice,
    pub(crate) file_bytes: u64,
    /// It is the first input of its run.
    pub(crate) begins_run: bool,
}

/// Parts in key order that share no key and leave none out: up to `parts_max`, and no more than there are times `part_bytes_min` in the inputs.
///
/// They meet where a table ends and the next of its run begins: there no version of a key is on the other side, as a part has whole user keys in any case, and one table
/// fewer is read by two parts. A table is taken to have its bytes spread evenly over the places where parts could meet.
pub(crate) fn divide(inputs: &[Extent], parts_max: usize, part_bytes_min: u64) -> Vec<KeyPart> {
    let bytes: u64 = inputs.iter().map(|input| input.file_bytes).sum();
    let parts = (bytes / part_bytes_min.max(1)).min(parts_max as u64);
    let inner = inputs.iter().filter(|input| !input.begins_run);
    let mut keys: Vec<Slice> = inner.map(|input| input.first.clone()).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut meetings: Vec<Slice> = Vec::new();
    let mut bytes_before = 0;
    for (key, bytes_between) in keys.iter().zip(bytes_between(inputs, &keys)) {
        bytes_before += bytes_between;
        let part = meetings.len() as u64 + 1;
        if part < parts
            && u128::from(bytes_before) * u128::from(parts) >= u128::from(bytes) * u128::from(part)
        {
            meetings.push(key.clone());
        }
    }
    let starts = std::iter::once(None).chain(meetings.iter().cloned().map(Some));
    let ends = meetings.iter().cloned().map(Some).chain(std::iter::once(None));
    starts.zip(ends).map(|(start, end)| KeyPart { start, end }).collect()
}

/// Bytes of the inputs before the first of the keys, between it and the second, and so on, and behind the last.
fn bytes_between(inputs: &[Extent], keys: &[Slice]) -> Vec<u64> {
    let mut between = vec![0; keys.len() + 1];
    for input in inputs {
        let from = keys.partition_point(|key| *key <= input.first);
        let to = keys.partition_point(|key| *key <= input.last).max(from);
        let share = input.file_bytes / (to - from + 1) as u64;
        between.iter_mut().take(to + 1).skip(from).for_each(|bytes| *bytes += share);
    }
    between
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(first: &str, last: &str, file_bytes: u64, begins_run: bool) -> Extent {
        let key = |key: &str| Slice::from(key.as_bytes());
        Extent { first: key(first), last: key(last), file_bytes, begins_run }
    }

    /// A run of tables of 100 bytes, and one table of 400 over all of it.
    fn inputs() -> Vec<Extent> {
        let run = ["ac", "df", "gi", "jl", "mo", "pr", "su", "vz"];
        let run = run.iter().enumerate().map(|(at, ends)| extent(&ends[..1], &ends[1..], 100, at == 0));
        std::iter::once(extent("b", "y", 400, true)).chain(run).collect()
    }

    fn said(parts: &[KeyPart]) -> Vec<String> {
        let key = |key: &Option<Slice>| {
            key.as_ref().map_or(String::new(), |key| String::from_utf8(key.to_vec()).unwrap())
        };
        parts.iter().map(|part| format!("{}..{}", key(&part.start), key(&part.end))).collect()
    }

    #[test]
    fn parts_meet_where_tables_of_a_run_do_and_have_about_the_same_bytes() {
        assert_eq!(said(&divide(&inputs(), 1, 1)), [".."]);
        assert_eq!(said(&divide(&inputs(), 2, 1)), ["..m", "m.."]);
        assert_eq!(said(&divide(&inputs(), 4, 1)), ["..g", "g..m", "m..s", "s.."]);
        // As many as there are tables, and no more.
        assert_eq!(divide(&inputs(), 100, 1).len(), 8);
        // 1200 bytes.
        assert_eq!(divide(&inputs(), 4, 601), [KeyPart::WHOLE]);
        assert_eq!(said(&divide(&inputs(), 4, 600)), ["..m", "m.."]);
        assert_eq!(divide(&[], 4, 1), [KeyPart::WHOLE]);
    }

    #[test]
    fn runs_of_one_table_have_no_place_to_meet() {
        let runs = [extent("a", "z", 100, true), extent("b", "y", 100, true)];
        assert_eq!(divide(&runs, 4, 1), [KeyPart::WHOLE]);
    }

    #[test]
    fn a_part_overlaps_what_has_a_key_in_it() {
        let parts = divide(&inputs(), 4, 1);
        let overlapping = |first: &[u8], last: &[u8]| {
            (0..4).filter(|&at| parts[at].overlaps(first, last)).collect::<Vec<_>>()
        };
        assert_eq!(overlapping(b"a", b"f"), [0]);
        assert_eq!(overlapping(b"f", b"g"), [0, 1]);
        assert_eq!(overlapping(b"g", b"l"), [1]);
        assert_eq!(overlapping(b"l", b"z"), [1, 2, 3]);
        assert_eq!(overlapping(b"m", b"m"), [2]);
    }
}

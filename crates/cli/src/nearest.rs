//! Finds the name that was probably meant.

/// Longest word that is compared, in bytes.
const WORD_BYTES_MAX: usize = 300;

/// The candidate that is the fewest edits away, if that is near enough to be a slip.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // An over-long word is like no name, and comparing would take as long as it is.
    let word = Some(word).filter(|word| word.len() <= WORD_BYTES_MAX)?;
    let distances = candidates.into_iter().map(|candidate| (edits(word, candidate), candidate));
    let (edits, candidate) = distances.min_by_key(|(edits, _)| *edits)?;
    // A third of the letters may be wrong.
    (edits <= candidate.chars().count().div_ceil(3)).then_some(candidate)
}

/// How many characters have to be added, removed, replaced or swapped with their neighbour to make one word of the other.
fn edits(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let replaced = last.get(j).copied().unwrap_or_default() + usize::from(a != b);
            let removed = last.get(j + 1).copied().unwrap_or_default() + 1;
            let added = row.get(j).copied().unwrap_or_default() + 1;
            let mut fewest = replaced.min(removed).min(added);
            if i > 0 && j > 0 && from.get(i - 1) == Some(b) && to.get(j - 1) == Some(a) {
                fewest = fewest.min(before.get(j - 1).copied().unwrap_or_default() + 1);
            }
            row.push(fewest);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        for (from, to, expected) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("abc", "acb", 1),
            ("abc", "axc", 1),
            ("abcd", "bcd", 1),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
            ("schlüssel", "schluessel", 2),
        ] {
            assert_eq!(edits(from, to), expected, "{from} {to}");
            assert_eq!(edits(to, from), expected, "{to} {from}");
        }
    }

    #[test]
    fn a_slip_finds_its_name_and_noise_finds_none() {
        let names = ["cache-bytes", "block-bytes", "workers"];
        assert_eq!(nearest("cach-bytes", names), Some("cache-bytes"));
        assert_eq!(nearest("worker", names), Some("workers"));
        assert_eq!(nearest("temperature", names), None);
        assert_eq!(nearest("x", []), None);
        assert_eq!(nearest("wrkrs", names), Some("workers"));
        // One letter in three, so that no word of three is like all others.
        assert_eq!((nearest("gte", ["put", "get"]), nearest("got", ["get"])), (Some("get"), Some("get")));
        assert_eq!(nearest("ls", ["use", "get"]), None);
        assert_eq!(nearest(&"workers".repeat(100), names), None);
    }
}

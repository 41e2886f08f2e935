//! Finds the name that was probably meant.

/// The candidate that is the fewest edits away, if that is near enough to be a slip.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distances = candidates.into_iter().map(|candidate| (edits(word, candidate), candidate));
    let (edits, candidate) = distances.min_by_key(|(edits, _)| *edits)?;
    // A third of the letters may be wrong, and two of a short word.
    (edits <= (candidate.chars().count() / 3).max(2)).then_some(candidate)
}

/// Letters to insert, remove or replace to make one word of the other (Levenshtein's distance).
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    // What the words' beginnings are apart, for the letters of `from` read so far and each beginning of `to`.
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (read, letter) in from.chars().enumerate() {
        let mut next = vec![read + 1];
        for (at, (other, (&removed, &replaced))) in to.iter().zip(row.iter().skip(1).zip(&row)).enumerate() {
            let inserted = next.get(at).map_or(usize::MAX, |cost| cost + 1);
            let replaced = replaced + usize::from(letter != *other);
            next.push(inserted.min(removed + 1).min(replaced));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_levenshtein() {
        for (from, to, expected) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("", "abc", 3),
            ("abc", "", 3),
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
    }
}

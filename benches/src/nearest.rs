//! Finds the name that was probably meant.

/// The name that is the fewest slips away; nothing when none is near.
pub fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distances = names.into_iter().map(|name| (strsim::osa_distance(word, name), name));
    let (slips, name) = distances.min_by_key(|(slips, _)| *slips)?;
    (slips <= (name.len() / 3).max(2)).then_some(name)
}

/// `there is no strategy `leveld`; did you mean `leveled`?`, or else all names there are.
pub fn unknown(what: &str, word: &str, names: &[&str]) -> String {
    match nearest(word, names.iter().copied()) {
        Some(name) => format!("there is no {what} `{word}`; did you mean `{name}`?"),
        None => format!("there is no {what} `{word}`; there are {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_and_noise_finds_all() {
        let names = ["size-tiered", "leveled"];
        assert_eq!(
            unknown("strategy", "leveld", &names),
            "there is no strategy `leveld`; did you mean `leveled`?"
        );
        assert_eq!(nearest("szie-tiered", names), Some("size-tiered"));
        assert_eq!(
            unknown("strategy", "x", &names),
            "there is no strategy `x`; there are size-tiered, leveled"
        );
        assert_eq!(nearest("x", []), None);
    }
}

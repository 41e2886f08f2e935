//! Figures as people read them: counts with their nouns, ratios, megabytes, moments.

/// A number and what it counts: `1 run`, `2 runs`. The noun is given for one.
pub(crate) fn count(number: u64, noun: &str) -> String {
    if number == 1 {
        return format!("1 {noun}");
    }
    let is_hissed = ["ch", "sh", "s", "x"].iter().any(|ending| noun.ends_with(ending));
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{number} {stem}ies"),
        _ if is_hissed => format!("{number} {noun}es"),
        _ => format!("{number} {noun}s"),
    }
}

/// One figure for each of another; `None` where there is nothing to divide by.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub(crate) fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Bytes in megabytes of 1,000,000 bytes.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub(crate) fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// A moment in UTC, to the second, as ISO 8601 writes it. The days are counted by Howard Hinnant's `civil_from_days` (<https://howardhinnant.github.io/date_algorithms.html>).
pub(crate) fn moment(unix_ms: u64) -> String {
    let (days, ms) = (unix_ms / 86_400_000, unix_ms % 86_400_000);
    // From the first of March of the year 0, so that leap days come last.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_follow_their_numbers() {
        for (noun, several) in [
            ("run", "0 runs"),
            ("key", "0 keys"),
            ("entry", "0 entries"),
            ("batch", "0 batches"),
            ("flush", "0 flushes"),
            ("byte", "0 bytes"),
        ] {
            assert_eq!((count(1, noun), count(0, noun)), (format!("1 {noun}"), several.to_owned()));
        }
        assert_eq!(count(12, "table"), "12 tables");
    }

    #[test]
    fn moments_are_those_of_the_calendar() {
        // As `date -u -d @SECONDS` has them.
        for (unix_s, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_234_567_890, "2009-02-13T23:31:30Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (1_735_689_600, "2025-01-01T00:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(moment(unix_s * 1000 + 999), expected);
        }
    }

    #[test]
    fn nothing_is_divided_by_nothing() {
        assert_eq!((ratio(1, 0), ratio(0, 0), ratio(3, 2)), (None, None, Some(1.5)));
        assert!((mb(1_234_567) - 1.234_567).abs() < 1e-9);
    }
}

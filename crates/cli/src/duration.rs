//! Lengths of time as people type them: `500ms`, `10s`, `5m`, `2h`, `7d`.

use std::time::Duration;

/// The units, with their milliseconds.
const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// A whole number and a unit.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let wrong =
        || format!("{text:?} is no duration; write a whole number and a unit: 500ms, 10s, 5m, 2h, 7d");
    let digits = text.find(|character: char| !character.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at_checked(digits).ok_or_else(wrong)?;
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let (_, unit_ms) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
    number.checked_mul(*unit_ms).map(Duration::from_millis).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unit_counts() {
        let parsed =
            ["500ms", "10s", "5m", "2h", "7d", "0s"].map(|text| parse(text).map(|found| found.as_millis()));
        assert_eq!(parsed, [500, 10_000, 300_000, 7_200_000, 604_800_000, 0].map(Ok));
    }

    #[test]
    fn anything_else_is_refused() {
        for wrong in [
            "",
            "10",
            "s",
            "-1s",
            "1.5s",
            "10 s",
            "10S",
            "1w",
            "18446744073709551615d",
            "99999999999999999999ms",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}

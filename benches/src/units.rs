//! Bytes and times as words, and back.

const UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Reads `4096`, `64KiB`, `2MiB` or `1GiB`.
pub fn parse_bytes(word: &str) -> Result<u64, String> {
    let unit = UNITS.into_iter().find_map(|(name, bytes)| Some((word.strip_suffix(name)?, bytes)));
    let (digits, unit) = unit.unwrap_or((word, 1));
    let number: u64 =
        digits.trim().parse().map_err(|_| "it is not a number of bytes, KiB, MiB or GiB".to_owned())?;
    number.checked_mul(unit).ok_or_else(|| "it is too large".to_owned())
}

/// Writes so many bytes in the largest unit in which they are at least 1.
pub fn bytes(bytes: u64) -> String {
    let (name, size) = unit(bytes);
    let scaled = number(bytes) / number(size);
    if bytes.is_multiple_of(size) || scaled >= 99.95 {
        format!("{scaled:.0} {name}")
    } else {
        format!("{scaled:.1} {name}")
    }
}

/// The same with fewer digits, for axes.
pub fn short_bytes(bytes: u64) -> String {
    let (name, size) = unit(bytes);
    let scaled = number(bytes) / number(size);
    if scaled >= 9.95 { format!("{scaled:.0} {name}") } else { self::bytes(bytes) }
}

fn unit(bytes: u64) -> (&'static str, u64) {
    UNITS.into_iter().find(|(_, size)| bytes >= *size).unwrap_or(("B", 1))
}

/// Writes digits in groups of three.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && at % 3 == first {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number in floating point, for ratios and axes.
#[expect(clippy::cast_precision_loss, reason = "it is for people to read")]
pub fn number(number: u64) -> f64 {
    number as f64
}

/// Seconds with as many digits as mean something.
pub fn seconds(ns: u64) -> String {
    let seconds = number(ns) / 1e9;
    match ns {
        0 => "0".to_owned(),
        1..1_000_000 => "<0.001".to_owned(),
        1_000_000..10_000_000_000 => format!("{seconds:.3}"),
        _ => format!("{seconds:.1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_with_and_without_a_unit() {
        for (word, expected) in
            [("0", 0), ("4096", 4096), ("64KiB", 65_536), ("2 MiB", 2 << 20), ("1GiB", 1 << 30)]
        {
            assert_eq!(parse_bytes(word), Ok(expected));
        }
        for word in ["", "MiB", "1.5MiB", "-1", "5 apples", "99999999999999999999", "99999999999GiB"] {
            assert!(parse_bytes(word).is_err(), "{word}");
        }
    }

    #[test]
    fn labels_are_shorter() {
        for (bytes, label) in
            [(100, "100 B"), (1_500, "1.5 KiB"), (15_000, "15 KiB"), (120_000_000, "114 MiB")]
        {
            assert_eq!(short_bytes(bytes), label);
        }
        for (number, text) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345, "12,345"), (1_234_567, "1,234,567")]
        {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn bytes_and_seconds_are_short() {
        for (number, expected) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1 KiB"),
            (3 << 19, "1.5 MiB"),
            (300 << 20, "300 MiB"),
            (5 << 30, "5 GiB"),
        ] {
            assert_eq!(bytes(number), expected);
        }
        for (ns, expected) in [(0, "0"), (999, "<0.001"), (1_500_000, "0.002"), (12_345_678_901, "12.3")] {
            assert_eq!(seconds(ns), expected);
        }
    }
}

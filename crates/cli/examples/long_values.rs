//! Prints 60,000 records of jsonl, about 52 MB, with values up to 40,000 bytes: something to import that is not all alike.
//!
//! ```sh
//! cargo run --release -p siltstone-cli --example long_values > long.jsonl
//! cargo run --release -- import --db long.db long.jsonl
//! ```
//!
//! The same lines each time; another seed is taken from `SEED`.

use std::io::{self, BufWriter, Write as _, stdout};

use siltstone_testkit::Rng;

const RECORDS: usize = 60_000;

/// One value in this many is long, and then of any length up to the longest. The others make the rest.
const LONG_ONE_IN: u64 = 50;
const LONG_BYTES_MAX: usize = 40_000;
const SHORT_BYTES_MAX: usize = 820;

fn main() -> io::Result<()> {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let mut rng = Rng::new(seed);
    let mut numbers: Vec<usize> = (0..RECORDS).collect();
    rng.shuffle(&mut numbers);
    let mut out = BufWriter::new(stdout().lock());
    for number in numbers {
        let bytes_max = if rng.one_in(LONG_ONE_IN) { LONG_BYTES_MAX } else { SHORT_BYTES_MAX };
        let bytes = rng.between(0, bytes_max);
        let record =
            serde_json::json!({ "key": format!("document {number:06}"), "value": text(&mut rng, bytes) });
        writeln!(out, "{record}")?;
    }
    out.flush()
}

/// Words as they stand in documents, with what JSON has to escape and what it need not.
fn text(rng: &mut Rng, bytes: usize) -> String {
    const WORDS: &[&str] = &[
        "silt",
        "settles",
        "and",
        "makes",
        "stone",
        "\n",
        "\"quoted\"",
        "a\\b",
        "naïve",
        "日本",
        "🦀",
        "0.25",
        "\t",
    ];
    let mut text = String::with_capacity(bytes);
    loop {
        let word = rng.pick(WORDS);
        if text.len() + word.len() + 1 > bytes {
            return text;
        }
        text.push_str(word);
        text.push(' ');
    }
}

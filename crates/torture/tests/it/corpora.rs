//! Every corpus through its function, then mutations of it.
//!
//! `MUTATIONS` is how many are made of each input, and lifts the limit on the time; `SEED` chooses them.

use std::{
    env, fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::{Duration, Instant},
};

use siltstone_testkit::{Rng, seed};
use siltstone_torture::decoders::TARGETS;

use crate::corpus::inputs;

const MUTATIONS: u64 = 3_000;
/// Two run at a time, and there are six.
const TIME_MAX: Duration = Duration::from_millis(1_500);
/// Mutations grow an input up to here.
const INPUT_BYTES_MAX: usize = 16 << 10;

fn mutations() -> Option<u64> {
    env::var("MUTATIONS").ok().map(|text| text.parse().expect("MUTATIONS is a number"))
}

fn replay(target: &str) {
    let (_, run) = *TARGETS.iter().find(|(name, _)| *name == target).expect("a target");
    let inputs = inputs(target);
    for (name, input) in &inputs {
        attempt(target, run, input, name);
    }
    let seed = seed();
    let wanted = mutations();
    #[expect(
        clippy::disallowed_methods,
        reason = "the time that a test takes is bounded, its outcome does not depend on it"
    )]
    let started = Instant::now();
    for round in 0..wanted.unwrap_or(MUTATIONS) {
        for (number, (name, input)) in inputs.iter().enumerate() {
            let mut rng = Rng::new(seed ^ (round << 16) ^ number as u64);
            let mutated = mutated(input, &inputs, &mut rng);
            attempt(target, run, &mutated, &format!("{name}, mutation {round} of seed {seed}"));
            if wanted.is_none() && started.elapsed() > TIME_MAX {
                return;
            }
        }
    }
}

/// Runs a target. An input that fails is kept, so that it can be made smaller and added to the corpus.
fn attempt(target: &str, run: fn(&[u8]), input: &[u8], what: &str) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(input))) {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or(panic.downcast_ref::<&str>().copied()).unwrap_or_default();
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{target}.failed"));
        fs::write(&kept, input).unwrap();
        panic!("{target}, {what}: {message}\nthe input is in {}", kept.display());
    }
}

/// One to four changes of the kinds that fuzzers make.
fn mutated(input: &[u8], inputs: &[(String, Vec<u8>)], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=rng.below(4) {
        change(&mut bytes, inputs, rng);
    }
    bytes.truncate(INPUT_BYTES_MAX);
    bytes
}

fn change(bytes: &mut Vec<u8>, inputs: &[(String, Vec<u8>)], rng: &mut Rng) {
    if bytes.is_empty() {
        bytes.push(rng.next_u8());
        return;
    }
    let at = rng.index(bytes.len());
    let end = at + rng.between(0, (bytes.len() - at).min(64));
    match rng.below(8) {
        0 => bytes[at] ^= 1 << rng.below(8),
        1 => bytes[at] = *rng.pick(&[0, 1, 2, 0x7f, 0x80, 0xff]),
        2 => bytes[at] = bytes[at].wrapping_add(if rng.one_in(2) { 1 } else { 0xff }),
        3 => bytes.truncate(at),
        4 => drop(bytes.drain(at..end)),
        5 => {
            let len = rng.between(1, 8);
            let inserted = rng.bytes(len);
            bytes.splice(at..at, inserted);
        }
        6 => {
            let repeated = bytes[at..end].to_vec();
            bytes.splice(at..at, repeated);
        }
        _ => {
            let (_, other) = rng.pick(inputs);
            let from = rng.between(0, other.len());
            let to = from + rng.between(0, (other.len() - from).min(256));
            bytes.splice(at..end, other[from..to].iter().copied());
        }
    }
}

#[test]
fn the_corpus_of_batch_decode_passes() {
    replay("batch_decode");
}

#[test]
fn the_corpus_of_block_decode_passes() {
    replay("block_decode");
}

#[test]
fn the_corpus_of_filter_open_passes() {
    replay("filter_open");
}

#[test]
fn the_corpus_of_log_read_passes() {
    replay("log_read");
}

#[test]
fn the_corpus_of_manifest_read_passes() {
    replay("manifest_read");
}

#[test]
fn the_corpus_of_table_open_passes() {
    replay("table_open");
}

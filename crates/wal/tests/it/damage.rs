//! Every byte changed, every length cut: the outcome is the documented one.

use proptest::{collection::vec, prelude::*};
use siltstone_wal::{LogEnd, ReadMode};

use crate::{
    kit::read_bytes,
    model::{Ground, Outcome, Sample, Step},
};

fn steps() -> Vec<Step> {
    vec![
        Step::Append(vec![5]),
        Step::Append(vec![0, 70]),
        Step::Sync,
        Step::Append(vec![3, 12]),
        Step::Append(vec![9]),
    ]
}

fn changes(byte: u8) -> impl Iterator<Item = u8> {
    (0..8).map(move |bit| byte ^ (1 << bit)).chain([0x00, 0xff]).filter(move |&changed| changed != byte)
}

fn sweep(sample: &Sample) {
    sample.check(&sample.bytes, "undamaged");
    for at in 0..sample.bytes.len() {
        for changed in changes(sample.bytes[at]) {
            let mut damaged = sample.bytes.clone();
            damaged[at] = changed;
            sample.check(&damaged, &format!("byte {at} is {changed:#04x}"));
        }
    }
    for len in 0..sample.bytes.len() {
        sample.check(&sample.bytes[..len], &format!("cut to {len} bytes"));
    }
}

#[test]
fn every_change_and_every_cut_of_a_finished_log_is_an_error() {
    let sample = Sample::write(&steps(), Ground::Nothing, true);
    let (records, outcome, report) = read_bytes(&sample.bytes, ReadMode::Strict);
    assert!(outcome.is_ok() && records.len() == 6 && report.end == Some(LogEnd::Finished));
    for at in 0..sample.bytes.len() {
        for changed in changes(sample.bytes[at]) {
            let mut damaged = sample.bytes.clone();
            damaged[at] = changed;
            let (_, outcome, _) = read_bytes(&damaged, ReadMode::Strict);
            assert!(outcome.is_err_and(|error| error.is_corruption()), "byte {at} is {changed:#04x}");
        }
        let (_, outcome, _) = read_bytes(&sample.bytes[..at], ReadMode::Strict);
        assert!(outcome.is_err_and(|error| error.is_corruption()), "cut to {at} bytes");
    }
    sweep(&sample);
}

#[test]
fn damage_to_a_crashed_log_is_corruption_before_the_promise_and_a_prefix_after_it() {
    let sample = Sample::write(&steps(), Ground::Nothing, false);
    // The model itself, on two cases that are worked out by hand. Records: 44..90, 90..131, 131..242, [sync],
    // 242..286, 286..339, 339..389.
    let mut damaged = sample.bytes.clone();
    damaged[240] ^= 1;
    assert_eq!(sample.after_crash(&damaged), Outcome::Damaged { records: 2, offset: 131 });
    let mut damaged = sample.bytes.clone();
    damaged[300] ^= 1;
    let ends = Outcome::Ends { records: 4, dropped: 389 - 286, remains: 0, end: LogEnd::Cut };
    assert_eq!(sample.after_crash(&damaged), ends);
    sweep(&sample);
}

#[test]
fn damage_to_a_preallocated_log_is_told_from_its_unwritten_rest() {
    let sample = Sample::write(&steps(), Ground::Zeros, false);
    assert_eq!(
        sample.after_crash(&sample.bytes),
        Outcome::Ends { records: 6, dropped: 0, remains: 0, end: LogEnd::Open }
    );
    let mut shorter = sample.clone();
    shorter.bytes.truncate(480);
    sweep(&shorter);
}

#[test]
fn damage_to_a_recycled_log_is_told_from_its_earlier_life() {
    let sample = Sample::write(&steps(), Ground::OtherLog, false);
    let Outcome::Ends { records: 6, dropped: 0, remains, end: LogEnd::Open } =
        sample.after_crash(&sample.bytes)
    else {
        panic!("{:?}", sample.after_crash(&sample.bytes));
    };
    assert!(remains > 900, "the earlier life is longer");
    let mut shorter = sample.clone();
    shorter.bytes.truncate(520);
    sweep(&shorter);
}

#[derive(Clone, Debug)]
enum Harm {
    Change { at: prop::sample::Index, to: u8 },
    Zero { at: prop::sample::Index, len: usize },
    Cut { to: prop::sample::Index },
}

impl Harm {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        match self {
            Harm::Change { at, to } => {
                let at = at.index(bytes.len());
                bytes[at] = *to;
            }
            Harm::Zero { at, len } => {
                let start = at.index(bytes.len());
                let end = bytes.len().min(start + len);
                bytes[start..end].fill(0);
            }
            Harm::Cut { to } => bytes.truncate(to.index(bytes.len())),
        }
    }
}

fn any_harm() -> impl Strategy<Value = Harm> {
    prop_oneof![
        4 => (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, to)| Harm::Change { at, to }),
        2 => (any::<prop::sample::Index>(), 1_usize..200).prop_map(|(at, len)| Harm::Zero { at, len }),
        1 => any::<prop::sample::Index>().prop_map(|to| Harm::Cut { to }),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![3 => vec(0_usize..120, 1..4).prop_map(Step::Append), 1 => Just(Step::Sync)]
}

proptest! {
    #![proptest_config(crate::kit::cases(1000))]

    #[test]
    fn many_damages_at_once_have_the_documented_outcome(
        steps in vec(any_step(), 0..8),
        ground in prop_oneof![Just(Ground::Nothing), Just(Ground::Zeros), Just(Ground::OtherLog)],
        finish: bool,
        harm in vec(any_harm(), 0..4),
    ) {
        let sample = Sample::write(&steps, ground, finish);
        let mut damaged = sample.bytes.clone();
        for harm in &harm {
            harm.apply(&mut damaged);
        }
        sample.check(&damaged, &format!("{harm:?}"));
    }
}

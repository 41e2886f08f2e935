//! Makes a failing plan short.

use crate::crash::{Amount, CutAt, Failure, Options, Plan, run};

/// Leaves out operations, in ever smaller pieces, as long as the plan still fails. Returns the short plan and its failure; none when the
/// plan does not fail.
///
/// The sample of a shorter plan would be another one: where it was a sample that failed, the power goes before every change of the shorter
/// plans. At most `attempts` runs are made.
pub fn shrink(plan: &Plan, options: Options, attempts: usize) -> Option<(Plan, Failure)> {
    let mut options = Options { amount: Amount::Any, ..options };
    let mut failure = run(plan, options).err()?;
    let mut plan = plan.clone();
    if let CutAt::Sample(_) = options.cut_at {
        options.cut_at = CutAt::Every;
        match run(&plan, options) {
            Err(first) => failure = first,
            // It takes an interrupted recovery, and this time others were interrupted.
            Ok(_) => return Some((plan, failure)),
        }
    }
    plan.operations.truncate(failure.operation + 1);
    let mut left = attempts;
    let mut piece = plan.operations.len().div_ceil(2);
    while piece > 0 {
        let mut at = 0;
        while at < plan.operations.len() && left > 0 {
            left -= 1;
            let mut shorter = plan.clone();
            let end = (at + piece).min(shorter.operations.len());
            shorter.operations.drain(at..end);
            match run(&shorter, options) {
                Err(still) => (plan, failure) = (shorter, still),
                Ok(_) => at += piece,
            }
        }
        piece /= 2;
    }
    Some((plan, failure))
}

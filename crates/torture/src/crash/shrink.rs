//! Makes a failing plan short.

use crate::crash::{Failure, Options, Plan, run};

/// Leaves out operations, in ever smaller pieces, as long as the plan still fails. Returns the short plan and its failure; none when the
/// plan does not fail.
///
/// At most `attempts` runs are made.
pub fn shrink(plan: &Plan, options: Options, attempts: usize) -> Option<(Plan, Failure)> {
    let mut failure = run(plan, options).err()?;
    let mut plan = plan.clone();
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

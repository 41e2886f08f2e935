//! Strategies and rules on trees that are nothing but metadata.
#![expect(clippy::unwrap_used, reason = "what is missing here is a failed test")]

mod golden;
mod leveled;
mod model;
mod planning;
mod retain;
mod rules;
mod simulation;

/// Cases of a property test: `CASES`, or the default.
fn cases(default: u32) -> u32 {
    std::env::var("CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(default)
}

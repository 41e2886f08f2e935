//! Strategies and rules on trees that are nothing but metadata.
#![expect(clippy::unwrap_used, reason = "what is missing here is a failed test")]

mod engine_simulation;
mod golden;
mod golden_fifo;
mod golden_lazy;
mod golden_leveled;
mod leveled;
mod model;
mod planning;
mod properties;
mod reference_rows;
mod retain;
mod rules;
mod simulation;

/// Cases of a property test: `PROPTEST_CASES`, or `CASES` for short, or the default.
fn cases(default: u32) -> u32 {
    let asked = ["PROPTEST_CASES", "CASES"].map(|name| std::env::var(name).ok());
    asked.into_iter().flatten().find_map(|cases| cases.parse().ok()).unwrap_or(default)
}

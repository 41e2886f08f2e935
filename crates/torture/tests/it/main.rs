//! The corpora on stable Rust, the memory that decoders take, and that every target is wired up.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed test")]

mod allocation;
mod corpora;
mod corpus;
mod crash;
mod faults;
mod fifo;
mod metamorphic;
mod model;
mod threads;
mod wiring;

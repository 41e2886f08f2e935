//! Tests of whole tables, through the public interface.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed test")]
#![expect(clippy::needless_pass_by_value, reason = "assertions take outcomes as the calls return them")]

mod cache;
mod damage;
mod extension;
mod faults;
mod fixture;
mod forgery;
mod golden;
mod limits;
mod model;
mod writer;

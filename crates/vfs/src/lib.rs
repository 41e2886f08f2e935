#![doc = include_str!("../README.md")]

pub mod conformance;
mod delay;
mod fault;
mod fs;
mod log;
mod mem;
mod op;
mod os;
mod wrap;

pub use delay::{DelayFs, DelayLayer};
pub use fault::{Decision, Fault, FaultFs, FaultLayer, FirstOf, Injector, OpCounter, injector_fn};
pub use fs::{Advice, FileLock, Fs, Metadata, ReadFile, WriteFile};
pub use log::{LogFs, LogLayer, OpLog};
pub use mem::{MemFs, PAGE_BYTES};
pub use op::{Op, OpKind};
pub use os::OsFs;
pub use wrap::{Layer, WrapFs};

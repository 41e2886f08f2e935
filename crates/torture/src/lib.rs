#![doc = include_str!("../README.md")]

pub mod crash;
pub mod decoders;
pub mod faults;
pub mod fifo;
pub mod model;
mod plain;
mod repair;
pub mod threads;

#![doc = include_str!("../README.md")]

pub mod crash;
pub mod decoders;
mod plain;
mod repair;

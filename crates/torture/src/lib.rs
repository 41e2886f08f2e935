#![doc = include_str!("../README.md")]

pub mod decoders;
mod plain;
mod repair;

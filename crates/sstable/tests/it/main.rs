//! Tests of whole tables, through the public interface.

mod entries;
mod model;

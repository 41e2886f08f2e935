//! Both memtables against the suite, a model, and the allocator.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod allocator;
mod cursors;
mod memory;
mod model;
mod splits;

use siltstone_memtable::{BTreeFactory, MemtableFactory, SkipListFactory, conformance};

/// All that are shipped.
const FACTORIES: [&dyn MemtableFactory; 2] = [&SkipListFactory, &BTreeFactory];

#[test]
fn the_skip_list_conforms() {
    conformance::check(&SkipListFactory);
}

#[test]
fn the_btree_conforms() {
    conformance::check(&BTreeFactory);
}

#[test]
fn names_are_those_of_the_settings() {
    assert_eq!(FACTORIES.map(MemtableFactory::name), ["skiplist", "btree"]);
}

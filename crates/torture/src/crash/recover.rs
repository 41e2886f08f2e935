//! Recovers what an outage left, and goes on from there.

use std::{collections::BTreeMap, sync::Arc};

use siltstone::{Db, Durability, WriteBatch};
use siltstone_testkit::Rng;
use siltstone_vfs::{MemFs, WrapFs};

use crate::crash::{
    layer::{Choice, Cut, CutLayer},
    open::{self, Opener},
    oracle::{Incarnation, Oracle, Outage, State, Written, difference},
    plan::{self, Plan},
    run::Options,
};

/// Every tenth recovery is interrupted.
pub(crate) const NESTED_ONE_IN: u64 = 10;
/// After one recovery in so many, the database is written to, and the power goes again.
const GO_ON_ONE_IN: usize = 5;
/// Outages of a recovery that is interrupted, each on its own, at any of its changes of the disk.
const NESTED_CUTS: usize = 3;

/// What was recovered.
#[derive(Clone, Copy, Default, Debug)]
pub struct Recovered {
    /// Outages of a run.
    pub outages: u64,
    /// Recoveries that were interrupted.
    pub interrupted: u64,
    /// Outages within them.
    pub nested: u64,
    /// Outages after a recovery and further writes.
    pub later: u64,
}

/// Recovers from each outage and asks the oracle.
pub(crate) fn check_all(
    (plan, options): (&Plan, Options),
    oracle: &Oracle,
    cuts: Vec<Cut>,
    recovered: &mut Recovered,
) -> Result<(), String> {
    for cut in cuts {
        let seed = plan.seed ^ cut.operation.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        recovered.outages += 1;
        let told = |what| format!("{:?} outage before file operation {}: {what}", cut.outage, cut.operation);
        check((plan, options), oracle, &cut, seed, recovered).map_err(told)?;
    }
    Ok(())
}

fn check(
    (plan, options): (&Plan, Options),
    oracle: &Oracle,
    cut: &Cut,
    seed: u64,
    recovered: &mut Recovered,
) -> Result<(), String> {
    let mut rng = Rng::new(seed);
    let is_interrupted = recovered.outages.is_multiple_of(NESTED_ONE_IN);
    let choice = if is_interrupted { Choice::Any(NESTED_CUTS) } else { Choice::Never };
    let goes_on = rng.index(GO_ON_ONE_IN) == 0;
    let disk = cut.disk.clone();
    let (layer, nested) = CutLayer::new(disk.clone(), rng.next_u64(), choice);
    let layered = Arc::new(WrapFs::with_layer(Arc::new(disk.clone()), layer));
    let db = Opener::of_disk(plan, options, layered, seed).open()?;
    let nested = nested.take();
    let found = open::state(&db)?;
    oracle.judge(&found, cut.outage)?;
    recovered.interrupted += u64::from(!nested.is_empty());
    for again in nested {
        recovered.nested += 1;
        let told = |what| {
            let Cut { operation, outage, .. } = again;
            format!("{what}\n  after a {outage:?} outage before operation {operation} of the recovery")
        };
        let state = recover((plan, options), &again.disk, rng.next_u64()).map_err(told)?;
        // After the first power cut everything that was left is durable, and so is what is found.
        match (cut.outage, again.outage) {
            (Outage::Process, Outage::Power) => oracle.judge(&state, Outage::Power).map_err(told)?,
            _ if state == found => {}
            _ => return Err(told(format!("two recoveries differ:{}", difference(&found, &state)))),
        }
    }
    // What was recovered is durable.
    let left = recover((plan, options), &disk.power_cut(rng.next_u64()), rng.next_u64())?;
    if left != found {
        return Err(format!("lost after it was recovered:{}", difference(&found, &left)));
    }
    if goes_on {
        recovered.later += 1;
        go_on((plan, options), &db, &disk, &found, &mut rng)
            .map_err(|what| format!("after further writes: {what}"))?;
    }
    // Dropping it closes it.
    drop(db);
    if !goes_on {
        let closed = recover((plan, options), &disk.power_cut_worst(), rng.next_u64())?;
        if closed != found {
            return Err(format!("lost by closing:{}", difference(&found, &closed)));
        }
    }
    Ok(())
}

/// Opens what is left of a disk, and reads it.
pub(crate) fn recover((plan, options): (&Plan, Options), disk: &MemFs, seed: u64) -> Result<State, String> {
    let db = Opener::of_disk(plan, options, Arc::new(disk.clone()), seed).open()?;
    open::state(&db)
}

/// Writes some, synced and not, and takes the power once more.
fn go_on(run: (&Plan, Options), db: &Db, disk: &MemFs, found: &State, rng: &mut Rng) -> Result<(), String> {
    let told = |error: siltstone::Error| format!("{error} ({error:?})");
    let mut oracle = Oracle::of(found);
    let keyspaces: Vec<(String, Incarnation)> = oracle.catalogue().into_iter().collect();
    let handles: BTreeMap<_, _> = keyspaces
        .iter()
        .map(|(name, incarnation)| db.keyspace(name).map(|handle| (*incarnation, handle)))
        .collect::<siltstone::Result<_>>()
        .map_err(told)?;
    let writes = rng.between(1, 12);
    for number in 0..writes {
        let (mut batch, mut written) = (WriteBatch::new(), Vec::new());
        for _ in 0..rng.between(1, 3) {
            let (_, keyspace) = rng.pick(&keyspaces).clone();
            let key = plan::key(rng.index(plan::KEYS));
            let value = (rng.index(4) != 0).then(|| plan::value(rng.next_u64(), 20));
            match &value {
                Some(value) => batch.put_in(&handles[&keyspace], &key, value),
                None => batch.delete_in(&handles[&keyspace], &key),
            };
            written.push(Written { keyspace, key, value });
        }
        oracle.begin_write(&written);
        let is_sync = number + 2 < writes || rng.index(3) != 0;
        let durability = if is_sync { Durability::Sync } else { Durability::Buffered };
        db.write_with(&mut batch, durability).map_err(told)?;
        oracle.acknowledge();
        if is_sync {
            oracle.make_durable(oracle.batches());
        }
    }
    let seen = open::state(db)?;
    if seen != oracle.now() {
        return Err(format!("hidden by older data:{}", difference(&oracle.now(), &seen)));
    }
    oracle.judge(&recover(run, &disk.power_cut(rng.next_u64()), rng.next_u64())?, Outage::Power)
}

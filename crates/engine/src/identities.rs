//! Draws identities: at random, or from a seed in tests.

use std::hash::{BuildHasher, Hasher, RandomState};

use crate::files::Identity;

/// Draws identities: at random, or from a seed in tests.
#[derive(Debug)]
pub(crate) struct Identities {
    seed: Option<u64>,
}

impl Identities {
    pub(crate) fn new(seed: Option<u64>) -> Identities {
        Identities { seed }
    }

    pub(crate) fn draw(&mut self) -> Identity {
        let mut identity = Identity::default();
        for half in identity.chunks_exact_mut(8) {
            half.copy_from_slice(&self.draw_u64().to_le_bytes());
        }
        identity
    }

    fn draw_u64(&mut self) -> u64 {
        match &mut self.seed {
            // The keys of std's hasher are the random bytes of the operating system that need no dependency.
            None => RandomState::new().build_hasher().finish(),
            Some(state) => {
                // splitmix64 (Steele, Lea, Flood 2014).
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut mixed = *state;
                mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                mixed ^ (mixed >> 31)
            }
        }
    }
}

//! A filter in its block: the policy's name, then the policy's own bytes.
#![deny(clippy::indexing_slicing)]

use std::sync::Arc;

use siltstone_bloom::{Bloom, Filter, FilterPolicy};

use crate::Broken;

/// The filter policies that a table is read with, by name. A filter of a policy that is not among them is not
/// used.
#[derive(Clone, Debug)]
pub struct FilterPolicies(Vec<Arc<dyn FilterPolicy>>);

impl FilterPolicies {
    /// No policy: filters are not used.
    pub const fn none() -> FilterPolicies {
        FilterPolicies(Vec::new())
    }

    /// These, before those that are there already.
    #[must_use]
    pub fn and(mut self, policies: impl IntoIterator<Item = Arc<dyn FilterPolicy>>) -> FilterPolicies {
        self.0.splice(0..0, policies);
        self
    }

    fn by_name(&self, name: &str) -> Option<&dyn FilterPolicy> {
        self.0.iter().find(|policy| policy.name() == name).map(|policy| &**policy)
    }
}

impl Default for FilterPolicies {
    /// The policies of `siltstone-bloom`.
    fn default() -> FilterPolicies {
        // One name covers every tuning, so any instance opens them all.
        FilterPolicies::none().and([Arc::new(Bloom::bits_per_key(10.0)) as Arc<dyn FilterPolicy>])
    }
}

/// Raw bytes of a filter block. `None` when the policy's name cannot be written.
pub(crate) fn encode(name: &str, filter: &[u8]) -> Option<Vec<u8>> {
    let name_bytes = u8::try_from(name.len()).ok().filter(|&len| len > 0 && name.is_ascii())?;
    let mut raw = Vec::with_capacity(1 + name.len() + filter.len());
    raw.push(name_bytes);
    raw.extend_from_slice(name.as_bytes());
    raw.extend_from_slice(filter);
    Some(raw)
}

/// A filter that was read.
#[derive(Debug)]
pub(crate) struct OpenFilter {
    /// The policy's name.
    pub(crate) name: Box<str>,
    /// The filter; `None` when no policy has that name.
    pub(crate) filter: Option<Arc<dyn Filter>>,
}

/// Opens the raw bytes of a filter block.
///
/// # Errors
///
/// Rule 24.
pub(crate) fn open(raw: &[u8], policies: &FilterPolicies) -> Result<OpenFilter, Broken> {
    let (name, filter) = split(raw)?;
    let opened = policies.by_name(name).map(|policy| policy.open(filter)).transpose();
    let filter = opened.map_err(|_| Broken::Rule(24, "the filter's policy refuses its bytes"))?;
    Ok(OpenFilter { name: name.into(), filter })
}

/// The name of the policy, and the policy's bytes.
fn split(raw: &[u8]) -> Result<(&str, &[u8]), Broken> {
    raw.split_first()
        .and_then(|(&name_bytes, rest)| rest.split_at_checked(usize::from(name_bytes)))
        .and_then(|(name, filter)| Some((str::from_utf8(name).ok()?, filter)))
        .filter(|(name, _)| !name.is_empty() && name.is_ascii())
        .ok_or(Broken::Rule(24, "the filter block does not start with a name"))
}

//! No filter at all.

use std::sync::Arc;

use crate::{DamagedFilter, Filter, FilterBuilder, FilterContext, FilterPolicy};

/// The policy that makes no filters: every search looks into the table.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct NoFilter;

impl FilterPolicy for NoFilter {
    fn name(&self) -> &'static str {
        "none"
    }

    fn builder(&self, _context: FilterContext) -> Option<Box<dyn FilterBuilder>> {
        None
    }

    /// Nothing was ever written under this name, so anything that is found under it is damage.
    fn open(&self, _bytes: &[u8]) -> Result<Arc<dyn Filter>, DamagedFilter> {
        Err(DamagedFilter::new("a filter is stored under the name of no filter"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_filter_is_made_and_none_is_opened() {
        let context = FilterContext { level: 0, level_count: 1, key_count_max: 9 };
        assert!(NoFilter.builder(context).is_none());
        assert!(NoFilter.open(b"").is_err());
    }
}

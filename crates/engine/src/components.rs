//! Components that are given to the builder in the place of settings, and what a keyspace works with.

use std::any::Any;

use siltstone_bloom::{Bloom, FilterPolicy};
use siltstone_compaction::{CompactionStrategy, Fifo, LEVELS_MAX};
use siltstone_memtable::{BTreeFactory, MemtableFactory, SkipListFactory};
use siltstone_sstable::{BlockCache, FilterPolicies};

use crate::{
    ByLevel, CompactionSettings, Error, FilterSettings, KeyspaceSettings, MemtableSettings, Result, Settings,
    sync::Arc,
};

/// What was given to the builder.
#[derive(Clone, Default, Debug)]
pub(crate) struct Components {
    compaction: Option<Arc<dyn CompactionStrategy>>,
    memtable: Option<Arc<dyn MemtableFactory>>,
    filter: Option<Arc<dyn FilterPolicy>>,
    /// A block cache that others may share.
    pub(crate) cache: Option<Arc<dyn BlockCache>>,
    /// What the components are known as in the settings: a shipped one by its parameters, any other by its name.
    pub(crate) overrides: KeyspaceSettings,
}

impl Components {
    pub(crate) fn set_compaction(&mut self, strategy: impl CompactionStrategy + 'static) {
        if let Some((settings, table_bytes_max)) = CompactionSettings::of(&strategy) {
            self.overrides.compaction = Some(settings);
            self.overrides.table_bytes_max = table_bytes_max;
            return;
        }
        self.overrides.compaction = Some(CompactionSettings::Custom(strategy.name().to_owned()));
        self.overrides.table_bytes_max = None;
        self.compaction = Some(Arc::new(strategy));
    }

    pub(crate) fn set_memtable(&mut self, factory: impl MemtableFactory + 'static) {
        let shipped = &factory as &dyn Any;
        self.overrides.memtable = Some(if shipped.is::<SkipListFactory>() {
            MemtableSettings::SkipList
        } else if shipped.is::<BTreeFactory>() {
            MemtableSettings::BTree
        } else {
            let name = factory.name().to_owned();
            self.memtable = Some(Arc::new(factory));
            MemtableSettings::Custom(name)
        });
    }

    pub(crate) fn set_filter(&mut self, policy: impl FilterPolicy + 'static) {
        let shipped = &policy as &dyn Any;
        self.overrides.filter = Some(if let Some(bloom) = shipped.downcast_ref::<Bloom>() {
            FilterSettings::bits_per_key(bits_by_level(bloom))
        } else if shipped.is::<siltstone_bloom::NoFilter>() {
            FilterSettings::None
        } else {
            let name = policy.name().to_owned();
            self.filter = Some(Arc::new(policy));
            FilterSettings::Custom(name)
        });
    }

    /// The filters that tables can be read with.
    pub(crate) fn filter_policies(&self) -> FilterPolicies {
        FilterPolicies::default().and(self.filter.clone())
    }

    /// What a keyspace with these settings writes with.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a component that the settings name and that was not given.
    pub(crate) fn profile(&self, settings: Settings) -> Result<Arc<Profile>> {
        let memtables: Arc<dyn MemtableFactory> = match &settings.memtable {
            MemtableSettings::SkipList => Arc::new(SkipListFactory),
            MemtableSettings::BTree => Arc::new(BTreeFactory),
            MemtableSettings::Custom(name) => {
                let given = self.memtable.clone().filter(|given| given.name() == name);
                given.ok_or_else(|| not_given("memtable", "memtable", name))?
            }
        };
        let filter: Option<Arc<dyn FilterPolicy>> = match &settings.filter {
            FilterSettings::None => None,
            FilterSettings::Bloom(bloom) => Some(Arc::new(bloom.policy())),
            FilterSettings::Custom(name) => {
                let given = self.filter.clone().filter(|given| given.name() == name);
                Some(given.ok_or_else(|| not_given("filter policy", "filter", name))?)
            }
        };
        let strategy = match settings.compaction.strategy(settings.table_bytes_max) {
            Ok(shipped) => shipped,
            Err(name) => {
                let given = self.compaction.clone().filter(|given| given.name() == name);
                given.ok_or_else(|| not_given("compaction strategy", "compaction", name))?
            }
        };
        Ok(Arc::new(Profile { settings, memtables, filter, strategy }))
    }

    /// What a database that is only read works with. It writes nothing, so whatever would be needed for writing may be missing: a filter whose policy is not known is not
    /// used, and logs can be replayed into any memtable.
    pub(crate) fn profile_for_reading(&self, settings: &Settings) -> Arc<Profile> {
        self.profile(settings.clone()).unwrap_or_else(|_| {
            Arc::new(Profile {
                memtables: Arc::new(SkipListFactory),
                filter: None,
                // It plans nothing.
                strategy: Arc::new(Fifo::default()),
                settings: settings.clone(),
            })
        })
    }

    /// Refuses settings that name what was not given, be it for one keyspace.
    pub(crate) fn check(&self, settings: &Settings) -> Result<()> {
        let names = settings.keyspaces.keys().map(String::as_str);
        // No keyspace has an empty name: that is what those without settings have.
        names.chain([""]).try_for_each(|name| self.profile(settings.of_keyspace(name)).map(|_| ()))
    }
}

fn not_given(what: &str, method: &str, name: &str) -> Error {
    Error::invalid_argument(format!(
        "the settings name the {what} {name:?}, which is not a shipped one; give it to Builder::{method}, or give other settings"
    ))
}

/// The levels' bits, the last of which holds for all deeper ones.
fn bits_by_level(bloom: &Bloom) -> ByLevel {
    let mut bits: Vec<f64> = (0..LEVELS_MAX).map(|level| bloom.bits_per_key_at(level)).collect();
    while let [.., before, last] = bits.as_slice()
        && before.to_bits() == last.to_bits()
    {
        bits.pop();
    }
    ByLevel(bits)
}

/// What one keyspace works with: its effective settings, and the components that they name.
#[derive(Debug)]
pub(crate) struct Profile {
    /// Those of the database, with the keyspace's own in their place.
    pub(crate) settings: Settings,
    pub(crate) memtables: Arc<dyn MemtableFactory>,
    /// `None` for no filters.
    pub(crate) filter: Option<Arc<dyn FilterPolicy>>,
    pub(crate) strategy: Arc<dyn CompactionStrategy>,
}

#[cfg(test)]
mod tests {
    use siltstone_compaction::SizeTiered;

    use super::*;

    #[test]
    fn a_shipped_component_is_known_by_its_parameters() {
        let mut components = Components::default();
        components.set_compaction(SizeTiered { table_bytes_max: 7, ..SizeTiered::tiers(3) });
        components.set_memtable(BTreeFactory);
        components.set_filter(Bloom::bits_per_key_by_level([16.0, 10.0]));
        let mut settings = Settings::default();
        components.overrides.apply_to(&mut settings);
        assert_eq!(settings.filter, FilterSettings::bits_per_key([16.0, 10.0]));
        assert_eq!((&settings.memtable, settings.table_bytes_max), (&MemtableSettings::BTree, 7));
        // Whoever opens it later has the same without the component.
        let profile = Components::default().profile(settings).unwrap();
        let expected = SizeTiered { table_bytes_max: 7, ..SizeTiered::tiers(3) };
        assert_eq!(format!("{:?}", profile.strategy), format!("{expected:?}"));
        components.set_filter(siltstone_bloom::NoFilter);
        assert_eq!(components.overrides.filter, Some(FilterSettings::None));
    }
}

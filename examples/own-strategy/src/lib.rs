//! A compaction strategy of one's own: two components, a small one that is written to and a large one that is merged into.

use siltstone_compaction::{
    Action, CompactionStrategy, Cuts, Debt, Job, KeyRange, Output, Place, Reason, TableId, TreeView,
    runs_by_age, validate,
};

/// Keeps one large run, and merges into it what has gathered in front of it. So did the first LSM-trees.
///
/// One parameter weighs writing against reading: every merge rewrites what it overlaps of the large run, and until
/// then each flush is one more run that reads have to ask.
#[derive(Clone, Debug)]
pub struct TwoComponents {
    /// So many runs may gather in front of the large one.
    pub runs_max: usize,
    /// Size at which a table of the large run is ended, in bytes.
    pub table_bytes_max: u64,
}

impl Default for TwoComponents {
    fn default() -> TwoComponents {
        TwoComponents { runs_max: 8, table_bytes_max: 32 << 20 }
    }
}

/// The tables that a job would take, and what it would do with them.
struct Plan {
    inputs: Vec<TableId>,
    input_bytes: u64,
    output: Output,
    /// How many runs go away.
    runs: usize,
    /// How many of them are in level 0.
    level0_runs: usize,
}

impl TwoComponents {
    /// What is due, whatever runs and whatever it costs.
    fn due(&self, view: &TreeView<'_>) -> Option<Plan> {
        // Newest first, whoever made them and in whatever level they are.
        let runs: Vec<_> = runs_by_age(view.levels).collect();
        let (oldest, large) = runs.last()?;
        let (in_front, output) = match oldest.level {
            // There is no large run yet. Level 0 is where flushes go: it takes no new runs, and is no place to stay.
            0 => (&runs[..], Output { level: 1, place: Place::NewRun }),
            level => (&runs[..runs.len() - 1], Output { level, place: Place::JoinRun(oldest.epoch()) }),
        };
        if in_front.len() <= self.runs_max {
            return None;
        }
        // All that is in front goes, so no data can change places with other data of its key.
        let small: Vec<_> = in_front.iter().flat_map(|(_, run)| &run.tables).collect();
        let range = KeyRange::hull(small.iter().map(|table| &table.range))?;
        let overlapped: &[_] = if oldest.level == 0 { &[] } else { large.overlapping(&range) };
        let tables = || small.iter().copied().chain(overlapped);
        Some(Plan {
            inputs: tables().map(|table| table.id).collect(),
            input_bytes: tables().map(|table| table.file_bytes).sum(),
            output,
            runs: in_front.len() - usize::from(oldest.level == 0),
            level0_runs: in_front.iter().filter(|(at, _)| at.level == 0).count(),
        })
    }
}

impl CompactionStrategy for TwoComponents {
    fn name(&self) -> &'static str {
        "two-components"
    }

    fn plan(&self, view: &TreeView<'_>) -> Option<Job> {
        let Plan { inputs, input_bytes, output, runs, .. } = self.due(view)?;
        if input_bytes > view.budget.job_bytes_max {
            return None;
        }
        let action = Action::Merge { output, table_bytes_max: self.table_bytes_max, cuts: Cuts::BY_SIZE };
        let reason = Reason::new("in-front", format!("{runs} runs are in front, {} may be", self.runs_max));
        let job = Job { action, inputs, reason };
        // The rules know better than we do what may run beside what.
        validate(&job, view).is_ok().then_some(job)
    }

    fn debt(&self, view: &TreeView<'_>) -> Debt {
        self.due(view).map_or(Debt::ZERO, |plan| Debt {
            bytes: plan.input_bytes.max(1),
            runs: plan.runs as u64,
            level0_runs: plan.level0_runs as u64,
        })
    }
}

#[cfg(test)]
mod tests {
    use siltstone_compaction::{RunningJob, Simulation, SimulationParameters, text::parse_levels};

    use super::*;

    fn plan(levels: &str) -> String {
        let levels = parse_levels(levels).unwrap();
        let strategy = TwoComponents { runs_max: 1, ..TwoComponents::default() };
        let view = TreeView::idle(&levels);
        let job = strategy.plan(&view);
        assert_eq!(job.is_some(), strategy.debt(&view) != Debt::ZERO);
        job.map_or("none".to_owned(), |job| job.to_string())
    }

    #[test]
    fn what_is_in_front_goes_into_the_large_run() {
        assert_eq!(plan(""), "none");
        assert_eq!(plan("0 | 3: 3=a..k\n1 | 1: 1=a..z*100"), "none");
        assert_eq!(plan("0 | 3: 3=a..k | 2: 2=c..f"), "merge 3 2 -> level 1 new run (in-front)");
        assert_eq!(
            plan("0 | 3: 3=a..c | 2: 2=b..f\n1 | 1: 1=a..g*50 4=h..z*50"),
            "merge 3 2 1 -> level 1 run 1 (in-front)"
        );
        // As another strategy left it.
        assert_eq!(
            plan("0 | 9: 9=a..c\n2 | 8: 8=b..f\n4 | 7: 7=a..g*9 6=h..z*9"),
            "merge 9 8 7 -> level 4 run 7 (in-front)"
        );
    }

    #[test]
    fn nothing_is_planned_that_collides_with_what_runs() {
        let levels = parse_levels("0 | 3: 3=a..k | 2: 2=c..f").unwrap();
        let strategy = TwoComponents { runs_max: 1, ..TwoComponents::default() };
        let job = strategy.plan(&TreeView::idle(&levels)).unwrap();
        let running = [RunningJob::new(&job, &levels).unwrap()];
        assert_eq!(strategy.plan(&TreeView { running: &running, ..TreeView::idle(&levels) }), None);
    }

    /// The simulator refuses invalid jobs, jobs without end, and debt that does not agree with the plan.
    #[test]
    fn the_simulator_has_nothing_to_complain_about() {
        let parameters = SimulationParameters {
            loaded_keys: 10_000,
            warm_up_flushes: 0,
            flushes: 500,
            ..SimulationParameters::default()
        };
        let mut key = 0;
        let next = || {
            key = (key + 1_009) % 10_000;
            key
        };
        let report = Simulation::new(TwoComponents::default(), parameters).run(next).unwrap();
        assert!(report.runs_max <= 9, "{report:?}");
        assert!(report.space_amplification_max < 1.1, "{report:?}");
    }
}

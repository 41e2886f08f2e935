//! Merges runs of similar size: little is written, and many runs are read.

use crate::{
    Action, CompactionStrategy, Cuts, Debt, Job, Output, Place, Position, Reason, Run, TreeView,
    tree::runs_by_age, validate,
};

/// Merges runs that are neighbours in age, when their sizes are similar, when they waste space, or when there
/// are too many. Known as size-tiered, tiered, or universal compaction.
///
/// Flushes make runs in level 0. What is merged goes to level 1, which holds runs as well: the size of a run
/// decides when it is merged again, not its level. Two levels are enough, and are told apart because level 0
/// may be stored without compression. A result takes the place of its oldest input; when all inputs are in
/// level 0 and no older run is left there, it becomes the newest run of level 1; when one is left (it is in a
/// running job, or is much larger), the result stays in level 0 in the place of its newest input. Runs of any
/// other level, made by another strategy, are part of the same order of age and are treated alike.
///
/// Sizes are compared before compression, so that the codecs of the levels do not matter. The rules, in this
/// order, once the tree has [`runs_min`](SizeTiered::runs_min) runs:
///
/// 1. `space-amplification`: all runs but the oldest together are more than
///    [`space_amplification_percent_max`](SizeTiered::space_amplification_percent_max) of the oldest: all are
///    merged.
/// 2. `size-ratio`: the newest sequence of at least [`merge_runs_min`](SizeTiered::merge_runs_min) neighbours
///    in which each is similar to the newer ones ([`similarity`](SizeTiered::similarity)) is merged.
/// 3. `run-count`: there are more than [`runs_max`](SizeTiered::runs_max): as many neighbours as needed are
///    merged, those whose oldest is smallest in proportion to the rest.
///
/// Merges of disjoint tables that are in deeper levels already, large enough, and free of tombstones, are
/// moves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SizeTiered {
    /// A tree with fewer runs is left alone.
    pub runs_min: usize,
    /// A tree with more runs is never left alone. Reads ask each run.
    pub runs_max: usize,
    /// A merge for similar sizes takes at least so many runs; 2 if less is given.
    pub merge_runs_min: usize,
    /// A merge takes at most so many runs; 2 if less is given.
    pub merge_runs_max: usize,
    /// What the size of the next older run is compared with.
    pub similarity: Similarity,
    /// By how many percent a run may exceed that and still be similar.
    pub size_ratio_percent: u32,
    /// How many bytes all other runs may hold together, in percent of the oldest run.
    pub space_amplification_percent_max: u32,
    /// Size at which a table of the result is ended, in bytes.
    pub table_bytes_max: u64,
}

/// What the size of the next older run is compared with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Similarity {
    /// The sum of the newer ones in the merge: one merge takes several generations.
    Sum,
    /// The mean of the newer ones in the merge: runs of one generation wait for each other, as tiers.
    Mean,
}

/// Merges of several generations at once. With uniform overwrites of a thousand memtables' worth of data the
/// simulator counts 6.3 entries written for each one drawn, 6 runs on average and 11 at most, and 1.4 times
/// the space of the distinct keys.
impl Default for SizeTiered {
    fn default() -> SizeTiered {
        SizeTiered {
            runs_min: 4,
            runs_max: 16,
            merge_runs_min: 2,
            merge_runs_max: 32,
            similarity: Similarity::Sum,
            size_ratio_percent: 50,
            space_amplification_percent_max: 200,
            table_bytes_max: 32 << 20,
        }
    }
}

impl SizeTiered {
    /// Tiers of `ratio` runs: each merge takes a whole tier, and makes a run that is `ratio` times as large.
    /// `ratio` is 2 or more.
    pub fn tiers(ratio: u32) -> SizeTiered {
        let runs = ratio.max(2) as usize;
        SizeTiered {
            runs_min: runs,
            runs_max: 8 * runs,
            merge_runs_min: runs,
            merge_runs_max: 8 * runs,
            similarity: Similarity::Mean,
            // Half way to the next tier, which is `ratio` times as large.
            size_ratio_percent: (ratio.max(2) - 1).saturating_mul(50),
            ..SizeTiered::default()
        }
    }

    fn pick(&self, runs: &[RunSize], runs_later: usize, job_bytes_max: u64) -> Option<Window> {
        if runs.len() < self.runs_min.max(2) {
            return None;
        }
        let fits = |window: &Window| {
            let picked = window.of(runs);
            picked.iter().all(|run| !run.is_busy) && file_bytes(picked) <= job_bytes_max
        };
        self.pick_for_space(runs)
            .filter(fits)
            .or_else(|| self.pick_similar(runs, job_bytes_max))
            .or_else(|| self.pick_for_count(runs, runs_later, fits))
    }

    fn pick_for_space(&self, runs: &[RunSize]) -> Option<Window> {
        let (oldest, newer) = runs.split_last()?;
        let (newer, oldest) = (raw_bytes(newer), u128::from(oldest.raw_bytes));
        if newer * 100 <= oldest * u128::from(self.space_amplification_percent_max) {
            return None;
        }
        let from = runs.len().saturating_sub(self.merge_runs_max.max(2));
        let text = format!("{newer} bytes are in front of an oldest run of {oldest}");
        Some(Window { from, to: runs.len(), code: "space-amplification", text })
    }

    fn pick_similar(&self, runs: &[RunSize], job_bytes_max: u64) -> Option<Window> {
        for from in 0..runs.len() {
            let to = self.similar_until(runs, from, job_bytes_max);
            if to - from < self.merge_runs_min.max(2) || self.joins_full_tier(runs, from, to) {
                continue;
            }
            let text =
                format!("{} runs of similar size hold {} bytes", to - from, raw_bytes(&runs[from..to]));
            return Some(Window { from, to, code: "size-ratio", text });
        }
        None
    }

    /// The end of the sequence of similar runs that can be merged and starts at `from`.
    fn similar_until(&self, runs: &[RunSize], from: usize, job_bytes_max: u64) -> usize {
        let mut to = from;
        while to < runs.len() && to - from < self.merge_runs_max.max(2) && !runs[to].is_busy {
            let picked = &runs[from..to];
            let is_similar = to == from || self.is_similar(raw_bytes(picked), picked.len(), &runs[to]);
            if !is_similar || file_bytes(&runs[from..=to]) > job_bytes_max {
                break;
            }
            to += 1;
        }
        to
    }

    fn is_similar(&self, newer_bytes: u128, newer_count: usize, next: &RunSize) -> bool {
        let times = match self.similarity {
            Similarity::Sum => 1,
            Similarity::Mean => newer_count as u128,
        };
        u128::from(next.raw_bytes) * times * 100 <= newer_bytes * (100 + u128::from(self.size_ratio_percent))
    }

    /// True when the result would be one more of its size behind a job that is already under way there, and
    /// they are as many as one merge can take. Small merges would go on feeding what the large one has to
    /// catch up with.
    fn joins_full_tier(&self, runs: &[RunSize], from: usize, to: usize) -> bool {
        let bytes = raw_bytes(&runs[from..to]);
        let tier: Vec<&RunSize> =
            runs[to..].iter().take_while(|run| self.is_similar(bytes, 1, run)).collect();
        tier.len() >= self.merge_runs_max.max(2) && tier.iter().any(|run| run.is_busy)
    }

    fn pick_for_count(
        &self,
        runs: &[RunSize],
        runs_later: usize,
        fits: impl Fn(&Window) -> bool,
    ) -> Option<Window> {
        let runs_max = self.runs_max.max(1);
        let excess = runs_later.checked_sub(runs_max).filter(|excess| *excess > 0)?;
        let count = (excess + 1).min(self.merge_runs_max.max(2)).min(runs.len());
        let text = format!("{runs_later} runs are more than {runs_max}");
        let windows = (0..=runs.len() - count).map(|from| Window {
            from,
            to: from + count,
            code: "run-count",
            text: text.clone(),
        });
        windows.filter(fits).min_by(|a, b| {
            let proportion = |window: &Window| match window.of(runs).split_last() {
                Some((oldest, newer)) => (u128::from(oldest.raw_bytes), raw_bytes(newer)),
                None => (1, 1),
            };
            let ((a, a_newer), (b, b_newer)) = (proportion(a), proportion(b));
            (a * b_newer).cmp(&(b * a_newer))
        })
    }
}

/// A run, as far as the choice depends on it.
#[derive(Clone, Copy, Debug)]
struct RunSize {
    position: Position,
    /// At least 1, so that proportions mean something.
    raw_bytes: u64,
    file_bytes: u64,
    is_busy: bool,
}

/// Runs that are neighbours in age, as indices into the list of all runs, newest first.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Window {
    from: usize,
    /// Exclusive.
    to: usize,
    code: &'static str,
    text: String,
}

impl Window {
    fn of<'a, T>(&self, runs: &'a [T]) -> &'a [T] {
        &runs[self.from..self.to]
    }

    /// Where the result goes. Nothing is between the window and that place in the order of age.
    fn output(&self, runs: &[RunSize]) -> Output {
        let oldest = runs[self.to - 1].position;
        let next_level = runs.get(self.to).map(|run| run.position.level);
        match (oldest.level, next_level) {
            (0, Some(0)) => Output { level: 0, place: Place::ReplaceNewest },
            (0, _) => Output { level: 1, place: Place::NewRun },
            (level, _) => Output { level, place: Place::JoinRun(oldest.epoch()) },
        }
    }
}

fn raw_bytes(runs: &[RunSize]) -> u128 {
    runs.iter().map(|run| u128::from(run.raw_bytes)).sum()
}

fn file_bytes(runs: &[RunSize]) -> u64 {
    runs.iter().fold(0, |sum, run| run.file_bytes.saturating_add(sum))
}

fn sizes(view: &TreeView<'_>) -> Vec<RunSize> {
    let busy = view.busy();
    let size = |(position, run): (Position, &Run)| RunSize {
        position,
        raw_bytes: run.raw_bytes().max(1),
        file_bytes: run.file_bytes().max(1),
        is_busy: run.tables.iter().any(|table| busy.contains(&table.id)),
    };
    runs_by_age(view.levels).map(size).collect()
}

/// How many runs there will be when the running jobs have ended.
fn runs_later(view: &TreeView<'_>, run_count: usize) -> usize {
    let gone = view.running.iter().map(|job| {
        let is_input = |run: &Run| run.tables.iter().any(|table| job.inputs.contains(&table.id));
        let inputs = runs_by_age(view.levels).filter(|(_, run)| is_input(run)).count();
        inputs.saturating_sub(1)
    });
    run_count.saturating_sub(gone.sum())
}

impl CompactionStrategy for SizeTiered {
    fn name(&self) -> &'static str {
        "size-tiered"
    }

    fn plan(&self, view: &TreeView<'_>) -> Option<Job> {
        let sizes = sizes(view);
        let window = self.pick(&sizes, runs_later(view, sizes.len()), view.budget.job_bytes_max)?;
        let runs: Vec<_> = runs_by_age(view.levels).collect();
        let job = self.job(&window, window.of(&runs), window.output(&sizes));
        // The runs are free, yet the place may not be: another new run may be on its way to level 1.
        (view.running.is_empty() || validate(&job, view).is_ok()).then_some(job)
    }

    fn debt(&self, view: &TreeView<'_>) -> Debt {
        let mut sizes = sizes(view);
        for run in &mut sizes {
            run.is_busy = false;
        }
        let mut debt = Debt::ZERO;
        while let Some(window) = self.pick(&sizes, sizes.len(), u64::MAX) {
            let picked = window.of(&sizes);
            let output = window.output(&sizes);
            let level0_before = picked.iter().filter(|run| run.position.level == 0).count();
            debt.bytes = debt.bytes.saturating_add(file_bytes(picked));
            debt.runs += picked.len() as u64 - 1;
            debt.level0_runs += level0_before as u64 - u64::from(output.level == 0);
            // As if nothing were left out: an upper bound of the next merge's size.
            let merged = RunSize {
                // The level is all that counts from here on.
                position: Position::newest(output.level),
                raw_bytes: u64::try_from(raw_bytes(picked)).unwrap_or(u64::MAX),
                file_bytes: file_bytes(picked),
                is_busy: false,
            };
            sizes.splice(window.from..window.to, [merged]);
        }
        debt
    }
}

impl SizeTiered {
    fn job(&self, window: &Window, runs: &[(Position, &Run)], output: Output) -> Job {
        let reason = Reason::new(window.code, window.text.clone());
        let ids = |runs: &[(Position, &Run)]| {
            runs.iter().flat_map(|(_, run)| run.tables.iter().map(|table| table.id)).collect()
        };
        match (output.place, runs) {
            // The run they join stays where it is.
            (Place::JoinRun(_), [moving @ .., _]) if self.is_movable(runs) => {
                Job { action: Action::Move { output }, inputs: ids(moving), reason }
            }
            _ => {
                let action =
                    Action::Merge { output, table_bytes_max: self.table_bytes_max, cuts: Cuts::BY_SIZE };
                Job { action, inputs: ids(runs), reason }
            }
        }
    }

    /// Nothing is gained by rewriting: tables have the codec of deeper levels, are not small, hide nothing,
    /// and hold no tombstone that could go.
    fn is_movable(&self, runs: &[(Position, &Run)]) -> bool {
        let mut tables: Vec<_> = runs.iter().flat_map(|(_, run)| &run.tables).collect();
        let bytes: u128 = tables.iter().map(|table| u128::from(table.file_bytes)).sum();
        tables.sort_unstable_by(|a, b| a.range.cmp(&b.range));
        runs.iter().all(|(position, _)| position.level > 0)
            && bytes * 4 >= u128::from(self.table_bytes_max) * tables.len() as u128
            && tables.iter().all(|table| table.tombstones == 0)
            && tables.windows(2).all(|pair| pair[0].range.last < pair[1].range.first)
    }
}

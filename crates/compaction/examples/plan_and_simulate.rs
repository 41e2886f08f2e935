//! Plans a job for a tree that is given as text, and simulates what the strategy writes in the long run.
#![expect(clippy::print_stdout, reason = "printing is what an example does")]

use siltstone_compaction::{
    CompactionStrategy, Simulation, SimulationParameters, SizeTiered, TreeView, text, validate,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Level 0 has four runs of one table, each of 64 bytes, newest first; level 1 has one run of two tables.
    let levels = text::parse_levels(
        "0 | 9: 12=a..k*64 | 8: 11=c..t*64 | 7: 10=a..z*64 | 6: 9=b..e*64
         1 | 5: 7=a..m*900 8=n..z*900",
    )?;
    let strategy = SizeTiered::default();
    let view = TreeView::idle(&levels);
    let job = strategy.plan(&view).ok_or("four runs of one size are worth a merge")?;
    assert_eq!(job.to_string(), "merge 12 11 10 9 -> level 1 new run (size-ratio)");
    assert_eq!(job.reason.text, "4 runs of similar size hold 256 bytes");
    assert_eq!(validate(&job, &view), Ok(()));

    // What does it write in the long run? A function of yours draws the keys.
    let parameters =
        SimulationParameters { loaded_keys: 10_000, flush_entries: 100, ..SimulationParameters::default() };
    let mut key = 0;
    let report = Simulation::new(strategy, parameters).run(|| {
        key = (key + 1_009) % 10_000;
        key
    })?;
    println!("{:.1} entries are written for each one", report.write_amplification);
    println!("{:.1} runs are read, {} at most", report.runs_mean, report.runs_max);
    println!("{:.2} entries are stored for each key", report.space_amplification_mean);
    assert!(report.write_amplification < 8.0 && report.runs_max <= 16);
    Ok(())
}

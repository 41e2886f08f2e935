//! Which cells are measured, in which order, and what of them is left when a run goes on.

use siltstone_benches::{
    cell::Cell,
    row::Row,
    stores::{self, StoreName},
};
use siltstone_testkit::Rng;

/// One measurement.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Job {
    pub(crate) cell: Cell,
    pub(crate) repeat: u32,
}

/// Every cell as often as it is asked for, in an order that the seed decides: what drifts on the machine does not always meet the same cells.
pub(crate) fn jobs(cells: &[Cell], repeats: u32, seed: u64) -> Vec<Job> {
    let mut rng = Rng::new(seed);
    let mut jobs = Vec::new();
    // Round by round, so that an interrupted run has as many cells as it can.
    for repeat in 0..repeats {
        let mut round: Vec<Job> = cells.iter().map(|cell| Job { cell: cell.clone(), repeat }).collect();
        rng.shuffle(&mut round);
        jobs.extend(round);
    }
    jobs
}

/// Those that no row is there of.
pub(crate) fn left(jobs: Vec<Job>, rows: &[Row]) -> Vec<Job> {
    let is_done = |job: &Job| rows.iter().any(|row| row.repeat == job.repeat && row.cell == job.cell);
    jobs.into_iter().filter(|job| !is_done(job)).collect()
}

/// The engine's cells and those of peers beside them that have all of the words in their description. What a peer does not have it is not asked for: only the engine's cell
/// decides about words other than that of the store. `left_out` is told which cells a peer cannot do.
pub(crate) fn cells(
    cells: Vec<Cell>,
    peers: &[StoreName],
    words: &[String],
    left_out: impl Fn(&str),
) -> Vec<Cell> {
    let (of_store, others): (Vec<String>, Vec<String>) =
        words.iter().cloned().partition(|word| word.starts_with("store="));
    let mut cells = only(cells, &others);
    let (of_peers, why) = stores::of_peers(&cells, peers);
    why.iter().for_each(|why| left_out(why));
    cells.extend(of_peers);
    only(cells, &of_store)
}

/// The cells that have all of these words in their description.
fn only(cells: Vec<Cell>, words: &[String]) -> Vec<Cell> {
    let has_all = |cell: &Cell| words.iter().all(|word| cell.describe().contains(word.as_str()));
    cells.into_iter().filter(has_all).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use siltstone_benches::matrix::Matrix;

    use crate::fixture;

    fn cells() -> Vec<Cell> {
        let text = "about = ''\n[axes]\nworkload = ['fillseq', 'readseq']\nthreads = [1, 2, 3, 4]";
        Matrix::parse(text).unwrap().cells("m")
    }

    #[test]
    fn every_cell_comes_once_in_each_round_and_in_disorder() {
        let jobs = jobs(&cells(), 3, 1);
        assert_eq!(jobs.len(), 24);
        for (round, of_round) in (0..).zip(jobs.chunks(8)) {
            assert!(of_round.iter().all(|job| job.repeat == round));
            assert!(cells().iter().all(|cell| of_round.iter().filter(|job| job.cell == *cell).count() == 1));
        }
        assert_ne!(jobs[..8].iter().map(|job| job.cell.clone()).collect::<Vec<_>>(), cells());
        assert_eq!(jobs, super::jobs(&cells(), 3, 1), "the seed decides");
        assert_ne!(jobs, super::jobs(&cells(), 3, 2));
    }

    #[test]
    fn what_is_done_is_not_done_again() {
        let all = jobs(&cells(), 2, 1);
        let row = |job: &Job| Row { cell: job.cell.clone(), repeat: job.repeat, ..fixture::row() };
        let rows: Vec<Row> = all.iter().take(11).map(row).collect();
        let rest = left(all.clone(), &rows);
        assert_eq!(rest, all[11..], "the rest, in its order");
        let rows: Vec<Row> = rows.into_iter().chain(rest.iter().map(row)).collect();
        assert!(left(all, &rows).is_empty());
    }

    #[test]
    fn filters_take_cells_with_all_their_words() {
        let words = ["workload=readseq".to_owned(), "threads=2".to_owned()];
        assert_eq!(only(cells(), &words).len(), 1);
        assert_eq!(only(cells(), &[]).len(), 8);
    }

    #[test]
    fn peers_come_where_the_engine_is_measured() {
        let with = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            super::cells(cells(), &[StoreName::Fjall, StoreName::Lmdb], &words, |_| ())
        };
        assert_eq!(with(&[]).len(), 24);
        assert_eq!(with(&["strategy=leveled", "workload=readseq", "threads=2"]).len(), 3);
        assert_eq!(with(&["strategy=leveled", "store=lmdb"]).len(), 8);
        assert!(with(&["strategy=size-tiered"]).is_empty());
    }
}

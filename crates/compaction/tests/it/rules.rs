//! Which jobs are let through, and that the order of age survives those that are.

use std::sync::Arc;

use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};
use siltstone_compaction::{
    Action, Cuts, Epoch, InvalidJob, Job, KeyRange, OlderData, Output, Place, Reason, RunningJob, TableId,
    TreeView, apply, runs_by_age,
    text::{parse_levels, render_levels},
    validate,
};

use crate::{
    cases,
    model::{Model, TreeShape, shapes},
};

/// `merge 3 2 -> 1 new`, `move 3 -> 1 run 7`, `merge 3 2 -> 0 newest`, `drop 3`.
fn parse_job(text: &str) -> Job {
    let (inputs, output) = text.split_once("->").unwrap_or((text, ""));
    let (action, ids) = inputs.trim().split_once(' ').unwrap_or((inputs, ""));
    let inputs = ids.split_whitespace().map(|id| TableId(id.parse().unwrap())).collect();
    let output = match output.split_whitespace().collect::<Vec<_>>()[..] {
        [level, "new"] => Some((level, Place::NewRun)),
        [level, "newest"] => Some((level, Place::ReplaceNewest)),
        [level, "run", epoch] => Some((level, Place::JoinRun(Epoch(epoch.parse().unwrap())))),
        _ => None,
    };
    let output = output.map(|(level, place)| Output { level: level.parse().unwrap(), place });
    let action = match (action.trim(), output) {
        ("merge", Some(output)) => Action::Merge { output, table_bytes_max: 100, cuts: Cuts::BY_SIZE },
        ("move", Some(output)) => Action::Move { output },
        _ => Action::Drop,
    };
    Job { action, inputs, reason: Reason::new("manual", "asked for") }
}

const TREE: &str = "0 | 9: 9=a..k | 8: 8=c..f | 7: 7=m..q
                    1 | 6: 6=a..f 5=g..k 4=p..z
                    2 | 3: 3=a..e 2=h..j | 2: 1=a..z";

#[track_caller]
fn check(running: &[&str], job: &str, expected: &str) {
    let levels = parse_levels(TREE).unwrap();
    let running: Vec<_> =
        running.iter().map(|job| RunningJob::new(&parse_job(job), &levels).unwrap()).collect();
    let view = TreeView { running: &running, ..TreeView::idle(&levels) };
    let outcome =
        validate(&parse_job(job), &view).map_or_else(|broken| format!("{broken:?}"), |()| "ok".to_owned());
    let outcome = outcome.replace("TableId(", "").replace("Epoch(", "").replace(')', "");
    assert!(outcome.starts_with(expected), "{job} with {running:?}: {outcome}, expected {expected}");
}

#[test]
fn inputs_exist_once_and_are_free() {
    check(&[], "drop", "NoInputs");
    check(&[], "merge 9 9 -> 1 new", "RepeatedInput { table: 9 }");
    check(&[], "merge 9 99 -> 1 new", "UnknownInput { table: 99 }");
    check(&["merge 8 9 -> 0 newest"], "merge 8 -> 1 new", "BusyInput { table: 8 }");
}

#[test]
fn nothing_that_stays_changes_places_with_an_input() {
    check(&[], "merge 9 8 -> 0 newest", "ok");
    check(&[], "merge 9 8 6 5 -> 1 run 6", "ok");
    check(&[], "merge 8 6 -> 1 run 6", "ok");
    check(&[], "merge 9 6 5 -> 1 run 6", "OutOfOrder { input: 9, other: 8 }");
    check(&[], "merge 9 -> 1 new", "OutOfOrder { input: 9, other: 8 }");
    check(&[], "move 5 -> 2 new", "ok");
    check(&[], "move 5 -> 2 run 2", "OutOfOrder { input: 5, other: 2 }");
    check(&[], "move 1 -> 2 run 3", "OutOfOrder { input: 1, other: 3 }");
    check(&[], "merge 8 7 -> 1 new", "ok");
    // Nothing of 7 is between 9 and 8, and it shares no key with them.
    check(&[], "merge 9 7 -> 0 newest", "ok");
    // It joins tables with a gap that another one of the run is in.
    check(&[], "merge 6 4 -> 2 new", "ok");
    check(&[], "merge 7 -> 0 run 9", "ok");
}

#[test]
fn dropping_does_not_bring_back_what_was_hidden() {
    check(&[], "drop 1", "ok");
    check(&[], "drop 3 1", "ok");
    check(&[], "drop 3", "Reveals { input: 3, other: 1 }");
    check(&["merge 3 1 -> 3 new"], "drop 6", "Reveals { input: 6, other: 3 }");
}

#[test]
fn the_place_exists() {
    check(&[], "merge 9 8 -> 0 new", "NewRunNotDeeper { level: 0 }");
    check(&[], "merge 8 6 -> 1 new", "NewRunNotDeeper { level: 1 }");
    check(&[], "merge 9 8 -> 1 newest", "NotTheLevelOfTheNewest { level: 1 }");
    check(&[], "merge 9 8 -> 1 run 7", "UnknownRun { level: 1, epoch: 7 }");
    check(&[], "move 1 -> 64 new", "LevelTooDeep { level: 64 }");
    check(&[], "move 1 -> 63 new", "ok");
}

#[test]
fn a_running_job_names_the_run_it_goes_to() {
    let running = RunningJob::new(&parse_job("merge 9 8 -> 0 newest"), &parse_levels(TREE).unwrap()).unwrap();
    assert_eq!(running.output, Some(Output { level: 0, place: Place::JoinRun(Epoch(9)) }));
    assert_eq!(running.range, KeyRange::new("a", "k"));
}

#[test]
fn results_are_disjoint_from_what_their_run_keeps() {
    check(&[], "merge 7 4 -> 1 run 6", "ok");
    check(&[], "merge 7 -> 1 run 6", "OutOfOrder { input: 7, other: 4 }");
    // The result may have a table that reaches over the gap between its inputs.
    check(&[], "merge 6 4 -> 1 newest", "OverlapsRun { other: 5 }");
    check(&[], "move 6 4 -> 1 run 6", "ok");
    check(&[], "move 9 8 -> 1 new", "MovesOverlap { input: 9, other: 8 }");
    check(&[], "move 8 7 -> 1 new", "ok");
}

#[test]
fn running_jobs_keep_their_place() {
    check(&["merge 8 6 -> 1 run 6"], "merge 7 4 -> 1 run 6", "ok");
    check(&["merge 8 -> 1 new"], "move 7 -> 1 new", "TwoNewRuns { level: 1 }");
    check(&["merge 8 7 -> 1 new"], "merge 5 2 -> 2 run 3", "ok");
    check(&["merge 9 7 -> 0 newest"], "merge 8 -> 0 run 9", "OutOfOrder { input: 8, other: 9 }");
    check(&["merge 6 4 -> 1 newest"], "move 5 -> 1 run 6", "OverlapsRunning { level: 1, epoch: 6 }");
}

// Each job is right by itself: 4 shares no key with run 5, and neither does 6 with run 4. Together they would
// put the older m..n of 3 in front of the newer one of 6.
#[test]
fn two_jobs_that_would_cross_each_other_do_not_run_together() {
    let levels = parse_levels("1 | 6: 6=m..n | 5: 5=a..c | 4: 4=t..z | 3: 3=m..n").unwrap();
    let first = parse_job("merge 5 3 -> 1 newest");
    let second = parse_job("move 6 -> 1 run 4");
    let idle = TreeView::idle(&levels);
    assert_eq!(validate(&first, &idle).and(validate(&second, &idle)), Ok(()));
    for (running, job) in [(&first, &second), (&second, &first)] {
        let running = [RunningJob::new(running, &levels).unwrap()];
        let outcome = validate(job, &TreeView { running: &running, ..idle });
        assert!(matches!(outcome, Err(InvalidJob::CrossesRunning { .. })), "{outcome:?}");
    }
}

// The merge may make a table that reaches over 3, which would then seem to hide something, and could not be
// dropped.
#[test]
fn a_table_is_not_dropped_in_front_of_a_gap_that_is_being_closed() {
    let levels = parse_levels("0 | 3: 3=m..n | 2: 2=a..c\n1 | 1: 1=x..z").unwrap();
    let jobs = [parse_job("merge 2 1 -> 1 run 1"), parse_job("drop 3")];
    for (running, job) in [(&jobs[0], &jobs[1]), (&jobs[1], &jobs[0])] {
        assert_eq!(validate(job, &TreeView::idle(&levels)), Ok(()));
        let running = [RunningJob::new(running, &levels).unwrap()];
        let outcome = validate(job, &TreeView { running: &running, ..TreeView::idle(&levels) });
        assert_eq!(outcome, Err(InvalidJob::CrossesRunning { table: TableId(3) }));
    }
}

#[test]
fn results_go_where_the_job_says() {
    let after = |job: &str, outputs: &str| {
        let outputs = parse_levels(outputs).unwrap();
        let outputs =
            outputs.iter().flat_map(|level| &level.runs).flat_map(|run| run.tables.iter().map(Arc::clone));
        let levels = parse_levels(TREE).unwrap();
        match apply(&levels, &parse_job(job), outputs.collect(), Epoch(10)) {
            Ok(applied) => format!("{}{:?}", render_levels(&applied.levels), applied.place),
            Err(broken) => broken.to_string(),
        }
    };
    let lines = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
    let expected = "0 | 9: 20=a..d 21=e..k | 7: 7=m..q
                    1 | 6: 6=a..f 5=g..k 4=p..z
                    2 | 3: 3=a..e 2=h..j | 2: 1=a..z
                    Some((0, Epoch(9)))";
    assert_eq!(after("merge 9 8 -> 0 newest", "0 | 1: 20=a..d 21=e..k"), lines(expected));
    let expected = "0 | 9: 9=a..k
                    1 | 10: 20=d..d | 6: 6=a..f 5=g..k 4=p..z
                    2 | 3: 3=a..e 2=h..j | 2: 1=a..z
                    Some((1, Epoch(10)))";
    assert_eq!(after("merge 8 7 -> 1 new", "0 | 1: 20=d..d"), lines(expected));
    let expected = "0 | 9: 9=a..k | 8: 8=c..f | 7: 7=m..q
                    1 | 6: 6=a..f 5=g..k
                    2 | 3: 3=a..e 2=h..j 4=p..z | 2: 1=a..z
                    Some((2, Epoch(3)))";
    assert_eq!(after("move 4 -> 2 run 3", ""), lines(expected));
    let expected = "0 | 9: 9=a..k | 8: 8=c..f | 7: 7=m..q
                    1 | 6: 6=a..f 5=g..k 4=p..z
                    2 | 3: 2=h..j
                    None";
    assert_eq!(after("drop 3 1", ""), lines(expected));
    // The run to join is gone when the job ends: its place is still there.
    let expected = "0 | 9: 9=a..k | 8: 8=c..f
                    1 | 6: 6=a..f 5=g..k 4=p..z
                    2 | 5: 7=m..q | 3: 3=a..e 2=h..j | 2: 1=a..z
                    Some((2, Epoch(5)))";
    assert!(after("move 7 -> 2 run 5", "").starts_with("data of table 7 would change places with table 4"));
    let expected = expected.replace("2 | 5: 7=m..q | 3", "2 | 3").replace("1 | 6", "1 | 7: 7=m..q | 6");
    assert_eq!(after("move 7 -> 1 run 7", ""), lines(&expected.replace("(2, Epoch(5))", "(1, Epoch(7))")));

    let broken = [
        ("merge 9 8 -> 0 newest", "0 | 1: 20=a..l", "table 20 reaches beyond the inputs (rule 4)"),
        (
            "merge 9 8 -> 0 newest",
            "0 | 2: 20=a..d | 1: 21=d..k",
            "tables 20 and 21 overlap, or are out of order (rule 5)",
        ),
        ("merge 9 8 -> 0 newest", "0 | 1: 7=a..b", "the id of table 7 is taken"),
        ("move 8 7 -> 1 new", "0 | 1: 20=c..d", "only a merge makes tables"),
    ];
    for (job, outputs, expected) in broken {
        assert_eq!(after(job, outputs), expected, "{job}");
    }
}

#[test]
fn a_new_run_needs_an_epoch_of_its_own() {
    let levels = parse_levels(TREE).unwrap();
    for (epoch, is_fresh) in [(5, false), (6, false), (7, true)] {
        let outcome = apply(&levels, &parse_job("move 8 -> 1 new"), Vec::new(), Epoch(epoch));
        assert_eq!(outcome.is_ok(), is_fresh, "{outcome:?}");
    }
}

#[test]
fn older_data_is_what_stays_behind_the_result() {
    let levels = parse_levels(TREE).unwrap();
    let may_exist = |job: &str, keys: &str| {
        let older = OlderData::behind(&parse_job(job), &levels).unwrap();
        keys.chars().filter(|key| older.may_exist(key.to_string().as_bytes())).collect::<String>()
    };
    assert_eq!(may_exist("merge 9 8 -> 0 newest", "abcdefghijk"), "abcdefghijk", "all of it is in 1 as well");
    assert_eq!(may_exist("merge 6 5 3 2 1 -> 2 run 2", "abcdefghijk"), "");
    assert_eq!(may_exist("merge 6 5 1 -> 2 run 2", "abcdefghijkz"), "", "what is in front is not older");
    assert_eq!(may_exist("merge 3 1 -> 2 run 3", "abcdefz"), "");
    assert_eq!(may_exist("move 9 -> 63 run 7", "abcdefghijk"), "");
}

/// Tables of one range of keys in neighbouring runs, a few picked otherwise, and a place.
#[derive(Clone, Debug)]
struct Attempt {
    keys: (u8, u8),
    runs: (usize, usize),
    flipped: Vec<usize>,
    level: u32,
    place: u8,
    action: u8,
}

fn attempts() -> impl Strategy<Value = Attempt> {
    let flipped = prop_oneof![3 => Just(Vec::new()), 2 => vec(0..20_usize, 1..4)];
    ((0..14_u8, 0..14_u8), (0..10_usize, 1..5_usize), flipped, 0..6_u32, 0..4_u8, 0..5_u8).prop_map(
        |(keys, runs, flipped, level, place, action)| Attempt { keys, runs, flipped, level, place, action },
    )
}

fn attempted_job(attempt: &Attempt, model: &Model) -> Job {
    let (first, last) = (attempt.keys.0.min(attempt.keys.1), attempt.keys.0.max(attempt.keys.1));
    let range = KeyRange::new(&[first], &[last]);
    let runs: Vec<_> = runs_by_age(&model.levels).collect();
    let picked = runs.iter().skip(attempt.runs.0).take(attempt.runs.1);
    let mut inputs: Vec<_> =
        picked.flat_map(|(_, run)| run.overlapping(&range)).map(|table| table.id).collect();
    let all: Vec<_> = runs.iter().flat_map(|(_, run)| &run.tables).map(|table| table.id).collect();
    for id in attempt.flipped.iter().filter_map(|at| all.get(*at)) {
        match inputs.iter().position(|input| input == id) {
            Some(at) => drop(inputs.swap_remove(at)),
            None => inputs.push(*id),
        }
    }
    let place = match (attempt.place, runs.get(attempt.runs.0 + attempt.runs.1 - 1)) {
        (0, _) => Output { level: attempt.level, place: Place::NewRun },
        (1, Some((at, _))) => Output { level: at.level, place: Place::JoinRun(at.epoch()) },
        (2, _) => {
            let at = runs.get(attempt.level as usize).map_or(Epoch(0), |(at, _)| at.epoch());
            let level = runs.get(attempt.level as usize).map_or(0, |(at, _)| at.level);
            Output { level, place: Place::JoinRun(at) }
        }
        _ => Output {
            level: runs.get(attempt.runs.0).map_or(0, |(at, _)| at.level),
            place: Place::ReplaceNewest,
        },
    };
    let action = match attempt.action {
        0 => Action::Drop,
        1 | 2 => Action::Move { output: place },
        _ => Action::Merge { output: place, table_bytes_max: 1, cuts: Cuts::BY_SIZE },
    };
    Job { action, inputs, reason: Reason::new("random", "") }
}

/// A job is tried, perhaps one ends, perhaps a memtable is flushed.
#[derive(Clone, Debug)]
struct Event {
    attempt: Attempt,
    end: Option<(usize, usize)>,
    flush: Option<(u8, u8)>,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let end = prop_oneof![2 => Just(None), 1 => (any::<usize>(), 1..4_usize).prop_map(Some)];
    let flush = prop_oneof![4 => Just(None), 1 => (0..12_u8, 1..4_u8).prop_map(Some)];
    vec((attempts(), end, flush).prop_map(|(attempt, end, flush)| Event { attempt, end, flush }), 1..20)
}

/// Begins whatever is let through, ends the jobs in some order, and counts them: all, and those that began
/// while others ran.
fn run_together(shape: &TreeShape, events: &[Event]) -> Result<[usize; 2], String> {
    let mut model = Model::new(shape);
    let mut running: Vec<(Job, RunningJob, OlderData)> = Vec::new();
    let mut counts = [0; 2];
    for event in events {
        let job = attempted_job(&event.attempt, &model);
        let known: Vec<_> = running.iter().map(|(_, known, _)| known.clone()).collect();
        if validate(&job, &TreeView { running: &known, ..TreeView::idle(&model.levels) }).is_ok() {
            counts[0] += 1;
            counts[1] += usize::from(!running.is_empty());
            let known = RunningJob::new(&job, &model.levels).unwrap();
            let older = OlderData::behind(&job, &model.levels).unwrap();
            running.push((job, known, older));
        }
        if let Some((from, keys)) = event.flush {
            model.flush(from..from + keys);
        }
        if let Some((which, keys_max)) = event.end.filter(|_| !running.is_empty()) {
            let (job, _, older) = running.swap_remove(which % running.len());
            end_job(&mut model, &job, &older, keys_max)?;
        }
    }
    while let Some((job, _, older)) = running.pop() {
        end_job(&mut model, &job, &older, 2)?;
    }
    Ok(counts)
}

fn end_job(model: &mut Model, job: &Job, older: &OlderData, keys_max: usize) -> Result<(), String> {
    let is_missed = |key: &u8| model.has_older(*key, &job.inputs) && !older.may_exist(&[*key]);
    if let Some(key) = (0..40).find(is_missed) {
        return Err(format!("{job}: a tombstone of key {key} would be dropped above older data"));
    }
    let before = model.versions_by_key();
    model.run(job, keys_max).map_err(|broken| format!("{job}: {broken}"))?;
    model.check().map_err(|what| format!("{job}: {what}"))?;
    let after = model.versions_by_key();
    for (key, versions) in before {
        let left = after.get(&key).map(Vec::as_slice).unwrap_or_default();
        // A drop may take the oldest versions and nothing else.
        let kept = versions.starts_with(left) && (left.len() == versions.len() || job.action == Action::Drop);
        if !kept {
            return Err(format!("{job}: versions {versions:?} of key {key} became {left:?}"));
        }
    }
    Ok(())
}

#[test]
fn jobs_that_are_let_through_together_keep_newer_data_in_front() {
    let cases = cases(10_000);
    let mut runner = TestRunner::new(Config { cases, ..Config::default() });
    let counts = std::cell::Cell::new([0; 2]);
    let outcome = runner.run(&(shapes(), events()), |(shape, events)| {
        let [accepted, together] = run_together(&shape, &events).map_err(TestCaseError::fail)?;
        counts.set([counts.get()[0] + accepted, counts.get()[1] + together]);
        Ok(())
    });
    assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
    // The test says nothing if nearly everything is refused.
    let [accepted, together] = counts.get();
    assert!(
        accepted > cases as usize && together > cases as usize / 10,
        "{accepted} jobs ran, {together} of them while others did"
    );
}

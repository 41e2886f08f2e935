//! Draws what trees went through as strips, one below the other on one axis of time: bytes by level, the debt, and when writers were held up.

use std::fmt::Write as _;

use siltstone_benches::{
    history::{History, Sample},
    scale::Scale,
    units::{bytes, number},
};

use crate::chart::{LEFT, PLOT_WIDTH, TOP, begin, escaped, headline, rows, tick};

const AREA_HEIGHT: f64 = 54.0;
const STALL_HEIGHT: f64 = 6.0;
const LABEL_HEIGHT: f64 = 18.0;
const STRIP_HEIGHT: f64 = LABEL_HEIGHT + AREA_HEIGHT + STALL_HEIGHT + 16.0;

/// A cell in the chart.
#[derive(Debug)]
pub(crate) struct Strip<'a> {
    pub(crate) label: String,
    pub(crate) text: String,
    pub(crate) history: &'a History,
}

/// Where things of one strip lie.
struct Frame {
    seconds: Scale,
    bytes_max: f64,
    /// The line on which the areas stand.
    ground: f64,
}

impl Frame {
    fn x(&self, seconds: f64) -> f64 {
        LEFT + self.seconds.place(seconds) * PLOT_WIDTH
    }

    fn y(&self, bytes: f64) -> f64 {
        self.ground - bytes / self.bytes_max * AREA_HEIGHT
    }
}

/// All strips have the same axes, so that what takes longer or more room is larger.
pub(crate) fn strips(strips: &[Strip<'_>]) -> String {
    let samples = || strips.iter().flat_map(|strip| &strip.history.samples);
    let seconds = Scale::up_to(samples().map(|sample| sample.seconds).fold(0.0, f64::max));
    let most = samples().map(|sample| sample.file_bytes().max(sample.debt_bytes)).max().unwrap_or(0);
    let bottom = TOP + STRIP_HEIGHT * rows(strips.len());
    let mut svg = begin(bottom + 22.0);
    for (value, label) in seconds.ticks() {
        tick(&mut svg, LEFT + seconds.place(value) * PLOT_WIDTH, bottom, &format!("{label} s"));
    }
    for (at, strip) in strips.iter().enumerate() {
        let top = TOP + STRIP_HEIGHT * rows(at);
        headline(&mut svg, top + 12.0, &strip.label, &strip.text);
        let ground = top + LABEL_HEIGHT + AREA_HEIGHT;
        draw(&mut svg, strip.history, &Frame { seconds, bytes_max: number(most.max(1)), ground });
    }
    svg + "</svg>\n"
}

fn draw(svg: &mut String, history: &History, frame: &Frame) {
    let (from, to) = (frame.x(history.workload_from), frame.x(history.workload_to));
    let top = frame.ground - AREA_HEIGHT;
    let height = AREA_HEIGHT + STALL_HEIGHT;
    let width = (to - from).max(0.5);
    // Writing to a String cannot fail.
    let _ = writeln!(
        svg,
        "<rect class=\"during\" x=\"{from:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height}\"/>"
    );
    let mut levels: Vec<u32> =
        history.samples.iter().flat_map(|sample| sample.levels.iter().map(|(level, _)| *level)).collect();
    levels.sort_unstable();
    levels.dedup();
    // The deepest level is at the bottom; each area reaches from the ground up and covers the one before it in part.
    for level in &levels {
        let height = |sample: &Sample| {
            sample.levels.iter().filter(|(other, _)| other >= level).map(|(_, bytes)| number(*bytes)).sum()
        };
        let class = format!("l{}", level % 8);
        let path = steps(history, frame, height);
        let _ = writeln!(svg, "<path class=\"{class}\" d=\"{path}\"/>");
    }
    if history.samples.iter().any(|sample| sample.debt_bytes > 0) {
        let line = line(history, frame);
        let _ = writeln!(svg, "<path class=\"debt\" d=\"{line}\"/>");
    }
    for pair in history.samples.windows(2) {
        if let [from, to] = pair {
            interval(svg, history, frame, (from, to));
        }
    }
    let _ = writeln!(svg, "<path class=\"axis\" d=\"M{LEFT} {:.1}h{PLOT_WIDTH}\"/>", frame.ground);
}

/// An area that keeps the height of a sample until the next one.
fn steps(history: &History, frame: &Frame, height: impl Fn(&Sample) -> f64) -> String {
    let mut path = String::new();
    for pair in history.samples.windows(2) {
        if let [sample, next] = pair {
            let (x, y, end) = (frame.x(sample.seconds), frame.y(height(sample)), frame.x(next.seconds));
            if path.is_empty() {
                let _ = write!(path, "M{x:.1} {:.1}", frame.ground);
            }
            let _ = write!(path, "L{x:.1} {y:.1}H{end:.1}");
        }
    }
    if path.is_empty() { path } else { format!("{path}V{:.1}Z", frame.ground) }
}

fn line(history: &History, frame: &Frame) -> String {
    let points = history.samples.iter().map(|sample| {
        let (x, y) = (frame.x(sample.seconds), frame.y(number(sample.debt_bytes)));
        format!("{x:.1} {y:.1}")
    });
    format!("M{}", points.collect::<Vec<_>>().join("L"))
}

/// How much writers were held up between two samples, and words for who points there.
fn interval(svg: &mut String, history: &History, frame: &Frame, (from, to): (&Sample, &Sample)) {
    let share = history.stall_share(from, to);
    let (x, width) = (frame.x(from.seconds), frame.x(to.seconds) - frame.x(from.seconds));
    if share >= 0.01 {
        let _ = writeln!(
            svg,
            "<rect class=\"stall\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{STALL_HEIGHT}\" opacity=\"{:.2}\"/>",
            frame.ground + 1.0,
            0.15 + share * 0.85
        );
    }
    let levels: Vec<String> =
        from.levels.iter().map(|(level, size)| format!("level {level} {}", bytes(*size))).collect();
    let words = format!(
        "{:.2} s: {}; {} runs in level 0, debt {}, writers held up {:.0} % of the time",
        from.seconds,
        if levels.is_empty() { "no tables".to_owned() } else { levels.join(", ") },
        from.level0_runs,
        bytes(from.debt_bytes),
        share * 100.0
    );
    let _ = writeln!(
        svg,
        "<rect class=\"touch\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{}\"><title>{}</title></rect>",
        frame.ground - AREA_HEIGHT,
        AREA_HEIGHT + STALL_HEIGHT,
        escaped(&words)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(seconds: f64, levels: &[(u32, u64)], stalled_seconds: f64) -> Sample {
        Sample { seconds, levels: levels.to_vec(), level0_runs: 1, debt_bytes: 5, stalled_seconds }
    }

    fn drawn(history: &History) -> String {
        strips(&[Strip { label: "a<b".to_owned(), text: String::new(), history }])
    }

    #[test]
    fn every_level_has_an_area_and_every_stall_a_mark() {
        let history = History {
            workload_from: 0.0,
            workload_to: 2.0,
            writing_threads: 1,
            samples: vec![
                sample(0.0, &[], 0.0),
                sample(1.0, &[(0, 100)], 0.5),
                sample(2.0, &[(0, 50), (6, 150)], 0.5),
            ],
        };
        let svg = drawn(&history);
        assert_eq!((svg.matches("class=\"l0\"").count(), svg.matches("class=\"l6\"").count()), (1, 1));
        assert_eq!(
            svg.matches("class=\"stall\"").count(),
            1,
            "writers were held up in the first second only"
        );
        assert!(svg.contains("opacity=\"0.57\"") && svg.contains("held up 50 %"), "half of the time");
        assert_eq!(svg.matches("class=\"touch\"").count(), 2);
        assert!(svg.contains("a&lt;b"));
    }

    #[test]
    fn a_row_without_samples_is_drawn_too() {
        let one = History { samples: vec![sample(0.0, &[(0, 1)], 0.0)], ..History::default() };
        for svg in [drawn(&History::default()), drawn(&one), strips(&[])] {
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}

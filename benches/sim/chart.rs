//! Draws curves over the size of the data, as SVG: a panel for each kind of cost, a colour and a mark for each strategy.

use std::fmt::Write as _;

use siltstone_benches::{scale::Scale, units};

use crate::{
    curve::{Curve, Point},
    table::stalled_percent,
};

/// One kind of cost.
struct Panel {
    title: &'static str,
    value: fn(&Point) -> f64,
    /// Left out when nobody has any of it.
    optional: bool,
}

const MIB: f64 = 1_048_576.0;

const PANELS: &[Panel] = &[
    Panel {
        title: "Table write amplification",
        value: |point| point.report.table_write_amplification,
        optional: false,
    },
    Panel {
        title: "Space amplification, mean",
        value: |point| point.report.space_amplification_mean,
        optional: false,
    },
    Panel {
        title: "Space amplification, peak",
        value: |point| point.report.space_amplification_peak,
        optional: false,
    },
    Panel {
        title: "Runs asked for an absent key",
        value: |point| point.report.absent.runs_asked,
        optional: false,
    },
    Panel {
        title: "Debt at its highest, MiB",
        value: |point| units::number(point.report.debt_bytes_max) / MIB,
        optional: true,
    },
    Panel { title: "Time lost to stalls, %", value: |point| stalled_percent(&point.report), optional: true },
];

// One unit is a pixel where nothing scales the picture.
const COLUMN_WIDTH: f64 = 330.0;
const ROW_HEIGHT: f64 = 250.0;
const MARGIN: f64 = 24.0;
const PLOT_LEFT: f64 = 44.0;
const PLOT_TOP: f64 = 30.0;
const PLOT_WIDTH: f64 = COLUMN_WIDTH - PLOT_LEFT - 22.0;
const PLOT_HEIGHT: f64 = ROW_HEIGHT - PLOT_TOP - 58.0;
/// Of a letter, on average, in the sizes of the text and of the title.
const LETTER_WIDTH: f64 = 6.6;
const LINE_HEIGHT: f64 = 20.0;

/// Colours that differ in lightness as well, on white and on black (Okabe and Ito, "Color Universal Design").
const COLOURS: &[&str] =
    &["#1f83c4", "#d55e00", "#009e73", "#cc79a7", "#b58900", "#56b4e9", "#8250df", "#7f7f7f"];

/// What a reader's dark mode changes. Renderers that know no media queries draw the light picture.
const STYLE: &str = "\
text { font: 12px system-ui, 'Helvetica Neue', Arial, sans-serif; fill: #1f2328; }
.title { font-size: 16px; font-weight: 600; }
.panel { font-size: 13px; font-weight: 600; }
.soft { fill: #59636e; }
.paper { fill: #ffffff; }
.grid { stroke: #d8dee4; stroke-width: 1; }
.axis { stroke: #818b98; stroke-width: 1; }
.curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
.mark { stroke: #ffffff; stroke-width: 1; }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc; }
.soft { fill: #9198a1; }
.paper { fill: #0d1117; }
.grid { stroke: #2a313c; }
.axis { stroke: #656c76; }
.mark { stroke: #0d1117; }
}
";

/// A whole picture. `description` is printed above it, its first line as the title.
pub(crate) fn draw(description: &str, curves: &[Curve]) -> String {
    let has_any = |panel: &&Panel| !panel.optional || values(panel, curves).any(|value| value > 0.0);
    let panels: Vec<&Panel> = PANELS.iter().filter(has_any).collect();
    let columns = if panels.len() > 4 { 3 } else { 2 };
    let width = 2.0 * MARGIN + f64::from(columns) * COLUMN_WIDTH;
    let (legend, legend_bottom) = legend(curves, MARGIN + 2.0 * LINE_HEIGHT + 22.0, width);
    let rows = u32::try_from(panels.len()).unwrap_or(1).div_ceil(columns);
    let height = legend_bottom + f64::from(rows) * ROW_HEIGHT;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\">\n<title>Strategies simulated</title>\n\
         <style>\n{STYLE}</style>\n<rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>\n"
    );
    let (first, second) = description.split_once('\n').unwrap_or((description, ""));
    text(&mut svg, "title", (MARGIN, MARGIN + 14.0), "start", first);
    text(&mut svg, "soft", (MARGIN, MARGIN + 14.0 + LINE_HEIGHT), "start", second);
    svg += &legend;
    for (at, panel) in (0_u32..).zip(&panels) {
        let left = MARGIN + f64::from(at % columns) * COLUMN_WIDTH;
        let top = legend_bottom + f64::from(at / columns) * ROW_HEIGHT;
        draw_panel(&mut svg, panel, curves, (left, top));
    }
    svg + "</svg>\n"
}

fn values<'a>(panel: &'a Panel, curves: &'a [Curve]) -> impl Iterator<Item = f64> + 'a {
    curves.iter().flat_map(|curve| &curve.points).map(|point| (panel.value)(point))
}

/// A mark and a name for each strategy, in as many lines as it takes; and where it ends.
fn legend(curves: &[Curve], top: f64, width: f64) -> (String, f64) {
    let mut svg = String::new();
    let (mut x, mut y) = (MARGIN, top);
    for (at, curve) in curves.iter().enumerate() {
        let letters = u32::try_from(curve.strategy.chars().count()).unwrap_or(0);
        let entry_width = 44.0 + f64::from(letters) * LETTER_WIDTH;
        if x > MARGIN && x + entry_width > width - MARGIN {
            (x, y) = (MARGIN, y + LINE_HEIGHT);
        }
        let colour = colour(at);
        let _ = writeln!(
            svg,
            "<path class=\"curve\" stroke=\"{colour}\" d=\"M{x:.1} {y:.1}h24\"/>{}",
            mark(at, (x + 12.0, y), "")
        );
        text(&mut svg, "", (x + 31.0, y + 4.0), "start", &curve.strategy);
        x += entry_width;
    }
    (svg, y + LINE_HEIGHT)
}

fn draw_panel(svg: &mut String, panel: &Panel, curves: &[Curve], (left, top): (f64, f64)) {
    let scale = Scale::up_to(values(panel, curves).fold(0.0, f64::max));
    let (plot_left, bottom) = (left + PLOT_LEFT, top + PLOT_TOP + PLOT_HEIGHT);
    text(svg, "panel", (left, top + 14.0), "start", panel.title);
    for (value, label) in scale.ticks() {
        let y = bottom - scale.place(value) * PLOT_HEIGHT;
        let class = if value > 0.0 { "grid" } else { "axis" };
        let _ = writeln!(svg, "<path class=\"{class}\" d=\"M{plot_left:.1} {y:.1}h{PLOT_WIDTH:.1}\"/>");
        text(svg, "soft", (plot_left - 7.0, y + 4.0), "end", &label);
    }
    let sizes = sizes(curves);
    let x_of = |data_bytes: u64| {
        let at = sizes.iter().position(|size| *size == data_bytes).unwrap_or(0);
        let (at, last) =
            (units::number(at as u64), units::number(sizes.len().saturating_sub(1).max(1) as u64));
        // Half a step is left free at both ends of an axis with one size only.
        if sizes.len() < 2 {
            plot_left + PLOT_WIDTH / 2.0
        } else {
            plot_left + 12.0 + at / last * (PLOT_WIDTH - 24.0)
        }
    };
    // Labels are as wide as five steps are, at most.
    let every = sizes.len().div_ceil(5).max(1);
    for (at, size) in sizes.iter().enumerate() {
        let x = x_of(*size);
        let _ = writeln!(svg, "<path class=\"axis\" d=\"M{x:.1} {bottom:.1}v4\"/>");
        if (sizes.len() - 1 - at).is_multiple_of(every) {
            text(svg, "soft", (x, bottom + 18.0), "middle", &units::short_bytes(*size));
        }
    }
    text(svg, "soft", (plot_left + PLOT_WIDTH / 2.0, bottom + 36.0), "middle", "data");
    for (at, curve) in curves.iter().enumerate() {
        let place = |point: &Point| {
            (x_of(point.data_bytes), bottom - scale.place((panel.value)(point)) * PLOT_HEIGHT)
        };
        let line: Vec<String> =
            curve.points.iter().map(place).map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
        let _ = writeln!(svg, "<path class=\"curve\" stroke=\"{}\" d=\"M{}\"/>", colour(at), line.join("L"));
        for point in &curve.points {
            let value = (panel.value)(point);
            let hint = format!("{}, {}: {value:.2}", curve.strategy, units::bytes(point.data_bytes));
            let _ = writeln!(svg, "{}", mark(at, place(point), &hint));
        }
    }
}

/// All sizes of the data, smallest first. Each is twice the one before, so even distances are a logarithmic axis.
fn sizes(curves: &[Curve]) -> Vec<u64> {
    let mut sizes: Vec<u64> =
        curves.iter().flat_map(|curve| curve.points.iter().map(|point| point.data_bytes)).collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

fn colour(strategy: usize) -> &'static str {
    COLOURS.get(strategy % COLOURS.len()).copied().unwrap_or("#7f7f7f")
}

/// A point of a strategy: a circle, a square, a triangle or a diamond, so that colour is not all there is.
fn mark(strategy: usize, (x, y): (f64, f64), hint: &str) -> String {
    let shape = match strategy % 4 {
        0 => "m-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0z",
        1 => "m-4 -4h8v8h-8z",
        2 => "m0 -5.2l5 9h-10z",
        _ => "m0 -5.6l5.6 5.6l-5.6 5.6l-5.6 -5.6z",
    };
    let hint = if hint.is_empty() { String::new() } else { format!("<title>{}</title>", escaped(hint)) };
    format!("<path class=\"mark\" fill=\"{}\" d=\"M{x:.1} {y:.1}{shape}\">{hint}</path>", colour(strategy))
}

fn text(svg: &mut String, class: &str, (x, y): (f64, f64), anchor: &str, words: &str) {
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    // Writing to a String cannot fail.
    let _ = writeln!(
        svg,
        "<text{class} x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>",
        escaped(words)
    );
}

fn escaped(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use siltstone_compaction::EngineReport;

    use super::*;

    fn curve(strategy: &str, amplifications: &[f64]) -> Curve {
        let point = |(at, amplification): (u32, &f64)| Point {
            keys: 1_000 << at,
            data_bytes: 100_000 << at,
            report: EngineReport { table_write_amplification: *amplification, ..EngineReport::default() },
        };
        Curve { strategy: strategy.to_owned(), points: (0..).zip(amplifications).map(point).collect() }
    }

    #[test]
    fn every_point_of_every_strategy_is_drawn_and_named() {
        let svg = draw("title\nsubtitle", &[curve("a", &[1.0, 2.0, 3.0]), curve("b<&", &[4.0, 5.0, 6.25])]);
        // Four panels are never left out.
        assert_eq!(svg.matches("<title>").count(), 1 + 4 * 6, "{svg}");
        assert_eq!(svg.matches("class=\"panel\"").count(), 4);
        assert!(svg.contains("<title>b&lt;&amp;, 391 KiB: 6.25</title>"), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        assert!(svg.contains(">title</text>") && svg.contains(">subtitle</text>"));
    }

    #[test]
    fn higher_values_are_higher_up_and_stay_within_the_panel() {
        let svg = draw("", &[curve("a", &[1.0, 4.0, 2.0])]);
        let line = svg.lines().filter(|line| line.contains("class=\"curve\"")).nth(1).unwrap();
        let points = line.split_once("d=\"M").unwrap().1.trim_end_matches("\"/>");
        let points: Vec<(f64, f64)> = points
            .split('L')
            .map(|point| {
                point.split_once(' ').map(|(x, y)| (x.parse().unwrap(), y.parse().unwrap())).unwrap()
            })
            .collect();
        assert!(points.is_sorted_by(|a, b| a.0 < b.0), "{points:?}");
        assert!(points[1].1 < points[2].1 && points[2].1 < points[0].1, "{points:?}");
        let (lowest, highest) = (points[0].1, points[1].1);
        assert!(lowest - highest < PLOT_HEIGHT && (lowest - highest) > PLOT_HEIGHT * 0.7, "{points:?}");
    }
}

//! Draws curves over the size of the data: a line for each combination of everything else.

use std::fmt::Write as _;

use siltstone_benches::{
    scale::Scale,
    units::{number, short_bytes},
};

use crate::chart::{LEFT, LETTER_WIDTH, RIGHT, WIDTH, begin, escaped, rows, text};

const PLOT_LEFT: f64 = 34.0;
const BOTTOM: f64 = 210.0;
const HEIGHT: f64 = 182.0;
const LINE_HEIGHT: f64 = 16.0;

/// A line.
#[derive(Debug)]
pub(crate) struct Curve {
    pub(crate) label: String,
    pub(crate) colour: usize,
    /// Bytes, ascending, and a value that is at least zero.
    pub(crate) points: Vec<(u64, f64)>,
}

/// Curves on one plane, with a logarithmic axis of sizes, and a line of words for each below it.
pub(crate) fn curves(curves: &[Curve], y_title: &str) -> String {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let scale = Scale::up_to(points().map(|(_, value)| *value).fold(0.0, f64::max));
    let mut sizes: Vec<u64> = points().map(|(size, _)| *size).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let end = |size: Option<&u64>| number(size.copied().unwrap_or(1).max(1)).ln();
    let (least, most) = (end(sizes.first()), end(sizes.last()));
    let width = WIDTH - PLOT_LEFT - RIGHT - 12.0;
    let x_of = |size: u64| {
        let share = if most > least { (number(size.max(1)).ln() - least) / (most - least) } else { 0.5 };
        PLOT_LEFT + 6.0 + share * width
    };
    let y_of = |value: f64| BOTTOM - scale.place(value) * HEIGHT;
    let mut svg = begin(BOTTOM + 44.0 + LINE_HEIGHT * rows(curves.len()));
    for (value, label) in scale.ticks() {
        let y = y_of(value);
        // Writing to a String cannot fail.
        let _ = writeln!(svg, "<path class=\"grid\" d=\"M{PLOT_LEFT} {y:.1}H{:.1}\"/>", WIDTH - RIGHT);
        text(&mut svg, "soft", (PLOT_LEFT - 5.0, y + 4.0), "end", &label);
    }
    labels(&mut svg, &sizes, x_of);
    text(&mut svg, "soft", (LEFT, 14.0), "start", &format!("↑ {y_title}"));
    for (at, curve) in curves.iter().enumerate() {
        let class = curve.colour % 8;
        let path: Vec<String> = curve
            .points
            .iter()
            .map(|(size, value)| format!("{:.1} {:.1}", x_of(*size), y_of(*value)))
            .collect();
        if path.len() > 1 {
            let _ = writeln!(svg, "<path class=\"s{class}\" d=\"M{}\"/>", path.join("L"));
        }
        for (size, value) in &curve.points {
            let _ = writeln!(
                svg,
                "<circle class=\"c{class} mark\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"4.5\"><title>{}: {value:.2} at {}</title></circle>",
                x_of(*size),
                y_of(*value),
                escaped(&curve.label),
                short_bytes(*size)
            );
        }
        let y = BOTTOM + 40.0 + LINE_HEIGHT * rows(at);
        let _ = writeln!(
            svg,
            "<rect class=\"c{class}\" x=\"{LEFT}\" y=\"{:.1}\" width=\"10\" height=\"10\" rx=\"2\"/>",
            y - 9.0
        );
        text(&mut svg, "", (LEFT + 16.0, y), "start", &curve.label);
    }
    svg + "</svg>\n"
}

/// A size for each place where there is room for it, from the largest on.
fn labels(svg: &mut String, sizes: &[u64], x_of: impl Fn(u64) -> f64) {
    let mut free_until = WIDTH;
    for size in sizes.iter().rev() {
        let words = short_bytes(*size);
        let half = LETTER_WIDTH * rows(words.chars().count()) / 2.0;
        // The label of the largest size stays within the picture.
        let x = x_of(*size).min(WIDTH - half);
        if x + half <= free_until {
            text(svg, "soft", (x, BOTTOM + 16.0), "middle", &words);
            free_until = x - half - LETTER_WIDTH;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(points: &[(u64, f64)]) -> Curve {
        Curve { label: "a<b".to_owned(), colour: 9, points: points.to_vec() }
    }

    #[test]
    fn sizes_that_double_lie_at_even_distances() {
        let svg = curves(&[curve(&[(1 << 20, 2.0), (2 << 20, 4.0), (4 << 20, 8.0)])], "y");
        let places = |name: &str| -> Vec<f64> {
            let circles = svg.lines().filter(|line| line.starts_with("<circle"));
            circles
                .map(|line| line.split(name).nth(1).unwrap().split('"').next().unwrap().parse().unwrap())
                .collect()
        };
        let (x, y) = (places("cx=\""), places("cy=\""));
        assert!(((x[1] - x[0]) - (x[2] - x[1])).abs() < 0.2, "{x:?}");
        assert!(((BOTTOM - y[1]) / (BOTTOM - y[0]) - 2.0).abs() < 0.01, "{y:?}");
        assert!(svg.contains("4 MiB") && svg.contains("class=\"s1\"") && !svg.contains("a<b"));
    }

    #[test]
    fn labels_do_not_overlap() {
        let points: Vec<(u64, f64)> = (0..40).map(|at| ((100 + at) << 20, 1.0)).collect();
        let svg = curves(&[curve(&points)], "y");
        let labels = svg.matches("text-anchor=\"middle\"").count();
        assert!((3..12).contains(&labels), "{labels}");
    }

    #[test]
    fn nothing_and_single_points_are_drawn_too() {
        for svg in [curves(&[], "y"), curves(&[curve(&[]), curve(&[(0, 0.0)])], "y")] {
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}

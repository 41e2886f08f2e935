//! Charts as SVG for the report: bars, dots on a logarithmic axis, stacked bars, and points on a plane. Colours are classes of the page's style.

use std::fmt::Write as _;

use siltstone_benches::scale::Scale;

// One unit is about a pixel where the page is as narrow as a telephone.
pub(crate) const WIDTH: f64 = 380.0;
pub(crate) const LEFT: f64 = 4.0;
pub(crate) const RIGHT: f64 = 16.0;
pub(crate) const TOP: f64 = 8.0;
const ROW_HEIGHT: f64 = 38.0;
const BAR_HEIGHT: f64 = 13.0;
pub(crate) const PLOT_WIDTH: f64 = WIDTH - LEFT - RIGHT;
/// Of a letter, on average.
pub(crate) const LETTER_WIDTH: f64 = 6.0;

/// A cell in a chart of bars.
#[derive(Debug)]
pub(crate) struct Bar {
    pub(crate) label: String,
    /// Which colour: cells of one strategy have the same.
    pub(crate) colour: usize,
    pub(crate) value: f64,
    /// The least and the most, if it was measured more than once.
    pub(crate) range: Option<(f64, f64)>,
    /// Something it is compared with, drawn as a line across.
    pub(crate) mark: Option<f64>,
    pub(crate) text: String,
}

/// Horizontal bars, each below its label.
pub(crate) fn bars(bars: &[Bar]) -> String {
    let highest = bars
        .iter()
        .flat_map(|bar| [bar.value, bar.range.map_or(0.0, |range| range.1), bar.mark.unwrap_or(0.0)]);
    let scale = Scale::up_to(highest.fold(0.0, f64::max));
    let x_of = |value: f64| LEFT + scale.place(value) * PLOT_WIDTH;
    let bottom = TOP + ROW_HEIGHT * rows(bars.len());
    let mut svg = begin(bottom + 22.0);
    for (value, label) in scale.ticks() {
        tick(&mut svg, x_of(value), bottom, &compact(value, &label));
    }
    for (at, bar) in bars.iter().enumerate() {
        let top = TOP + ROW_HEIGHT * rows(at);
        let (y, end) = (top + 18.0, x_of(bar.value));
        headline(&mut svg, top + 12.0, &bar.label, &bar.text);
        let _ = writeln!(
            svg,
            "<rect class=\"c{}\" x=\"{LEFT}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{BAR_HEIGHT}\" rx=\"2\"><title>{}: {}</title></rect>",
            bar.colour % 8,
            (end - LEFT).max(0.5),
            escaped(&bar.label),
            escaped(&bar.text)
        );
        let middle = y + BAR_HEIGHT / 2.0;
        if let Some((least, most)) = bar.range {
            let (from, to) = (x_of(least), x_of(most));
            let _ = writeln!(
                svg,
                "<path class=\"range\" d=\"M{from:.1} {middle:.1}H{to:.1}M{from:.1} {:.1}v6M{to:.1} {:.1}v6\"/>",
                middle - 3.0,
                middle - 3.0
            );
        }
        if let Some(mark) = bar.mark {
            let _ = writeln!(
                svg,
                "<path class=\"predicted\" d=\"M{:.1} {:.1}v{:.1}\"/>",
                x_of(mark),
                y - 2.0,
                BAR_HEIGHT + 4.0
            );
        }
    }
    svg + "</svg>\n"
}

/// Values of a cell on a logarithmic axis, from the lowest to the highest.
#[derive(Debug)]
pub(crate) struct Dots {
    pub(crate) label: String,
    pub(crate) colour: usize,
    pub(crate) values: Vec<(String, f64)>,
}

/// A line for each cell with a dot for each value; the axis goes from a power of ten to another.
pub(crate) fn dots(lines: &[Dots], unit: &str) -> String {
    let values = || lines.iter().flat_map(|line| line.values.iter().map(|(_, value)| value.max(0.01)));
    let least = values().fold(f64::INFINITY, f64::min).log10().floor();
    let most = values().fold(0.01, f64::max).log10().ceil();
    let (least, most) = if least.is_finite() && least < most { (least, most) } else { (0.0, 1.0) };
    let x_of =
        |value: f64| LEFT + 5.0 + (value.max(0.01).log10() - least) / (most - least) * (PLOT_WIDTH - 14.0);
    let bottom = TOP + ROW_HEIGHT * rows(lines.len());
    let mut svg = begin(bottom + 22.0);
    let mut power = least;
    while power <= most {
        let label = format!("{} {unit}", compact(10_f64.powf(power), &format!("{:.2}", 10_f64.powf(power))));
        tick(&mut svg, x_of(10_f64.powf(power)), bottom, &label);
        power += 1.0;
    }
    for (at, line) in lines.iter().enumerate() {
        let y = TOP + ROW_HEIGHT * rows(at) + 25.0;
        headline(&mut svg, y - 11.0, &line.label, "");
        let ends = (line.values.first(), line.values.last());
        if let (Some((_, from)), Some((_, to))) = ends {
            let _ = writeln!(svg, "<path class=\"axis\" d=\"M{:.1} {y:.1}H{:.1}\"/>", x_of(*from), x_of(*to));
        }
        for (at, (name, value)) in line.values.iter().enumerate() {
            let _ = writeln!(
                svg,
                "<circle class=\"c{}\" cx=\"{:.1}\" cy=\"{y:.1}\" r=\"{:.1}\"><title>{}, {}: {value:.1} {unit}</title></circle>",
                line.colour % 8,
                x_of(*value),
                5.5 - rows(at).min(3.0),
                escaped(&line.label),
                escaped(name)
            );
        }
    }
    svg + "</svg>\n"
}

/// A ratio in a chart of ratios.
#[derive(Debug)]
pub(crate) struct Times {
    pub(crate) label: String,
    pub(crate) colour: usize,
    /// 1 is in the middle.
    pub(crate) value: f64,
    /// As it is written beside the label.
    pub(crate) text: String,
    /// Whether it says something; bars that do not are pale.
    pub(crate) is_certain: bool,
}

/// Horizontal bars that begin at 1, on a logarithmic axis: to the left what is less, to the right what is more, and twice as much as far from the middle as half of it.
pub(crate) fn ratios(ratios: &[Times]) -> String {
    let log = |value: f64| value.clamp(1e-6, 1e6).log2();
    let furthest = ratios.iter().map(|ratio| log(ratio.value).abs()).fold(0.0, f64::max);
    let reach = furthest.max(1.0).ceil();
    let x_of = |power: f64| LEFT + f64::midpoint(power / reach, 1.0) * PLOT_WIDTH;
    let bottom = TOP + ROW_HEIGHT * rows(ratios.len());
    let mut svg = begin(bottom + 22.0);
    // At most nine of them.
    let step = (reach / 4.0).ceil();
    let mut power = 0.0;
    while power <= reach {
        tick(&mut svg, x_of(power), bottom, &format!("{} ×", 2_f64.powf(power)));
        if power > 0.0 {
            tick(&mut svg, x_of(-power), bottom, &format!("1/{}", 2_f64.powf(power)));
        }
        power += step;
    }
    let _ = writeln!(svg, "<path class=\"axis\" d=\"M{:.1} {TOP}V{bottom:.1}\"/>", x_of(0.0));
    for (at, ratio) in ratios.iter().enumerate() {
        let top = TOP + ROW_HEIGHT * rows(at);
        let (from, to) = (x_of(log(ratio.value).min(0.0)), x_of(log(ratio.value).max(0.0)));
        text(&mut svg, "", (LEFT, top + 12.0), "start", &ratio.label);
        text(&mut svg, "soft", (WIDTH - RIGHT, top + 12.0), "end", &ratio.text);
        let _ = writeln!(
            svg,
            "<rect class=\"c{}{}\" x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{BAR_HEIGHT}\" rx=\"2\"><title>{}: {}</title></rect>",
            ratio.colour % 8,
            if ratio.is_certain { "" } else { " pale" },
            top + 18.0,
            (to - from).max(1.0),
            escaped(&ratio.label),
            escaped(&ratio.text)
        );
    }
    svg + "</svg>\n"
}

/// A cell in a chart of stacked bars: parts from the newest to the oldest, with names.
#[derive(Debug)]
pub(crate) struct Stack {
    pub(crate) label: String,
    pub(crate) text: String,
    /// The number of a part decides its shade.
    pub(crate) parts: Vec<(u32, f64, String)>,
}

/// Horizontal bars of parts, each below its label.
pub(crate) fn stacks(stacks: &[Stack]) -> String {
    let total = |stack: &Stack| stack.parts.iter().map(|(_, value, _)| value).sum::<f64>();
    let most = stacks.iter().map(total).fold(0.0, f64::max).max(1.0);
    let mut svg = begin(TOP + ROW_HEIGHT * rows(stacks.len()));
    for (at, stack) in stacks.iter().enumerate() {
        let top = TOP + ROW_HEIGHT * rows(at);
        headline(&mut svg, top + 12.0, &stack.label, &stack.text);
        let mut x = LEFT;
        for (number, value, hint) in &stack.parts {
            let width = value / most * PLOT_WIDTH;
            let _ = writeln!(
                svg,
                "<rect class=\"l{}\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{BAR_HEIGHT}\"><title>{}</title></rect>",
                number % 8,
                top + 17.0,
                width.max(0.5),
                escaped(hint)
            );
            x += width;
        }
    }
    svg + "</svg>\n"
}

/// A cell on a plane.
#[derive(Debug)]
pub(crate) struct Spot {
    pub(crate) label: String,
    pub(crate) colour: usize,
    pub(crate) x: f64,
    pub(crate) y: f64,
}

/// Points on a plane, with round numbers on both axes. The axes need not begin at zero.
pub(crate) fn plane(spots: &[Spot], x_title: &str, y_title: &str) -> String {
    let (x_base, x_scale) = span(spots, |spot| spot.x);
    let (y_base, y_scale) = span(spots, |spot| spot.y);
    let (left, bottom, height) = (34.0, 250.0, 222.0);
    let width = WIDTH - left - RIGHT;
    let mut svg = begin(bottom + 40.0);
    for (value, label) in ticks(y_base, y_scale) {
        let y = bottom - y_scale.place(value) * height;
        let _ = writeln!(svg, "<path class=\"grid\" d=\"M{left} {y:.1}h{width}\"/>");
        text(&mut svg, "soft", (left - 5.0, y + 4.0), "end", &label);
    }
    for (value, label) in ticks(x_base, x_scale) {
        text(&mut svg, "soft", (left + x_scale.place(value) * width, bottom + 16.0), "middle", &label);
    }
    text(&mut svg, "soft", (left + width, bottom + 34.0), "end", &format!("{x_title} →"));
    text(&mut svg, "soft", (LEFT, 14.0), "start", &format!("↑ {y_title}"));
    for spot in spots {
        let _ = writeln!(
            svg,
            "<circle class=\"c{} mark\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"5.5\"><title>{}: {x_title} {:.2}, {y_title} {:.2}</title></circle>",
            spot.colour % 8,
            left + x_scale.place(spot.x - x_base) * width,
            bottom - y_scale.place(spot.y - y_base) * height,
            escaped(&spot.label),
            spot.x,
            spot.y
        );
    }
    svg + "</svg>\n"
}

/// A whole number below all values, and an axis for how much they are above it: where all of them lie close together, zero is far away.
fn span(spots: &[Spot], value: fn(&Spot) -> f64) -> (f64, Scale) {
    let least = spots.iter().map(value).fold(f64::INFINITY, f64::min).floor();
    let base = if least.is_finite() { least } else { 0.0 };
    (base, Scale::up_to(spots.iter().map(|spot| value(spot) - base).fold(0.1, f64::max)))
}

/// Places above the base, with the numbers that are there.
fn ticks(base: f64, scale: Scale) -> Vec<(f64, String)> {
    let digits = |label: &str| label.split_once('.').map_or(0, |(_, digits)| digits.len());
    let tick = |(above, label): (f64, String)| (above, format!("{:.*}", digits(&label), base + above));
    scale.ticks().into_iter().map(tick).collect()
}

pub(crate) fn begin(height: f64) -> String {
    format!("<svg viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\">\n")
}

pub(crate) fn tick(svg: &mut String, x: f64, bottom: f64, label: &str) {
    let _ = writeln!(svg, "<path class=\"grid\" d=\"M{x:.1} {TOP}V{bottom:.1}\"/>");
    // A label stays within the picture at both ends.
    let half = LETTER_WIDTH * rows(label.chars().count()) / 2.0;
    let anchor = if x - half < 0.0 {
        "start"
    } else if x + half > WIDTH {
        "end"
    } else {
        "middle"
    };
    let x = if anchor == "start" {
        1.0
    } else if anchor == "end" {
        WIDTH - 1.0
    } else {
        x
    };
    text(svg, "soft", (x, bottom + 15.0), anchor, label);
}

/// A label to the left and words to the right; a label that would reach into them is cut, and whole for who points at it.
pub(crate) fn headline(svg: &mut String, y: f64, label: &str, words: &str) {
    let letters = ((PLOT_WIDTH - LETTER_WIDTH * rows(words.chars().count())) / LETTER_WIDTH).max(8.0);
    let is_whole = rows(label.chars().count()) <= letters;
    let mut shown: String = label
        .chars()
        .enumerate()
        .take_while(|(at, _)| is_whole || rows(at + 2) <= letters)
        .map(|(_, letter)| letter)
        .collect();
    if !is_whole {
        shown.push('…');
    }
    // Writing to a String cannot fail.
    let _ = writeln!(
        svg,
        "<text x=\"{LEFT:.1}\" y=\"{y:.1}\">{}<title>{}</title></text>",
        escaped(&shown),
        escaped(label)
    );
    if !words.is_empty() {
        text(svg, "soft", (WIDTH - RIGHT, y), "end", words);
    }
}

/// Thousands and millions with a letter.
fn compact(value: f64, label: &str) -> String {
    let whole = |scaled: f64| {
        if scaled.fract().abs() < 0.001 { format!("{scaled:.0}") } else { format!("{scaled:.1}") }
    };
    match value {
        _ if value >= 1e6 => format!("{}M", whole(value / 1e6)),
        _ if value >= 1e3 => format!("{}k", whole(value / 1e3)),
        _ if value >= 1.0 && value.fract() == 0.0 => whole(value),
        _ => label.to_owned(),
    }
}

pub(crate) fn rows(count: usize) -> f64 {
    siltstone_benches::units::number(count as u64)
}

pub(crate) fn text(svg: &mut String, class: &str, (x, y): (f64, f64), anchor: &str, words: &str) {
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    // Writing to a String cannot fail.
    let _ = writeln!(
        svg,
        "<text{class} x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>",
        escaped(words)
    );
}

/// Words within HTML.
pub(crate) fn escaped(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(value: f64) -> Bar {
        Bar {
            label: "a<b".to_owned(),
            colour: 1,
            value,
            range: Some((value * 0.9, value * 1.1)),
            mark: Some(value),
            text: "x".to_owned(),
        }
    }

    fn widths(svg: &str) -> Vec<f64> {
        let rects = svg.lines().filter(|line| line.starts_with("<rect"));
        rects
            .map(|line| line.split("width=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap())
            .collect()
    }

    #[test]
    fn bars_are_in_proportion_and_stay_within_the_picture() {
        let svg = bars(&[bar(10.0), bar(20.0), bar(0.0)]);
        let widths = widths(&svg);
        assert!((widths[1] / widths[0] - 2.0).abs() < 0.01 && widths[1] < PLOT_WIDTH, "{widths:?}");
        assert!(svg.contains("a&lt;b") && !svg.contains("a<b"));
        assert_eq!(
            (svg.matches("class=\"range\"").count(), svg.matches("class=\"predicted\"").count()),
            (3, 3)
        );
    }

    fn times(value: f64) -> Times {
        Times { label: String::new(), colour: 0, value, text: String::new(), is_certain: value > 1.0 }
    }

    #[test]
    fn ratios_reach_as_far_to_the_left_as_to_the_right() {
        let svg = ratios(&[times(0.25), times(4.0), times(1.0)]);
        let widths = widths(&svg);
        assert!((widths[0] - widths[1]).abs() < 0.2 && widths[0] > 100.0, "{widths:?}");
        assert!((widths[2] - 1.0).abs() < 0.1, "{widths:?}");
        assert_eq!(svg.matches(" pale").count(), 2);
        assert!(svg.contains(">4 ×<") && svg.contains(">1/4<"));
    }

    #[test]
    fn nothing_and_extremes_are_drawn_too() {
        let dot = |value| Dots { label: String::new(), colour: 9, values: vec![("p50".to_owned(), value)] };
        let spot = |x, y| Spot { label: String::new(), colour: 0, x, y };
        for svg in [
            bars(&[]),
            dots(&[], "µs"),
            dots(&[dot(0.0), dot(1.0), dot(6e7)], "µs"),
            stacks(&[Stack { label: String::new(), text: String::new(), parts: Vec::new() }]),
            plane(&[spot(0.0, 0.0)], "x", "y"),
            ratios(&[]),
            ratios(&[times(0.0), times(1.0), times(1e9)]),
        ] {
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }

    #[test]
    fn a_label_ends_before_the_words_to_its_right() {
        let label = "leveled,base-bytes=1MiB,ratio=4, memtable-bytes 256 KiB, keys 160000";
        let mut svg = String::new();
        headline(&mut svg, 1.0, label, "level 0 ≤ 12, stalled 58 %");
        let shown = svg.split('>').nth(1).unwrap().split('<').next().unwrap();
        let letters = rows(shown.chars().count() + "level 0 ≤ 12, stalled 58 %".chars().count());
        assert!(shown.ends_with('…') && letters * LETTER_WIDTH <= PLOT_WIDTH, "{shown}");
        assert!(svg.contains(&format!("<title>{label}</title>")));
        let mut svg = String::new();
        headline(&mut svg, 1.0, "leveled", "58 %");
        assert!(svg.contains(">leveled<") && !svg.contains('…'));
    }

    #[test]
    fn parts_of_a_stack_are_as_long_as_the_whole() {
        let part = |number, value| (number, value, String::new());
        let stack = |parts| Stack { label: String::new(), text: String::new(), parts };
        let widths = widths(&stacks(&[stack(vec![part(0, 1.0), part(1, 3.0)]), stack(vec![part(0, 4.0)])]));
        assert!((widths[0] + widths[1] - widths[2]).abs() < 0.2, "{widths:?}");
    }
}

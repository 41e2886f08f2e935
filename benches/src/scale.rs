//! Axes: round numbers at even distances, and where values lie between them.

/// An axis from 0 to a round number above every value.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Scale {
    step: f64,
    steps: u32,
}

impl Scale {
    /// Three to six steps of 1, 2 or 5 times a power of ten.
    pub fn up_to(highest: f64) -> Scale {
        if !(highest > 0.0 && highest.is_finite()) {
            return Scale { step: 1.0, steps: 1 };
        }
        let rough = highest / 5.0;
        let power = 10_f64.powf(rough.log10().floor());
        let step =
            [1.0, 2.0, 5.0, 10.0].map(|times| times * power).into_iter().find(|step| *step >= rough * 0.999);
        let step = step.unwrap_or(power * 10.0);
        // A value on the edge of a step belongs to it.
        let steps = (1..=10).find(|steps| f64::from(*steps) * step >= highest * 0.999).unwrap_or(10);
        Scale { step, steps }
    }

    /// Where a value lies: 0 at the lower end, 1 at the upper one.
    pub fn place(self, value: f64) -> f64 {
        value / (self.step * f64::from(self.steps))
    }

    /// The round numbers, each with its text.
    pub fn ticks(self) -> Vec<(f64, String)> {
        let digits =
            [1.0, 0.1, 0.01, 0.001].into_iter().position(|unit| self.step >= unit * 0.999).unwrap_or(4);
        let ticks = (0..=self.steps).map(|step| f64::from(step) * self.step);
        ticks.map(|value| (value, format!("{value:.digits$}"))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(highest: f64) -> String {
        let ticks = Scale::up_to(highest).ticks();
        ticks.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn ticks_are_round_and_reach_above_the_highest() {
        assert_eq!(ticks(5.0), "0 1 2 3 4 5");
        assert_eq!(ticks(6.1), "0 2 4 6 8");
        assert_eq!(ticks(1.37), "0.0 0.5 1.0 1.5");
        assert_eq!(ticks(0.042), "0.00 0.01 0.02 0.03 0.04 0.05");
        assert_eq!(ticks(310.0), "0 100 200 300 400");
        assert_eq!(ticks(0.0), "0 1");
        assert_eq!(ticks(f64::NAN), "0 1");
    }

    #[test]
    fn every_size_has_a_scale() {
        let mut value = 0.001;
        while value < 1e12 {
            let scale = Scale::up_to(value);
            assert!((3..=6).contains(&(scale.ticks().len() - 1)), "{value}");
            assert!((0.6..=1.002).contains(&scale.place(value)), "{value} {scale:?}");
            value *= 1.07;
        }
    }
}

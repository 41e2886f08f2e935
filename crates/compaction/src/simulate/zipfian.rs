//! Draws ranks of which the k-th is drawn in proportion to 1 / k^theta.

use super::random::Random;

/// The method of Gray, Sundaresan, Englert, Baclawski and Weinberger, "Quickly generating billion-record synthetic
/// databases", SIGMOD 1994, which YCSB uses as well (Cooper and others, "Benchmarking cloud serving systems with YCSB",
/// `SoCC` 2010). The first two ranks are drawn exactly; the others by inverting an integral instead of a sum, which
/// draws the third up to a fifth too often, and those behind it by less and less.
#[derive(Clone, Debug)]
pub(super) struct Zipfian {
    ranks: u32,
    theta: f64,
    alpha: f64,
    zeta: f64,
    eta: f64,
}

impl Zipfian {
    /// Ranks below `ranks`. `theta` is above 0 and below 1; YCSB takes 0.99.
    pub(super) fn new(ranks: u32, theta: f64) -> Zipfian {
        let zeta: f64 = (1..=ranks).map(|rank| f64::from(rank).powf(-theta)).sum();
        let zeta_of_two = 1.0 + 0.5_f64.powf(theta);
        let eta = (1.0 - (2.0 / f64::from(ranks)).powf(1.0 - theta)) / (1.0 - zeta_of_two / zeta);
        Zipfian { ranks, theta, alpha: 1.0 / (1.0 - theta), zeta, eta }
    }

    /// A rank, from 0: the lower, the more often.
    pub(super) fn draw(&self, random: &mut Random) -> u32 {
        let unit = random.unit();
        let scaled = unit * self.zeta;
        if scaled < 1.0 || self.ranks < 2 {
            return 0;
        }
        if scaled < 1.0 + 0.5_f64.powf(self.theta) || self.ranks < 3 {
            return 1;
        }
        let rank = f64::from(self.ranks) * (self.eta * unit - self.eta + 1.0).powf(self.alpha);
        truncated(rank).min(self.ranks - 1)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "such a cast saturates, and turns what is no number into 0"
)]
fn truncated(number: f64) -> u32 {
    number as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: u32 = 1_000_000;

    /// How often each of a thousand ranks is drawn, in proportion to what the formula says.
    fn excess(theta: f64) -> Vec<f64> {
        let zipfian = Zipfian::new(1_000, theta);
        let (mut random, mut counts) = (Random::new(1), vec![0_u32; 1_000]);
        for _ in 0..DRAWS {
            counts[zipfian.draw(&mut random) as usize] += 1;
        }
        let share = |rank: u32| f64::from(rank).powf(-theta) / zipfian.zeta;
        (1..).zip(counts).map(|(rank, count)| f64::from(count) / f64::from(DRAWS) / share(rank)).collect()
    }

    #[test]
    fn ranks_are_drawn_as_often_as_the_law_says() {
        for theta in [0.5, 0.99] {
            let excess = excess(theta);
            assert!(
                (0.98..1.02).contains(&excess[0]) && (0.98..1.02).contains(&excess[1]),
                "{:?}",
                &excess[..4]
            );
            // The method's own error is largest at the third rank.
            assert!(excess[2..100].iter().all(|excess| (0.8..1.25).contains(excess)), "{theta}: {excess:?}");
            for tens in excess[100..].chunks(100) {
                let mean = tens.iter().sum::<f64>() / 100.0;
                assert!((0.9..1.1).contains(&mean), "{theta}: {mean}");
            }
        }
    }

    #[test]
    fn few_ranks_are_drawn_as_well() {
        for ranks in 1..5 {
            let zipfian = Zipfian::new(ranks, 0.99);
            let mut random = Random::new(u64::from(ranks));
            let drawn: Vec<u32> = (0..1_000).map(|_| zipfian.draw(&mut random)).collect();
            assert!((0..ranks).all(|rank| drawn.contains(&rank)) && drawn.iter().all(|rank| *rank < ranks));
        }
    }
}

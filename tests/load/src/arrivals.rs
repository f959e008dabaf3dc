//! When the requests of an open loop are due.

use std::time::Duration;

/// A Poisson process: gaps between requests are independent and exponentially distributed, as those of visitors who
/// do not know of each other. The same seed gives the same moments.
#[derive(Clone, Debug)]
pub struct Arrivals {
    random: fastrand::Rng,
    rate: f64,
    at: f64,
    end: f64,
}

impl Arrivals {
    /// About `rate` requests each second, for `duration`.
    #[must_use]
    pub fn new(rate: u32, duration: Duration, seed: u64) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            rate: f64::from(rate.max(1)),
            at: 0.0,
            end: duration.as_secs_f64(),
        }
    }
}

impl Iterator for Arrivals {
    type Item = Duration;

    /// The next moment, counted from the start.
    fn next(&mut self) -> Option<Duration> {
        // In (0, 1], of which a logarithm exists.
        let uniform = 1.0 - self.random.f64();
        self.at -= uniform.ln() / self.rate;
        (self.at < self.end).then(|| Duration::from_secs_f64(self.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn the_same_seed_gives_the_same_moments_and_another_gives_others() {
        let moments = |seed| Arrivals::new(1_000, MINUTE, seed).take(100).collect::<Vec<_>>();
        assert_eq!(moments(1), moments(1));
        assert_ne!(moments(1), moments(2));
    }

    #[test]
    fn gaps_have_the_mean_and_the_variance_of_a_poisson_process() {
        let moments: Vec<f64> = Arrivals::new(1_000, MINUTE, 7).map(|at| at.as_secs_f64()).collect();
        // 60,000 expected, with a standard deviation of 245.
        assert!((59_000..=61_000).contains(&moments.len()), "{}", moments.len());
        let gaps: Vec<f64> = moments.windows(2).map(|pair| (pair[1] - pair[0]) * 1_000.0).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((mean - 1.0).abs() < 0.02, "mean {mean}");
        assert!((variance - 1.0).abs() < 0.05, "variance {variance}");
    }
}

//! What the scheduler is told.

use std::time::Duration;

use tideline_protocol::Lanes;

/// What the scheduler is told: one Redis, and the lanes in it.
#[derive(Clone)]
pub struct Options {
    /// Where the lanes are.
    pub redis: redis::Client,
    /// All lanes of this Redis.
    pub lanes: Lanes,
    /// After how long a silence a visit is over. The same as the intake's. Default 30 minutes.
    pub silence: Duration,
    /// How often it looks for silent visits; also how long another replica waits for one that is gone, three times over.
    /// Default 10 s.
    pub interval: Duration,
}

/// Options that cannot work.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OptionsError {
    /// The interval is out of range.
    #[error("an interval of {0:?} is out of range: use 10 ms to 5 minutes")]
    Interval(Duration),
    /// The silence is out of range.
    #[error("a silence of {0:?} is out of range: use up to 24 hours")]
    Silence(Duration),
}

impl Options {
    /// Options with defaults for these lanes of this Redis.
    #[must_use]
    pub fn new(redis: redis::Client, lanes: Lanes) -> Self {
        let (silence, interval) = (Duration::from_secs(30 * 60), Duration::from_secs(10));
        Self { redis, lanes, silence, interval }
    }

    pub(crate) fn check(&self) -> Result<(), OptionsError> {
        if !(Duration::from_millis(10)..=Duration::from_secs(300)).contains(&self.interval) {
            return Err(OptionsError::Interval(self.interval));
        }
        // A session that was silent for longer is a new one anyway.
        if self.silence > Duration::from_secs(24 * 60 * 60) {
            return Err(OptionsError::Silence(self.silence));
        }
        Ok(())
    }
}

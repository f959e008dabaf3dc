//! Time and chance from the system.

use std::process::abort;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tideline_collector::{Clock, Entropy, Timer};

/// The system's clock.
#[derive(Debug)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}

/// The system's random numbers.
#[derive(Debug)]
pub(crate) struct SystemEntropy(());

impl SystemEntropy {
    /// Asks the system once, so that one that cannot give any is found at the start.
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        getrandom::fill(&mut [0; 16])?;
        Ok(Self(()))
    }
}

impl Entropy for SystemEntropy {
    fn bytes(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        if getrandom::fill(&mut bytes).is_err() {
            // It never fails once it has worked. If it did, ids could be guessed: no answer is better.
            abort();
        }
        bytes
    }
}

/// The system's monotonic clock, from when this was made.
#[derive(Debug)]
pub(crate) struct SystemTimer(Instant);

impl SystemTimer {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Timer for SystemTimer {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, time: Duration) -> impl Future<Output = ()> {
        tokio::time::sleep(time)
    }
}

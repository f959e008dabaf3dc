//! Something that the service needs does not answer: waiting longer and longer, and one log line for each change.

use std::borrow::Cow;
use std::fmt::Display;
use std::time::Duration;

use tracing::{info, warn};

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// Whether something answers, and how long to wait before it is asked again.
pub(crate) struct Outage {
    what: Cow<'static, str>,
    next: Option<Duration>,
}

impl Outage {
    /// Nothing is known against `what` yet.
    pub(crate) fn none(what: impl Into<Cow<'static, str>>) -> Self {
        Self { what: what.into(), next: None }
    }

    /// It failed. Returns how long to wait.
    pub(crate) fn failed(&mut self, error: impl Display) -> Duration {
        if self.next.is_none() {
            warn!(what = %self.what, %error, "out of reach: nothing is settled until it answers");
        }
        let wait = self.next.unwrap_or(FIRST);
        self.next = Some((wait * 2).min(LONGEST));
        wait
    }

    /// It answered.
    pub(crate) fn over(&mut self) {
        if self.next.take().is_some() {
            info!(what = %self.what, "answers again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_five_seconds_and_begin_anew() {
        let mut outage = Outage::none("a thing");
        let waits: Vec<_> = (0..8).map(|_| outage.failed("no").as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        outage.over();
        assert_eq!(outage.failed("no"), FIRST);
    }
}

//! The bearer token of a request, and what failing to have a good one brings an address: a line in the
//! log, and after too many 429.
//!
//! A good token is served whatever its address has done before: else a stranger behind the same proxy
//! could lock an edge out, and tokens are too long to be guessed. What is limited is what failures cost.

use std::net::IpAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::HeaderMap;
use http::header::AUTHORIZATION;
use lru::LruCache;
use tideline_http_front::neighbourhood;

use crate::failure::Failure;

/// A log line at most this often: whoever tries tokens must not fill the log.
const LOG_EVERY: Duration = Duration::from_secs(1);

/// Addresses whose failures are remembered; then the one that failed longest ago is forgotten.
const ADDRESSES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4095);

/// The token of `Authorization: Bearer <token>`.
pub(super) fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// What refused tokens lead to.
#[derive(Debug)]
pub(super) struct Failures {
    /// Between two failures of an address that go on for ever.
    pause: Duration,
    /// Failures beyond that, all at once.
    burst: u32,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When an address has atoned for all of its failures.
    atoned: LruCache<IpAddr, Instant>,
    logged: Option<Instant>,
    not_logged: u64,
}

impl Failures {
    /// An address may fail so often in a minute.
    pub(super) fn new(per_minute: NonZeroU32) -> Self {
        let state = State { atoned: LruCache::new(ADDRESSES), logged: None, not_logged: 0 };
        let burst = per_minute.get();
        Failures { pause: Duration::from_secs(60) / burst, burst, state: Mutex::new(state) }
    }

    /// A request of `client` came without a token that opens the gateway: what it is told.
    pub(super) fn refuse(&self, client: IpAddr) -> Failure {
        let (failure, line) = self.judge(client, Instant::now());
        if let Some(not_logged) = line {
            tracing::warn!(%client, not_logged, "a request had no valid token: check the token of this client and the tokens file");
        }
        failure
    }

    /// What the client is told and, if a line is due, how many were passed over since the last one.
    fn judge(&self, client: IpAddr, now: Instant) -> (Failure, Option<u64>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let atoned = state.atoned.get_or_insert_mut(neighbourhood(client), || now);
        let next = (*atoned).max(now) + self.pause;
        let excess = next.saturating_duration_since(now + self.pause * self.burst);
        let failure = if excess.is_zero() {
            *atoned = next;
            Failure::Unauthorized
        } else {
            Failure::TooManyFailures { seconds: excess.as_secs() + 1 }
        };
        if state.logged.is_some_and(|last| now.duration_since(last) < LOG_EVERY) {
            state.not_logged += 1;
            return (failure, None);
        }
        state.logged = Some(now);
        (failure, Some(std::mem::take(&mut state.not_logged)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bearer_token_counts() {
        let table = [
            ("Bearer abc", Some("abc")),
            ("bearer  abc ", Some("abc")),
            ("Basic abc", None),
            ("abc", None),
            ("Bearer", None),
        ];
        for (value, expected) in table {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())]);
            assert_eq!(bearer_token(&headers), expected, "{value}");
        }
        assert_eq!(bearer_token(&HeaderMap::new()), None);
    }

    fn limited(per_minute: u32) -> Failures {
        Failures::new(NonZeroU32::new(per_minute).unwrap())
    }

    #[test]
    fn a_flood_of_wrong_tokens_makes_one_line_a_second() {
        let (failures, start) = (limited(10), Instant::now());
        let client = [192, 0, 2, 1].into();
        let lines = (0..3000).filter_map(|i| failures.judge(client, start + Duration::from_millis(i)).1);
        assert_eq!(lines.collect::<Vec<_>>(), [0, 999, 999]);
    }

    /// Seconds to wait, or nothing where the token alone was wrong.
    fn told(failures: &Failures, client: &str, now: Instant) -> Option<u64> {
        match failures.judge(client.parse().unwrap(), now).0 {
            Failure::TooManyFailures { seconds } => Some(seconds),
            _ => None,
        }
    }

    #[test]
    fn an_address_that_fails_too_often_is_told_how_long_to_wait() {
        let (failures, start) = (limited(6), Instant::now());
        for _ in 0..6 {
            assert_eq!(told(&failures, "192.0.2.1", start), None);
        }
        let second = Duration::from_secs(1);
        assert_eq!(told(&failures, "192.0.2.1", start), Some(11));
        assert_eq!(told(&failures, "192.0.2.1", start + second * 9), Some(2));
        assert_eq!(told(&failures, "192.0.2.2", start), None, "another address");
        assert_eq!(told(&failures, "192.0.2.1", start + second * 10), None);
        assert_eq!(told(&failures, "192.0.2.1", start + second * 10), Some(11));
    }

    #[test]
    fn a_network_of_ipv6_is_one_address_and_few_are_remembered() {
        let (failures, start) = (limited(1), Instant::now());
        assert_eq!(told(&failures, "2001:db8::1", start), None);
        assert!(told(&failures, "2001:db8::2", start).is_some());
        for network in 0..10_000 {
            told(&failures, &format!("2001:db8:1:{network:x}::1"), start);
        }
        assert_eq!(failures.state.lock().unwrap().atoned.len(), ADDRESSES.get());
    }
}

//! Who sends this request: the bearer token, and what the log says when it is wrong.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use tokio::time::Instant;

/// At most one log line in this time, whatever comes.
const LOG_EVERY: Duration = Duration::from_secs(1);

/// The token of `Authorization: Bearer <token>`.
pub(super) fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Logs refused tokens, at a bounded rate.
#[derive(Debug, Default)]
pub(super) struct FailureLog {
    state: Mutex<LogState>,
}

#[derive(Debug, Default)]
struct LogState {
    last: Option<Instant>,
    not_logged: u64,
}

impl FailureLog {
    /// A request of `client` came without a token that opens the gateway.
    pub(super) fn refused(&self, client: IpAddr) {
        if let Some(not_logged) = self.due(Instant::now()) {
            tracing::warn!(%client, not_logged, "a request had no valid token: check the token of this client and the tokens file");
        }
    }

    /// How many were passed over since the last line, if one is due now.
    fn due(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.last.is_some_and(|last| now.duration_since(last) < LOG_EVERY) {
            state.not_logged += 1;
            return None;
        }
        state.last = Some(now);
        Some(std::mem::take(&mut state.not_logged))
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

    #[test]
    fn a_flood_of_wrong_tokens_makes_one_line_a_second() {
        let (log, start) = (FailureLog::default(), Instant::now());
        let lines: Vec<_> = (0..3000).filter_map(|i| log.due(start + Duration::from_millis(i))).collect();
        assert_eq!(lines, [0, 999, 999]);
    }
}

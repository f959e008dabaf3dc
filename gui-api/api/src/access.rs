//! Admission: every request for data carries a bearer token, or is refused and noted.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{FromRef, FromRequestParts};
use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::error::ApiError;
use crate::routes::Shared;
use crate::tokens::{self, Tokens};

/// At most one line about refused tokens in this time, however many there are.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// A request that may see data. Wrapped around all routes that hold any, so that none can forget it.
pub(crate) struct Admitted;

/// Who asks: the name of the token.
pub(crate) struct Author(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Author {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let value = parts.headers.get(AUTHORIZATION).ok_or(ApiError::NoToken)?;
        Ok(Self(tokens::name(bearer(value.as_bytes()).ok_or(ApiError::NoToken)?)))
    }
}

/// Who is admitted, and the memory of those who were not.
pub(crate) struct Gate {
    tokens: Tokens,
    refusals: Mutex<Refusals>,
}

#[derive(Default)]
struct Refusals {
    logged: Option<Instant>,
    unlogged: u64,
}

impl Gate {
    pub(crate) fn new(tokens: Tokens) -> Self {
        Self { tokens, refusals: Mutex::default() }
    }

    fn admit(&self, parts: &Parts) -> Result<Admitted, ApiError> {
        let value = parts.headers.get(AUTHORIZATION).ok_or(ApiError::NoToken)?.as_bytes();
        let token = bearer(value).ok_or(ApiError::NoToken)?;
        if self.tokens.admit(token) {
            return Ok(Admitted);
        }
        self.note_refusal();
        Err(ApiError::UnknownToken)
    }

    /// Wrong tokens are worth a line: somebody mistyped, or somebody guesses. The token is not in it.
    fn note_refusal(&self) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.unlogged += 1;
        if refusals.logged.is_none_or(|logged| logged.elapsed() >= LOG_INTERVAL) {
            tracing::warn!(requests = refusals.unlogged, "refused requests with an unknown API token");
            *refusals = Refusals { logged: Some(Instant::now()), unlogged: 0 };
        }
    }
}

/// The token of `Bearer <token>`; the scheme's case does not matter (RFC 9110 §11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii()).filter(|token| !token.is_empty())
}

impl<S> FromRequestParts<S> for Admitted
where
    Arc<Shared>: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Arc::<Shared>::from_ref(state).gate.admit(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bearer_credentials_are_read() {
        assert_eq!(bearer(b"Bearer abc"), Some(&b"abc"[..]));
        assert_eq!(bearer(b"bearer  abc "), Some(&b"abc"[..]));
        for other in [&b""[..], b"Bearer", b"Bearer  ", b"Basic abc", b"Bearerabc", b"abc"] {
            assert_eq!(bearer(other), None);
        }
    }

    #[test]
    fn wrong_tokens_are_logged_seldom_and_never_shown() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let subscriber = tracing_subscriber::fmt().with_writer(Mutex::new(log.reopen().unwrap())).finish();
        tracing::subscriber::with_default(subscriber, || {
            let gate = Gate::new(Tokens::parse(&"ab".repeat(32)).unwrap());
            for _ in 0..1000 {
                let (parts, ()) = http::Request::builder()
                    .header(AUTHORIZATION, "Bearer guess")
                    .body(())
                    .unwrap()
                    .into_parts();
                assert!(matches!(gate.admit(&parts), Err(ApiError::UnknownToken)));
            }
            assert_eq!(gate.refusals.lock().unwrap().unlogged, 999);
        });
        let log = std::fs::read_to_string(log.path()).unwrap();
        assert_eq!(log.lines().count(), 1, "{log}");
        assert!(log.contains("unknown API token") && !log.contains("guess"), "{log}");
    }
}

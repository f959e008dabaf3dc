//! Where Redis is reached, and with which token.

use std::fmt;

use http::Uri;
use http::uri::{Authority, Scheme};

/// The URL and the token of a database.
#[derive(Clone)]
pub struct Endpoint {
    scheme: Scheme,
    authority: Authority,
    path: String,
    authorization: String,
}

/// A URL or token that cannot be used. The token is never part of the message.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EndpointError {
    /// Not an absolute `http` or `https` URL.
    #[error(
        "`{0}` is not a usable address: give an absolute http:// or https:// URL without query, user or password"
    )]
    Url(String),
    /// A token with characters that no HTTP header can carry, or an empty one.
    #[error(
        "the token is empty or has characters that a header cannot carry: give it without quotes and line breaks"
    )]
    Token,
}

impl Endpoint {
    /// Checks both.
    ///
    /// # Errors
    /// A relative URL, another scheme, a URL with a query, or a token that does not fit in a header.
    pub fn new(url: &str, token: &str) -> Result<Self, EndpointError> {
        let refused = || EndpointError::Url(url.chars().take(200).collect());
        // A URL with a user part would put a password into logs: refused, and not repeated.
        if url.contains('@') {
            return Err(EndpointError::Url("a URL with `@`".to_owned()));
        }
        let parts = url.trim().parse::<Uri>().map_err(|_| refused())?.into_parts();
        let (Some(scheme), Some(authority), Some(path)) =
            (parts.scheme, parts.authority, parts.path_and_query)
        else {
            return Err(refused());
        };
        if ![Scheme::HTTP, Scheme::HTTPS].contains(&scheme) || path.query().is_some() {
            return Err(refused());
        }
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(EndpointError::Token);
        }
        let path = format!("{}/", path.path().trim_end_matches('/'));
        Ok(Self { scheme, authority, path, authorization: format!("Bearer {token}") })
    }

    /// `http` or `https`.
    #[must_use]
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Host, and port where one is given.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The path for single commands; ends in `/`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The value of the `authorization` header: a secret.
    #[must_use]
    pub fn authorization(&self) -> &str {
        &self.authorization
    }
}

/// Shows the address, not the token.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({}://{}{})", self.scheme, self.authority, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_with_and_without_a_path() {
        for (url, path) in [("http://127.0.0.1:8079", "/"), ("https://eu.example/redis/", "/redis/")] {
            let endpoint = Endpoint::new(url, "t0ken").unwrap();
            assert_eq!((endpoint.path(), endpoint.authorization()), (path, "Bearer t0ken"));
            assert!(!format!("{endpoint:?}").contains("t0ken"));
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_showing_secrets() {
        for url in ["", "/redis", "redis://h:1", "http://h/?_token=x", "h:8079", "http://user:pass@h"] {
            let error = Endpoint::new(url, "t").unwrap_err();
            assert!(matches!(error, EndpointError::Url(_)), "{url}");
            assert!(!error.to_string().contains("pass@"), "{error}");
        }
        for token in ["", "a b", "a\nb", "ü"] {
            assert_eq!(Endpoint::new("http://h", token).unwrap_err(), EndpointError::Token, "{token}");
        }
    }
}

//! The access log: one line for each request, without a secret in it.
//!
//! A line is made of names that the server gives, numbers, and the client's address: no path, query, header
//! or body of a request, because any of them may hold a token, a key or a person. Lines have the target
//! `access` and the level info.

use std::net::IpAddr;
use std::time::Duration;

use http::{StatusCode, Version};

/// What is logged of one request.
#[derive(Clone, Copy, Debug)]
pub struct Access<'a> {
    /// The server's name for what was asked for.
    pub route: &'a str,
    /// The server's name for the one who asked; empty where nobody is known by name.
    pub sender: &'a str,
    /// Where it came from, if that may be kept.
    pub client: Option<IpAddr>,
    /// The version of HTTP.
    pub version: Version,
    /// The answer's status.
    pub status: StatusCode,
    /// Bytes of the answer's body, where they are known.
    pub bytes: Option<u64>,
    /// From the end of the request's head to the answer.
    pub took: Duration,
}

impl Access<'_> {
    /// Writes the line.
    pub fn log(&self) {
        tracing::info!(
            target: "access",
            route = self.route,
            sender = self.sender,
            client = self.client.map(tracing::field::display),
            version = ?self.version,
            status = self.status.as_u16(),
            bytes = self.bytes,
            micros = u64::try_from(self.took.as_micros()).unwrap_or(u64::MAX),
            "answered"
        );
    }
}

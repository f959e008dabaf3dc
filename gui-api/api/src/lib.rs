//! The HTTP service of the private half: a JSON API for events, profiles, sessions and live events,
//! and the files of the GUI that uses it. Everything the GUI does can be scripted.
//!
//! - [`Service`] listens, answers and drains; [`Options`] says how. All routes are in `routes.rs`,
//!   all failures and their status in `error.rs`, and the document of the API is `openapi.json`.
//! - Whatever holds data refuses without a bearer token, known path or not; open are only the two
//!   health routes and the GUI's files, which hold no data.
//! - Everything is bounded: connections, header bytes, page size, live readers and what waits for them.
//!
//! Absent on purpose: TLS and CORS. The service lives in a private network, behind whatever ends TLS
//! there, and the only web page that may use it is its own.

mod access;
mod connections;
mod cursor;
mod endpoints;
mod error;
mod filters;
mod gui;
mod headers;
mod live;
mod parameters;
mod redis_link;
mod redis_probe;
mod routes;
mod rule_failures;
mod service;
mod tokens;

pub use error::Error;
pub use routes::openapi;
pub use service::{ApiOptions, Obstacle, Options, Service};
pub use tokens::{Tokens, TokensError};

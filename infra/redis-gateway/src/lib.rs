//! The Redis gateway: Redis over HTTP, in the words of the Upstash REST protocol, in front of one
//! self-hosted Redis.
//!
//! It promises that every answer belongs to its request, that integers and error texts pass
//! through unchanged, that a token can do what its policy says and nothing else, and that memory,
//! connections and waiting times are bounded whatever clients and Redis do. A command is sent at
//! most once: when its outcome is unknown, the answer says so, and the retry is the client's.
//!
//! It leaves to others: connections and TLS (`infra/http-front`), what the functions do (`infra/redis`),
//! and the last word on permissions, which the ACL of the Redis user in the URL has.
//!
//! # The way of a request
//!
//! ```text
//! http/        accept ▸ route ▸ token ▸ admission ▸ body ▸ plan
//! command/     JSON, or a path with a raw body ▸ words as they were written, in RESP2
//! policy       may this token send this command over a shared connection?
//! resp/        words ▸ RESP2                             RESP2 ▸ tokens
//! link/        one connection, many requests: written together, answered in order
//!              a connection for each subscriber and monitor
//! answer/      tokens ▸ JSON, base64 or RESP2, under the answer limit
//! events/      tokens ▸ server-sent events, under a limit for each client
//! ```

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod admission;
mod answer;
mod catalogue;
mod command;
mod entrance;
mod events;
mod failure;
#[doc(hidden)]
pub mod fuzzing;
mod gateway;
mod http;
mod link;
mod metrics;
mod options;
mod policy;
mod protocol;
mod resp;
mod tokens;

pub use entrance::Entrance;
pub use gateway::{Gateway, Handle, StartError};
pub use link::{AddressError, EncryptionError, RedisAddress, RedisTls};
pub use options::{Arguments, Limits, LogFormat, Options, OptionsError, REDIS_URL_VARIABLE};
pub use policy::{AllowList, Policy};
pub use protocol::Protocol;
pub use tokens::{Tokens, TokensError, TokensFile};

//! A function per parser that reads what strangers send. Each takes any bytes, and panics where the parser does or
//! where it breaks a promise: that the answer has a documented status and repeats little of what was sent, that the
//! private service can read all that the edge stores, that what is written is read again.
//!
//! `tests/replay.rs` runs them on a stable compiler over the hostile corpus and mutations of it; `libfuzzer/` hands
//! them to cargo-fuzz: `cargo +nightly fuzz run --fuzz-dir tests/fuzz/libfuzzer track`.
#![expect(
    clippy::panic,
    clippy::expect_used,
    reason = "a broken promise ends the run, and the input that broke it is kept"
)]

mod collector;
mod endpoints;
mod filter;
mod front;
mod pipeline;
mod protocol;
mod redis;

pub use endpoints::{consent, gzip, head, redirect, target, track, webhook};
pub use filter::filter;
pub use front::proxy_header;
pub use pipeline::stored_body;
pub use protocol::{entry_id, profile_id, stream_entry};
pub use redis::{function_reply, gateway_body, gateway_path, redis_events, redis_replies, rest_reply};

/// A target: its name, which is that of its file in `libfuzzer/fuzz_targets`, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 19] = [
    ("track", track),
    ("webhook", webhook),
    ("redirect", redirect),
    ("consent", consent),
    ("gzip", gzip),
    ("target", target),
    ("head", head),
    ("stored_body", stored_body),
    ("stream_entry", stream_entry),
    ("entry_id", entry_id),
    ("profile_id", profile_id),
    ("function_reply", function_reply),
    ("rest_reply", rest_reply),
    ("redis_replies", redis_replies),
    ("redis_events", redis_events),
    ("gateway_body", gateway_body),
    ("gateway_path", gateway_path),
    ("proxy_header", proxy_header),
    ("filter", filter),
];

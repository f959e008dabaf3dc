//! The service as its users meet it: over HTTP, with a real store and a real Redis.

mod access;
mod configuration;
mod document;
mod events;
mod explain;
mod filters;
mod gui;
mod health;
mod live;
mod merges;
#[path = "../support/redis_server.rs"]
mod redis_server;
mod service;

use std::time::{Duration, Instant};

/// Waits for a condition, for ten seconds at the most.
async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition().await {
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

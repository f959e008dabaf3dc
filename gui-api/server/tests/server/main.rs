//! The binary as those who run it meet it: its words, its exits, and what it does to a real Redis.

mod check;
mod collect;
#[path = "../../../collect/tests/collect/gateway.rs"]
mod gateway;
mod provision;
#[path = "../../../api/tests/support/redis_server.rs"]
mod redis_server;
mod run;
mod serve;

use std::time::{Duration, Instant};

/// Waits for a condition, for twenty seconds at the most.
async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition().await {
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

//! The collector is asked to stop.

use std::time::Duration;

use tokio::net::TcpStream;

use crate::client::{Connection, get};
use crate::fixture::{PATIENCE, Setup, event, lane, until};

#[tokio::test]
async fn stopping_finishes_what_has_begun() {
    let setup = Setup::start(|_| {}).await;
    let address = setup.address;
    let mut visitor = setup.track_in_vain(&event("s", 0)).await;
    let (redis, _gateway, running) = setup.stop();
    until("nobody listens any more", async || TcpStream::connect(address).await.is_err()).await;
    assert!(!running.is_finished());
    redis.ask::<()>(&["CLIENT", "UNPAUSE"]).await;
    assert_eq!(visitor.reply().await.status, 200);
    running.await.unwrap();
}

#[tokio::test]
async fn stopping_waits_for_a_write_whose_visitor_has_left() {
    let setup = Setup::start(|options| options.limits.connections = 1).await;
    let address = setup.address;
    drop(setup.track_in_vain(&event("s", 0)).await);
    // One connection may be open, so this one is served only after the other is gone.
    assert_eq!(get(address, "/healthz").await.status, 200);
    let (redis, _gateway, running) = setup.stop();
    until("nobody listens any more", async || TcpStream::connect(address).await.is_err()).await;
    assert!(!running.is_finished());
    redis.ask::<()>(&["CLIENT", "UNPAUSE"]).await;
    running.await.unwrap();
    assert_eq!(redis.ask::<u32>(&["XLEN", &lane().events()]).await, 1);
}

#[tokio::test]
async fn stopping_does_not_wait_beyond_the_drain_limit() {
    let setup = Setup::start(|options| options.drain = Duration::ZERO).await;
    let mut visitor = setup.track_in_vain(&event("s", 0)).await;
    let (_redis, _gateway, running) = setup.stop();
    tokio::time::timeout(PATIENCE, running).await.expect("it does not stop").unwrap();
    assert!(visitor.try_reply().await.is_none());
}

#[tokio::test]
async fn an_idle_connection_does_not_delay_the_stop() {
    let setup = Setup::start(|options| options.limits.header_timeout = PATIENCE * 2).await;
    let mut visitor = Connection::open(setup.address).await;
    assert_eq!(visitor.get("/healthz").await.status, 200);
    let (_redis, _gateway, running) = setup.stop();
    tokio::time::timeout(PATIENCE, running).await.expect("it does not stop").unwrap();
    assert!(visitor.try_reply().await.is_none());
}

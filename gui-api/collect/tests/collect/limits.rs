//! Visitors misbehave, or there are too many: everything is bounded, and says so.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;

use crate::client::{Connection, get, post};
use crate::fixture::{PATIENCE, Setup, event, until};

const SOON: Duration = Duration::from_millis(200);

#[tokio::test]
async fn a_body_over_the_limit_is_refused_before_it_is_sent() {
    let setup = Setup::start(|options| options.settings.max_body_bytes = 1024).await;
    let mut visitor = Connection::open(setup.address).await;
    visitor.write("POST /track HTTP/1.1\r\nhost: test\r\ncontent-length: 1025\r\n\r\n").await;
    let reply = visitor.reply().await;
    assert!(reply.status == 413 && reply.body.contains("over 1024 bytes"), "{reply:?}");
    let fits = event("s", 1024 - event("s", 0).len());
    assert_eq!(setup.track(&fits).await.status, 200);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_while_it_streams() {
    let setup = Setup::start(|options| options.settings.max_body_bytes = 1024).await;
    let mut visitor = Connection::open(setup.address).await;
    visitor.write("POST /track HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n").await;
    visitor.write(format!("320\r\n{0}\r\n320\r\n{0}\r\n", "x".repeat(0x320))).await;
    assert_eq!(visitor.reply().await.status, 413);
}

#[tokio::test]
async fn a_sender_of_too_much_reads_the_answer_and_not_a_reset() {
    let setup = Setup::start(|_| {}).await;
    let body = "x".repeat(3 << 20);
    assert_eq!(setup.track(&body).await.status, 413);
    assert_eq!(post(setup.address, "/nowhere", &body).await.status, 404);
}

#[tokio::test]
async fn slow_headers_are_cut() {
    let setup = Setup::start(|options| options.limits.header_timeout = SOON).await;
    let mut visitor = Connection::open(setup.address).await;
    visitor.write("GET /healthz HTTP/1.1\r\nhost: ").await;
    assert!(visitor.try_reply().await.is_none());
}

#[tokio::test]
async fn more_headers_than_the_limit_are_refused() {
    let setup = Setup::start(|_| {}).await;
    for headers in ["x: y\r\n".repeat(101), format!("x: {}\r\n", "y".repeat(70_000))] {
        let mut visitor = Connection::open(setup.address).await;
        visitor.try_write(format!("GET /healthz HTTP/1.1\r\nhost: test\r\n{headers}\r\n")).await;
        assert_eq!(visitor.reply().await.status, 431);
    }
}

#[tokio::test]
async fn a_slow_body_is_answered_408() {
    let setup = Setup::start(|options| options.limits.body_timeout = SOON).await;
    let mut visitor = Connection::open(setup.address).await;
    visitor.write("POST /track HTTP/1.1\r\nhost: test\r\ncontent-length: 10\r\n\r\nhalf").await;
    let reply = visitor.reply().await;
    assert!(reply.status == 408 && reply.detail().contains("too long"), "{reply:?}");
    assert_eq!(setup.entries().await.len(), 0);
}

#[tokio::test]
async fn a_client_that_never_reads_is_cut_and_gives_its_place_back() {
    let setup = Setup::start(|options| {
        options.limits.connections = 1;
        options.limits.write_timeout = SOON;
    })
    .await;
    let mut visitor = Connection::open(setup.address).await;
    let requests = "GET /healthz HTTP/1.1\r\nhost: test\r\n\r\n".repeat(100);
    let flood = async { while visitor.try_write(&requests).await {} };
    timeout(PATIENCE, flood).await.expect("the connection was not cut");
    assert_eq!(get(setup.address, "/healthz").await.status, 200);
}

#[tokio::test]
async fn bodies_that_are_held_count_against_one_account() {
    let setup = Setup::start(|options| {
        options.settings.max_body_bytes = 60_000;
        options.limits.buffered_bytes = 100_000;
    })
    .await;
    let mut waiting = setup.track_in_vain(&event("first", 59_000)).await;
    let second = event("second", 50_000);
    let reply = setup.track(&second).await;
    assert!(reply.status == 503 && reply.detail().contains("too many requests"), "{reply:?}");
    assert_eq!(reply.headers["retry-after"], "1");
    setup.go_on().await;
    assert_eq!(waiting.reply().await.status, 200);
    until("there is room again", async || setup.track(&second).await.status == 200).await;
}

#[tokio::test]
async fn bodies_that_are_announced_and_do_not_come_cost_others_nothing() {
    let setup = Setup::start(|options| {
        options.limits.body_timeout = PATIENCE;
        options.limits.buffered_bytes = 262_144;
    })
    .await;
    let mut waiting = Vec::new();
    for _ in 0..100 {
        let mut visitor = Connection::open(setup.address).await;
        visitor
            .write("POST /track HTTP/1.1\r\nhost: test\r\ncontent-length: 262144\r\nexpect: 100-continue\r\n\r\n")
            .await;
        // The collector waits for the body by now.
        visitor.expect_continue().await;
        waiting.push(visitor);
    }
    assert_eq!(setup.track(&event("s", 250_000)).await.status, 200);
}

#[tokio::test]
async fn what_finds_no_place_in_the_queue_is_answered_503_at_once() {
    let setup = Setup::start(|options| {
        options.limits.concurrency = 1;
        options.limits.queue = 1;
    })
    .await;
    let mut first = setup.track_in_vain(&event("first", 0)).await;
    let address = setup.address;
    let mut others: Vec<_> = (0..4)
        .map(|number| {
            tokio::spawn(async move { post(address, "/track", &event(&format!("s{number}"), 0)).await })
        })
        .collect();
    until("all but one are answered", async || {
        others.iter().filter(|reply| reply.is_finished()).count() == 3
    })
    .await;
    setup.go_on().await;
    assert_eq!(first.reply().await.status, 200);
    let replies = join_all(others.drain(..)).await;
    let busy = replies.iter().flatten().filter(|reply| reply.status == 503).collect::<Vec<_>>();
    assert!(busy.len() == 3 && busy[0].detail().contains("too many requests"), "{replies:?}");
}

#[tokio::test]
async fn a_request_does_not_wait_for_its_turn_for_ever() {
    let setup = Setup::start(|options| {
        options.limits.concurrency = 1;
        options.limits.queue_timeout = SOON;
    })
    .await;
    let mut first = setup.track_in_vain(&event("first", 0)).await;
    assert_eq!(setup.track(&event("second", 0)).await.status, 503);
    setup.go_on().await;
    assert_eq!(first.reply().await.status, 200);
    assert_eq!(setup.entries().await.len(), 1);
}

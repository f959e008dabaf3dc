//! Visitors misbehave, or there are too many: everything is bounded, and says so.

use std::time::Instant;

use futures_util::future::join_all;
use tokio::time::timeout;

use crate::client::{Connection, get, post};
use crate::fixture::{PATIENCE, host, wait_for};

#[tokio::test]
async fn a_body_over_the_limit_is_refused_before_it_is_sent() {
    let host = host(|options| options.max_body_bytes = 1000);
    let mut connection = Connection::open(host.address()).await;
    connection.write("POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: 1001\r\n\r\n").await;
    let reply = connection.reply().await;
    assert_eq!(reply.status, 413);
    assert!(reply.detail().contains("more than 1000 bytes"));
    assert_eq!(post(host.address(), "/echo", &"x".repeat(1000)).await.status, 200);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_while_it_streams() {
    let host = host(|options| options.max_body_bytes = 1000);
    let mut connection = Connection::open(host.address()).await;
    connection.write("POST /echo HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n").await;
    connection.write(format!("320\r\n{0}\r\n320\r\n{0}\r\n", "x".repeat(0x320))).await;
    assert_eq!(connection.reply().await.status, 413);
}

#[tokio::test]
async fn a_sender_of_too_much_reads_the_answer_and_not_a_reset() {
    let host = host(|options| options.max_body_bytes = 1000);
    let reply = post(host.address(), "/echo", &"x".repeat(3 << 20)).await;
    assert_eq!(reply.status, 413);
}

#[tokio::test]
async fn slow_headers_are_cut() {
    let host = host(|options| options.header_timeout_ms = 200);
    let mut connection = Connection::open(host.address()).await;
    connection.write("GET /hello HTTP/1.1\r\nhost: ").await;
    assert!(connection.try_reply().await.is_none());
}

#[tokio::test]
async fn a_client_that_never_reads_is_cut_and_gives_its_place_back() {
    let host = host(|options| {
        options.max_connections = 1;
        options.write_timeout_ms = 200;
    });
    let mut connection = Connection::open(host.address()).await;
    let request = "GET /big?60000 HTTP/1.1\r\nhost: test\r\n\r\n";
    let flood = async { while connection.try_write(request).await {} };
    timeout(PATIENCE, flood).await.expect("the connection was not cut");
    assert_eq!(get(host.address(), "/hello").await.status, 200);
}

#[tokio::test]
async fn a_slow_body_is_answered_408() {
    let host = host(|options| options.body_timeout_ms = 200);
    let mut connection = Connection::open(host.address()).await;
    connection.write("POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: 10\r\n\r\nhalf").await;
    let reply = connection.reply().await;
    assert_eq!(reply.status, 408);
    assert!(reply.detail().contains("too long"));
    assert_eq!(get(host.address(), "/heard").await.body, "1", "the component never heard of it");
}

#[tokio::test]
async fn more_headers_than_the_limit_are_refused() {
    let host = host(|_| {});
    for headers in ["x: y\r\n".repeat(101), format!("x: {}\r\n", "y".repeat(70_000))] {
        let mut connection = Connection::open(host.address()).await;
        connection.try_write(format!("GET /hello HTTP/1.1\r\nhost: test\r\n{headers}\r\n")).await;
        assert_eq!(connection.reply().await.status, 431);
    }
}

#[tokio::test]
async fn a_full_queue_is_answered_503_at_once() {
    let host = host(|options| {
        options.instance_concurrency = 1;
        options.queue = 1;
    });
    let replies = join_all((0..6).map(|_| get(host.address(), "/sleep?200"))).await;
    let served = replies.iter().filter(|reply| reply.status == 200).count();
    let busy: Vec<_> = replies.iter().filter(|reply| reply.status == 503).collect();
    assert!(served >= 1);
    assert!(busy.len() >= 4, "{replies:?}");
    assert_eq!(served + busy.len(), 6);
    assert!(busy[0].detail().contains("too many requests"));
    assert_eq!(busy[0].headers["retry-after"], "1");
}

#[tokio::test]
async fn a_request_that_waits_too_long_for_an_instance_is_refused() {
    let host = host(|options| {
        options.instance_concurrency = 1;
        options.queue_timeout_ms = 100;
    });
    let replies = join_all((0..2).map(|_| get(host.address(), "/sleep?400"))).await;
    let mut statuses: Vec<_> = replies.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 503], "{replies:?}");
    assert_eq!(get(host.address(), "/hello").await.status, 200);
}

#[tokio::test]
async fn bodies_that_are_held_count_against_one_account() {
    let host = host(|options| {
        options.max_body_bytes = 60_000;
        options.max_buffered_bytes = Some(100_000);
    });
    let mut sleeping = Connection::open(host.address()).await;
    sleeping.post("/sleep?2000", &"x".repeat(60_000)).await;
    wait_for(&host, "/sleeping", "1").await;
    let body = "x".repeat(50_000);
    let reply = post(host.address(), "/echo", &body).await;
    assert_eq!(reply.status, 503, "{reply:?}");
    assert!(reply.headers.contains_key("retry-after"));
    assert_eq!(sleeping.reply().await.body, "slept");
    assert_eq!(post(host.address(), "/echo", &body).await.status, 200);
}

#[tokio::test]
async fn bodies_that_are_announced_and_do_not_come_cost_others_nothing() {
    let mut announced = 0;
    let host = host(|options| {
        options.body_timeout_ms = 60_000;
        announced = options.max_body_bytes;
    });
    let mut waiting = Vec::new();
    for _ in 0..300 {
        let mut connection = Connection::open(host.address()).await;
        connection
            .write(format!(
                "POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: {announced}\r\nexpect: 100-continue\r\n\r\n"
            ))
            .await;
        // The host waits for the body by now.
        connection.expect_continue().await;
        waiting.push(connection);
    }
    assert_eq!(post(host.address(), "/echo", &"x".repeat(50_000)).await.status, 200);
}

#[tokio::test]
async fn a_body_counts_until_the_component_is_done_even_if_its_visitor_leaves() {
    let host = host(|options| {
        options.max_connections = 2;
        options.max_body_bytes = 60_000;
        options.max_buffered_bytes = Some(100_000);
        options.request_timeout_ms = 60_000;
    });
    let mut stays = Connection::open(host.address()).await;
    assert_eq!(stays.get("/hello").await.status, 200);
    let mut leaves = Connection::open(host.address()).await;
    leaves.post("/sleep?60000", &"x".repeat(60_000)).await;
    let patience = Instant::now() + PATIENCE;
    while stays.get("/sleeping").await.body != "1" {
        assert!(Instant::now() < patience, "the component did not hear of the body");
    }
    drop(leaves);
    // Two connections may be open, so this one is served only after the other is gone.
    let reply = post(host.address(), "/echo", &"x".repeat(50_000)).await;
    assert_eq!(reply.status, 503, "{reply:?}");
}

/// An instance whose memory is full traps, and every request in it is lost.
#[tokio::test]
async fn bodies_that_the_component_copies_five_times_do_not_fill_its_memory() {
    const VISITORS: usize = 200;
    let host = host(|options| options.request_timeout_ms = 60_000);
    let body = "x".repeat(250_000);
    let mut served = 0;
    for _ in 0..3 {
        for reply in join_all((0..VISITORS).map(|_| post(host.address(), "/copies?200", &body))).await {
            match reply.status {
                200 => served += 1,
                503 => assert!(reply.detail().contains("too many requests"), "{reply:?}"),
                _ => panic!("{reply:?}"),
            }
        }
    }
    assert!(served > 0);
    assert_eq!(post(host.address(), "/copies", &body).await.body, "250000");
    let heard = get(host.address(), "/heard").await.body;
    assert_eq!(heard, (served + 2).to_string(), "one instance served them all");
}

#[tokio::test]
async fn an_answer_over_the_limit_is_replaced() {
    let host = host(|options| options.max_answer_bytes = 1000);
    assert_eq!(get(host.address(), "/big?1000").await.body.len(), 1000);
    let reply = get(host.address(), "/big?1001").await;
    assert_eq!(reply.status, 500);
    assert!(reply.detail().contains("more than 1000 bytes"));
    assert_eq!(get(host.address(), "/hello").await.status, 200);
}

/// Answers that are passed on instead of collected pile up finished work, and the instance traps.
#[tokio::test]
async fn requests_that_never_wait_do_not_use_up_the_handles_of_an_instance() {
    const CONNECTIONS: usize = 32;
    const REQUESTS: usize = 150;
    let host = host(|options| options.max_component_handles = 256);
    let visitors = (0..CONNECTIONS).map(|_| async {
        let mut connection = Connection::open(host.address()).await;
        for _ in 0..REQUESTS {
            assert_eq!(connection.get("/hello").await.status, 200);
        }
    });
    join_all(visitors).await;
    let heard = CONNECTIONS * REQUESTS + 1;
    assert_eq!(get(host.address(), "/heard").await.body, heard.to_string(), "one instance served them all");
}

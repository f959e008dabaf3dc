//! The component's way out.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tideline_edge_host::{Handle, Options};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::client::get;
use crate::fixture::host_with;

/// A server that gives the same bytes for every request, and counts its connections.
async fn upstream(answer: &'static str) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let mut bytes = [0; 4096];
                while stream.read(&mut bytes).await.is_ok_and(|count| count > 0) {
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (address, connections)
}

/// A host whose component sends to `to`, and may send to `allowed`.
fn host(to: SocketAddr, allowed: &str, adjust: impl FnOnce(&mut Options)) -> Handle {
    host_with(
        |options| {
            options.allow_outbound = vec![allowed.parse().unwrap()];
            adjust(options);
        },
        &[("TIDELINE_TEST_AUTHORITY", &to.to_string())],
    )
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone";

#[tokio::test]
async fn connections_to_an_allowed_origin_are_kept_and_used_again() {
    let (upstream, connections) = upstream(OK).await;
    let host = host(upstream, &format!("http://{upstream}"), |_| {});
    for _ in 0..10 {
        assert_eq!(get(host.address(), "/send").await.body, "200 done");
    }
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn everything_else_is_refused_without_a_connection() {
    let (upstream, connections) = upstream(OK).await;
    let other_port = format!("http://127.0.0.1:{}", upstream.port() ^ 1);
    for allowed in [other_port.as_str(), "http://127.0.0.1", &format!("https://{upstream}")] {
        let host = host(upstream, allowed, |_| {});
        assert_eq!(get(host.address(), "/send").await.body, "ErrorCode::HttpRequestDenied", "{allowed}");
    }
    assert_eq!(connections.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn an_answer_over_the_limit_is_an_error_in_the_component() {
    let announced = "HTTP/1.1 200 OK\r\ncontent-length: 4000\r\n\r\n";
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n40\r\n0123456789012345678901234567890123456789012345678901234567890123\r\n0\r\n\r\n";
    for answer in [announced, chunked] {
        let (upstream, _) = upstream(answer).await;
        let host = host(upstream, &format!("http://{upstream}"), |o| o.max_outbound_answer_bytes = 50);
        let body = get(host.address(), "/send").await.body;
        assert!(body.contains("HttpResponseBodySize"), "{body}");
    }
}

#[tokio::test]
async fn an_origin_that_does_not_listen_is_told_apart_from_a_slow_one() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let refused = host(free, &format!("http://{free}"), |_| {});
    assert_eq!(get(refused.address(), "/send").await.body, "ErrorCode::ConnectionRefused");

    let (silent, _) = upstream("").await;
    let slow = host(silent, &format!("http://{silent}"), |o| o.outbound_timeout_ms = Some(200));
    assert_eq!(get(slow.address(), "/send").await.body, "ErrorCode::ConnectionReadTimeout");
}

#[tokio::test]
async fn a_body_that_stops_half_way_is_an_error_in_the_component() {
    let (upstream, _) = upstream("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await;
    let host = host(upstream, &format!("http://{upstream}"), |o| o.outbound_timeout_ms = Some(200));
    let body = get(host.address(), "/send").await.body;
    assert!(body.contains("broken off") && body.contains("ConnectionReadTimeout"), "{body}");
}

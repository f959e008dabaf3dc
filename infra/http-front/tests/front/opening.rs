//! What precedes HTTP: which version it is, what a proxy says, and how many connections an address has.

use std::num::NonZeroU32;

use tideline_http_front::TrustedProxies;
use tokio::net::TcpStream;

use crate::client::{ask, http2, request, rest, sent, text};
use crate::server::{Server, front};

fn trusting(network: &str) -> TrustedProxies {
    TrustedProxies::new(vec![network.parse().unwrap()])
}

#[tokio::test]
async fn one_listener_serves_both_versions_of_http() {
    let server = Server::start(front()).await;
    for (version, expected) in
        [(1, "127.0.0.1 encrypted=false http2=false"), (2, "127.0.0.1 encrypted=false http2=true")]
    {
        let stream = TcpStream::connect(server.address).await.unwrap();
        assert_eq!(ask(stream, version).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn a_trusted_proxy_tells_whose_connection_it_is() {
    let server = Server::start(front().with_proxies(trusting("127.0.0.0/8"))).await;
    for version in [1, 2] {
        let stream = sent(server.address, b"PROXY TCP4 203.0.113.7 127.0.0.1 5000 80\r\n").await;
        assert!(ask(stream, version).await.unwrap().starts_with("203.0.113.7 "));
        let stream = sent(server.address, b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00").await;
        assert!(ask(stream, version).await.unwrap().starts_with("127.0.0.1 "), "it asks for itself");
    }
}

#[tokio::test]
async fn a_trusted_proxy_that_tells_nothing_is_not_served() {
    let server = Server::start(front().with_proxies(trusting("127.0.0.1"))).await;
    let stream = sent(server.address, b"GET / HTTP/1.1\r\nhost: front.test\r\n\r\n").await;
    assert!(rest(stream).await.is_empty());
}

#[tokio::test]
async fn what_others_claim_is_not_believed() {
    let server = Server::start(front().with_proxies(trusting("192.0.2.0/24"))).await;
    let claim = b"PROXY TCP4 203.0.113.7 127.0.0.1 5000 80\r\nGET / HTTP/1.1\r\nhost: front.test\r\n\r\n";
    let answer = String::from_utf8(rest(sent(server.address, claim).await).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400") && !answer.contains("203.0.113.7"), "{answer}");
    let stream = TcpStream::connect(server.address).await.unwrap();
    assert!(ask(stream, 1).await.unwrap().starts_with("127.0.0.1 "));
}

#[tokio::test]
async fn an_address_has_no_more_connections_than_it_may_have() {
    let front = front().with_proxies(trusting("127.0.0.1")).with_address_limit(NonZeroU32::MIN);
    let server = Server::start(front).await;
    let from = |client: &str| format!("PROXY TCP4 {client} 127.0.0.1 5000 80\r\n").into_bytes();
    let mut first = http2(sent(server.address, &from("203.0.113.7")).await).await;
    assert!(text(first.send_request(request("/")).await.unwrap()).await.starts_with("203.0.113.7"));

    assert!(rest(sent(server.address, &from("203.0.113.7")).await).await.is_empty());
    assert!(ask(sent(server.address, &from("203.0.113.8")).await, 1).await.is_ok());
    drop(first);
    while ask(sent(server.address, &from("203.0.113.7")).await, 1).await.is_err() {}
}

#[tokio::test]
async fn requests_in_progress_are_answered_before_the_end() {
    let server = Server::start(front()).await;
    let (address, go_on) = (server.address, server.go_on.clone());
    let mut two = http2(TcpStream::connect(address).await.unwrap()).await;
    let idle = TcpStream::connect(address).await.unwrap();
    let waiting = tokio::spawn(two.send_request(request("/wait")));
    text(two.send_request(request("/")).await.unwrap()).await;
    let ended = server.stop();
    assert!(rest(idle).await.is_empty(), "a connection without a request ends at once");
    assert!(TcpStream::connect(address).await.is_err() && !ended.is_finished());
    go_on.notify_one();
    assert_eq!(text(waiting.await.unwrap().unwrap()).await, "waited");
    assert!(ended.await.unwrap(), "everything was answered");
}

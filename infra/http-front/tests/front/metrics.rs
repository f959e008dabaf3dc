//! Metrics, on a listener of their own.

use prometheus_client::registry::Registry;
use tideline_http_front::{FrontMetrics, register_process, serve_metrics};
use tokio::net::{TcpListener, TcpStream};

use crate::client::{ask, rest, sent};
use crate::server::{Server, front};

async fn get(address: std::net::SocketAddr, line: &str) -> String {
    let request = format!("{line} HTTP/1.1\r\nhost: front.test\r\nconnection: close\r\n\r\n");
    String::from_utf8(rest(sent(address, request.as_bytes()).await).await).unwrap()
}

#[tokio::test]
async fn connections_are_counted_and_shown_on_another_listener() {
    let mut registry = Registry::default();
    let metrics = FrontMetrics::register(&mut registry);
    register_process(&mut registry);
    let server = Server::start(front().with_metrics(metrics)).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(serve_metrics(listener, registry));

    ask(TcpStream::connect(server.address).await.unwrap(), 1).await.unwrap();
    drop(TcpStream::connect(server.address).await.unwrap());
    let expected = [
        "http_connections_total 2",
        "http_connections_open 0",
        "http_connections_closed_early_total{reason=\"early_end\"} 1",
    ];
    loop {
        let shown = get(address, "GET /metrics").await;
        assert!(shown.starts_with("HTTP/1.1 200") && shown.ends_with("# EOF\n"), "{shown}");
        if expected.iter().all(|line| shown.lines().any(|shown| shown == *line)) {
            break;
        }
    }
    assert!(get(address, "POST /metrics").await.starts_with("HTTP/1.1 405"));
    assert!(get(address, "GET /").await.starts_with("HTTP/1.1 404"));
    let public = get(server.address, "GET /metrics").await;
    assert!(!public.contains("http_connections"), "{public}");
    serving.abort();
}

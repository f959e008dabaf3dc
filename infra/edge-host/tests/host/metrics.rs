//! What the host tells its owner.

use std::net::SocketAddr;
use std::time::Instant;

use tideline_edge_host::{Handle, Options};
use tokio::join;
use tokio::net::TcpListener;

use crate::client::{Connection, get};
use crate::fixture::{PATIENCE, host_with};

fn host(to: SocketAddr, adjust: impl FnOnce(&mut Options)) -> (Handle, SocketAddr) {
    let host = host_with(
        |options| {
            options.entrance.metrics_listen = Some("127.0.0.1:0".parse().unwrap());
            options.allow_outbound = vec![format!("http://{to}").parse().unwrap()];
            adjust(options);
        },
        &[("TIDELINE_TEST_AUTHORITY", &to.to_string())],
    );
    let metrics = host.metrics_address().unwrap();
    (host, metrics)
}

async fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn everything_that_happens_is_counted() {
    let (host, metrics) = host(free_address().await, |options| options.request_timeout_ms = 300);
    let mut connection = Connection::open(host.address()).await;
    for path in ["/hello", "/hello", "/send", "/send", "/trap", "/spin", "/sleep?60000", "/error"] {
        connection.get(path).await;
    }
    let expected = [
        "edge_refused_total{component=\"component\",reason=\"instance_ended\"} 2",
        "edge_refused_total{component=\"component\",reason=\"late\"} 1",
        "edge_refused_total{component=\"component\",reason=\"component_error\"} 1",
        "edge_requests_total{component=\"component\",status=\"5xx\"} 4",
        "edge_instances_ended_total{component=\"component\",reason=\"trapped\"} 1",
        "edge_instances_ended_total{component=\"component\",reason=\"hung\"} 1",
        "edge_instances_ended_total{component=\"component\",reason=\"late\"} 1",
        "edge_outbound_failures_total{component=\"component\",reason=\"refused\"} 2",
        // /hello, /hello and /send, and then /send alone.
        "edge_outbound_batch_requests_sum{component=\"component\"} 4.0",
        "edge_outbound_batch_requests_count{component=\"component\"} 2",
        "edge_requests_waiting{component=\"component\"} 0",
        "edge_requests_in_flight{component=\"component\"} 0",
        "edge_shards_without_instance{component=\"component\"} 0",
        "edge_unrouted_requests_total 0",
        "http_connections_open ",
        "process_resident_memory_bytes ",
    ];
    // The instance that was late with /sleep ends a moment later.
    let patience = Instant::now() + PATIENCE;
    loop {
        let text = get(metrics, "/metrics").await.body;
        let missing = expected.iter().find(|expected| !text.contains(&format!("\n{expected}")));
        let Some(missing) = missing else { break };
        assert!(Instant::now() < patience, "{missing} is not in {text}");
    }
}

#[tokio::test]
async fn a_host_that_is_to_stop_says_so_while_it_still_serves() {
    let (host, metrics) = host(free_address().await, |options| options.entrance.stop_delay_seconds = 2);
    let address = host.address();
    assert_eq!(status(metrics, "/readyz").await, 200);
    let watch = async {
        while status(metrics, "/readyz").await != 503 {
            tokio::task::yield_now().await;
        }
        get(address, "/hello").await.status
    };
    let (served, drained) = join!(watch, host.shutdown());
    assert_eq!(served, 200);
    assert_eq!(drained, tideline_edge_host::Drained::Complete);
}

async fn status(address: SocketAddr, path: &str) -> u16 {
    get(address, path).await.status
}

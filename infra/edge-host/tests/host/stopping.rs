//! The host is asked to stop, or cannot start.

use tideline_edge_host::{Drained, Error, GuestEnvironment, Host};
use tokio::join;
use tokio::net::TcpStream;

use crate::client::get;
use crate::fixture::{guest, host, options, wait_for};

#[tokio::test]
async fn stopping_finishes_what_has_begun() {
    let host = host(|_| {});
    let address = host.address();
    let request = get(address, "/sleep?500");
    let stop = async {
        wait_for(&host, "/sleeping", "1").await;
        host.shutdown().await
    };
    let (reply, drained) = join!(request, stop);
    assert_eq!((reply.status, reply.body.as_str()), (200, "slept"));
    assert_eq!(drained, Drained::Complete);
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn stopping_does_not_wait_beyond_the_drain_limit() {
    let host = host(|options| {
        options.request_timeout_ms = 60_000;
        options.drain_seconds = 0;
    });
    let address = host.address();
    let request = tokio::spawn(async move {
        let mut connection = crate::client::Connection::open(address).await;
        connection.write("GET /sleep?60000 HTTP/1.1\r\nhost: test\r\n\r\n").await;
        connection.try_reply().await
    });
    wait_for(&host, "/sleeping", "1").await;
    assert_eq!(host.shutdown().await, Drained::CutOff);
    assert!(request.await.unwrap().is_none());
}

#[tokio::test]
async fn an_idle_connection_does_not_delay_the_stop() {
    let host = host(|options| options.header_timeout_ms = 60_000);
    let mut connection = crate::client::Connection::open(host.address()).await;
    assert_eq!(connection.get("/hello").await.status, 200);
    assert_eq!(host.shutdown().await, Drained::Complete);
    assert!(connection.try_reply().await.is_none());
}

#[tokio::test]
async fn a_taken_port_is_refused_by_name_for_any_number_of_shards() {
    let first = host(|_| {});
    for shards in [1, 2] {
        let mut options = options(guest());
        options.listen = first.address();
        options.shards = shards;
        let error = Host::start(options, GuestEnvironment::default()).err().unwrap();
        assert!(matches!(error, Error::AddressTaken { address } if address == first.address()), "{error}");
    }
}

#[test]
fn what_is_no_component_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.wasm");
    let error = Host::start(options(&missing), GuestEnvironment::default()).err().unwrap();
    assert!(matches!(error, Error::ComponentFile { .. }), "{error}");
    let text = folder.path().join("text.wasm");
    std::fs::write(&text, "no component").unwrap();
    let error = Host::start(options(&text), GuestEnvironment::default()).err().unwrap();
    assert!(matches!(error, Error::Compile { .. }), "{error}");
}

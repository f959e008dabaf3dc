//! How visitors reach the host: encrypted, over HTTP/2, through proxies, and not too many of one address.
//! (The details are tested where they are made, in the HTTP front.)

use std::sync::Arc;

use http::Request;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tideline_edge_host::Error;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::client::{Connection, get};
use crate::fixture::{host, try_host};
use crate::process::{edge, line};

#[tokio::test]
async fn visitors_are_served_encrypted_over_http2() {
    let folder = tempfile::tempdir().unwrap();
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, cert.pem()).unwrap();
    std::fs::write(&key, signing_key.serialize_pem()).unwrap();
    let host = host(|options| {
        options.entrance.tls_certificate_file = Some(certificate);
        options.entrance.tls_key_file = Some(key);
    });

    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(host.address()).await.unwrap();
    let name = "127.0.0.1".try_into().unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    for (path, answer) in [("/echo", "there and back"), ("/authority", "shop.example"), ("/scheme", "https")]
    {
        let request = Request::post(format!("https://shop.example{path}"))
            .body(Full::new(bytes::Bytes::from("there and back")))
            .unwrap();
        let response = client.send_request(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-length"], answer.len().to_string());
        #[expect(clippy::disallowed_methods, reason = "wrapped in Limited")]
        let body = Limited::new(response.into_body(), 1000).collect().await.unwrap().to_bytes();
        assert_eq!(body, answer, "{path}");
    }
}

#[tokio::test]
async fn a_trusted_proxy_says_who_the_visitor_is() {
    let host = host(|options| options.entrance.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]);
    let mut connection = Connection::open(host.address()).await;
    connection.write("PROXY TCP4 203.0.113.7 192.0.2.1 55555 443\r\n").await;
    let headers = connection.get("/headers").await.body;
    assert!(headers.contains("tideline-client-address=203.0.113.7\n"), "{headers}");
}

#[tokio::test]
async fn one_address_has_no_more_connections_than_it_may() {
    let host = host(|options| options.entrance.max_connections_per_address = Some(2.try_into().unwrap()));
    let mut first = Connection::open(host.address()).await;
    assert_eq!(first.get("/hello").await.status, 200);
    let mut second = Connection::open(host.address()).await;
    assert_eq!(second.get("/hello").await.status, 200);
    let mut third = Connection::open(host.address()).await;
    third.try_write("GET /hello HTTP/1.1\r\nhost: test\r\n\r\n").await;
    assert!(third.try_reply().await.is_none());
    assert_eq!(first.get("/hello").await.status, 200);
}

#[test]
fn a_certificate_that_cannot_be_used_is_refused_with_what_to_do() {
    let error = try_host(|options| {
        options.entrance.tls_certificate_file = Some("missing.pem".into());
        options.entrance.tls_key_file = Some("missing.pem".into());
    });
    let error = error.err().unwrap();
    assert!(matches!(error, Error::Tls(_)), "{error}");
    assert!(error.to_string().contains("name a readable PEM file"), "{error}");
}

#[tokio::test]
async fn the_access_log_has_a_line_for_each_request_and_nothing_that_was_sent() {
    for (kind, client) in [("anonymous", None), ("full", Some("127.0.0.1"))] {
        let mut child = edge(&["--access-log", kind]).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let listening = line(&mut log, "listening").await;
        get(listening["address"].as_str().unwrap().parse().unwrap(), "/hello?secret").await;
        let answered = line(&mut log, "answered").await;
        assert_eq!((&answered["target"], &answered["route"]), (&"access".into(), &"component".into()));
        assert_eq!((&answered["status"], &answered["bytes"]), (&200.into(), &5.into()));
        assert_eq!(answered["client"].as_str(), client);
        assert!(!answered.to_string().contains("secret"), "{answered}");
    }
}

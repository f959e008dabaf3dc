//! The entrance: TLS with certificates for both sides, HTTP/2, proxies, and what the owner is told.

use std::path::Path;
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::client::Client;
use crate::server::{ADMIN, EDGE, Setup, until};

/// Writes `authority.pem`, and `<name>.pem` with `<name>.key` for each name, all for the loopback address.
pub(crate) fn certificates(directory: &Path, names: &[&str]) {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // OpenSSL takes certificates of one name for one.
    params.distinguished_name.push(DnType::CommonName, "authority");
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(directory.join("authority.pem"), issuer.pem()).unwrap();
    for name in names {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        std::fs::write(directory.join(format!("{name}.pem")), certificate.pem()).unwrap();
        std::fs::write(directory.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }
}

async fn encrypted(
    setup: &Setup,
    directory: &Path,
    alpn: &[u8],
    own: bool,
) -> std::io::Result<TlsStream<TcpStream>> {
    let file = |name: &str| directory.join(name);
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(file("authority.pem")).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = if own {
        let chain = vec![CertificateDer::from_pem_file(file("edge.pem")).unwrap()];
        builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_file(file("edge.key")).unwrap()).unwrap()
    } else {
        builder.with_no_client_auth()
    };
    config.alpn_protocols = vec![alpn.to_vec()];
    let stream = TcpStream::connect(setup.gateway.address).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("127.0.0.1").unwrap(), stream).await
}

#[tokio::test]
async fn with_certificates_both_sides_show_theirs_and_both_versions_of_http_are_served() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    certificates(path, &["gateway", "edge"]);
    let file = |name: &str| path.join(name).to_str().unwrap().to_owned();
    let (certificate, key, ca) = (file("gateway.pem"), file("gateway.key"), file("authority.pem"));
    let setup = Setup::start(&[
        "--tls-certificate-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-client-ca-file",
        &ca,
    ])
    .await;
    let mut one = Client::over(encrypted(&setup, path, b"http/1.1", true).await.unwrap(), ADMIN).await;
    assert_eq!(one.command(&["ECHO", "a"]).await.parts(), (200, r#"{"result":"a"}"#));

    let stream = TokioIo::new(encrypted(&setup, path, b"h2", true).await.unwrap());
    let (mut two, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::post("https://gateway/")
        .header("authorization", format!("Bearer {EDGE}"))
        .body(Full::new(Bytes::from(r#"["PING"]"#)))
        .unwrap();
    assert_eq!(two.send_request(request).await.unwrap().status(), 200);

    if let Ok(stream) = encrypted(&setup, path, b"http/1.1", false).await {
        let mut without = Client::over(stream, ADMIN).await;
        assert!(without.try_send("GET", "/livez", "").await.is_err(), "no certificate, no answer");
    }
    let mut plain = setup.client(ADMIN).await;
    assert!(plain.try_send("GET", "/livez", "").await.is_err(), "nothing without TLS");
}

#[tokio::test]
async fn failures_count_for_the_address_that_a_proxy_tells() {
    let setup = Setup::start(&["--trusted-proxies", "127.0.0.0/8", "--auth-failures-per-minute", "1"]).await;
    let from = async |client: &str, token: &str| {
        let mut stream = TcpStream::connect(setup.gateway.address).await.unwrap();
        let told = format!("PROXY TCP4 {client} 127.0.0.1 5000 80\r\n");
        stream.write_all(told.as_bytes()).await.unwrap();
        Client::over(stream, token).await.command(&["PING"]).await.status
    };
    assert_eq!(from("203.0.113.7", "guess").await, 401);
    assert_eq!(from("203.0.113.7", "guess").await, 429);
    assert_eq!(from("203.0.113.8", "guess").await, 401);
    assert_eq!(from("203.0.113.7", EDGE).await, 200);
}

#[tokio::test]
async fn metrics_tell_of_requests_failures_and_redis_on_their_own_address() {
    let mut setup = Setup::start(&["--metrics-listen", "127.0.0.1:0"]).await;
    setup.until_ready(true).await;
    let mut client = setup.client(ADMIN).await;
    client.command(&["SET", "k", "v"]).await;
    setup.client("guess").await.command(&["PING"]).await;
    let address = setup.gateway.metrics_address.unwrap();
    let shown = async |line: &str| {
        let answer = Client::connect(address, "").await.send("GET", "/metrics", "").await;
        answer.body.lines().any(|shown| shown == line)
    };
    for line in [
        r#"gateway_requests_total{route="command",status="2xx"} 1"#,
        r#"gateway_failures_total{reason="unauthorized"} 1"#,
        "gateway_requests_in_flight 0",
        "gateway_redis_connections 1",
        "gateway_redis_connection_losses_total 0",
    ] {
        until(line, async || shown(line).await).await;
    }
    setup.redis.kill();
    until("the loss", async || shown("gateway_redis_connection_losses_total 1").await).await;
    assert!(shown("gateway_redis_connections 0").await);
    assert_eq!(client.send("GET", "/metrics", "").await.status, 503, "not on the public address: a command");
}

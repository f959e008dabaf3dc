//! The component's way out, encrypted. Certificates come from a file that the process's environment
//! names, so these tests run the binary.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::client::get;
use crate::process::{edge, line};

/// A server with a certificate of its own making, and that certificate as PEM.
async fn upstream() -> (SocketAddr, String) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut bytes = [0; 4096];
                while stream.read(&mut bytes).await.is_ok_and(|count| count > 0) {
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret";
                    stream.write_all(answer).await.unwrap();
                }
            });
        }
    });
    (address, cert.pem())
}

/// What a component hears that sends to `upstream` from a host which trusts `certificate`.
async fn sent(upstream: SocketAddr, certificate: &Path) -> String {
    let mut child = edge(&["--allow-outbound", &format!("https://{upstream}")])
        .env("SSL_CERT_FILE", certificate)
        .env("TIDELINE_TEST_SCHEME", "https")
        .env("TIDELINE_TEST_AUTHORITY", upstream.to_string())
        .spawn()
        .unwrap();
    let mut log = tokio::io::AsyncBufReadExt::lines(BufReader::new(child.stderr.take().unwrap()));
    let listening = line(&mut log, "listening").await;
    get(listening["address"].as_str().unwrap().parse().unwrap(), "/send").await.body
}

#[tokio::test]
async fn an_origin_is_reached_only_with_a_certificate_that_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let (upstream, certificate) = upstream().await;
    let trusted = folder.path().join("trusted.pem");
    std::fs::write(&trusted, certificate).unwrap();
    assert_eq!(sent(upstream, &trusted).await, "200 secret");

    let other = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap().cert.pem();
    let untrusted = folder.path().join("other.pem");
    std::fs::write(&untrusted, other).unwrap();
    assert_eq!(sent(upstream, &untrusted).await, "ErrorCode::TlsCertificateError");
}

#[tokio::test]
async fn without_any_certificate_the_host_refuses_to_start() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let output = edge(&["--allow-outbound", "https://127.0.0.1:1"])
        .env("SSL_CERT_FILE", &empty)
        .env_remove("SSL_CERT_DIR")
        .output()
        .await
        .unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("or SSL_CERT_FILE"), "{text}");
}

//! The component's way out over HTTP/2, and to servers with certificates of our own.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use tideline_edge_host::{Error, Handle, Options};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::client::get;
use crate::fixture::{host_with, try_host};

/// Serves HTTP/2 on one connection; the answer tells what was asked. The connection is given up after
/// so many answers.
async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, answers: usize) {
    let left = AtomicUsize::new(answers);
    let (full, mut done) = tokio::sync::mpsc::channel(1);
    let service = service_fn(|request: Request<Incoming>| {
        let body = format!("{:?} {}", request.version(), request.uri().path());
        if left.fetch_sub(1, Ordering::Relaxed) == 1 {
            let _ = full.try_send(());
        }
        async move { Ok::<_, Infallible>(Response::new(Full::<bytes::Bytes>::from(body))) }
    });
    let connection = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = done.recv() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    // The client may leave as it likes.
    drop(ended);
}

/// A server of HTTP/2 that counts its connections.
async fn upstream(tls: Option<TlsAcceptor>, answers: usize) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::Relaxed);
            let tls = tls.clone();
            tokio::spawn(async move {
                match tls {
                    None => serve(stream, answers).await,
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            serve(stream, answers).await;
                        }
                    }
                }
            });
        }
    });
    (address, connections)
}

fn host(to: SocketAddr, scheme: &str, adjust: impl FnOnce(&mut Options)) -> Handle {
    let origin = format!("{scheme}://{to}");
    host_with(
        |options| {
            options.allow_outbound = vec![origin.parse().unwrap()];
            adjust(options);
        },
        &[("TIDELINE_TEST_AUTHORITY", &to.to_string()), ("TIDELINE_TEST_SCHEME", scheme)],
    )
}

#[tokio::test]
async fn an_origin_that_speaks_http2_is_sent_everything_on_one_connection() {
    let (upstream, connections) = upstream(None, usize::MAX).await;
    let host = host(upstream, "http", |options| {
        options.outbound_http2 = options.allow_outbound.clone();
    });
    assert_eq!(get(host.address(), "/send").await.body, "200 HTTP/2.0 /outbound");
    for reply in join_all((0..50).map(|_| get(host.address(), "/send"))).await {
        assert_eq!(reply.body, "200 HTTP/2.0 /outbound");
    }
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_connection_that_the_other_side_gives_up_is_replaced_and_no_request_is_lost() {
    let (upstream, connections) = upstream(None, 5).await;
    let host = host(upstream, "http", |options| {
        options.outbound_http2 = options.allow_outbound.clone();
    });
    for _ in 0..20 {
        assert_eq!(get(host.address(), "/send").await.body, "200 HTTP/2.0 /outbound");
    }
    assert!(connections.load(Ordering::Relaxed) >= 4);
}

/// A certificate of our own: the server's side, and a file for the client's. The server asks for the
/// certificate of a client if there is one to believe.
fn certificate(folder: &tempfile::TempDir, client: Option<&CertifiedKey<KeyPair>>) -> (TlsAcceptor, PathBuf) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let config = match client {
        None => config.with_no_client_auth(),
        Some(client) => {
            let mut roots = RootCertStore::empty();
            roots.add(client.cert.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            config.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let mut config = config.with_single_cert(vec![cert.der().clone()], key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, cert.pem()).unwrap();
    (TlsAcceptor::from(Arc::new(config)), file)
}

#[tokio::test]
async fn an_encrypted_origin_is_believed_by_our_own_authority_and_agrees_on_http2() {
    let folder = tempfile::tempdir().unwrap();
    let (tls, ca) = certificate(&folder, None);
    let (upstream, _) = upstream(Some(tls), usize::MAX).await;
    let host = host(upstream, "https", |options| options.outbound_ca = Some(ca));
    assert_eq!(get(host.address(), "/send").await.body, "200 HTTP/2.0 /outbound");
}

#[tokio::test]
async fn another_authority_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let (tls, _) = certificate(&folder, None);
    let (_, other) = certificate(&folder, None);
    let (upstream, _) = upstream(Some(tls), usize::MAX).await;
    let host = host(upstream, "https", |options| options.outbound_ca = Some(other));
    assert_eq!(get(host.address(), "/send").await.body, "ErrorCode::TlsCertificateError");
}

#[tokio::test]
async fn an_origin_that_asks_for_a_certificate_is_shown_ours() {
    let folder = tempfile::tempdir().unwrap();
    let ours = generate_simple_self_signed(["edge".to_owned()]).unwrap();
    let (shown, key) = (folder.path().join("edge.pem"), folder.path().join("edge.key"));
    std::fs::write(&shown, ours.cert.pem()).unwrap();
    std::fs::write(&key, ours.signing_key.serialize_pem()).unwrap();
    let (tls, ca) = certificate(&folder, Some(&ours));
    let (upstream, _) = upstream(Some(tls), usize::MAX).await;
    let stranger = host(upstream, "https", |options| options.outbound_ca = Some(ca.clone()));
    assert!(get(stranger.address(), "/send").await.body.starts_with("ErrorCode::"));
    let known = host(upstream, "https", |options| {
        options.outbound_ca = Some(ca);
        options.outbound_certificate_file = Some(shown);
        options.outbound_key_file = Some(key);
    });
    assert_eq!(get(known.address(), "/send").await.body, "200 HTTP/2.0 /outbound");
}

#[test]
fn a_certificate_whose_key_is_another_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let (file, key) = (folder.path().join("edge.pem"), folder.path().join("edge.key"));
    std::fs::write(&file, generate_simple_self_signed(["a".to_owned()]).unwrap().cert.pem()).unwrap();
    let other = generate_simple_self_signed(["a".to_owned()]).unwrap();
    for text in [other.signing_key.serialize_pem(), "no key".into()] {
        std::fs::write(&key, text).unwrap();
        let error = try_host(|options| {
            options.outbound_certificate_file = Some(file.clone());
            options.outbound_key_file = Some(key.clone());
        });
        let error = error.err().unwrap();
        assert!(matches!(error, Error::OutboundIdentity { .. }), "{error}");
        assert!(error.to_string().contains("belong together"), "{error}");
    }
}

#[test]
fn a_file_without_authority_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    for text in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        std::fs::write(&file, text).unwrap();
        let error = try_host(|options| options.outbound_ca = Some(file.clone())).err().unwrap();
        assert!(matches!(error, Error::OutboundCa { .. }), "{error}");
        assert!(error.to_string().contains("EDGE_OUTBOUND_CA"), "{error}");
    }
}

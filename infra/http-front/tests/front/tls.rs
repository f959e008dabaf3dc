//! TLS: certificates that are replaced while the server serves, and clients that have to show one.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tideline_http_front::{Tls, TlsFiles};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::client::ask;
use crate::server::{DEADLINE, Server, front};

const NAME: &str = "front.test";

/// Somebody who signs certificates.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Authority { issuer }
    }

    /// Writes a certificate for `name`, its key, and the authority's own certificate.
    pub(crate) fn issue(&self, directory: &Path, name: &str) -> TlsFiles {
        let files = TlsFiles {
            certificate: directory.join("certificate.pem"),
            key: directory.join("key.pem"),
            client_ca: Some(directory.join("authority.pem")),
        };
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(&files.key, key.serialize_pem()).unwrap();
        std::fs::write(&files.certificate, certificate.pem()).unwrap();
        std::fs::write(files.client_ca.as_ref().unwrap(), self.issuer.pem()).unwrap();
        files
    }

    /// A client that trusts this authority and shows the certificate of `own`, if it has one.
    fn client(&self, alpn: &[&[u8]], own: Option<&TlsFiles>) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match own {
            None => builder.with_no_client_auth(),
            Some(TlsFiles { certificate, key, .. }) => {
                let chain = vec![CertificateDer::from_pem_file(certificate).unwrap()];
                builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_file(key).unwrap()).unwrap()
            }
        };
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        TlsConnector::from(Arc::new(config))
    }
}

async fn connect(server: &Server, client: &TlsConnector) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(server.address).await?;
    client.connect(ServerName::try_from(NAME).unwrap(), stream).await
}

#[tokio::test]
async fn the_version_of_http_is_agreed_on_in_the_handshake() {
    let (directory, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let files = TlsFiles { client_ca: None, ..authority.issue(directory.path(), NAME) };
    let (tls, _reload) = Tls::load(files, true).unwrap();
    let server = Server::start(front().with_tls(tls)).await;
    let cases: [(&[&[u8]], u8, &str); 3] = [
        (&[b"h2", b"http/1.1"], 2, "127.0.0.1 encrypted=true http2=true"),
        (&[b"http/1.1"], 1, "127.0.0.1 encrypted=true http2=false"),
        (&[], 1, "127.0.0.1 encrypted=true http2=false"),
    ];
    for (alpn, version, expected) in cases {
        let stream = connect(&server, &authority.client(alpn, None)).await.unwrap();
        assert_eq!(ask(stream, version).await.unwrap(), expected);
    }
    let plain = TcpStream::connect(server.address).await.unwrap();
    assert!(ask(plain, 1).await.is_err(), "nothing is served without encryption");
}

#[tokio::test]
async fn a_new_certificate_is_in_force_at_once_and_a_broken_one_never() {
    let (directory, old, new) = (tempfile::tempdir().unwrap(), Authority::new(), Authority::new());
    let files = TlsFiles { client_ca: None, ..old.issue(directory.path(), NAME) };
    let (tls, reload) = Tls::load(files.clone(), true).unwrap();
    let reloading = tokio::spawn(reload.run(Duration::from_millis(1)));
    let server = Server::start(front().with_tls(tls)).await;
    let (knows_old, knows_new) = (old.client(&[b"http/1.1"], None), new.client(&[b"http/1.1"], None));
    let kept = connect(&server, &knows_old).await.unwrap();

    // A certificate without its key, and no certificate at all.
    let key = std::fs::read(&files.key).unwrap();
    std::fs::write(&files.key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    std::fs::write(&files.certificate, "no certificate").unwrap();
    std::fs::write(&files.key, key).unwrap();
    for _ in 0..20 {
        connect(&server, &knows_old).await.expect("the old certificate stays");
    }

    new.issue(directory.path(), NAME);
    timeout(DEADLINE, async { while connect(&server, &knows_new).await.is_err() {} })
        .await
        .expect("the new one");
    assert!(connect(&server, &knows_old).await.is_err());
    assert!(ask(kept, 1).await.is_ok(), "connections stay");
    reloading.abort();
}

#[tokio::test]
async fn where_clients_have_to_show_a_certificate_others_are_not_served() {
    let (directory, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let files = authority.issue(directory.path(), NAME);
    let (tls, _reload) = Tls::load(files, true).unwrap();
    let server = Server::start(front().with_tls(tls)).await;
    let (own, foreign) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let own = authority.issue(own.path(), "edge");
    let foreign = Authority::new().issue(foreign.path(), "edge");
    for (shown, served) in [(Some(&own), true), (Some(&foreign), false), (None, false)] {
        let answered = match connect(&server, &authority.client(&[b"http/1.1"], shown)).await {
            Ok(stream) => ask(stream, 1).await.is_ok(),
            Err(_) => false,
        };
        assert_eq!(answered, served, "{shown:?}");
    }
}

#[test]
fn files_that_cannot_be_used_are_named_with_the_reason() {
    let (directory, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let files = authority.issue(directory.path(), NAME);
    let error = |files: &TlsFiles| Tls::load(files.clone(), true).unwrap_err().to_string();
    let missing = TlsFiles { key: "/nonexistent/key.pem".into(), ..files.clone() };
    assert!(error(&missing).starts_with("cannot read /nonexistent/key.pem"), "{}", error(&missing));
    let swapped = TlsFiles { certificate: files.key.clone(), ..files.clone() };
    assert!(error(&swapped).contains("key.pem holds no certificate"), "{}", error(&swapped));
    let swapped = TlsFiles { key: files.certificate.clone(), ..files.clone() };
    assert!(error(&swapped).contains("certificate.pem holds no private key"), "{}", error(&swapped));
    let no_root = TlsFiles { client_ca: Some(files.key.clone()), ..files.clone() };
    assert!(error(&no_root).contains("key.pem holds no certificate"), "{}", error(&no_root));
    std::fs::write(&files.key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    assert!(error(&files).contains("cannot be used together"), "{}", error(&files));
}

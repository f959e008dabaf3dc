//! The HTTP clients of one component in one shard: what they trust, and which HTTP they speak.
//!
//! With TLS the two sides agree on HTTP/2 or HTTP/1.1; without, HTTP/1.1 is spoken unless HTTP/2 was asked
//! for. Connections are kept: of HTTP/2 one for each origin, of HTTP/1.1 as many as were needed at once.

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Builder, Client, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use wasmtime_wasi_http::WasiBody;

use crate::origin::{AllowList, Origin};
use crate::{Error, Options};

/// Connections to one origin that are kept while nothing uses them, and for how long.
const IDLE_CONNECTIONS: usize = 64;
const IDLE_TIME: Duration = Duration::from_secs(30);

/// A connection of HTTP/2 in use on which nothing comes for so long is asked whether it lives, and is
/// given up after as long again.
const HTTP2_SILENCE: Duration = Duration::from_secs(2);

type HttpClient = Client<HttpsConnector<HttpConnector>, WasiBody>;

/// Clones share the connections.
#[derive(Clone)]
pub(super) struct Clients {
    usual: HttpClient,
    http2: HttpClient,
    /// Origins without TLS that speak HTTP/2.
    http2_origins: Arc<HashSet<Origin>>,
}

impl Clients {
    pub(super) fn new(allowed: &AllowList, options: &Options) -> Result<Self, Error> {
        let tls = tls(allowed, options)?;
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        // Small requests and answers in turn: without it each waits for the other side's acknowledgement.
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(options.outbound_connect_timeout()));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .enable_http2()
            .wrap_connector(tcp);
        Ok(Self {
            usual: pool().build(connector.clone()),
            http2: pool().http2_only(true).build(connector),
            http2_origins: Arc::new(options.outbound_http2.iter().cloned().collect()),
        })
    }

    /// Begins to send a request to this origin.
    pub(super) fn request(&self, origin: Option<&Origin>, request: Request<WasiBody>) -> ResponseFuture {
        match origin {
            Some(origin) if self.http2_origins.contains(origin) => self.http2.request(request),
            _ => self.usual.request(request),
        }
    }
}

fn pool() -> Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIME)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .http2_keep_alive_interval(HTTP2_SILENCE)
        .http2_keep_alive_timeout(HTTP2_SILENCE);
    builder
}

/// Whose certificates are believed, and which one is shown.
fn tls(allowed: &AllowList, options: &Options) -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Certificates(io::Error::other(error)))?;
    let builder = match &options.outbound_ca {
        Some(path) => builder.with_root_certificates(private_roots(path)?),
        // The system's are read only if something encrypted is reachable at all.
        None if allowed.has_https() => builder.with_native_roots().map_err(Error::Certificates)?,
        None => builder.with_root_certificates(RootCertStore::empty()),
    };
    let Some((certificate, key)) = options.outbound_identity() else {
        return Ok(builder.with_no_client_auth());
    };
    let refuse = |path: &Path, reason: String| Error::OutboundIdentity { path: path.to_owned(), reason };
    let chain = certificates(certificate).map_err(|reason| refuse(certificate, reason))?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| refuse(key, error.to_string()))?;
    builder.with_client_auth_cert(chain, secret).map_err(|error| refuse(certificate, error.to_string()))
}

fn private_roots(path: &Path) -> Result<RootCertStore, Error> {
    let refuse = |reason: String| Error::OutboundCa { path: path.to_owned(), reason };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path).map_err(refuse)? {
        roots.add(certificate).map_err(|error| refuse(error.to_string()))?;
    }
    Ok(roots)
}

/// The certificates of a PEM file, of which there is at least one; else what is wrong with it.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    match found {
        Ok(found) if found.is_empty() => Err("it holds no certificate (-----BEGIN CERTIFICATE-----)".into()),
        found => found.map_err(|error| error.to_string()),
    }
}

//! TLS for the connections of a listener, with a certificate that can be replaced while it serves.
//!
//! New contents of the files are in force for the next connection. Contents that are no good are logged
//! and change nothing: the server goes on with what it has.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use tokio::sync::watch;

use crate::files::{WatchedFiles, read_small_file};

/// Where the certificate is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// PEM: the server's certificate, and those between it and a root that clients know.
    pub certificate: PathBuf,
    /// PEM: the private key of the first certificate.
    pub key: PathBuf,
    /// PEM: the roots that may have signed the certificates of clients. With it, a client has to show one.
    pub client_ca: Option<PathBuf>,
}

/// Why the files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}; name a readable PEM file")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file has no certificate in it.
    #[error("{0} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)")]
    NoCertificate(PathBuf),
    /// A file has no key in it.
    #[error("{0} holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)")]
    NoKey(PathBuf),
    /// Certificate and key are not of one kind, or not of each other.
    #[error("the certificate in {certificate} and the key in {key} cannot be used together: {source}")]
    Pair {
        /// The file with the certificate.
        certificate: PathBuf,
        /// The file with the key.
        key: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
    /// A root for clients' certificates is none.
    #[error("a certificate in {path} cannot be a root for clients: {reason}")]
    ClientCa {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// Encrypts connections. Clones follow the same files.
#[derive(Clone, Debug)]
pub struct Tls {
    current: watch::Receiver<Arc<ServerConfig>>,
}

/// Keeps a [`Tls`] up to date.
#[derive(Debug)]
pub struct TlsReload {
    files: TlsFiles,
    watched: WatchedFiles,
    http2: bool,
    current: watch::Sender<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads the files. Clients are offered HTTP/1.1, and HTTP/2 before it if that is served.
    ///
    /// # Errors
    /// The files cannot be used.
    pub fn load(files: TlsFiles, http2: bool) -> Result<(Self, TlsReload), TlsError> {
        let paths = [&files.certificate, &files.key].into_iter().chain(&files.client_ca).cloned().collect();
        let watched = WatchedFiles::new(paths);
        let (sender, current) = watch::channel(config(&files, http2)?);
        Ok((Self { current }, TlsReload { files, watched, http2, current: sender }))
    }

    /// What the next connection is to be encrypted with.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.borrow())
    }
}

impl TlsReload {
    /// Looks at the files so often, for ever, and at once on SIGHUP, which is heard from this call on.
    pub fn run(self, every: Duration) -> impl Future<Output = ()> + Send {
        let Self { files, watched, http2, current } = self;
        let changed = move || match config(&files, http2) {
            Ok(config) => {
                current.send_replace(config);
                tracing::info!(certificate = %files.certificate.display(), "the certificate was replaced");
            }
            Err(error) => tracing::warn!(%error, "the new certificate cannot be used: the old one stays"),
        };
        watched.watch(every, changed)
    }
}

fn config(files: &TlsFiles, http2: bool) -> Result<Arc<ServerConfig>, TlsError> {
    let TlsFiles { certificate, key, client_ca } = files;
    let chain = certificates(certificate)?;
    let pair = |source| TlsError::Pair { certificate: certificate.clone(), key: key.clone(), source };
    let private = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|_| TlsError::NoKey(key.clone()))?;
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(pair)?;
    let builder = match client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(path)?), provider);
            let refused = |error: VerifierBuilderError| TlsError::ClientCa {
                path: path.clone(),
                reason: error.to_string(),
            };
            builder.with_client_cert_verifier(verifier.build().map_err(refused)?)
        }
    };
    let mut config = builder.with_single_cert(chain, private).map_err(pair)?;
    config.alpn_protocols =
        if http2 { vec![b"h2".to_vec(), b"http/1.1".to_vec()] } else { vec![b"http/1.1".to_vec()] };
    // Tickets hold sessions at the client, not here. Each configuration has a key of its own, so a session
    // does not outlive the roots that its client's certificate was checked with.
    config.ticketer = ring::Ticketer::new().map_err(pair)?;
    config.send_tls13_tickets = 1;
    Ok(Arc::new(config))
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    read_small_file(path).map_err(|source| TlsError::Unreadable { path: path.to_owned(), source })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let contents = read(path)?;
    match CertificateDer::pem_slice_iter(&contents).collect::<Result<Vec<_>, _>>() {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        _ => Err(TlsError::NoCertificate(path.to_owned())),
    }
}

fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots
            .add(certificate)
            .map_err(|error| TlsError::ClientCa { path: path.to_owned(), reason: error.to_string() })?;
    }
    Ok(roots)
}

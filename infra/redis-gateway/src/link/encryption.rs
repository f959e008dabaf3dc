//! TLS towards Redis: whose certificates are believed, and which one the gateway shows.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tideline_http_front::read_small_file;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::address::AddressError;

/// Certificates for a Redis that is reached with TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct RedisTls {
    /// PEM file with the roots that may have signed the certificate of Redis (rediss://). Unset: those of the system
    #[arg(long, env = "GATEWAY_REDIS_CA_FILE", value_name = "FILE")]
    pub redis_ca_file: Option<PathBuf>,

    /// PEM file with the certificate that the gateway shows to Redis, where Redis asks for one
    #[arg(long, env = "GATEWAY_REDIS_CERTIFICATE_FILE", value_name = "FILE", requires = "redis_key_file")]
    pub redis_certificate_file: Option<PathBuf>,

    /// PEM file with the private key of that certificate
    #[arg(long, env = "GATEWAY_REDIS_KEY_FILE", value_name = "FILE", requires = "redis_certificate_file")]
    pub redis_key_file: Option<PathBuf>,
}

/// Why Redis cannot be reached with TLS.
#[derive(Debug, thiserror::Error)]
pub enum EncryptionError {
    /// The files do not belong to the address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A file cannot be read.
    #[error("cannot read {path}: {source}; name a readable PEM file")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{path} cannot be used: {reason}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The system knows no certificates.
    #[error(
        "the system has no certificates to check that of redis with: name the one that signed it with GATEWAY_REDIS_CA_FILE"
    )]
    NoRoots,
    /// The settings do not fit together.
    #[error("TLS towards redis cannot be set up: {0}")]
    Setup(#[from] rustls::Error),
}

/// Encrypts connections to Redis.
#[derive(Debug)]
pub(super) struct Encryption {
    config: Arc<ClientConfig>,
}

impl Encryption {
    pub(super) fn load(files: RedisTls) -> Result<Self, EncryptionError> {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(match &files.redis_ca_file {
                Some(path) => private_roots(path)?,
                None => system_roots()?,
            });
        let config = match (&files.redis_certificate_file, &files.redis_key_file) {
            (Some(certificate), Some(key)) => {
                let private = PrivateKeyDer::from_pem_slice(&read(key)?);
                let private = private.map_err(|error| unusable(key, &error.to_string()))?;
                builder.with_client_auth_cert(certificates(certificate)?, private)?
            }
            _ => builder.with_no_client_auth(),
        };
        Ok(Encryption { config: Arc::new(config) })
    }

    /// Encrypts a connection to `host`, whose certificate has to be for that name or address.
    pub(super) async fn encrypt(&self, stream: TcpStream, host: &str) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        TlsConnector::from(Arc::clone(&self.config)).connect(name, stream).await
    }
}

fn private_roots(path: &Path) -> Result<RootCertStore, EncryptionError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| unusable(path, &error.to_string()))?;
    }
    Ok(roots)
}

fn system_roots() -> Result<RootCertStore, EncryptionError> {
    let mut roots = RootCertStore::empty();
    // Single certificates of a system may be odd: what is believed is what is left.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() { Err(EncryptionError::NoRoots) } else { Ok(roots) }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, EncryptionError> {
    let found = CertificateDer::pem_slice_iter(&read(path)?).collect::<Result<Vec<_>, _>>();
    match found {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) => Err(unusable(path, "it holds no certificate in PEM form")),
        Err(error) => Err(unusable(path, &error.to_string())),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, EncryptionError> {
    read_small_file(path).map_err(|source| EncryptionError::Unreadable { path: path.to_owned(), source })
}

fn unusable(path: &Path, reason: &str) -> EncryptionError {
    EncryptionError::Unusable { path: path.to_owned(), reason: reason.to_owned() }
}

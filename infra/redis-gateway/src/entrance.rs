//! Options of the entrance: how clients reach the gateway, and what it tells its owner of them.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args};
use tideline_http_front::{Network, TlsFiles};

/// How clients reach the gateway, and what it tells its owner of them.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Entrance {
    /// PEM file with the gateway's certificate and those that vouch for it; with it, nothing is served without TLS. It is read again when it changes
    #[arg(long, env = "GATEWAY_TLS_CERTIFICATE_FILE", value_name = "FILE", requires = "tls_key_file")]
    pub tls_certificate_file: Option<PathBuf>,

    /// PEM file with the certificate's private key
    #[arg(long, env = "GATEWAY_TLS_KEY_FILE", value_name = "FILE", requires = "tls_certificate_file")]
    pub tls_key_file: Option<PathBuf>,

    /// PEM file with the roots of clients' certificates; with it, a client has to show one, as well as a token
    #[arg(long, env = "GATEWAY_TLS_CLIENT_CA_FILE", value_name = "FILE", requires = "tls_certificate_file")]
    pub tls_client_ca_file: Option<PathBuf>,

    /// Networks of proxies, separated by commas, that tell by the PROXY protocol (version 1 or 2) whose connection they pass on; from there, nothing is served without it
    #[arg(long, env = "GATEWAY_TRUSTED_PROXIES", value_delimiter = ',', value_name = "NETWORK")]
    pub trusted_proxies: Vec<Network>,

    /// Open connections of one address (IPv6: of one /64); further ones are closed. Unset: as many as there may be in all
    #[arg(long, env = "GATEWAY_MAX_CONNECTIONS_PER_ADDRESS", value_name = "COUNT")]
    pub max_connections_per_address: Option<NonZeroU32>,

    /// Requests without a good token that one address may send in a minute; further ones are answered with 429 and Retry-After
    #[arg(long, env = "GATEWAY_AUTH_FAILURES_PER_MINUTE", default_value_t = Entrance::AUTH_FAILURES, value_name = "COUNT")]
    pub auth_failures_per_minute: NonZeroU32,

    /// Address and port that shows metrics for Prometheus at /metrics; keep it private. Unset: none are shown
    #[arg(long, env = "GATEWAY_METRICS_LISTEN", value_name = "ADDRESS")]
    pub metrics_listen: Option<SocketAddr>,

    /// Log a line for each request, at level info with the target `access`: names, numbers and the client's address, nothing that was sent
    #[arg(long, env = "GATEWAY_ACCESS_LOG", default_value_t = false, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    pub access_log: bool,

    /// Milliseconds after which the files of tokens and certificates are looked at again; SIGHUP has it done at once
    #[arg(long, env = "GATEWAY_RELOAD_MS", default_value_t = Entrance::RELOAD_MS, value_name = "MS")]
    pub reload_ms: NonZeroU64,
}

impl Entrance {
    const AUTH_FAILURES: NonZeroU32 = NonZeroU32::MIN.saturating_add(59);
    const RELOAD_MS: NonZeroU64 = NonZeroU64::MIN.saturating_add(4999);

    /// The files for TLS, if it is wanted.
    pub(crate) fn tls(&self) -> Option<TlsFiles> {
        let (certificate, key) = (self.tls_certificate_file.clone()?, self.tls_key_file.clone()?);
        Some(TlsFiles { certificate, key, client_ca: self.tls_client_ca_file.clone() })
    }

    pub(crate) fn reload(&self) -> Duration {
        Duration::from_millis(self.reload_ms.get())
    }
}

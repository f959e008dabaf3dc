//! Options of the entrance: how visitors reach the host, and what it tells its owner of them.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum, value_parser};
use tideline_http_front::{Network, TlsFiles};

/// How visitors reach the host, and what it tells its owner of them.
#[derive(Args, Clone, Debug)]
pub struct Entrance {
    /// PEM file with the host's certificate and those that vouch for it; with it, nothing is served
    /// without TLS. It is read again when it changes.
    #[arg(long, env = "EDGE_TLS_CERTIFICATE_FILE", value_name = "FILE", requires = "tls_key_file")]
    pub tls_certificate_file: Option<PathBuf>,

    /// PEM file with the certificate's private key.
    #[arg(long, env = "EDGE_TLS_KEY_FILE", value_name = "FILE", requires = "tls_certificate_file")]
    pub tls_key_file: Option<PathBuf>,

    /// Networks of proxies, separated by commas, that tell by the PROXY protocol (version 1 or 2) whose
    /// connection they pass on; from there, nothing is served without it. (Proxies that tell it in a
    /// header instead are the component's to trust: TIDELINE_CLIENT_ADDRESS_HEADER and _HOPS.)
    #[arg(long, env = "EDGE_TRUSTED_PROXIES", value_delimiter = ',', value_name = "NETWORK")]
    pub trusted_proxies: Vec<Network>,

    /// Open connections of one address (IPv6: of one /64); further ones are closed. Unset: as many as there
    /// may be in all, because behind a proxy without the PROXY protocol all have one address.
    #[arg(long, env = "EDGE_MAX_CONNECTIONS_PER_ADDRESS", value_name = "COUNT")]
    pub max_connections_per_address: Option<NonZeroU32>,

    /// Milliseconds for which a connection is kept without a request in progress. Behind a proxy that keeps
    /// connections, set it above the proxy's own idle timeout.
    #[arg(long, env = "EDGE_IDLE_TIMEOUT_MS", default_value_t = 30_000, value_parser = value_parser!(u64).range(1..))]
    pub idle_timeout_ms: u64,

    /// Address and port that shows metrics for Prometheus at /metrics, and at /readyz whether requests are
    /// to be sent here; keep it private. Unset: nothing is shown.
    #[arg(long, env = "EDGE_METRICS_LISTEN", value_name = "ADDRESS")]
    pub metrics_listen: Option<SocketAddr>,

    /// Whether a line is logged for each request, at level info with the target `access`: names and
    /// numbers, and nothing that was sent.
    #[arg(long, env = "EDGE_ACCESS_LOG", value_enum, default_value_t = AccessLog::Off)]
    pub access_log: AccessLog,

    /// Seconds for which the host serves on after it is asked to stop, while /readyz says 503, so that
    /// balancers notice before connections are refused.
    #[arg(long, env = "EDGE_STOP_DELAY_SECONDS", default_value_t = 0)]
    pub stop_delay_seconds: u64,
}

/// What is logged of each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AccessLog {
    /// Nothing.
    Off,
    /// All but the visitor's address.
    Anonymous,
    /// The visitor's address as well.
    Full,
}

impl Entrance {
    /// The files for TLS, if it is wanted.
    pub(crate) fn tls(&self) -> Option<TlsFiles> {
        let (certificate, key) = (self.tls_certificate_file.clone()?, self.tls_key_file.clone()?);
        Some(TlsFiles { certificate, key, client_ca: None })
    }

    pub(crate) fn idle_timeout(&self) -> Duration {
        Duration::from_millis(self.idle_timeout_ms)
    }

    pub(crate) fn stop_delay(&self) -> Duration {
        Duration::from_secs(self.stop_delay_seconds)
    }
}

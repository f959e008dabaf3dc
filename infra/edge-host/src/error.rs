//! Why a host does not start, or does not take over a new version of a component. Each message says what
//! to change.

use std::net::SocketAddr;
use std::path::PathBuf;

/// A reason not to start, or not to take something over.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Two options contradict each other, or one is out of range.
    #[error("{0}")]
    Options(String),
    /// The file with the list of components cannot be read, or contradicts itself.
    #[error("{path}: {reason}")]
    Components {
        /// The file as given.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// The component's file cannot be read.
    #[error("cannot read the component {path}: {source}; build it first, or name another file")]
    ComponentFile {
        /// The file as given.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is no component, or it does not compile.
    #[error(
        "{path} cannot be compiled as a component: {reason}; it must be built for the target wasm32-wasip2 and fit into --max-memory-bytes"
    )]
    Compile {
        /// The file as given.
        path: PathBuf,
        /// What the compiler said.
        reason: String,
    },
    /// The component imports something that no host of ours gives.
    #[error(
        "the component wants an import that this host does not give: {reason}; it may import only wasi:http, wasi:cli, wasi:clocks, wasi:random, wasi:io and wasi:filesystem"
    )]
    Import {
        /// What the linker said.
        reason: String,
    },
    /// The component answers no HTTP requests.
    #[error(
        "the component exports neither wasi:http/handler@0.3 nor wasi:http/incoming-handler@0.2: {reason}"
    )]
    NoHandler {
        /// What was missing.
        reason: String,
    },
    /// The first instance could not be made.
    #[error("the component does not start: {reason}")]
    Instantiate {
        /// What went wrong.
        reason: String,
    },
    /// A new version does not answer as it should.
    #[error("the component answers {path} with {status}; mend it, or set another path to probe")]
    Probe {
        /// The path that was asked for.
        path: String,
        /// The answer's status.
        status: u16,
    },
    /// The engine refuses its settings.
    #[error(
        "the WebAssembly engine does not start: {reason}; lower --shards, --instance-concurrency or --max-memory-bytes if address space is limited here"
    )]
    Engine {
        /// What went wrong.
        reason: String,
    },
    /// The directory for compiled code cannot be used.
    #[error(
        "cannot use {path} for compiled code: {reason}; set --cache-dir (EDGE_CACHE_DIR) to a directory that only this user can write, or leave it out"
    )]
    CacheDirectory {
        /// The directory as given.
        path: PathBuf,
        /// What went wrong.
        reason: String,
    },
    /// The address is in use.
    #[error("{address} is taken by another program; stop that one, or choose another --listen (EDGE_LISTEN)")]
    AddressTaken {
        /// The address as given.
        address: SocketAddr,
    },
    /// The address cannot be listened on for another reason.
    #[error("cannot listen on {address}: {source}; choose another --listen (EDGE_LISTEN)")]
    Listen {
        /// The address as given.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The listener for metrics cannot be opened.
    #[error(
        "cannot show metrics on {address}: {source}; choose another --metrics-listen (EDGE_METRICS_LISTEN)"
    )]
    MetricsListen {
        /// The address as given.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The certificate of the host cannot be used.
    #[error(transparent)]
    Tls(#[from] tideline_http_front::TlsError),
    /// The certificates for outgoing https cannot be read.
    #[error(
        "cannot load the certificates for https: {0}; install the system's CA certificates, or name a file in --outbound-ca or SSL_CERT_FILE"
    )]
    Certificates(std::io::Error),
    /// The file with authorities of our own cannot be used.
    #[error(
        "cannot take the authorities for https from {path}: {reason}; set --outbound-ca (EDGE_OUTBOUND_CA) to a PEM file with their certificates"
    )]
    OutboundCa {
        /// The file as given.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The certificate for origins that ask for one cannot be used.
    #[error(
        "cannot use {path} as certificate or key for https origins: {reason}; set --outbound-certificate-file and --outbound-key-file (EDGE_OUTBOUND_…) to PEM files that belong together"
    )]
    OutboundIdentity {
        /// The file as given.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A thread or its runtime cannot be made.
    #[error("cannot start a thread of the host: {0}")]
    Thread(std::io::Error),
}

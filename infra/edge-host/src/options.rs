//! The options of the host. `--help` is made from this file; each option is also an environment variable.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Parser, ValueEnum, value_parser};
use tracing_subscriber::EnvFilter;

use crate::components::probe_path;
use crate::{Entrance, Error, Origin};

/// Runs a wasi:http component as a server at the edge.
///
/// The component sees exactly those environment variables of this process whose names begin with
/// UPSTASH_REDIS_REST_ or TIDELINE_. Certificates for outgoing https are the system's, or those of the
/// file that --outbound-ca or SSL_CERT_FILE names.
#[derive(Clone, Debug, Parser)]
#[command(name = "tideline-edge", version)]
pub struct Options {
    /// File of the component (.wasm), WASI 0.3 or 0.2. It answers every request.
    #[arg(
        long,
        env = "EDGE_COMPONENT",
        value_name = "FILE",
        required_unless_present = "components",
        conflicts_with = "components"
    )]
    pub component: Option<PathBuf>,

    /// TOML file that names several components, each with its routes, as [[component]] tables: name, file
    /// (relative to this one), routes (such as "/track" or "shop.example/track"; the most exact one wins),
    /// and optionally allow_outbound in place of --allow-outbound, variables (beginnings of the names of
    /// those that it sees) and probe.
    #[arg(long, env = "EDGE_COMPONENTS", value_name = "FILE")]
    pub components: Option<PathBuf>,

    /// Path that a new version of the component is asked for before it takes over; a status of 500 or
    /// more keeps the old one. Without it a new version has to start, and no more.
    #[arg(long, env = "EDGE_PROBE", value_name = "PATH", value_parser = probe_path)]
    pub probe: Option<String>,

    /// Seconds between two looks at the files of components and certificate: a new version of one takes over
    /// without a lost request; one that is of no use is logged, and the old one stays. 0 looks only on
    /// SIGHUP. The list of components itself is read at the start only.
    #[arg(long, env = "EDGE_RELOAD_SECONDS", default_value_t = 5)]
    pub reload_seconds: u64,

    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, env = "EDGE_LISTEN", default_value = "127.0.0.1:8585")]
    pub listen: SocketAddr,

    /// An origin, scheme://host:port, that the component may send requests to. Repeat it, or separate
    /// several with commas. Everything else is refused; without this option nothing is reachable.
    #[arg(
        long = "allow-outbound",
        env = "EDGE_ALLOW_OUTBOUND",
        value_delimiter = ',',
        value_name = "ORIGIN"
    )]
    pub allow_outbound: Vec<Origin>,

    /// An allowed http origin that is spoken to in HTTP/2 from the first byte; repeat it, or separate
    /// several with commas. https origins are offered HTTP/2 anyway.
    #[arg(
        long = "outbound-http2",
        env = "EDGE_OUTBOUND_HTTP2",
        value_delimiter = ',',
        value_name = "ORIGIN"
    )]
    pub outbound_http2: Vec<Origin>,

    /// File of the certificates (PEM) of the authorities that https origins are believed by, instead of
    /// the system's.
    #[arg(long, env = "EDGE_OUTBOUND_CA", value_name = "FILE")]
    pub outbound_ca: Option<PathBuf>,

    /// PEM file with the certificate that this host shows to https origins that ask for one, and those that
    /// vouch for it.
    #[arg(long, env = "EDGE_OUTBOUND_CERTIFICATE_FILE", value_name = "FILE", requires = "outbound_key_file")]
    pub outbound_certificate_file: Option<PathBuf>,

    /// PEM file with that certificate's private key.
    #[arg(long, env = "EDGE_OUTBOUND_KEY_FILE", value_name = "FILE", requires = "outbound_certificate_file")]
    pub outbound_key_file: Option<PathBuf>,

    /// Threads, each with its own listener, instance and outgoing connections. One serves more than
    /// 10,000 requests per second; more of them make the component's batches smaller.
    #[arg(long, env = "EDGE_SHARDS", default_value_t = 1, value_parser = value_parser!(u16).range(1..=64))]
    pub shards: u16,

    /// Requests that one instance works on at once. (WASI 0.2: instances of a shard that work at once, at
    /// most 128.)
    #[arg(long, env = "EDGE_INSTANCE_CONCURRENCY", default_value_t = 256, value_parser = value_parser!(u32).range(1..=4096))]
    pub instance_concurrency: u32,

    /// Requests of a shard that may wait for an instance; the next one is answered 503.
    #[arg(long, env = "EDGE_QUEUE", default_value_t = 1024, value_parser = value_parser!(u32).range(1..=65_536))]
    pub queue: u32,

    /// Milliseconds that a request may wait for an instance; then it is answered 503. The collector takes 2.3 seconds
    /// at the most, so a visitor has an answer within three, whatever Redis does.
    #[arg(long, env = "EDGE_QUEUE_TIMEOUT_MS", default_value_t = 500, value_parser = value_parser!(u64).range(1..))]
    pub queue_timeout_ms: u64,

    /// Requests after which an instance is replaced by a new one. The new one takes over first, then the
    /// old one finishes what it has begun.
    #[arg(long, env = "EDGE_RECYCLE_AFTER", default_value_t = 1_000_000, value_parser = value_parser!(u64).range(1..))]
    pub recycle_after: u64,

    /// Bytes of memory above which an instance is replaced by a new one, because an instance never gives
    /// memory back. Default: three quarters of --max-memory-bytes. One that holds more than half of
    /// --max-component-handles is replaced as well.
    #[arg(long, env = "EDGE_RECYCLE_MEMORY_BYTES", value_parser = value_parser!(u32).range(1..))]
    pub recycle_memory_bytes: Option<u32>,

    /// Open connections of all shards; further ones wait to be accepted.
    #[arg(long, env = "EDGE_MAX_CONNECTIONS", default_value_t = 4096, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub max_connections: u32,

    /// How visitors reach the host, and what it tells its owner of them.
    #[command(flatten)]
    pub entrance: Entrance,

    /// Bytes of a request's body; a larger one is answered 413. The default is above the collector's own
    /// limit, so that a visitor reads the collector's answer to a body that is too large.
    #[arg(long, env = "EDGE_MAX_BODY_BYTES", default_value_t = 320 << 10, value_parser = value_parser!(u32).range(1..=256 << 20))]
    pub max_body_bytes: u32,

    /// Bytes of all request bodies of a shard that are not answered yet; what would exceed it is answered
    /// 503. At most an eighth of --max-memory-bytes, because the component holds several copies of a
    /// body while it works on it. Default: that eighth, so 8 MiB.
    #[arg(long, env = "EDGE_MAX_BUFFERED_BYTES", value_parser = value_parser!(u32).range(1..))]
    pub max_buffered_bytes: Option<u32>,

    /// Bytes of one answer of the component; a larger one is replaced by a 500.
    #[arg(long, env = "EDGE_MAX_ANSWER_BYTES", default_value_t = 64 << 10, value_parser = value_parser!(u32).range(1..))]
    pub max_answer_bytes: u32,

    /// Milliseconds that the headers of a request may take, from their first byte; for the first request of
    /// a connection from its beginning, and as long again for the TLS handshake before it.
    #[arg(long, env = "EDGE_HEADER_TIMEOUT_MS", default_value_t = 5000, value_parser = value_parser!(u64).range(1..))]
    pub header_timeout_ms: u64,

    /// Milliseconds that the whole body of a request may take; a slower one is answered 408.
    #[arg(long, env = "EDGE_BODY_TIMEOUT_MS", default_value_t = 10_000, value_parser = value_parser!(u64).range(1..))]
    pub body_timeout_ms: u64,

    /// Milliseconds for which a client may take nothing of its answers; then its connection is cut.
    #[arg(long, env = "EDGE_WRITE_TIMEOUT_MS", default_value_t = 10_000, value_parser = value_parser!(u64).range(1..))]
    pub write_timeout_ms: u64,

    /// Milliseconds from the last byte of a request to the component's whole answer; then it is answered
    /// 503. An instance that does nothing else for so long is ended.
    #[arg(long, env = "EDGE_REQUEST_TIMEOUT_MS", default_value_t = 5000, value_parser = value_parser!(u64).range(10..))]
    pub request_timeout_ms: u64,

    /// Milliseconds to connect to an allowed origin; the component may ask for less.
    #[arg(long, env = "EDGE_OUTBOUND_CONNECT_TIMEOUT_MS", default_value_t = 1000, value_parser = value_parser!(u64).range(1..))]
    pub outbound_connect_timeout_ms: u64,

    /// Milliseconds for a whole outgoing request; the component may ask for less. Default: the request
    /// timeout.
    #[arg(long, env = "EDGE_OUTBOUND_TIMEOUT_MS", value_parser = value_parser!(u64).range(1..))]
    pub outbound_timeout_ms: Option<u64>,

    /// Bytes of the answer to an outgoing request; a larger one becomes an error in the component.
    #[arg(long, env = "EDGE_MAX_OUTBOUND_ANSWER_BYTES", default_value_t = 4 << 20, value_parser = value_parser!(u32).range(1..))]
    pub max_outbound_answer_bytes: u32,

    /// Bytes of memory that one instance may have.
    #[arg(long, env = "EDGE_MAX_MEMORY_BYTES", default_value_t = 64 << 20, value_parser = value_parser!(u32).range(1 << 20..))]
    pub max_memory_bytes: u32,

    /// Handles (requests, streams, futures, …) that one instance may hold before it is ended.
    #[arg(long, env = "EDGE_MAX_COMPONENT_HANDLES", default_value_t = 100_000, value_parser = value_parser!(u32).range(16..))]
    pub max_component_handles: u32,

    /// Directory for compiled code, so that the next start need not compile. Whoever can write to it can
    /// run code as this process: it is used only if it, and all that is in it, belongs to this user alone
    /// (chmod 700). Without it nothing is kept.
    #[arg(long, env = "EDGE_CACHE_DIR", value_name = "DIRECTORY")]
    pub cache_dir: Option<PathBuf>,

    /// Compiles the components into the directory for compiled code, says what is wrong with options and
    /// components if anything is, and exits.
    #[arg(long)]
    pub prepare: bool,

    /// Seconds that requests in progress may take when the host is asked to stop.
    #[arg(long, env = "EDGE_DRAIN_SECONDS", default_value_t = 10)]
    pub drain_seconds: u64,

    /// How log lines are written, to standard error.
    #[arg(long, env = "EDGE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// Least important level that is logged, or a filter such as `info,guest=warn`. What the component
    /// prints has the target `guest`: its standard error is at level warn, its standard output at info.
    #[arg(long, env = "EDGE_LOG", default_value = "info", value_name = "FILTER", value_parser = log_filter)]
    pub log: String,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Bytes of an instance's memory for each byte of the request bodies in it: the component's copies of
/// them, and as much again for everything else.
const MEMORY_PER_BODY_BYTE: u32 = 8;

impl Options {
    /// Refuses options that contradict each other.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let (memory, body, buffered) =
            (self.max_memory_bytes, self.max_body_bytes, self.max_buffered_bytes());
        let most = memory / MEMORY_PER_BODY_BYTE;
        if body > most {
            return Err(Error::Options(format!(
                "--max-body-bytes ({body}) is above an eighth of --max-memory-bytes ({memory}), so the component's copies of such bodies could fill its memory; lower it to at most {most}, or raise --max-memory-bytes to at least {}",
                u64::from(body) * u64::from(MEMORY_PER_BODY_BYTE)
            )));
        }
        if buffered > most {
            return Err(Error::Options(format!(
                "--max-buffered-bytes ({buffered}) is above an eighth of --max-memory-bytes ({memory}), so the component's copies of the bodies could fill its memory; lower it to at most {most}, or raise --max-memory-bytes to at least {}",
                u64::from(buffered) * u64::from(MEMORY_PER_BODY_BYTE)
            )));
        }
        if buffered < body {
            return Err(Error::Options(format!(
                "--max-buffered-bytes ({buffered}) is below --max-body-bytes ({body}), so the largest body could never be taken; raise it to at least {body}"
            )));
        }
        if let Some(outbound) = self.outbound_timeout_ms
            && outbound > self.request_timeout_ms
        {
            return Err(Error::Options(format!(
                "--outbound-timeout-ms ({outbound}) is above --request-timeout-ms ({}), so the component could never answer after it; lower it",
                self.request_timeout_ms
            )));
        }
        if let Some(origin) = self.outbound_http2.iter().find(|origin| origin.is_https()) {
            return Err(Error::Options(format!(
                "--outbound-http2 {origin} is https, where HTTP/2 is offered anyway; leave it out"
            )));
        }
        Ok(())
    }

    /// Bytes of a shard's request bodies that are not answered yet.
    pub(crate) fn max_buffered_bytes(&self) -> u32 {
        self.max_buffered_bytes.unwrap_or(self.max_memory_bytes / MEMORY_PER_BODY_BYTE)
    }

    /// Bytes of memory above which an instance is replaced.
    pub(crate) fn recycle_memory_bytes(&self) -> u32 {
        self.recycle_memory_bytes.unwrap_or(self.max_memory_bytes / 4 * 3)
    }

    /// Files of the certificate for origins that ask for one, and of its key.
    pub(crate) fn outbound_identity(&self) -> Option<(&Path, &Path)> {
        self.outbound_certificate_file.as_deref().zip(self.outbound_key_file.as_deref())
    }

    /// Time to connect to an origin.
    pub(crate) fn outbound_connect_timeout(&self) -> Duration {
        Duration::from_millis(self.outbound_connect_timeout_ms)
    }

    /// Time for a whole outgoing request.
    pub(crate) fn outbound_timeout(&self) -> Duration {
        Duration::from_millis(self.outbound_timeout_ms.unwrap_or(self.request_timeout_ms))
    }

    /// Time between two looks at the components' files, if any are to be made unasked.
    pub(crate) fn reload_every(&self) -> Option<Duration> {
        (self.reload_seconds > 0).then(|| Duration::from_secs(self.reload_seconds))
    }

    pub(crate) fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }

    pub(crate) fn queue_timeout(&self) -> Duration {
        Duration::from_millis(self.queue_timeout_ms)
    }

    pub(crate) fn header_timeout(&self) -> Duration {
        Duration::from_millis(self.header_timeout_ms)
    }

    pub(crate) fn body_timeout(&self) -> Duration {
        Duration::from_millis(self.body_timeout_ms)
    }

    pub(crate) fn write_timeout(&self) -> Duration {
        Duration::from_millis(self.write_timeout_ms)
    }

    pub(crate) fn drain_limit(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
}

/// A log filter, checked at once because the log would otherwise be the place to say that it is wrong.
fn log_filter(text: &str) -> Result<String, String> {
    match EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!("{error}; use for example info or info,guest=warn")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options, clap::Error> {
        Options::try_parse_from([&["tideline-edge", "--component", "a.wasm"], arguments].concat())
    }

    #[test]
    fn defaults_are_accepted() {
        let options = parse(&[]).unwrap();
        assert!(options.check().is_ok());
        assert_eq!(options.listen.port(), 8585);
        assert_eq!(options.max_buffered_bytes(), 8 << 20);
        assert!(options.allow_outbound.is_empty());
    }

    #[test]
    fn memory_for_bodies_grows_with_the_memory_of_an_instance() {
        let options = parse(&["--max-memory-bytes", "134217728"]).unwrap();
        assert!(options.check().is_ok());
        assert_eq!(options.max_buffered_bytes(), 16 << 20);
    }

    #[test]
    fn origins_are_repeated_or_separated_by_commas() {
        let options =
            parse(&["--allow-outbound", "http://a:1,https://b", "--allow-outbound", "http://c"]).unwrap();
        let origins: Vec<_> = options.allow_outbound.iter().map(Origin::to_string).collect();
        assert_eq!(origins, ["http://a:1", "https://b:443", "http://c:80"]);
    }

    #[test]
    fn contradictions_are_refused_with_the_remedy() {
        let table = [
            (&["--max-buffered-bytes", "10"][..], "raise it to at least 327680"),
            (&["--max-buffered-bytes", "8388609"], "lower it to at most 8388608, or raise"),
            (&["--max-buffered-bytes", "8388609"], "--max-memory-bytes to at least 67108872"),
            (&["--max-body-bytes", "9000000"], "lower it to at most 8388608, or raise"),
            (&["--max-memory-bytes", "1048576"], "--max-memory-bytes to at least 2621440"),
            (&["--outbound-timeout-ms", "6000"][..], "lower it"),
            (&["--outbound-http2", "https://a"], "leave it out"),
        ];
        for (arguments, remedy) in table {
            let error = parse(arguments).unwrap().check().unwrap_err().to_string();
            assert!(error.contains(remedy), "{error}");
        }
    }

    #[test]
    fn values_out_of_range_are_refused() {
        for arguments in
            [["--shards", "0"], ["--queue", "0"], ["--allow-outbound", "b:1"], ["--log", "a=b=c"]]
        {
            assert!(parse(&arguments).is_err(), "{arguments:?}");
        }
    }
}

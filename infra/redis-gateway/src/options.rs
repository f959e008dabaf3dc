//! Configuration: what the command line and the environment say, checked as a whole.
//!
//! [`Arguments`] is what `--help` documents, [`Options`] what the gateway runs with. The Redis URL
//! holds a password, so it has no option: it comes from `GATEWAY_REDIS_URL` or from a file.
//! Contradictions are refused here, with the sentence that mends them.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, ValueEnum};

use crate::entrance::Entrance;
use crate::link::{AddressError, EncryptionError, RedisAddress, RedisTls};
use crate::protocol::Protocol;
use crate::tokens::{TokensError, TokensFile};

/// The variable with the Redis URL.
pub const REDIS_URL_VARIABLE: &str = "GATEWAY_REDIS_URL";

/// Why the gateway cannot run with this configuration.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    /// No Redis URL.
    #[error(
        "no redis URL: set GATEWAY_REDIS_URL=redis://user:password@host:6379, or GATEWAY_REDIS_URL_FILE to a file that holds it"
    )]
    NoRedisUrl,
    /// Two Redis URLs.
    #[error("GATEWAY_REDIS_URL and a redis URL file are both given: remove one of them")]
    TwoRedisUrls,
    /// The file with the Redis URL cannot be read.
    #[error("cannot read the redis URL file {path}: {source}; name a readable file that holds the URL alone")]
    RedisUrlFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The Redis URL is not one.
    #[error(transparent)]
    RedisUrl(#[from] AddressError),
    /// Redis cannot be reached with TLS.
    #[error(transparent)]
    RedisTls(#[from] EncryptionError),
    /// No tokens file.
    #[error(
        "no tokens file: set GATEWAY_TOKENS_FILE (or --tokens-file) to the JSON file with the SHA-256 of each token"
    )]
    NoTokensFile,
    /// The tokens file cannot be used.
    #[error(transparent)]
    Tokens(#[from] TokensError),
    /// A limit of zero would refuse everything.
    #[error("{option} is 0, which would refuse every request: give at least 1")]
    Zero {
        /// The option.
        option: &'static str,
    },
    /// The budget of bytes has no room for the largest request or answer.
    #[error("--max-buffered-bytes is {budget}, less than {option}: give it at least {needed}")]
    SmallBudget {
        /// The budget.
        budget: usize,
        /// The larger option.
        option: &'static str,
        /// Its value.
        needed: usize,
    },
    /// Requests would time out before the gateway knows that Redis is away.
    #[error("--connect-timeout-ms is longer than --command-timeout-ms: make it at most {command_millis}")]
    SlowConnect {
        /// The command timeout.
        command_millis: u64,
    },
}

const REDIS_URL_HELP: &str = "\
Environment:
  GATEWAY_REDIS_URL  Where Redis is. A secret, so there is no option for it; see also --redis-url-file
    redis://user:password@host:6379[/db]
    unix:///path/to/redis.sock[?user=..&pass=..&db=..]
    redis+sentinel://user:password@sentinel:26379,sentinel:26379/master[/db][?sentinel_user=..&sentinel_pass=..]
    redis+cluster://user:password@node:6379,node:6379
  With rediss in place of redis, everything is encrypted";

/// Upstash-compatible REST front for a self-hosted Redis.
///
/// Serves the whole protocol to bearer tokens, `/livez` and `/readyz` to everybody.
#[derive(Debug, Parser)]
#[command(
    name = "tideline-gateway",
    version,
    after_help = REDIS_URL_HELP
)]
pub struct Arguments {
    /// Address and port to serve on; port 0 takes a free one
    #[arg(long, env = "GATEWAY_LISTEN", default_value = "127.0.0.1:8079", value_name = "ADDRESS")]
    pub listen: SocketAddr,

    /// JSON file with the tokens: {"tokens":[{"name":"edge","sha256":"<hex>","policy":"ingest"}]}
    ///
    /// The policy is `ingest` (PING, and FCALL or FCALL_RO of functions whose names begin with
    /// track_), `readonly` (what changes nothing, without KEYS, SCAN and RANDOMKEY), `full` (everything
    /// that can share a connection) or a list: {"commands":["get","client|id","@readonly"],
    /// "keys":["cache:*"]}. Make a hash with `printf %s "$TOKEN" | sha256sum`; a list of two keeps an
    /// old token alive beside its successor. "max_in_flight" limits the requests of one entry. The file
    /// is read again when it changes.
    #[arg(long, env = "GATEWAY_TOKENS_FILE", value_name = "FILE", verbatim_doc_comment)]
    pub tokens_file: Option<PathBuf>,

    /// File that holds the Redis URL, instead of GATEWAY_REDIS_URL
    #[arg(long, env = "GATEWAY_REDIS_URL_FILE", value_name = "FILE")]
    pub redis_url_file: Option<PathBuf>,

    /// Certificates for a Redis that is reached with TLS
    #[command(flatten)]
    pub redis_tls: RedisTls,

    /// How clients reach the gateway
    #[command(flatten)]
    pub entrance: Entrance,

    /// What is served beside commands, and how a token may come
    #[command(flatten)]
    pub protocol: Protocol,

    /// What is bounded, and where
    #[command(flatten)]
    pub limits: Limits,

    /// Which log lines are written: a level, or a tracing filter such as `info,tideline_redis_gateway=debug`
    #[arg(long, env = "GATEWAY_LOG", default_value = "info", value_name = "FILTER")]
    pub log: String,

    /// How log lines look
    #[arg(long, env = "GATEWAY_LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    pub log_format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One line of text.
    Text,
    /// One JSON object on a line.
    Json,
}

/// Bounds of memory, connections and time.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Limits {
    /// Bytes of one request body; a larger one is answered with 413
    #[arg(long, env = "GATEWAY_MAX_BODY_BYTES", default_value_t = Limits::DEFAULT.max_body_bytes, value_name = "BYTES")]
    pub max_body_bytes: usize,

    /// Commands in one pipeline or transaction; clients that make pipelines by themselves send up to 1000
    #[arg(long, env = "GATEWAY_MAX_PIPELINE_COMMANDS", default_value_t = Limits::DEFAULT.max_pipeline_commands, value_name = "COUNT")]
    pub max_pipeline_commands: usize,

    /// Arguments of one command, with its name
    #[arg(long, env = "GATEWAY_MAX_COMMAND_ARGUMENTS", default_value_t = Limits::DEFAULT.max_command_arguments, value_name = "COUNT")]
    pub max_command_arguments: usize,

    /// Bytes of one answer; a reply over it is replaced by an error
    #[arg(long, env = "GATEWAY_MAX_ANSWER_BYTES", default_value_t = Limits::DEFAULT.max_answer_bytes, value_name = "BYTES")]
    pub max_answer_bytes: usize,

    /// Requests in flight in total; one more is answered with 503 and Retry-After
    #[arg(long, env = "GATEWAY_MAX_IN_FLIGHT", default_value_t = Limits::DEFAULT.max_in_flight, value_name = "COUNT")]
    pub max_in_flight: usize,

    /// Bytes of request bodies and large answers held at one time
    #[arg(long, env = "GATEWAY_MAX_BUFFERED_BYTES", default_value_t = Limits::DEFAULT.max_buffered_bytes, value_name = "BYTES")]
    pub max_buffered_bytes: usize,

    /// Open client connections; further ones wait to be accepted
    #[arg(long, env = "GATEWAY_MAX_CONNECTIONS", default_value_t = Limits::DEFAULT.max_connections, value_name = "COUNT")]
    pub max_connections: usize,

    /// Milliseconds that Redis has for a request; then 503 says that the outcome is unknown
    #[arg(long, env = "GATEWAY_COMMAND_TIMEOUT_MS", default_value_t = Limits::DEFAULT.command_timeout_ms, value_name = "MS")]
    pub command_timeout_ms: u64,

    /// Milliseconds for connecting to Redis, with authentication and a first answer
    #[arg(long, env = "GATEWAY_CONNECT_TIMEOUT_MS", default_value_t = Limits::DEFAULT.connect_timeout_ms, value_name = "MS")]
    pub connect_timeout_ms: u64,

    /// Milliseconds from the first byte of a request to the end of its headers, and for a client to take more of an answer
    #[arg(long, env = "GATEWAY_HEADER_TIMEOUT_MS", default_value_t = Limits::DEFAULT.header_timeout_ms, value_name = "MS")]
    pub header_timeout_ms: u64,

    /// Milliseconds for a request body to arrive; then 408
    #[arg(long, env = "GATEWAY_BODY_TIMEOUT_MS", default_value_t = Limits::DEFAULT.body_timeout_ms, value_name = "MS")]
    pub body_timeout_ms: u64,

    /// Seconds after which an idle client connection is closed; longer than clients keep theirs (90 is common)
    #[arg(long, env = "GATEWAY_IDLE_SECONDS", default_value_t = Limits::DEFAULT.idle_seconds, value_name = "SECONDS")]
    pub idle_seconds: u64,

    /// Seconds that requests in flight have to finish after SIGTERM or SIGINT
    #[arg(long, env = "GATEWAY_DRAIN_SECONDS", default_value_t = Limits::DEFAULT.drain_seconds, value_name = "SECONDS")]
    pub drain_seconds: u64,
}

impl Limits {
    /// What holds when nothing is said.
    pub const DEFAULT: Limits = Limits {
        max_body_bytes: 1024 * 1024,
        max_pipeline_commands: 1_000,
        max_command_arguments: 10_000,
        max_answer_bytes: 16 * 1024 * 1024,
        max_in_flight: 1024,
        max_buffered_bytes: 256 * 1024 * 1024,
        max_connections: 1024,
        command_timeout_ms: 2_500,
        connect_timeout_ms: 1_000,
        header_timeout_ms: 5_000,
        body_timeout_ms: 10_000,
        idle_seconds: 120,
        drain_seconds: 10,
    };

    fn check(&self) -> Result<(), OptionsError> {
        let positive = [
            ("--max-body-bytes", self.max_body_bytes),
            ("--max-pipeline-commands", self.max_pipeline_commands),
            ("--max-command-arguments", self.max_command_arguments),
            ("--max-answer-bytes", self.max_answer_bytes),
            ("--max-in-flight", self.max_in_flight),
            ("--max-connections", self.max_connections),
            ("--command-timeout-ms", usize::from(self.command_timeout_ms > 0)),
            ("--connect-timeout-ms", usize::from(self.connect_timeout_ms > 0)),
            ("--header-timeout-ms", usize::from(self.header_timeout_ms > 0)),
            ("--body-timeout-ms", usize::from(self.body_timeout_ms > 0)),
            ("--idle-seconds", usize::from(self.idle_seconds > 0)),
        ];
        if let Some((option, _)) = positive.into_iter().find(|(_, value)| *value == 0) {
            return Err(OptionsError::Zero { option });
        }
        let budget = self.max_buffered_bytes;
        let largest =
            [("--max-body-bytes", self.max_body_bytes), ("--max-answer-bytes", self.max_answer_bytes)];
        if let Some((option, needed)) = largest.into_iter().find(|(_, value)| *value > budget) {
            return Err(OptionsError::SmallBudget { budget, option, needed });
        }
        if self.connect_timeout_ms > self.command_timeout_ms {
            return Err(OptionsError::SlowConnect { command_millis: self.command_timeout_ms });
        }
        Ok(())
    }

    pub(crate) fn command_timeout(&self) -> Duration {
        Duration::from_millis(self.command_timeout_ms)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits::DEFAULT
    }
}

/// What the gateway runs with.
#[derive(Debug)]
pub struct Options {
    /// Address and port to serve on.
    pub listen: SocketAddr,
    /// The Redis behind the gateway.
    pub redis: RedisAddress,
    /// Who may send commands.
    pub tokens: TokensFile,
    /// How clients reach the gateway.
    pub entrance: Entrance,
    /// What is served beside commands, and how a token may come.
    pub protocol: Protocol,
    /// Bounds of memory, connections and time.
    pub limits: Limits,
}

impl Arguments {
    /// Reads the files that the arguments name; `redis_url` is the value of `GATEWAY_REDIS_URL`.
    pub fn into_options(self, redis_url: Option<String>) -> Result<Options, OptionsError> {
        self.limits.check()?;
        let redis_url = redis_url.filter(|url| !url.is_empty());
        let redis_url = match (redis_url, self.redis_url_file) {
            (Some(_), Some(_)) => return Err(OptionsError::TwoRedisUrls),
            (Some(url), None) => url,
            (None, Some(path)) => fs::read_to_string(&path)
                .map_err(|source| OptionsError::RedisUrlFile { path: path.clone(), source })?,
            (None, None) => return Err(OptionsError::NoRedisUrl),
        };
        let tokens_file = self.tokens_file.ok_or(OptionsError::NoTokensFile)?;
        Ok(Options {
            listen: self.listen,
            redis: RedisAddress::parse(&redis_url)?.with_tls(self.redis_tls)?,
            tokens: TokensFile::open(tokens_file)?,
            entrance: self.entrance,
            protocol: self.protocol,
            limits: self.limits,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(arguments: &[&str], redis_url: Option<&str>) -> String {
        let arguments = Arguments::try_parse_from([&["tideline-gateway"], arguments].concat()).unwrap();
        arguments.into_options(redis_url.map(ToOwned::to_owned)).unwrap_err().to_string()
    }

    #[test]
    fn a_contradiction_is_refused_with_the_option_that_mends_it() {
        let url = Some("redis://u:hidden@h");
        let table: [(&[&str], Option<&str>, &str); 9] = [
            (&[], None, "set GATEWAY_REDIS_URL="),
            (&[], Some(""), "set GATEWAY_REDIS_URL="),
            (&[], url, "set GATEWAY_TOKENS_FILE"),
            (&["--redis-url-file", "/f"], url, "remove one of them"),
            (&["--redis-url-file", "/nonexistent/url"], None, "/nonexistent/url"),
            (&["--tokens-file", "/nonexistent/tokens"], url, "/nonexistent/tokens"),
            (&["--max-in-flight", "0"], url, "--max-in-flight is 0"),
            (&["--max-buffered-bytes", "1000"], url, "give it at least 1048576"),
            (&["--command-timeout-ms", "500"], url, "make it at most 500"),
        ];
        for (arguments, url, expected) in table {
            let refusal = refusal(arguments, url);
            assert!(refusal.contains(expected), "{refusal}");
            assert!(!refusal.contains("hidden"), "{refusal}");
        }
    }

    #[test]
    fn defaults_hold_when_nothing_is_said() {
        let arguments = Arguments::try_parse_from(["tideline-gateway"]).unwrap();
        assert_eq!(arguments.limits, Limits::DEFAULT);
        assert_eq!(arguments.listen.to_string(), "127.0.0.1:8079");
        assert!(arguments.limits.check().is_ok());
    }
}

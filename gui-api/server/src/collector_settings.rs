//! The settings of the role collect: how it listens, and what visitors may take. What it is told as a
//! collector are the variables of the edge, whose names are `tideline_collector::Settings::NAMES`.

use std::env;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::bail;
use clap::{Args, value_parser};
use tideline_collect::{Deadlines, Limits, Options};
use tideline_collector::Settings;

use crate::settings::{self, Installation};

/// How names of settings begin.
const OURS: [&str; 2] = ["TIDELINE_", "UPSTASH_REDIS_REST_"];

/// Settings of `serve` and `check` for the role collect.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Role collect")]
pub(crate) struct CollectorSettings {
    /// Address and port of the public endpoints; port 0 takes a free one.
    #[arg(long, env = "TIDELINE_COLLECT_LISTEN", default_value = "127.0.0.1:8585", value_name = "ADDRESS")]
    collect_listen: SocketAddr,

    /// Open connections; further ones wait to be accepted.
    #[arg(long, env = "TIDELINE_COLLECT_MAX_CONNECTIONS", default_value_t = 4096, value_parser = value_parser!(u32).range(1..=1_000_000), value_name = "NUMBER")]
    collect_max_connections: u32,

    /// Bytes of all request bodies that are not answered yet; what would exceed it is answered 503. The
    /// collector makes several copies of a body while it works on it.
    #[arg(long, env = "TIDELINE_COLLECT_MAX_BUFFERED_BYTES", default_value_t = 32 << 20, value_parser = value_parser!(u32).range(1..), value_name = "BYTES")]
    collect_max_buffered_bytes: u32,

    /// Requests that are worked on at once, and so the most connections to UPSTASH_REDIS_REST_URL.
    #[arg(long, env = "TIDELINE_COLLECT_CONCURRENCY", default_value_t = 256, value_parser = value_parser!(u32).range(1..=4096), value_name = "NUMBER")]
    collect_concurrency: u32,

    /// Requests that may wait for their turn; the next one is answered 503.
    #[arg(long, env = "TIDELINE_COLLECT_QUEUE", default_value_t = 1024, value_parser = value_parser!(u32).range(1..=65_536), value_name = "NUMBER")]
    collect_queue: u32,

    /// Milliseconds that the headers of a request may take, counted from the end of the request before it.
    /// So it is also how long an idle connection is kept: behind a proxy that keeps connections, set it
    /// above the proxy's own idle timeout.
    #[arg(long, env = "TIDELINE_COLLECT_HEADER_TIMEOUT_MS", default_value_t = 5000, value_parser = value_parser!(u64).range(1..), value_name = "MS")]
    collect_header_timeout_ms: u64,

    /// Milliseconds that the whole body of a request may take; a slower one is answered 408.
    #[arg(long, env = "TIDELINE_COLLECT_BODY_TIMEOUT_MS", default_value_t = 10_000, value_parser = value_parser!(u64).range(1..), value_name = "MS")]
    collect_body_timeout_ms: u64,

    /// Milliseconds for which a client may take nothing of its answers; then its connection is cut.
    #[arg(long, env = "TIDELINE_COLLECT_WRITE_TIMEOUT_MS", default_value_t = 10_000, value_parser = value_parser!(u64).range(1..), value_name = "MS")]
    collect_write_timeout_ms: u64,
}

impl CollectorSettings {
    /// How the collector of this installation serves.
    pub(crate) fn options(&self, installation: &Installation, drain: Duration) -> anyhow::Result<Options> {
        Ok(Options {
            listen: self.collect_listen,
            settings: Settings::from_variables(&variables(installation)?)?,
            limits: self.limits(),
            deadlines: Deadlines::default(),
            drain,
        })
    }

    fn limits(&self) -> Limits {
        Limits {
            connections: self.collect_max_connections as usize,
            buffered_bytes: self.collect_max_buffered_bytes as usize,
            concurrency: self.collect_concurrency as usize,
            queue: self.collect_queue as usize,
            header_timeout: Duration::from_millis(self.collect_header_timeout_ms),
            body_timeout: Duration::from_millis(self.collect_body_timeout_ms),
            write_timeout: Duration::from_millis(self.collect_write_timeout_ms),
            ..Limits::DEFAULT
        }
    }
}

/// The environment as the collector sees it: without what this program has options for and reads as secrets, so that a
/// name which is neither is refused as misspelt. What the installation has an option for is what the option says.
fn variables(installation: &Installation) -> anyhow::Result<Vec<(String, String)>> {
    let mut variables: Vec<_> =
        installation.variables().map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
    let of_the_service = settings::environment_names();
    for (name, value) in env::vars_os() {
        let Some(name) = name.to_str().filter(|name| OURS.iter().any(|prefix| name.starts_with(prefix)))
        else {
            continue;
        };
        if of_the_service.iter().any(|known| known == name)
            || variables.iter().any(|(known, _)| known == name)
        {
            continue;
        }
        let Some(value) = value.to_str() else { bail!("{name} is not UTF-8: set it anew") };
        variables.push((name.to_owned(), value.to_owned()));
    }
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, FromArgMatches as _};

    use super::*;

    #[test]
    fn the_defaults_of_the_options_are_the_collectors_own() {
        let command = CollectorSettings::augment_args(clap::Command::new("serve"));
        let settings = CollectorSettings::from_arg_matches(&command.get_matches_from(["serve"])).unwrap();
        assert_eq!(settings.limits(), Limits::DEFAULT);
    }
}

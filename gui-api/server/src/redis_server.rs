//! The Redis of the installation: reaching it, and whether it is one that we can use.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ErrorKind, RedisError, ServerErrorKind};
use tokio::time::sleep;

use crate::sentence;

/// The first version with functions and with all that streams need here.
const OLDEST: (u32, u32) = (7, 0);
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// Waiting times between attempts to connect: the first, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// Why Redis cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RedisTrouble {
    /// It may come yet.
    #[error("redis at {address} cannot be reached ({source}): start it, or mend TIDELINE_REDIS_URL")]
    Unreachable {
        /// Host and port.
        address: String,
        /// What the client says.
        source: RedisError,
    },
    /// It is there and does not want us.
    #[error("redis at {0} refuses the user or the password of TIDELINE_REDIS_URL: mend one or the other")]
    Refused(String),
    /// It is there and too old.
    #[error("redis at {address} is version {version}: use {}.{} or later", OLDEST.0, OLDEST.1)]
    TooOld {
        /// Host and port.
        address: String,
        /// What it says it is.
        version: String,
    },
}

/// A connection to a Redis that we can use.
pub(crate) struct RedisServer {
    pub(crate) connection: MultiplexedConnection,
    pub(crate) version: String,
}

/// Host and port: all that may be shown of the URL.
pub(crate) fn address(client: &Client) -> String {
    client.get_connection_info().addr().to_string()
}

/// Connects, once.
pub(crate) async fn connect(client: &Client) -> Result<RedisServer, RedisTrouble> {
    let address = address(client);
    let trouble = |source: RedisError| match source.kind() {
        ErrorKind::AuthenticationFailed => RedisTrouble::Refused(address.clone()),
        _ => RedisTrouble::Unreachable { address: address.clone(), source },
    };
    let limits = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(ANSWER_LIMIT))
        .set_response_timeout(Some(ANSWER_LIMIT));
    let mut connection =
        client.get_multiplexed_async_connection_with_config(&limits).await.map_err(trouble)?;
    let info: redis::InfoDict =
        redis::cmd("INFO").arg("server").query_async(&mut connection).await.map_err(trouble)?;
    let version: String = info.get("redis_version").unwrap_or_default();
    if is_too_old(&version) {
        return Err(RedisTrouble::TooOld { address, version });
    }
    Ok(RedisServer { connection, version })
}

/// Does `work`, which needs Redis; while Redis is out of reach, waits and tries again from the start.
///
/// A process that ended instead would be started again and again, and would say less.
pub(crate) async fn when_reachable<T, F>(
    client: &Client,
    work: impl Fn(RedisServer) -> F,
) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<T>>,
{
    let mut wait = WAITS.0;
    loop {
        let outcome = match connect(client).await {
            Ok(server) => work(server).await,
            Err(trouble) => Err(trouble.into()),
        };
        match outcome {
            Err(error) if may_pass(&error) => {
                tracing::warn!(
                    reason = sentence::of(&error),
                    wait_ms = wait.as_millis(),
                    "waiting for redis"
                );
            }
            outcome => return outcome,
        }
        sleep(wait).await;
        wait = (wait * 2).min(WAITS.1);
    }
}

/// Whether Redis is out of reach, or not there yet: what nobody need mend but whoever runs Redis.
fn may_pass(error: &anyhow::Error) -> bool {
    let lost = |error: &RedisError| {
        error.is_io_error() || error.kind() == ErrorKind::Server(ServerErrorKind::BusyLoading)
    };
    match error.downcast_ref::<RedisTrouble>() {
        Some(trouble) => matches!(trouble, RedisTrouble::Unreachable { .. }),
        None => error.downcast_ref::<RedisError>().is_some_and(lost),
    }
}

/// A version that cannot be read is not taken for old: there are servers that speak Redis under other names.
fn is_too_old(version: &str) -> bool {
    let mut numbers = version.split('.').map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) < OLDEST,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_before_the_oldest_are_refused() {
        for old in ["6.2.14", "6.0", "5.0.7"] {
            assert!(is_too_old(old), "{old}");
        }
        for new in ["7.0.0", "7.0.15", "7.4.1", "8.2.0", "", "unknown"] {
            assert!(!is_too_old(new), "{new}");
        }
    }
}

//! Whether Redis answers, asked over one connection that is kept.

use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError};
use tokio::sync::Mutex;

const ANSWER_LIMIT: Duration = Duration::from_secs(1);
/// An answer counts for so long: anybody may ask for the health, and must not cause work by it.
const FRESH: Duration = Duration::from_secs(1);

/// One connection, and the latest answer.
pub(crate) struct RedisProbe {
    redis: Client,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    connection: Option<MultiplexedConnection>,
    asked: Option<(Instant, bool)>,
}

impl RedisProbe {
    pub(crate) fn new(redis: Client) -> Self {
        Self { redis, state: Mutex::default() }
    }

    /// Whether it answers now, or did a moment ago.
    pub(crate) async fn answers(&self) -> bool {
        let mut state = self.state.lock().await;
        if let Some((at, answer)) = state.asked
            && at.elapsed() < FRESH
        {
            return answer;
        }
        let connection = state.connection.take();
        match self.ping(connection).await {
            Ok(connection) => state.connection = Some(connection),
            Err(error) => tracing::debug!(%error, "redis does not answer"),
        }
        let answer = state.connection.is_some();
        state.asked = Some((Instant::now(), answer));
        answer
    }

    async fn ping(
        &self,
        connection: Option<MultiplexedConnection>,
    ) -> Result<MultiplexedConnection, RedisError> {
        let mut connection = match connection {
            Some(connection) => connection,
            None => {
                let limits = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(ANSWER_LIMIT))
                    .set_response_timeout(Some(ANSWER_LIMIT));
                self.redis.get_multiplexed_async_connection_with_config(&limits).await?
            }
        };
        redis::cmd("PING").exec_async(&mut connection).await?;
        Ok(connection)
    }
}

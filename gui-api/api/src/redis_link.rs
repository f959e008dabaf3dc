//! A connection to Redis that is kept, for what requests ask of it.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisResult};
use tokio::sync::Mutex;

/// How long a request waits for Redis.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);

/// One connection, made anew after a failure.
pub(crate) struct RedisLink {
    redis: Client,
    connection: Mutex<Option<MultiplexedConnection>>,
}

impl RedisLink {
    pub(crate) fn new(redis: Client) -> Self {
        Self { redis, connection: Mutex::default() }
    }

    /// Asks Redis something.
    pub(crate) async fn ask<T>(
        &self,
        ask: impl AsyncFnOnce(&mut MultiplexedConnection) -> RedisResult<T>,
    ) -> RedisResult<T> {
        let mut connection = self.connection().await?;
        let answer = ask(&mut connection).await;
        if answer.is_err() {
            *self.connection.lock().await = None;
        }
        answer
    }

    async fn connection(&self) -> RedisResult<MultiplexedConnection> {
        let mut kept = self.connection.lock().await;
        if let Some(connection) = &*kept {
            return Ok(connection.clone());
        }
        let limits = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(ANSWER_LIMIT))
            .set_response_timeout(Some(ANSWER_LIMIT));
        let made = self.redis.get_multiplexed_async_connection_with_config(&limits).await?;
        Ok(kept.insert(made).clone())
    }
}

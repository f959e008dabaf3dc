//! A connection to Redis that is made when it is needed, and made again when it broke.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, Pipeline, RedisError, RedisResult, Value};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);

/// One connection, for one user: a command that blocks holds up all that follow.
pub(crate) struct Link {
    client: Client,
    config: AsyncConnectionConfig,
    live: Option<MultiplexedConnection>,
}

impl Link {
    /// `patience` is how long a reply may take. The client's default, half a second, is less than a command
    /// that blocks takes, and less than Redis needs to load its data.
    pub(crate) fn new(client: Client, patience: Duration) -> Self {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(patience));
        Self { client, config, live: None }
    }

    pub(crate) async fn query<T: FromRedisValue>(&mut self, command: &Cmd) -> RedisResult<T> {
        let mut connection = self.connection().await?;
        let reply = command.query_async(&mut connection).await;
        self.judge(reply)
    }

    /// The reply to each command, or why it was refused; an error when it is unknown what became of them.
    pub(crate) async fn query_each(
        &mut self,
        commands: &mut Pipeline,
    ) -> RedisResult<Vec<RedisResult<Value>>> {
        let mut connection = self.connection().await?;
        let replies = commands.ignore_errors().query_async(&mut connection).await;
        self.judge(replies)
    }

    /// Closes the connection, and with it what still blocks on it.
    pub(crate) fn hang_up(&mut self) {
        self.live = None;
    }

    async fn connection(&mut self) -> RedisResult<MultiplexedConnection> {
        match &self.live {
            Some(live) => Ok(live.clone()),
            None => {
                let made = self.client.get_multiplexed_async_connection_with_config(&self.config).await?;
                Ok(self.live.insert(made).clone())
            }
        }
    }

    fn judge<T>(&mut self, reply: RedisResult<T>) -> RedisResult<T> {
        // What was said by the server leaves the connection in order; after anything else it is in doubt.
        if reply.as_ref().is_err_and(|error| error.code().is_none()) {
            self.live = None;
        }
        reply
    }
}

/// What to tell the operator about an error of Redis.
pub(crate) fn explain(error: &RedisError) -> String {
    let text = error.to_string();
    if text.contains("Function not found") {
        return format!("{text}: load the functions of this version with `tideline provision`");
    }
    text
}

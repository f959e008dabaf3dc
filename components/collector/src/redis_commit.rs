//! The durable write through Redis over HTTP.

use tideline_protocol::{FunctionReplyError, Redirect, TrackCall, Tracked, redirect_command};
use tideline_redis_rest::{Client, Error, Transport};

use crate::{Commit, CommitError};

/// Commits with one HTTP request each.
#[derive(Debug)]
pub struct RedisCommit<T>(Client<T>);

impl<T: Transport> RedisCommit<T> {
    /// Commits through this client.
    pub fn new(client: Client<T>) -> Self {
        Self(client)
    }
}

impl<T: Transport> Commit for RedisCommit<T> {
    async fn commit(&self, call: TrackCall) -> Result<Tracked, CommitError> {
        let mut commands = call.into_commands();
        let replies = match (commands.pop(), commands.is_empty()) {
            (Some(only), true) => vec![self.0.command(only).await?],
            (last, _) => {
                commands.extend(last);
                self.0.pipeline(commands).await?
            }
        };
        Ok(Tracked::parse(&replies)?)
    }

    async fn redirect(&self, key: String) -> Result<Option<Redirect>, CommitError> {
        let reply = self.0.command(redirect_command(key)).await?;
        Ok(Redirect::parse(&reply)?)
    }
}

impl From<Error> for CommitError {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}

impl From<FunctionReplyError> for CommitError {
    fn from(error: FunctionReplyError) -> Self {
        Self(error.to_string())
    }
}

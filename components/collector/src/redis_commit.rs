//! The durable write through Redis over HTTP.

use tideline_protocol::{TrackCall, TrackReply};
use tideline_redis_rest::{Client, Transport};

use crate::{Commit, CommitError};

/// Commits with one `FCALL track_v1` a request.
#[derive(Debug)]
pub struct RedisCommit<T>(Client<T>);

impl<T: Transport> RedisCommit<T> {
    /// Commits through this client.
    pub fn new(client: Client<T>) -> Self {
        Self(client)
    }
}

impl<T: Transport> Commit for RedisCommit<T> {
    async fn commit(&self, call: TrackCall) -> Result<TrackReply, CommitError> {
        let reply =
            self.0.command(call.into_command()).await.map_err(|error| CommitError(error.to_string()))?;
        TrackReply::parse(&reply).map_err(|error| CommitError(error.to_string()))
    }
}

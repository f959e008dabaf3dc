//! Whose turn it is: of several replicas one does the work, so that it is not done several times.
//!
//! That two think so for a moment does no harm: the work may be done twice.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use redis::RedisResult;
use redis::aio::MultiplexedConnection;
use tideline_protocol::Lanes;

/// How many intervals a turn lasts when its owner is not heard of any more.
const INTERVALS: u32 = 3;

/// The turn, as one replica sees it.
pub(crate) struct Turn {
    key: String,
    replica: String,
    milliseconds: u64,
}

impl Turn {
    pub(crate) fn new(lanes: &Lanes, interval: Duration) -> Self {
        let first = lanes.all().next().unwrap_or_else(|| lanes.nowhere());
        Self {
            // With the first lane's keys: one place that all replicas know.
            key: format!("{{{first}}}:scheduler"),
            // Its keys are chosen at random for each.
            replica: format!("{:016x}", RandomState::new().hash_one(std::process::id())),
            milliseconds: u64::try_from((interval * INTERVALS).as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Takes the turn if it is free, or keeps it; whether it is ours now.
    pub(crate) async fn take(&self, redis: &mut MultiplexedConnection) -> RedisResult<bool> {
        let mut take = redis::cmd("SET");
        take.arg(&self.key).arg(&self.replica).arg("NX").arg("GET").arg("PX").arg(self.milliseconds);
        let holder: Option<String> = take.query_async(redis).await?;
        match holder {
            None => Ok(true),
            Some(holder) if holder == self.replica => {
                redis::cmd("PEXPIRE").arg(&self.key).arg(self.milliseconds).exec_async(redis).await?;
                Ok(true)
            }
            Some(_) => Ok(false),
        }
    }

    /// Gives the turn to whoever asks first, if it is ours.
    pub(crate) async fn give_back(&self, redis: &mut MultiplexedConnection) -> RedisResult<()> {
        let holder: Option<String> = redis::cmd("GET").arg(&self.key).query_async(redis).await?;
        if holder.as_deref() == Some(&self.replica) {
            redis::cmd("DEL").arg(&self.key).exec_async(redis).await?;
        }
        Ok(())
    }
}

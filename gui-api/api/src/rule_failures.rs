//! What the workers tell of rules that could not do their work.

use std::collections::HashMap;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands as _, AsyncConnectionConfig, Client, RedisResult};
use serde::{Deserialize, Serialize};
use tideline_pipeline::RuleName;
use tideline_protocol::Lanes;
use tokio::sync::Mutex;
use utoipa::ToSchema;

const ANSWER_LIMIT: Duration = Duration::from_secs(1);

/// How often a rule could not do its work, and why last.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Failures {
    /// How often, until nothing was heard of it for 30 days.
    count: u64,
    /// The last time.
    #[schema(required)]
    last: Option<LastFailure>,
}

/// When a rule could not do its work.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
struct LastFailure {
    /// When the event was received.
    #[schema(value_type = String, format = DateTime)]
    at: jiff::Timestamp,
    /// The event's id.
    event: String,
    /// Why.
    reason: String,
}

/// Reads it, over one connection that is kept.
pub(crate) struct RuleFailures {
    redis: Client,
    key: String,
    connection: Mutex<Option<MultiplexedConnection>>,
}

impl RuleFailures {
    pub(crate) fn new(redis: Client, lanes: &Lanes) -> Self {
        Self { redis, key: lanes.rule_failures(), connection: Mutex::default() }
    }

    /// The failures of all rules that had any; none while Redis cannot be reached, as nobody should have to wait for it.
    pub(crate) async fn of_all(&self) -> HashMap<String, Failures> {
        match self.read().await {
            Ok(told) => failures(&told),
            Err(error) => {
                tracing::debug!(%error, "failures of rules cannot be read");
                *self.connection.lock().await = None;
                HashMap::new()
            }
        }
    }

    /// Forgets those of a rule that is no more.
    pub(crate) async fn forget(&self, rule: &RuleName) {
        let forgotten = async {
            let mut connection = self.connection().await?;
            connection.hdel::<_, _, ()>(&self.key, (rule.to_string(), format!("{rule}:last"))).await
        };
        if let Err(error) = forgotten.await {
            tracing::debug!(%error, "failures of a rule that was removed are forgotten in 30 days");
        }
    }

    async fn read(&self) -> RedisResult<HashMap<String, String>> {
        self.connection().await?.hgetall(&self.key).await
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

fn failures(told: &HashMap<String, String>) -> HashMap<String, Failures> {
    let of_rule = |(rule, count): (&String, &String)| {
        // What is no number is the `:last` of another.
        let count = count.parse().ok()?;
        let last = told.get(&format!("{rule}:last")).and_then(|last| serde_json::from_str(last).ok());
        Some((rule.clone(), Failures { count, last }))
    };
    told.iter().filter_map(of_rule).collect()
}

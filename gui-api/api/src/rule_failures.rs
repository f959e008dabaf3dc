//! What the workers tell of rules that could not do their work.

use std::collections::HashMap;
use std::sync::Arc;

use redis::AsyncCommands as _;
use serde::{Deserialize, Serialize};
use tideline_pipeline::RuleName;
use tideline_protocol::Lanes;
use utoipa::ToSchema;

use crate::redis_link::RedisLink;

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

/// Reads it.
pub(crate) struct RuleFailures {
    redis: Arc<RedisLink>,
    key: String,
}

impl RuleFailures {
    pub(crate) fn new(redis: Arc<RedisLink>, lanes: &Lanes) -> Self {
        Self { redis, key: lanes.rule_failures() }
    }

    /// The failures of all rules that had any; none while Redis cannot be reached, as nobody should have to wait for it.
    pub(crate) async fn of_all(&self) -> HashMap<String, Failures> {
        match self.redis.ask(async |redis| redis.hgetall(&self.key).await).await {
            Ok(told) => failures(&told),
            Err(error) => {
                tracing::debug!(%error, "failures of rules cannot be read");
                HashMap::new()
            }
        }
    }

    /// Forgets those of a rule that is no more.
    pub(crate) async fn forget(&self, rule: &RuleName) {
        let fields = (rule.to_string(), format!("{rule}:last"));
        let forgotten = self.redis.ask(async |redis| redis.hdel::<_, _, ()>(&self.key, fields).await).await;
        if let Err(error) = forgotten {
            tracing::debug!(%error, "failures of a rule that was removed are forgotten in 30 days");
        }
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

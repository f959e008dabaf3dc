//! The one subscription to what the workers publish: a JSON array of events a message.

use std::convert::Infallible;
use std::time::Duration;

use futures_util::StreamExt as _;
use redis::aio::{PubSub, PubSubSink, PubSubStream};
use serde_json::value::RawValue;
use tokio::time::{interval, sleep, timeout};

use super::feed::{Feed, LiveEvent};

/// How long Redis may take for an answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);
/// How often a silent connection is asked whether it lives: a dead one is otherwise silent for ever.
const PING_INTERVAL: Duration = Duration::from_secs(5);
/// Waiting times between attempts to connect: the first, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("redis closed the connection")]
    Closed,
    #[error("redis did not answer within {} s", ANSWER_LIMIT.as_secs())]
    Silent(#[from] tokio::time::error::Elapsed),
    #[error("{0}")]
    Redis(#[from] redis::RedisError),
}

/// Fills the feed from this channel, for ever: reconnects when the connection breaks.
pub(crate) async fn follow(redis: &redis::Client, channel: &str, feed: &Feed) -> Infallible {
    let mut wait = WAITS.0;
    loop {
        let broken = match subscribe(redis, channel).await {
            Ok(subscription) => {
                tracing::debug!(channel, "following live events");
                wait = WAITS.0;
                feed.begin();
                let Err(broken) = read(subscription.split(), feed).await;
                feed.end();
                broken
            }
            Err(broken) => broken,
        };
        tracing::warn!(%broken, wait_ms = wait.as_millis(), "live events are interrupted, connecting again");
        sleep(wait).await;
        wait = (wait * 2).min(WAITS.1);
    }
}

async fn subscribe(redis: &redis::Client, channel: &str) -> Result<PubSub, Broken> {
    let mut subscription = timeout(ANSWER_LIMIT, redis.get_async_pubsub()).await??;
    timeout(ANSWER_LIMIT, subscription.subscribe(channel)).await??;
    Ok(subscription)
}

async fn read(
    (mut sink, mut messages): (PubSubSink, PubSubStream),
    feed: &Feed,
) -> Result<Infallible, Broken> {
    let mut ping = interval(PING_INTERVAL);
    loop {
        tokio::select! {
            message = messages.next() => feed.push(parse(message.ok_or(Broken::Closed)?.get_payload_bytes())),
            _ = ping.tick() => timeout(ANSWER_LIMIT, sink.ping::<redis::Value>()).await?.map(drop)?,
        }
    }
}

/// The events of a message. One that cannot be read is counted, and the others are kept.
fn parse(message: &[u8]) -> Vec<Option<LiveEvent>> {
    let events = match serde_json::from_slice::<Vec<Box<RawValue>>>(message) {
        Ok(events) => events,
        Err(error) => {
            tracing::warn!(%error, bytes = message.len(), "a live message is not a JSON array");
            return vec![None];
        }
    };
    let read = |json: Box<RawValue>| match serde_json::from_str(json.get()) {
        Ok(event) => Some(LiveEvent { event, json }),
        Err(error) => {
            tracing::warn!(%error, "a live event cannot be read");
            None
        }
    };
    events.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::super::feed::tests::event;
    use super::*;

    #[test]
    fn an_unreadable_event_costs_itself_only() {
        let good = event("a", 0).json;
        let found = parse(format!("[{good},{{\"id\":5}},{good}]").as_bytes());
        assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true]);
        for garbage in ["", "{}", "nonsense", "[1"] {
            assert_eq!(parse(garbage.as_bytes()).len(), 1, "{garbage}");
        }
    }
}

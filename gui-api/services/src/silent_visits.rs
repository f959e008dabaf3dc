//! Reminds of sessions in which nothing was heard for a while, each in its own lane.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use redis::RedisError;
use redis::aio::MultiplexedConnection;
use tideline_pipeline::Reminder;
use tideline_protocol::Lanes;
use tideline_store::{SessionKey, SilentQuery, Store, StoreError};

/// How many sessions are looked up at once, and reminded of in one round trip.
const PAGE: usize = 500;
/// The most sessions that are kept in mind. While so many wait to be ended, the intake is far behind, and more reminders
/// would not be read sooner.
const MOST_TOLD: usize = 20_000;
/// How long it waits until it reminds of one again, whose reminder may have got lost.
const AGAIN: SignedDuration = SignedDuration::from_hours(1);

/// Why nobody could be reminded now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RemindError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Redis(#[from] RedisError),
}

/// Looks for silent sessions, and remembers of which it has reminded.
pub(crate) struct SilentVisits {
    store: Arc<dyn Store>,
    lanes: Lanes,
    silence: SignedDuration,
    /// Reminded of and not ended yet, and when. Forgetting them costs another reminder each.
    told: HashMap<SessionKey, Timestamp>,
}

impl SilentVisits {
    pub(crate) fn new(store: Arc<dyn Store>, lanes: Lanes, silence: SignedDuration) -> Self {
        Self { store, lanes, silence, told: HashMap::new() }
    }

    /// Reminds of the sessions that are silent by now and of which it has not reminded yet: how many.
    pub(crate) async fn remind(&mut self, redis: &mut MultiplexedConnection) -> Result<usize, RemindError> {
        // Redis dates the entries: by any other clock, one could come too early to find the silence long enough.
        let now = time(redis).await?;
        let before = now.checked_sub(self.silence).unwrap_or(now);
        let mut still_silent = HashMap::new();
        let (mut after, mut reminded) = (None, 0);
        loop {
            let query = SilentQuery { before, after, limit: PAGE };
            let page = self.store.silent_sessions(query).await?;
            let is_last = page.len() < PAGE;
            after = page.last().cloned();
            let mut fresh = Vec::new();
            for key in page {
                let told = self.told.get(&key).copied().filter(|told| now.duration_since(*told) < AGAIN);
                if told.is_none() {
                    fresh.push(key.id.clone());
                }
                still_silent.insert(key, told.unwrap_or(now));
            }
            if !fresh.is_empty() {
                self.write(redis, &fresh).await?;
                reminded += fresh.len();
            }
            if is_last || still_silent.len() >= MOST_TOLD {
                self.told = still_silent;
                return Ok(reminded);
            }
        }
    }

    async fn write(&self, redis: &mut MultiplexedConnection, sessions: &[String]) -> Result<(), RemindError> {
        let mut commands = redis::Pipeline::with_capacity(sessions.len());
        for session in sessions {
            let events = self.lanes.of_session(session).events();
            let entry = commands.cmd("XADD").arg(events).arg("NOMKSTREAM").arg("*");
            entry.arg(Reminder::FIELD).arg(session).ignore();
        }
        Ok(commands.exec_async(redis).await?)
    }
}

/// What Redis takes the time to be, to the millisecond, as in ids of entries.
pub(crate) async fn time(redis: &mut MultiplexedConnection) -> Result<Timestamp, RemindError> {
    let (seconds, microseconds): (i64, i64) = redis::cmd("TIME").query_async(redis).await?;
    let milliseconds = seconds.saturating_mul(1000).saturating_add(microseconds / 1000);
    Ok(Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH))
}

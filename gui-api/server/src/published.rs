//! What every lane holds a copy of, for the edge to look up: event sources and redirects, a hash each.
//!
//! The edge sees each change of a copy at once and as a whole. Which ids are out there is noted before they are, so
//! that a crash half-way leaves none behind unknown. What the hashes hold is left to the kinds.

use std::collections::{HashMap, HashSet};

use anyhow::Context as _;
use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands as _, RedisResult};
use tideline_model::{EventSource, Redirect};
use tideline_protocol::{Lane, Lanes};

use crate::lane_setup::shared_key;
use crate::{event_sources, redirects};

/// What copies are there of.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    EventSources,
    Redirects,
}

impl Kind {
    const ALL: [Self; 2] = [Self::EventSources, Self::Redirects];

    /// The set of the ids that the lanes hold, in lower case.
    fn set(self, lanes: &Lanes) -> String {
        let name = match self {
            Self::EventSources => "sources",
            Self::Redirects => "redirects",
        };
        shared_key(lanes, name)
    }

    fn key(self, lane: &Lane, id: &str) -> String {
        match self {
            Self::EventSources => lane.source(id),
            Self::Redirects => lane.redirect(id),
        }
    }
}

/// One object as the edge reads it.
pub(crate) struct EdgeCopy {
    pub(crate) id: String,
    pub(crate) is_enabled: bool,
    pub(crate) fields: Vec<(&'static str, String)>,
}

/// Makes the lanes hold exactly these.
pub(crate) async fn publish(
    redis: &mut MultiplexedConnection,
    lanes: &Lanes,
    sources: &[EventSource],
    redirects: &[Redirect],
) -> anyhow::Result<()> {
    let sources: Vec<_> = sources.iter().map(|source| event_sources::copy(source, lanes)).collect();
    let redirects: Vec<_> = redirects.iter().map(redirects::copy).collect();
    // First what redirects refer to.
    replace(redis, lanes, Kind::EventSources, &sources).await.context("cannot publish the event sources")?;
    replace(redis, lanes, Kind::Redirects, &redirects).await.context("cannot publish the redirects")
}

async fn replace(
    redis: &mut MultiplexedConnection,
    lanes: &Lanes,
    kind: Kind,
    copies: &[EdgeCopy],
) -> RedisResult<()> {
    let ids: HashSet<String> = copies.iter().map(|copy| copy.id.to_lowercase()).collect();
    if !ids.is_empty() {
        redis.sadd::<_, _, ()>(kind.set(lanes), ids.iter().collect::<Vec<_>>()).await?;
    }
    let published: Vec<String> = redis.smembers(kind.set(lanes)).await?;
    let removed: Vec<&String> = published.iter().filter(|id| !ids.contains(*id)).collect();
    for lane in lanes.all() {
        let mut pipeline = redis::pipe();
        for copy in copies {
            pipeline.hset_multiple(kind.key(&lane, &copy.id), &copy.fields).ignore();
        }
        for id in &removed {
            pipeline.unlink(kind.key(&lane, id)).ignore();
        }
        if !pipeline.is_empty() {
            pipeline.exec_async(redis).await?;
        }
    }
    if !removed.is_empty() {
        redis.srem::<_, _, ()>(kind.set(lanes), removed).await?;
    }
    Ok(())
}

/// Takes everything out of this lane, which is no more.
pub(crate) async fn withdraw_all(
    redis: &mut MultiplexedConnection,
    lanes: &Lanes,
    lane: &Lane,
) -> RedisResult<()> {
    for kind in Kind::ALL {
        let ids: Vec<String> = redis.smembers(kind.set(lanes)).await?;
        for id in ids {
            redis.unlink::<_, ()>(kind.key(lane, &id)).await?;
        }
    }
    Ok(())
}

/// The id of an object that the lanes still have copies of, and that is none of these.
pub(crate) async fn first_surplus(
    redis: &mut MultiplexedConnection,
    lanes: &Lanes,
    kind: Kind,
    copies: &[EdgeCopy],
) -> RedisResult<Option<String>> {
    let known: HashSet<String> = copies.iter().map(|copy| copy.id.to_lowercase()).collect();
    let published: Vec<String> = redis.smembers(kind.set(lanes)).await?;
    Ok(published.into_iter().find(|id| !known.contains(id)))
}

/// The id of an object of which a lane has no copy, or another, and that lane. What is switched off may be missing.
pub(crate) async fn first_outdated(
    redis: &mut MultiplexedConnection,
    lanes: &Lanes,
    kind: Kind,
    copies: &[EdgeCopy],
) -> RedisResult<Option<(String, Lane)>> {
    for lane in lanes.all() {
        for copy in copies {
            let held: HashMap<String, String> = redis.hgetall(kind.key(&lane, &copy.id)).await?;
            let is_missing = held.is_empty() && !copy.is_enabled;
            let is_current = copy.fields.iter().all(|(name, value)| held.get(*name) == Some(value));
            if !is_missing && !is_current {
                return Ok(Some((copy.id.clone(), lane)));
            }
        }
    }
    Ok(None)
}

//! The lanes in Redis: a stream each, with the consumer group that reads it, and their number.

use anyhow::{Context as _, bail};
use redis::AsyncCommands as _;
use redis::aio::MultiplexedConnection;
use redis::streams::StreamInfoStreamReply;
use redis::{RedisResult, ServerErrorKind};
use tideline_protocol::{Lane, Lanes};

use crate::published;

/// The consumer group of every lane's stream.
pub(crate) const GROUP: &str = "tideline";

/// Creates what is missing; what is there stays as it is.
///
/// # Errors
/// The installation was made with another number of lanes and has data: which lane a session belongs to
/// follows from the number, so with another one its requests would overtake each other.
pub(crate) async fn ensure(redis: &mut MultiplexedConnection, lanes: &Lanes) -> anyhow::Result<()> {
    let number = lanes.all().count();
    if let Some(before) = made_with(redis, lanes).await?
        && usize::from(before) != number
    {
        let before = with_number(lanes, before)?;
        refuse_if_used(redis, &before, number).await?;
        for lane in before.all().skip(number) {
            published::withdraw_all(redis, lanes, &lane).await?;
            redis.unlink::<_, ()>(lane.events()).await?;
        }
    }
    redis.set::<_, _, ()>(number_key(lanes), number).await?;
    for lane in lanes.all() {
        create(redis, &lane).await?;
    }
    Ok(())
}

/// Creates what is missing, of an installation that was provisioned before or has lost its Redis.
///
/// # Errors
/// It was provisioned with another number of lanes.
pub(crate) async fn restore(redis: &mut MultiplexedConnection, lanes: &Lanes) -> anyhow::Result<()> {
    let number = lanes.all().count();
    match made_with(redis, lanes).await? {
        Some(before) if usize::from(before) != number => bail!(
            "this installation has {before} lanes, and TIDELINE_LANES is {number}: set it to {before}, or run `tideline provision` to change it while there is no data"
        ),
        _ => ensure(redis, lanes).await,
    }
}

/// The number of lanes that this installation was made with; none if it was never provisioned.
pub(crate) async fn made_with(redis: &mut MultiplexedConnection, lanes: &Lanes) -> RedisResult<Option<u16>> {
    redis.get(number_key(lanes)).await
}

/// The lanes whose stream or group is not there.
pub(crate) async fn missing(redis: &mut MultiplexedConnection, lanes: &Lanes) -> RedisResult<Vec<Lane>> {
    let mut missing = Vec::new();
    for lane in lanes.all() {
        if !has_group(redis, &lane).await? {
            missing.push(lane);
        }
    }
    Ok(missing)
}

/// The key of a value that belongs to no single lane: `name` of all lanes of this context and region.
pub(crate) fn shared_key(lanes: &Lanes, name: &str) -> String {
    format!("{{{}}}:{name}", shared_name(lanes))
}

/// What all lanes of this context and region are called together: `tl:production:eu`.
pub(crate) fn shared_name(lanes: &Lanes) -> String {
    format!("tl:{}:{}", lanes.context(), region(lanes))
}

fn number_key(lanes: &Lanes) -> String {
    shared_key(lanes, "lanes")
}

/// A lane's name is `tl:<context>:<region>:<number>`, and no part has a colon.
fn region(lanes: &Lanes) -> String {
    let first = lanes.all().next();
    first.and_then(|lane| lane.name().rsplit(':').nth(1).map(str::to_owned)).unwrap_or_default()
}

fn with_number(lanes: &Lanes, number: u16) -> anyhow::Result<Lanes> {
    Lanes::new(lanes.context(), &region(lanes), number)
        .with_context(|| format!("redis key {} is damaged", number_key(lanes)))
}

async fn refuse_if_used(
    redis: &mut MultiplexedConnection,
    before: &Lanes,
    number: usize,
) -> anyhow::Result<()> {
    for lane in before.all() {
        if redis.exists(lane.events()).await? {
            let stream: StreamInfoStreamReply = redis.xinfo_stream(lane.events()).await?;
            if stream.last_generated_id != "0-0" {
                let before = before.all().count();
                bail!(
                    "this installation has data in {before} lanes, and TIDELINE_LANES is {number}: set it to {before}, here and at the edge; the number is fixed once there is data"
                );
            }
        }
    }
    Ok(())
}

async fn create(redis: &mut MultiplexedConnection, lane: &Lane) -> RedisResult<()> {
    match redis.xgroup_create_mkstream(lane.events(), GROUP, "0").await {
        Err(error) if error.code() == Some("BUSYGROUP") => Ok(()),
        outcome => outcome,
    }
}

async fn has_group(redis: &mut MultiplexedConnection, lane: &Lane) -> RedisResult<bool> {
    let groups: RedisResult<redis::streams::StreamInfoGroupsReply> = redis.xinfo_groups(lane.events()).await;
    match groups {
        Ok(reply) => Ok(reply.groups.iter().any(|group| group.name == GROUP)),
        // `ERR no such key` has no code of its own.
        Err(error) if error.kind() == redis::ErrorKind::Server(ServerErrorKind::ResponseError) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_all_lanes_share_a_tag_of_context_and_region() {
        let lanes = Lanes::new("production", "eu-west", 4).unwrap();
        assert_eq!(number_key(&lanes), "{tl:production:eu-west}:lanes");
        assert_eq!(with_number(&lanes, 9).unwrap(), Lanes::new("production", "eu-west", 9).unwrap());
        assert!(with_number(&lanes, 0).is_err());
    }
}

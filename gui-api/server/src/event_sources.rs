//! Event sources: read from a file, and published to every lane, where the edge looks them up.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands as _, RedisResult};
use serde::Deserialize;
use tideline_model::EventSource;
use tideline_protocol::{Lane, Lanes};

use crate::lane_setup::shared_key;

/// More than a list of sources has.
const MOST_FILE_BYTES: u64 = 1024 * 1024;
const MOST_ID_BYTES: usize = 128;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    sources: Vec<EventSource>,
}

/// The sources of a file.
///
/// # Errors
/// What makes the file unusable, and what to do.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<EventSource>> {
    let name = path.display();
    let length = fs::metadata(path).with_context(|| format!("cannot read the sources file {name}"))?.len();
    if length > MOST_FILE_BYTES {
        bail!(
            "the sources file {name} has {length} bytes, and {MOST_FILE_BYTES} are the most: name the right file"
        );
    }
    let text = fs::read_to_string(path).with_context(|| format!("cannot read the sources file {name}"))?;
    parse(&text).with_context(|| format!("the sources file {name} is not usable"))
}

fn parse(text: &str) -> anyhow::Result<Vec<EventSource>> {
    let File { sources } = serde_json::from_str(text)?;
    let mut ids = HashSet::new();
    for source in &sources {
        let id = &source.id;
        if id.is_empty() || id.len() > MOST_ID_BYTES || id.trim() != id || id.starts_with('@') {
            bail!(
                "`{id}` is not usable as the id of a source: use 1 to {MOST_ID_BYTES} bytes, no space at either end, no @ in front"
            );
        }
        if !ids.insert(id.to_lowercase()) {
            bail!("the id `{id}` is there twice, and case does not matter: remove one of them");
        }
        if source.r#type.is_empty() {
            bail!(
                "the source `{id}` has no type, so it could take nothing: give it one or more of rest, webhook, redirect"
            );
        }
    }
    Ok(sources)
}

/// Makes the lanes hold exactly these sources. The edge sees each change at once and as a whole.
///
/// Which ids are out there is noted before they are, so that a crash half-way leaves none behind unknown.
pub(crate) async fn publish(
    redis: &mut MultiplexedConnection,
    lanes: &Lanes,
    sources: &[EventSource],
) -> RedisResult<()> {
    let ids: HashSet<String> = sources.iter().map(|source| source.id.to_lowercase()).collect();
    if !ids.is_empty() {
        redis.sadd::<_, _, ()>(published_key(lanes), ids.iter().collect::<Vec<_>>()).await?;
    }
    let published = published(redis, lanes).await?;
    let removed: Vec<&String> = published.iter().filter(|id| !ids.contains(*id)).collect();
    for lane in lanes.all() {
        let mut pipeline = redis::pipe();
        for source in sources {
            pipeline.hset_multiple(lane.source(&source.id), &fields(source)).ignore();
        }
        for id in &removed {
            pipeline.unlink(lane.source(id)).ignore();
        }
        pipeline.exec_async(redis).await?;
    }
    if !removed.is_empty() {
        redis.srem::<_, _, ()>(published_key(lanes), removed).await?;
    }
    Ok(())
}

/// Takes all sources out of this lane, which is no more.
pub(crate) async fn withdraw_all(
    redis: &mut MultiplexedConnection,
    lanes: &Lanes,
    lane: &Lane,
) -> RedisResult<()> {
    for id in published(redis, lanes).await? {
        redis.unlink::<_, ()>(lane.source(&id)).await?;
    }
    Ok(())
}

/// The ids of the sources that the lanes hold, in lower case.
pub(crate) async fn published(redis: &mut MultiplexedConnection, lanes: &Lanes) -> RedisResult<Vec<String>> {
    redis.smembers(published_key(lanes)).await
}

fn published_key(lanes: &Lanes) -> String {
    shared_key(lanes, "sources")
}

/// A source as the function `track_v1` reads it.
fn fields(source: &EventSource) -> [(&'static str, String); 3] {
    let types: Vec<_> = source.r#type.iter().map(|bridge| bridge.name()).collect();
    let enabled = if source.enabled { "1" } else { "0" };
    [("name", source.name.clone()), ("types", types.join(",")), ("enabled", enabled.to_owned())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_its_sources_with_defaults() {
        let sources = parse(
            r#"{"sources":[{"id":"a","name":"A"},{"id":"b","name":"B","type":["rest","webhook"],"enabled":false}]}"#,
        );
        let found: Vec<_> =
            sources.unwrap().iter().map(|source| fields(source).map(|(_, value)| value)).collect();
        assert_eq!(found, [["A", "rest", "1"], ["B", "rest,webhook", "0"]]);
    }

    #[test]
    fn a_bad_file_is_refused_with_what_to_do() {
        let long = "x".repeat(MOST_ID_BYTES + 1);
        let table = [
            ("[]".to_owned(), "expected"),
            (r#"{"sources":[],"more":1}"#.to_owned(), "unknown field `more`"),
            (r#"{"sources":[{"id":"a","name":"A","colour":"red"}]}"#.to_owned(), "unknown field `colour`"),
            (r#"{"sources":[{"id":"a","name":"A","type":["mail"]}]}"#.to_owned(), "`rest`"),
            (r#"{"sources":[{"id":"a","name":"A","type":[]}]}"#.to_owned(), "give it one"),
            (r#"{"sources":[{"id":"a","name":"A"},{"id":"A","name":"B"}]}"#.to_owned(), "remove one"),
            (r#"{"sources":[{"id":"@internal","name":"A"}]}"#.to_owned(), "no @"),
            (r#"{"sources":[{"id":" a","name":"A"}]}"#.to_owned(), "no space"),
            (format!(r#"{{"sources":[{{"id":"{long}","name":"A"}}]}}"#), "bytes"),
        ];
        for (text, expected) in table {
            let message = format!("{:#}", parse(&text).unwrap_err());
            assert!(message.contains(expected), "{text}: {message}");
        }
    }
}

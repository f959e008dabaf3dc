//! Profiles that were merged into others, or imported under another id: whose an id is now, and telling the edge.
//!
//! An alias in Redis says which profile an id stands for. It is followed here for whatever the edge still knows by the
//! old id, and the edge's session is given to the profile that survived, so that its next answer says so. Who merged whom
//! the store knows as well: an alias that got lost is made again.

use std::collections::{BTreeMap, HashMap, HashSet};

use redis::{Cmd, RedisError, RedisResult, Value};
use tideline_protocol::{Lane, Lanes};
use tracing::warn;

use crate::link::Link;

/// The most steps from an id to the profile that it stands for. Merging shortens chains; one that goes in a circle
/// has no end.
const MOST_STEPS: usize = 8;

/// Looks aliases up.
pub(crate) struct Aliases<'a> {
    pub(crate) link: &'a mut Link,
    pub(crate) lanes: &'a Lanes,
}

impl Aliases<'_> {
    /// The profile that each of these different ids stands for; ids that stand for themselves are left out.
    pub(crate) async fn survivors(&mut self, ids: &[String]) -> RedisResult<HashMap<String, String>> {
        let mut steps: HashMap<String, String> = HashMap::new();
        let mut asked: HashSet<String> = ids.iter().cloned().collect();
        let mut next = ids.to_vec();
        // One further than ids are followed, so that a chain which goes on is seen.
        for _ in 0..=MOST_STEPS {
            let found = self.look_up(std::mem::take(&mut next)).await?;
            next.extend(found.values().filter(|id| asked.insert((*id).clone())).cloned());
            steps.extend(found);
        }
        let survivor = |id: &str| {
            let mut last = id;
            for _ in 0..MOST_STEPS {
                last = steps.get(last).map_or(last, String::as_str);
            }
            if steps.contains_key(last) {
                warn!("the aliases of a profile id lead on without an end: merge again");
                return None;
            }
            (last != id).then(|| (id.to_owned(), last.to_owned()))
        };
        Ok(ids.iter().filter_map(|id| survivor(id)).collect())
    }

    /// The commands that let everybody know which profiles these ids stand for. Those that get lost are made again when one
    /// of the ids comes again.
    pub(crate) fn make(lanes: &Lanes, moved: &[(String, String)]) -> Vec<Cmd> {
        let make = |(id, survivor): &(String, String)| {
            redis::cmd("SET").arg(lanes.of_profile(id).alias(id)).arg(survivor).clone()
        };
        moved.iter().map(make).collect()
    }

    /// The alias of each of these ids, where there is one.
    async fn look_up(&mut self, ids: Vec<String>) -> RedisResult<HashMap<String, String>> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let mut commands = redis::pipe();
        for id in &ids {
            commands.get(self.lanes.of_profile(id).alias(id));
        }
        let mut found = HashMap::new();
        for (id, reply) in ids.into_iter().zip(self.link.query_each(&mut commands).await?) {
            if let Some(survivor) = alias(reply)? {
                found.insert(id, survivor);
            }
        }
        Ok(found)
    }
}

/// The alias that a reply tells. One that is no id harms nobody but whose it is: the id stands for itself then.
fn alias(reply: RedisResult<Value>) -> Result<Option<String>, RedisError> {
    let unreadable = match reply {
        Ok(Value::Nil) => return Ok(None),
        Ok(value) => match redis::from_redis_value::<String>(value) {
            Ok(id) if !id.is_empty() => return Ok(Some(id)),
            _ => "it is no text".to_owned(),
        },
        Err(error) if error.code() == Some("WRONGTYPE") => error.to_string(),
        Err(error) => return Err(error),
    };
    warn!(reason = unreadable, "the alias of a profile id is unreadable: delete the key, and merge again");
    Ok(None)
}

/// A session that the edge knows under an id which stands for another profile now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Adoption {
    pub(crate) lane: Lane,
    pub(crate) session: String,
    pub(crate) from: String,
    pub(crate) to: String,
}

/// The commands that tell the edge. Those that get lost are made again from the session's next request.
pub(crate) fn tell(adoptions: &[Adoption]) -> Vec<Cmd> {
    let mut by_lane: BTreeMap<&Lane, (Vec<String>, Vec<&str>)> = BTreeMap::new();
    for Adoption { lane, session, from, to } in adoptions {
        let (keys, profiles) = by_lane.entry(lane).or_default();
        keys.push(lane.session(session));
        profiles.extend([from.as_str(), to]);
    }
    let command = |(keys, profiles): (Vec<String>, Vec<&str>)| {
        redis::cmd("FCALL").arg("adopt_v1").arg(keys.len()).arg(keys).arg(profiles).clone()
    };
    by_lane.into_values().map(command).collect()
}

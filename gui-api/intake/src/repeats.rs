//! Requests that an edge in lean mode may have written twice, and that the ids of stored events do not tell.
//!
//! Where all events of a request are kept, their ids do. Where not, the request leaves the mark that `track_v1` would have
//! left, at the moment in which it is settled: whoever finds it is another entry with the same request.

use std::collections::HashSet;

use redis::{RedisError, Value};
use tideline_protocol::Lane;

use crate::link::Link;

/// What a request leaves behind for two minutes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) fingerprint: String,
    /// Whose it was; empty if nobody's.
    pub(crate) profile: String,
}

/// Requests that were there before.
#[derive(Debug, Default)]
pub(crate) struct Repeats(HashSet<(Lane, String)>);

impl Repeats {
    /// Learns which of these were settled already.
    pub(crate) async fn load<'a>(
        link: &mut Link,
        fingerprints: impl Iterator<Item = (&'a Lane, &'a str)>,
    ) -> Result<Self, RedisError> {
        let asked: HashSet<_> =
            fingerprints.map(|(lane, fingerprint)| (lane.clone(), fingerprint.to_owned())).collect();
        if asked.is_empty() {
            return Ok(Self::default());
        }
        let asked: Vec<_> = asked.into_iter().collect();
        let mut commands = redis::pipe();
        for (lane, fingerprint) in &asked {
            commands.get(lane.seen(fingerprint));
        }
        let mut seen = HashSet::new();
        for (one, reply) in asked.into_iter().zip(link.query_each(&mut commands).await?) {
            if reply? != Value::Nil {
                seen.insert(one);
            }
        }
        Ok(Self(seen))
    }

    /// Whether this is the first time, and it is not the next time.
    pub(crate) fn is_first(&mut self, lane: &Lane, fingerprint: &str) -> bool {
        self.0.insert((lane.clone(), fingerprint.to_owned()))
    }
}

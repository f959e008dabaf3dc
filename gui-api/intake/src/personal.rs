//! What event sources let pages know of a visitor's profile, told to the edge.
//!
//! After each unit, the edge gets for each session in it the parts of the profile that its source names. It is a copy
//! that may vanish: nobody counts on it, and the session's next request brings another.

use std::collections::{BTreeMap, HashMap};

use redis::Cmd;
use serde_json::{Map, Value};
use tideline_model::{EventSource, Profile};
use tideline_protocol::Lanes;
use tideline_store::Batch;

/// As long as the edge knows a session at the most.
const LIVES_SECONDS: u64 = 90_000;
/// What is told of one profile, in bytes of JSON. It is in every answer.
const MOST_BYTES: usize = 4096;

/// Which parts of a profile each source lets pages know.
#[derive(Default)]
pub(crate) struct Personal {
    /// Paths, by the source's id in lower case.
    returns: HashMap<String, Vec<String>>,
}

impl Personal {
    /// What these sources let pages know.
    pub(crate) fn of(sources: Vec<EventSource>) -> Self {
        let returning = sources.into_iter().filter(|source| !source.returns.is_empty());
        Self { returns: returning.map(|source| (source.id.to_lowercase(), source.returns)).collect() }
    }

    /// What the edge is told once this batch is written.
    pub(crate) fn tell(&self, batch: &Batch, lanes: &Lanes) -> Vec<Cmd> {
        if self.returns.is_empty() {
            return Vec::new();
        }
        let profiles: HashMap<&str, &Profile> =
            batch.profiles.iter().map(|profile| (profile.document.id.as_str(), &profile.document)).collect();
        let mut told = BTreeMap::new();
        for event in &batch.events {
            let source = event.source.id.to_lowercase();
            let (Some(session), Some(profile)) = (&event.session, &event.profile) else { continue };
            if let (Some(paths), Some(profile)) =
                (self.returns.get(&source), profiles.get(profile.id.as_str()))
            {
                told.insert((session.id.as_str(), source), (paths, *profile));
            }
        }
        let commands = told.into_iter().flat_map(|((session, source), (paths, profile))| {
            let key = lanes.of_session(session).personal(session);
            let mut set = redis::cmd("HSET");
            set.arg(&key).arg(source).arg(parts(profile, paths));
            let mut expire = redis::cmd("EXPIRE");
            expire.arg(key).arg(LIVES_SECONDS);
            [set, expire]
        });
        commands.collect()
    }
}

/// These parts of a profile, in its own shape, as long as there is room.
fn parts(profile: &Profile, paths: &[String]) -> String {
    let mut parts = "{}".to_owned();
    let Ok(profile) = serde_json::to_value(profile) else { return parts };
    let mut told = Map::new();
    for path in paths {
        let keys: Vec<&str> = path.split('.').collect();
        let Some(value) = keys.iter().try_fold(&profile, |value, key| value.get(key)) else { continue };
        insert(&mut told, &keys, value.clone());
        match serde_json::to_string(&told) {
            Ok(json) if json.len() <= MOST_BYTES => parts = json,
            _ => break,
        }
    }
    parts
}

fn insert(object: &mut Map<String, Value>, keys: &[&str], value: Value) {
    let Some((key, below)) = keys.split_first() else { return };
    if below.is_empty() {
        object.insert((*key).to_owned(), value);
        return;
    }
    let inner = object.entry(*key).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(inner) = inner {
        insert(inner, below, value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn profile(traits: Value) -> Profile {
        serde_json::from_value(json!({
            "id": "p", "ids": ["p"], "active": true, "traits": traits,
            "consents": {"newsletter": {"revoke": null}},
            "metadata": {"time": {
                "insert": "2026-01-01T00:00:00Z", "update": "2026-01-01T00:00:00Z", "visit": {"count": 1}
            }},
        }))
        .unwrap()
    }

    fn told(profile: &Profile, paths: &[&str]) -> Value {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        serde_json::from_str(&parts(profile, &paths)).unwrap()
    }

    #[test]
    fn only_what_is_named_is_told_and_in_the_profiles_own_shape() {
        let profile =
            profile(json!({"plan": "gold", "mail": "a@b.example", "shop": {"size": 42, "secret": 1}}));
        let paths = ["consents", "traits.plan", "traits.shop.size", "traits.none", "nothing"];
        let expected = json!({
            "consents": {"newsletter": {"revoke": null}},
            "traits": {"plan": "gold", "shop": {"size": 42}},
        });
        assert_eq!(told(&profile, &paths), expected);
        assert_eq!(told(&profile, &[]), json!({}));
        // A path into what another path has told already.
        assert_eq!(told(&profile, &["traits.plan", "traits.plan.more"]), json!({"traits": {"plan": "gold"}}));
    }

    #[test]
    fn what_does_not_fit_is_left_out_with_what_follows() {
        let profile = profile(json!({"a": 1, "long": "x".repeat(MOST_BYTES), "b": 2}));
        let told = told(&profile, &["traits.a", "traits.long", "traits.b"]);
        assert_eq!(told, json!({"traits": {"a": 1}}));
    }
}

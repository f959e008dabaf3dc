//! What two profiles became that were one person's, made two again.

use serde_json::Value;
use tideline_model::{Profile, Properties, Visit};

use super::merge::{Merged, merge};
use crate::{sums, surroundings};

/// Takes out of `now` what came into it when `merged` was merged with `before`. It is `before` again if nothing has come
/// since; what has come since stays.
#[must_use]
pub fn separate(said: &crate::Rules, now: &Profile, before: &Profile, merged: &Profile) -> Profile {
    let nothing_came = merge(said, before, merged).is_some_and(|Merged { survivor: then, .. }| {
        then.metadata.fields == now.metadata.fields && then.stats == now.stats && then.ids == now.ids
    });
    if nothing_came {
        return Profile { applied: now.applied.clone(), ..before.clone() };
    }
    let came = |path: &str| {
        let stamp = now.metadata.fields.get(path);
        stamp.is_some()
            && stamp == merged.metadata.fields.get(path)
            && stamp != before.metadata.fields.get(path)
    };
    let mut alone = now.clone();
    alone.ids.retain(|id| before.ids.contains(id) || !merged.ids.contains(id));
    alone
        .metadata
        .keys
        .retain(|key| before.metadata.keys.contains(key) || !merged.metadata.keys.contains(key));
    alone.metadata.time.insert = before.metadata.time.insert;
    let [before_visit, merged_visit] = [before, merged].map(|profile| &profile.metadata.time.visit);
    alone.metadata.time.visit = visit(&now.metadata.time.visit, before_visit, merged_visit);
    if now.metadata.time.update == merged.metadata.time.update {
        alone.metadata.time.update = before.metadata.time.update;
    }
    take_away(&mut alone, before, merged);
    if came("primary_id") || now.primary_id == merged.primary_id {
        alone.primary_id.clone_from(&before.primary_id);
    }
    separate_objects("data", &mut alone.data, &before.data, &merged.data, &came);
    separate_objects("traits", &mut alone.traits, &before.traits, &merged.traits, &came);
    for id in merged.consents.keys().chain(before.consents.keys()) {
        if came(&format!("consents.{id}")) {
            match before.consents.get(id) {
                Some(consent) => drop(alone.consents.insert(id.clone(), *consent)),
                None => drop(alone.consents.remove(id)),
            }
        }
    }
    alone.aux.consents = before.aux.consents.or(alone.aux.consents.filter(|_| merged.aux.consents.is_none()));
    alone.aux.geo.markets.retain(|country| {
        before.aux.geo.markets.contains(country) || !merged.aux.geo.markets.contains(country)
    });
    let zone = alone.metadata.time.visit.tz.as_deref();
    alone.aux.geo.continent = zone.and_then(surroundings::continent).map(str::to_owned);
    alone.metadata.fields.retain(|path, _| !came(path));
    for (path, stamp) in &before.metadata.fields {
        alone.metadata.fields.entry(path.clone()).or_insert_with(|| stamp.clone());
    }
    crate::profile::note_email(&mut alone);
    alone
}

/// The visits without those that were merged.
fn visit(now: &Visit, before: &Visit, merged: &Visit) -> Visit {
    let count = now.count.saturating_sub(merged.count);
    if now.current == merged.current {
        return Visit { count, ..before.clone() };
    }
    let mut visit = Visit { count, ..now.clone() };
    if now.last == merged.current {
        visit.last = before.current.filter(|current| now.current != Some(*current)).or(before.last);
    }
    visit
}

/// Takes what was merged out of all that adds up.
fn take_away(profile: &mut Profile, before: &Profile, merged: &Profile) {
    let stats = &mut profile.stats;
    stats.visits = stats.visits.saturating_sub(merged.stats.visits);
    stats.views = stats.views.saturating_sub(merged.stats.views);
    for (name, count) in &merged.stats.counters {
        if let Some(counter) = stats.counters.get_mut(name) {
            *counter = counter.saturating_sub(*count);
            if *counter == 0 && !before.stats.counters.contains_key(name) {
                stats.counters.remove(name);
            }
        }
    }
    for (count, days) in &merged.counted {
        for (day, times) in days {
            if let Some(known) = profile.counted.get_mut(count).and_then(|days| days.get_mut(day)) {
                *known = known.saturating_sub(*times);
            }
        }
    }
    for (name, value) in &merged.interests {
        let less = profile
            .interests
            .get(name)
            .zip(sums::negative(value))
            .and_then(|(sum, less)| sums::sum(sum, &less));
        match less {
            Some(less) if before.interests.contains_key(name) || less.as_f64() != Some(0.0) => {
                profile.interests.insert(name.clone(), less);
            }
            _ => drop(profile.interests.remove(name)),
        }
    }
}

fn separate_objects(
    path: &str,
    now: &mut Properties,
    before: &Properties,
    merged: &Properties,
    came: &impl Fn(&str) -> bool,
) {
    for (key, other) in merged {
        let path = format!("{path}.{key}");
        let empty = Properties::new();
        match (now.get_mut(key), before.get(key), other) {
            (Some(Value::Object(now)), before, Value::Object(other)) => {
                let before = before.and_then(Value::as_object).unwrap_or(&empty);
                separate_objects(&path, now, before, other, came);
            }
            (Some(Value::Number(sum)), Some(Value::Number(known)), Value::Number(added))
                if sums::sum(known, added).as_ref() == Some(sum) =>
            {
                *sum = known.clone();
            }
            (Some(Value::Array(values)), known, Value::Array(added)) => {
                let known = known.and_then(Value::as_array);
                values.retain(|value| {
                    known.is_some_and(|known| known.contains(value)) || !added.contains(value)
                });
            }
            // What is as it was in the other, and nobody has set since, came from there.
            (Some(value), known, _) if came(&path) || (*value == *other && known != Some(other)) => {
                match known {
                    Some(known) => value.clone_from(known),
                    None => *value = Value::Null,
                }
            }
            _ => {}
        }
        let is_empty = |value: &Value| match value {
            Value::Null => !before.contains_key(key),
            Value::Object(members) => members.is_empty() && !before.contains_key(key),
            Value::Array(values) => values.is_empty() && !before.contains_key(key),
            _ => false,
        };
        if now.get(key).is_some_and(is_empty) {
            now.remove(key);
        }
    }
}

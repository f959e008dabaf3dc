//! Two profiles of one person become one, and two again.
//!
//! What survives does not depend on which of them comes first, nor, where there are three, on which two meet first; but
//! for what a strategy that people have chosen makes depend on it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Number, Value};
use tideline_model::rules::MergeStrategy;
use tideline_model::{Consent, Profile, ProfileMetadata, Properties, Visit};

use super::strategies::{self, Line, Strategy};
use crate::event_types::MAX_VALUES;
use crate::{sums, surroundings};

/// The most ids that a profile may get by merging: two that have more together stay apart, as none may be lost.
const MAX_IDS: usize = 1000;
/// The most countries that a profile has the languages of.
const MAX_MARKETS: usize = 50;

/// What two profiles become.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// The profile that has it all from now on.
    pub survivor: Profile,
    /// The id of the other.
    pub merged: String,
}

/// Makes one profile of two; none when they have too many ids for one. The one that was there first survives.
#[must_use]
pub fn merge(said: &crate::Rules, one: &Profile, other: &Profile) -> Option<Merged> {
    let age = |profile: &Profile| (profile.metadata.time.insert, profile.id.clone());
    let (kept, gone) = if age(one) <= age(other) { (one, other) } else { (other, one) };
    let mut ids = united(&kept.ids, &gone.ids);
    ids.sort_by_key(|id| (*id != kept.id, id.clone()));
    if ids.len() > MAX_IDS {
        return None;
    }
    let said = said.merging();
    let stamps = Stamps { kept: &kept.metadata, gone: &gone.metadata };
    let mut data = merge_objects(said, &stamps, &mut vec!["data"], &kept.data, &gone.data);
    divide(said, &mut data);
    let (consents, has_consented) = consents(&stamps, kept, gone);
    let mut survivor = Profile {
        id: kept.id.clone(),
        primary_id: one_of(&stamps, &["primary_id"], kept.primary_id.as_ref(), gone.primary_id.as_ref())
            .cloned(),
        ids,
        metadata: metadata(kept, gone),
        stats: kept.stats.clone(),
        traits: merge_objects(said, &stamps, &mut vec!["traits"], &kept.traits, &gone.traits),
        data,
        interests: kept.interests.clone(),
        consents,
        segments: united(&kept.segments, &gone.segments),
        counted: kept.counted.clone(),
        aux: kept.aux.clone(),
        active: true,
        applied: kept.applied.clone().united(&gone.applied),
    };
    let stats = &mut survivor.stats;
    stats.visits = stats.visits.saturating_add(gone.stats.visits);
    stats.views = stats.views.saturating_add(gone.stats.views);
    for (name, count) in &gone.stats.counters {
        let counter = stats.counters.entry(name.clone()).or_default();
        *counter = counter.saturating_add(*count);
    }
    for (count, days) in &gone.counted {
        let counted = survivor.counted.entry(count.clone()).or_default();
        for (day, times) in days {
            let known = counted.entry(day.clone()).or_default();
            *known = known.saturating_add(*times);
        }
    }
    survivor.segments.sort();
    for (name, value) in &gone.interests {
        let sum = survivor.interests.get(name).and_then(|known| sums::sum(known, value));
        survivor.interests.insert(name.clone(), sum.unwrap_or_else(|| value.clone()));
    }
    survivor.aux.consents = has_consented;
    survivor.aux.geo.markets = united(&kept.aux.geo.markets, &gone.aux.geo.markets);
    survivor.aux.geo.markets.sort();
    survivor.aux.geo.markets.truncate(MAX_MARKETS);
    let zone = survivor.metadata.time.visit.tz.as_deref();
    survivor.aux.geo.continent = zone.and_then(surroundings::continent).map(str::to_owned);
    crate::profile::note_email(&mut survivor);
    Some(Merged { survivor, merged: gone.id.clone() })
}

/// Takes out of `now` what came into it when `merged` was merged with `before`. It is `before` again if nothing has come
/// since; what has come since stays.
#[must_use]
pub fn separate(said: &crate::Rules, now: &Profile, before: &Profile, merged: &Profile) -> Profile {
    let applied = now.applied.clone();
    let then = merge(said, before, merged).map(|then| then.survivor);
    let as_then = Profile { applied: applied.clone(), ..then.unwrap_or_else(|| before.clone()) };
    if as_then.metadata.fields == now.metadata.fields && as_then.stats == now.stats && as_then.ids == now.ids
    {
        return Profile { applied, ..before.clone() };
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
    let visit = &mut alone.metadata.time.visit;
    visit.count = visit.count.saturating_sub(merged.metadata.time.visit.count);
    if now.metadata.time.visit.current == merged.metadata.time.visit.current {
        (visit.current, visit.last, visit.tz) = {
            let Visit { current, last, tz, .. } = before.metadata.time.visit.clone();
            (current, last, tz)
        };
    } else if visit.last == merged.metadata.time.visit.current {
        visit.last = before
            .metadata
            .time
            .visit
            .current
            .filter(|_| visit.current != before.metadata.time.visit.current)
            .or(before.metadata.time.visit.last);
    }
    if now.metadata.time.update == merged.metadata.time.update {
        alone.metadata.time.update = before.metadata.time.update;
    }
    let stats = &mut alone.stats;
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
            if let Some(known) = alone.counted.get_mut(count).and_then(|days| days.get_mut(day)) {
                *known = known.saturating_sub(*times);
            }
        }
    }
    for (name, value) in &merged.interests {
        let less = alone
            .interests
            .get(name)
            .zip(sums::negative(value))
            .and_then(|(sum, less)| sums::sum(sum, &less));
        match less {
            Some(less) if before.interests.contains_key(name) || less.as_f64() != Some(0.0) => {
                alone.interests.insert(name.clone(), less);
            }
            _ => drop(alone.interests.remove(name)),
        }
    }
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

/// When fields of both were changed.
struct Stamps<'a> {
    kept: &'a ProfileMetadata,
    gone: &'a ProfileMetadata,
}

impl Stamps<'_> {
    /// Whether the field of `gone` was changed last; that of two changed at once which is written greater.
    fn gone_is_later<T: PartialOrd>(&self, path: &[&str], kept: &T, gone: &T) -> bool {
        let stamp = |metadata: &ProfileMetadata| {
            let noted = (1..=path.len()).rev().find_map(|length| {
                let (changed, event) = metadata.fields.get(&path.get(..length)?.join("."))?;
                Some((*changed, event.clone()))
            });
            // What nobody noted is older than what somebody did.
            noted.unwrap_or((Timestamp::MIN, String::new()))
        };
        let (of_kept, of_gone) = (stamp(self.kept), stamp(self.gone));
        of_gone > of_kept || (of_gone == of_kept && gone > kept)
    }
}

fn one_of<'a, T: PartialOrd>(
    stamps: &Stamps<'_>,
    path: &[&str],
    kept: Option<&'a T>,
    gone: Option<&'a T>,
) -> Option<&'a T> {
    match (kept, gone) {
        (Some(kept), Some(gone)) if stamps.gone_is_later(path, kept, gone) => Some(gone),
        (kept, gone) => kept.or(gone),
    }
}

fn metadata(kept: &Profile, gone: &Profile) -> ProfileMetadata {
    let mut metadata = kept.metadata.clone();
    let other = &gone.metadata;
    let time = &mut metadata.time;
    time.insert = time.insert.min(other.time.insert);
    time.update = time.update.max(other.time.update);
    time.visit = visit(&time.visit, &other.time.visit);
    for (path, stamp) in &other.fields {
        let known = metadata.fields.entry(path.clone()).or_insert_with(|| stamp.clone());
        if stamp > known {
            known.clone_from(stamp);
        }
    }
    metadata.keys = united(&metadata.keys, &other.keys);
    metadata.keys.sort();
    metadata.apart = united(&metadata.apart, &other.apart);
    metadata.apart.sort();
    metadata
}

/// All visits of both: the current one is the later of the two, the last one the latest of the others.
fn visit(one: &Visit, other: &Visit) -> Visit {
    let mut times: Vec<Timestamp> =
        [one.current, other.current, one.last, other.last].into_iter().flatten().collect();
    times.sort();
    let current = times.pop();
    let zone = |visit: &Visit| (visit.current, visit.tz.clone());
    let (latest, earlier) = if zone(one) >= zone(other) { (one, other) } else { (other, one) };
    Visit {
        last: times.pop(),
        current,
        count: one.count.saturating_add(other.count),
        tz: latest.tz.clone().or_else(|| earlier.tz.clone()),
    }
}

/// Of each consent what was said last; where both were said at once, that there is none.
fn consents(
    stamps: &Stamps<'_>,
    kept: &Profile,
    gone: &Profile,
) -> (BTreeMap<String, Consent>, Option<tideline_model::ConsentState>) {
    let ids: BTreeSet<&String> = kept.consents.keys().chain(gone.consents.keys()).collect();
    let mut consents = BTreeMap::new();
    for id in ids {
        let path = format!("consents.{id}");
        let said = |metadata: &ProfileMetadata| metadata.fields.get(&path).map(|(at, _)| *at);
        let (of_kept, of_gone) = (kept.consents.get(id), gone.consents.get(id));
        let consent = match said(stamps.kept).cmp(&said(stamps.gone)) {
            std::cmp::Ordering::Greater => of_kept.copied(),
            std::cmp::Ordering::Less => of_gone.copied(),
            // None of an end by itself is later than any.
            std::cmp::Ordering::Equal => {
                of_kept.zip(of_gone).map(|(one, other)| match (one.revoke, other.revoke) {
                    (Some(one), Some(other)) => Consent { revoke: Some(one.min(other)) },
                    (one, other) => Consent { revoke: one.or(other) },
                })
            }
        };
        consents.extend(consent.map(|consent| (id.clone(), consent)));
    }
    let states = [kept.aux.consents, gone.aux.consents];
    let granted = states.iter().flatten().any(|state| state.granted);
    let state = states.iter().flatten().next().map(|_| tideline_model::ConsentState { granted });
    (consents, state)
}

fn merge_objects<'a>(
    said: &[Line],
    stamps: &Stamps<'_>,
    path: &mut Vec<&'a str>,
    kept: &'a Properties,
    gone: &'a Properties,
) -> Properties {
    let keys: BTreeSet<&String> = kept.keys().chain(gone.keys()).collect();
    let mut merged = Properties::new();
    for key in keys {
        path.push(key);
        let value = match (kept.get(key), gone.get(key)) {
            (Some(Value::Object(kept)), Some(Value::Object(gone))) => {
                Value::Object(merge_objects(said, stamps, path, kept, gone))
            }
            (Some(kept), Some(gone)) => merge_values(said, stamps, path, kept, gone),
            (kept, gone) => kept.or(gone).cloned().unwrap_or_default(),
        };
        path.pop();
        merged.insert(key.clone(), value);
    }
    merged
}

fn merge_values(said: &[Line], stamps: &Stamps<'_>, path: &[&str], kept: &Value, gone: &Value) -> Value {
    let written = (kept.to_string(), gone.to_string());
    let gone_is_later = stamps.gone_is_later(path, &written.0, &written.1);
    let last = || if gone_is_later { gone.clone() } else { kept.clone() };
    let Strategy::Of(strategy) = strategies::of(said, path) else { return last() };
    // What cannot be joined as the strategy says is what was changed last.
    let joined = match strategy {
        MergeStrategy::LastUpdate => None,
        MergeStrategy::FirstUpdate => Some(if gone_is_later { kept.clone() } else { gone.clone() }),
        MergeStrategy::Min | MergeStrategy::Max => order(kept, gone).map(|order| {
            let takes_kept = if *strategy == MergeStrategy::Min { order.is_le() } else { order.is_ge() };
            if takes_kept { kept.clone() } else { gone.clone() }
        }),
        MergeStrategy::Sum => match (kept, gone) {
            (Value::Number(kept), Value::Number(gone)) => sums::sum(kept, gone).map(Value::Number),
            _ => None,
        },
        MergeStrategy::Union => Some(union(kept, gone)),
        MergeStrategy::Any => {
            kept.as_bool().zip(gone.as_bool()).map(|(one, other)| Value::Bool(one || other))
        }
        MergeStrategy::All => {
            kept.as_bool().zip(gone.as_bool()).map(|(one, other)| Value::Bool(one && other))
        }
    };
    joined.unwrap_or_else(last)
}

/// Numbers by size; texts, and so dates, by their letters.
fn order(one: &Value, other: &Value) -> Option<std::cmp::Ordering> {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64()?.partial_cmp(&other.as_f64()?),
        (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
        _ => None,
    }
}

/// All different values of both lists, in the order in which they are written, as many as a list may have.
fn union(one: &Value, other: &Value) -> Value {
    let values = |value: &Value| match value {
        Value::Array(values) => values.clone(),
        value => vec![value.clone()],
    };
    let mut all = values(one);
    all.extend(values(other));
    all.sort_by_cached_key(ToString::to_string);
    all.dedup();
    all.truncate(MAX_VALUES);
    Value::Array(all)
}

/// Fields that are quotients of others.
fn divide(said: &[Line], data: &mut Properties) {
    let places: Vec<Vec<String>> = leaves(data);
    for place in places {
        let path: Vec<&str> = std::iter::once("data").chain(place.iter().map(String::as_str)).collect();
        if let Strategy::Ratio(dividend, divisor) = strategies::of(said, &path) {
            let value = |path: &crate::paths::Path| path.get(data).and_then(Value::as_f64);
            let quotient =
                value(dividend).zip(value(divisor)).and_then(|(one, other)| Number::from_f64(one / other));
            if let Some(quotient) = quotient {
                crate::paths::Path::new(&place.join(".")).set(data, Value::Number(quotient));
            }
        }
    }
}

/// The paths of all that is no object.
fn leaves(members: &Properties) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (key, value) in members {
        match value {
            Value::Object(inner) => found.extend(leaves(inner).into_iter().map(|mut path| {
                path.insert(0, key.clone());
                path
            })),
            _ => found.push(vec![key.clone()]),
        }
    }
    found
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

/// All of the first, and what the second has besides.
fn united(one: &[String], other: &[String]) -> Vec<String> {
    let mut all = one.to_vec();
    all.extend(other.iter().filter(|id| !one.contains(id)).cloned());
    all
}

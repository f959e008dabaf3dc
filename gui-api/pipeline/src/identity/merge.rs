//! Two profiles of one person become one.
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

/// All of the first, and what the second has besides.
fn united(one: &[String], other: &[String]) -> Vec<String> {
    let mut all = one.to_vec();
    all.extend(other.iter().filter(|id| !one.contains(id)).cloned());
    all
}

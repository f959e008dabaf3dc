//! Who has something in common: conditions about profiles, and how often events came lately (`docs/configuration.md` §10).
//!
//! A profile keeps what is counted itself, a number for each day, so that whether it belongs to a segment follows from
//! it and the time alone.

use std::collections::HashMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde_json::Value;
use tideline_filter::{Document, Documents, Filter};
use tideline_model::{Event, Profile, Session, rules};

use super::RuleProblem;
use super::condition::Readiness;
use super::scope::Scope;

/// The most counts of a segment.
const MAX_COUNTS: usize = 10;
/// The most days that are counted.
const MAX_DAYS: u16 = 366;

/// All segments.
#[derive(Debug, Default)]
pub(crate) struct Segments {
    segments: Vec<Segment>,
    /// Counts of any type of events, and those of one.
    general: Vec<Counted>,
    by_type: HashMap<String, Vec<Counted>>,
}

#[derive(Debug)]
struct Segment {
    id: String,
    condition: Option<Readiness>,
    counts: Vec<Count>,
}

/// How often something must have come.
#[derive(Debug)]
struct Count {
    name: String,
    days: u16,
    at_least: u64,
    at_most: u64,
}

/// What is counted.
#[derive(Debug)]
struct Counted {
    name: String,
    scope: Scope,
}

impl Segments {
    pub(super) fn add(&mut self, id: &str, settings: &rules::Segment) -> Result<(), RuleProblem> {
        let rules::Segment { condition, counts } = settings;
        if condition.is_none() && counts.is_empty() {
            return Err(RuleProblem::new(
                "settings",
                "it has no condition and counts nothing: say who is in it",
            ));
        }
        if counts.len() > MAX_COUNTS {
            let message = format!("it has {} counts, and {MAX_COUNTS} are the most", counts.len());
            return Err(RuleProblem::new("settings.counts", message));
        }
        let wrong = |error| RuleProblem::filter("settings.condition", error);
        let condition = condition.as_deref().map(Filter::parse).transpose().map_err(wrong)?;
        let (mut wanted, mut counted) = (Vec::new(), Vec::new());
        for (index, written) in counts.iter().enumerate() {
            let path = |member: &str| format!("settings.counts[{index}].{member}");
            if !(1..=MAX_DAYS).contains(&written.days) {
                let message = format!("{} days: 1 to {MAX_DAYS} are possible", written.days);
                return Err(RuleProblem::new(path("days"), message));
            }
            let (at_least, at_most) = (written.at_least.unwrap_or(0), written.at_most.unwrap_or(u64::MAX));
            if at_least > at_most || (written.at_least.is_none() && written.at_most.is_none()) {
                let message = "say how often: `at_least`, `at_most`, or both, the smaller first";
                return Err(RuleProblem::new(path("at_least"), message));
            }
            let scope = Scope::compile(&written.when).map_err(|problem| RuleProblem {
                path: problem.path.replacen("settings", &format!("settings.counts[{index}]"), 1),
                ..problem
            })?;
            let name = format!("{id} {index}");
            wanted.push(Count { name: name.clone(), days: written.days, at_least, at_most });
            counted.push((written.when.event_type.clone(), Counted { name, scope }));
        }
        for (r#type, counted) in counted {
            match r#type {
                Some(r#type) => self.by_type.entry(r#type).or_default().push(counted),
                None => self.general.push(counted),
            }
        }
        let condition = condition.map(Readiness::of);
        self.segments.push(Segment { id: id.to_owned(), condition, counts: wanted });
        Ok(())
    }

    /// Whether somebody is in other segments at this time than the profile says.
    pub(crate) fn differ(&self, profile: &Profile, now: Timestamp) -> bool {
        if self.are_none(profile) {
            return false;
        }
        let mut then = profile.clone();
        self.evaluate(&mut then, now);
        then.segments != profile.segments
    }

    pub(super) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Whether there are none, and nobody is in any.
    fn are_none(&self, profile: &Profile) -> bool {
        self.segments.is_empty() && profile.segments.is_empty() && profile.counted.is_empty()
    }

    /// Counts the event, where segments count such events.
    pub(crate) fn count(&self, profile: &mut Profile, event: &Event, session: Option<&Session>) {
        let of_type = self.by_type.get(&event.r#type).map_or(&[][..], Vec::as_slice);
        for counted in self.general.iter().chain(of_type) {
            if counted.scope.has(event, Some(profile), session) {
                let days = profile.counted.entry(counted.name.clone()).or_default();
                let times = days.entry(day(event.metadata.time.insert).to_string()).or_default();
                *times = times.saturating_add(1);
            }
        }
    }

    /// Puts the profile into the segments that it belongs to at this time, and out of the others.
    pub(crate) fn evaluate(&self, profile: &mut Profile, now: Timestamp) {
        if self.are_none(profile) {
            return;
        }
        self.forget(profile, now);
        let asks = self.segments.iter().any(|segment| segment.condition.is_some());
        let written = if asks { serde_json::to_value(&*profile).unwrap_or_default() } else { Value::Null };
        let is_in = |segment: &&Segment| segment.has(profile, &written, now);
        profile.segments = self.segments.iter().filter(is_in).map(|segment| segment.id.clone()).collect();
    }

    /// Drops the days that nobody asks for any more.
    fn forget(&self, profile: &mut Profile, now: Timestamp) {
        let counts = || self.segments.iter().flat_map(|segment| &segment.counts);
        profile.counted.retain(|name, days| {
            let Some(count) = counts().find(|count| count.name == *name) else { return false };
            let first = count.first(now).to_string();
            days.retain(|day, _| *day >= first);
            !days.is_empty()
        });
    }
}

impl Segment {
    fn has(&self, profile: &Profile, written: &Value, now: Timestamp) -> bool {
        let count = |count: &Count| {
            let (first, last) = (count.first(now).to_string(), day(now).to_string());
            let days = profile.counted.get(&count.name);
            let lately = days.into_iter().flatten().filter(|(day, _)| (&first..=&last).contains(day));
            let times = lately.fold(0_u64, |times, (_, more)| times.saturating_add(*more));
            (count.at_least..=count.at_most).contains(&times)
        };
        let documents = Documents::only(Document::Profile, written);
        let is_so = |condition: &Readiness| condition.holds(&documents, now);
        self.counts.iter().all(count) && self.condition.as_ref().is_none_or(is_so)
    }
}

impl Count {
    /// The first day that counts.
    fn first(&self, now: Timestamp) -> Date {
        let back = Span::new().days(i64::from(self.days) - 1);
        day(now).checked_sub(back).unwrap_or(Date::MIN)
    }
}

fn day(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

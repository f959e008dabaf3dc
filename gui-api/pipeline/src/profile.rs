//! What a request changes in its profile.

use tideline_model::{
    Applied, Event, Profile, ProfileMetadata, ProfileStats, ProfileTime, Properties, Visit,
};

use crate::Request;

/// The most ids that a profile is known by. A browser that is given a new one every day fills this in half a year.
const MAX_IDS: usize = 200;
const PAGE_VIEW: &str = "page-view";
const EVENTS: &str = "events";

/// The profile after the request, which added `events`; none when the request was counted before.
pub(crate) fn after(
    request: &Request,
    before: Option<&Profile>,
    id: &str,
    events: &[&Event],
) -> Option<Profile> {
    let mut profile = before.cloned().unwrap_or_else(|| created(request, id));
    if !profile.applied.advance(&request.lane, (request.entry.milliseconds, request.entry.sequence)) {
        return None;
    }
    // The client was answered another id, and will send it.
    if profile.ids.len() < MAX_IDS && !profile.ids.contains(&request.profile) {
        profile.ids.push(request.profile.clone());
    }
    let time = &mut profile.metadata.time;
    // A profile's lanes are read at their own pace: its times must not depend on which comes first.
    time.insert = time.insert.min(request.received);
    time.update = time.update.max(request.received);
    if request.new_session {
        note_visit(&mut time.visit, request);
        profile.stats.visits = profile.stats.visits.saturating_add(1);
    }
    let views = events.iter().filter(|event| event.r#type == PAGE_VIEW).count();
    profile.stats.views = profile.stats.views.saturating_add(views as u64);
    let counted = profile.stats.counters.entry(EVENTS.to_owned()).or_default();
    *counted = counted.saturating_add(events.len() as u64);
    Some(profile)
}

fn note_visit(visit: &mut Visit, request: &Request) {
    visit.count = visit.count.saturating_add(1);
    if visit.current.is_none_or(|current| current <= request.received) {
        visit.last = visit.current;
        visit.current = Some(request.received);
        if request.time_zone.is_some() {
            visit.tz.clone_from(&request.time_zone);
        }
    } else {
        visit.last = visit.last.max(Some(request.received));
    }
}

fn created(request: &Request, id: &str) -> Profile {
    Profile {
        id: id.to_owned(),
        ids: vec![id.to_owned()],
        metadata: ProfileMetadata {
            time: ProfileTime { insert: request.received, update: request.received, visit: Visit::default() },
        },
        stats: ProfileStats::default(),
        traits: Properties::new(),
        active: true,
        applied: Applied::default(),
    }
}

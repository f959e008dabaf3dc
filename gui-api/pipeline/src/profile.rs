//! What a request changes in its profile.

use std::collections::BTreeMap;

use tideline_model::{
    Applied, Event, Profile, ProfileAux, ProfileMetadata, ProfileStats, ProfileTime, Properties, Visit,
};

use crate::{Request, consents, event_types, interests};

/// The most ids that a profile is known by. A browser that is given a new one every day fills this in half a year.
const MAX_IDS: usize = 200;
const PAGE_VIEW: &str = "page-view";
const EVENTS: &str = "events";

/// The profile after the request, which added `events`, and a visit if it begins one; none when the request was
/// counted before.
pub(crate) fn after(
    request: &Request,
    before: Option<&Profile>,
    id: &str,
    events: &[&Event],
    visits: bool,
) -> Option<Profile> {
    let mut profile = before.cloned().unwrap_or_else(|| created(request, id));
    if !profile.applied.advance(&request.lane, (request.entry.milliseconds, request.entry.sequence)) {
        return None;
    }
    // The client was answered another id, and will send it.
    if let Some(answered) = &request.profile
        && profile.ids.len() < MAX_IDS
        && !profile.ids.contains(answered)
    {
        profile.ids.push(answered.clone());
    }
    let time = &mut profile.metadata.time;
    // A profile's lanes are read at their own pace: its times must not depend on which comes first.
    time.insert = time.insert.min(request.common.received);
    time.update = time.update.max(request.common.received);
    if visits {
        note_visit(&mut time.visit, request);
        profile.stats.visits = profile.stats.visits.saturating_add(1);
    }
    let views = events.iter().filter(|event| event.r#type == PAGE_VIEW).count();
    profile.stats.views = profile.stats.views.saturating_add(views as u64);
    let counted = profile.stats.counters.entry(EVENTS.to_owned()).or_default();
    *counted = counted.saturating_add(events.len() as u64);
    for event in events {
        event_types::change(&mut profile, event);
        consents::note(&mut profile, event);
        interests::note(&mut profile, event);
    }
    Some(profile)
}

fn note_visit(visit: &mut Visit, request: &Request) {
    visit.count = visit.count.saturating_add(1);
    if visit.current.is_none_or(|current| current <= request.common.received) {
        visit.last = visit.current;
        visit.current = Some(request.common.received);
        if request.time_zone.is_some() {
            visit.tz.clone_from(&request.time_zone);
        }
    } else {
        visit.last = visit.last.max(Some(request.common.received));
    }
}

fn created(request: &Request, id: &str) -> Profile {
    Profile {
        id: id.to_owned(),
        primary_id: None,
        ids: vec![id.to_owned()],
        metadata: ProfileMetadata {
            time: ProfileTime {
                insert: request.common.received,
                update: request.common.received,
                visit: Visit::default(),
            },
            fields: BTreeMap::new(),
        },
        stats: ProfileStats::default(),
        traits: Properties::new(),
        data: Properties::new(),
        interests: BTreeMap::new(),
        consents: BTreeMap::new(),
        aux: ProfileAux::default(),
        active: true,
        applied: Applied::default(),
    }
}

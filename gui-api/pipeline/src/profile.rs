//! What a request changes in its profile.

use std::collections::BTreeMap;

use serde_json::Value;
use tideline_model::{
    Applied, Device, Event, Geo, Profile, ProfileAux, ProfileMetadata, ProfileStats, ProfileTime, Properties,
    Visit,
};

use crate::paths::Path;
use crate::prepared::Prepared;
use crate::{Request, changes, event_types, surroundings};

/// The most ids that a profile is known by. A browser that is given a new one every day fills this in half a year.
const MAX_IDS: usize = 200;
/// The most countries that a profile has the languages of.
const MAX_MARKETS: usize = 50;
const SPOKEN: &str = "data.pii.language.spoken";
const DEVICES: &str = "data.devices.names";
const LAST_PLACE: &str = "data.devices.last.geo";

/// The profile after the request, which added `events`, and a visit if it begins one; none when the request was
/// counted before. The events become what is stored of them, each by what is known before it.
pub(crate) fn after(
    request: &Request,
    before: Option<&Profile>,
    id: &str,
    events: &mut Prepared<'_>,
    visits: bool,
    device: &Device,
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
        note_surroundings(&mut profile, request, device, events.first());
        profile.stats.visits = profile.stats.visits.saturating_add(1);
    }
    events.change(request, &mut profile);
    note_email(&mut profile);
    request.rules.segments().evaluate(&mut profile, request.common.received);
    Some(profile)
}

/// What the surroundings of a visit tell of whoever makes it.
fn note_surroundings(profile: &mut Profile, request: &Request, device: &Device, first: Option<&Event>) {
    let continent = profile.metadata.time.visit.tz.as_deref().and_then(surroundings::continent);
    profile.aux.geo.continent = continent.map(str::to_owned);
    for country in request.languages.countries() {
        if profile.aux.geo.markets.len() < MAX_MARKETS && !profile.aux.geo.markets.contains(&country) {
            profile.aux.geo.markets.push(country);
        }
    }
    if let Some(event) = first.filter(|_| device.geo != Geo::default())
        && changes::is_latest(&profile.metadata, LAST_PLACE, event)
        && let Ok(place) = serde_json::to_value(&device.geo)
    {
        Path::new(LAST_PLACE.trim_start_matches("data.")).set(&mut profile.data, place);
        changes::note(&mut profile.metadata, LAST_PLACE, event);
    }
    let lists = [(SPOKEN, request.languages.codes()), (DEVICES, Vec::from_iter(device.name.clone()))];
    for (path, found) in lists {
        if let Some(event) = first.filter(|_| !found.is_empty()) {
            let below_data = Path::new(path.trim_start_matches("data."));
            event_types::append(
                &mut profile.data,
                &below_data,
                found.into_iter().map(Value::String).collect(),
            );
            changes::note(&mut profile.metadata, path, event);
        }
    }
}

/// What the profile's e-mail address tells: the main one, or another where there is none.
pub(crate) fn note_email(profile: &mut Profile) {
    let addresses = profile.data.get("contact").and_then(|contact| contact.get("email"));
    let address = ["main", "private", "business"].iter().find_map(|kind| addresses?.get(kind)?.as_str());
    profile.aux.email.free = address.map(surroundings::is_free);
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
            keys: Vec::new(),
            apart: Vec::new(),
        },
        stats: ProfileStats::default(),
        traits: Properties::new(),
        data: Properties::new(),
        interests: BTreeMap::new(),
        consents: BTreeMap::new(),
        segments: Vec::new(),
        counted: BTreeMap::new(),
        aux: ProfileAux::default(),
        active: true,
        applied: Applied::default(),
    }
}

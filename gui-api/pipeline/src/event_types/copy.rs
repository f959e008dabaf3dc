//! What an event's type says of the event itself: fields that are filled from properties, tags, the stage of the
//! journey.

use tideline_model::{Event, Tags};

use super::kind::{self, Reading};
use super::table::{Copy, Target};
use crate::event_types;

/// The most sentences that an event has on what of it was passed over.
const MAX_SKIPPED: usize = 10;

/// Fills the fields of the event that its type speaks of. What cannot be read is passed over, and the event says so.
pub(crate) fn copy(event: &mut Event) {
    let Some(known) = event_types::of(&event.r#type) else { return };
    tag(&mut event.tags, &known.tags);
    event.journey.state = known.stage.as_ref().map(|stage| stage.first.clone());
    for copy in &known.copies {
        fill(event, copy);
    }
}

/// The stage of the journey that the event's type speaks of when its visitor comes again.
pub(crate) fn later(event: &Event) -> Option<String> {
    Some(event_types::of(&event.r#type)?.stage.as_ref()?.later.clone())
}

fn fill(event: &mut Event, copy: &Copy) {
    for from in &copy.from {
        let Some(sent) = from.get(&event.properties) else { continue };
        match kind::read(Some(copy.kind), sent) {
            Reading::Value(value) => return put(event, &copy.target, value),
            // Of several that may be meant, those that are something else are not.
            Reading::Wrong if copy.from.len() > 1 => {}
            Reading::Nothing => {}
            Reading::Wrong => {
                let skipped =
                    format!("`{}` is left out: what was sent is not {}", copy.into, kind::name(copy.kind));
                skip(event, skipped);
            }
        }
    }
}

/// Notes that something of the event was passed over, and why.
pub(crate) fn skip(event: &mut Event, what: String) {
    event.metadata.warning = true;
    if event.metadata.skipped.len() < MAX_SKIPPED {
        event.metadata.skipped.push(what);
    }
}

fn put(event: &mut Event, target: &Target, value: serde_json::Value) {
    let text = || value.as_str().map(str::to_owned);
    match target {
        Target::Data(path) => path.set(&mut event.data, value),
        Target::HitId => event.hit.id = text(),
        Target::HitName => event.hit.name = text(),
        Target::HitQuery => event.hit.query = text(),
        Target::HitCategory => event.hit.category = text(),
        Target::Longitude => event.device.geo.longitude = value.as_f64(),
        Target::Latitude => event.device.geo.latitude = value.as_f64(),
    }
}

/// Adds the tags that are missing.
pub(crate) fn tag(tags: &mut Tags, of_type: &[String]) {
    for tag in of_type {
        if !tags.values.contains(tag) {
            tags.values.push(tag.clone());
        }
    }
    tags.count = tags.values.len();
}

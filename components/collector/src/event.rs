//! The events of a `/track` body, as far as the edge checks them.

use serde_json::value::RawValue;

use crate::fault::{Fault, Faults, What, fault};
use crate::json::{Kind, Object, elements, kind, text};
use crate::payload::{Null, dictionary, entity_id, within_limit};

/// The most events in one request.
const MAX_EVENTS: usize = 500;

/// Checks `events` and returns, for each, the id that the client gave it, if it did.
pub(crate) fn all(value: Option<&RawValue>) -> Result<Vec<Option<String>>, Vec<Fault>> {
    let Some(value) = value else { return Ok(Vec::new()) };
    let Some(events) = elements(value) else { return fault(What::NotAList, &["events"], Some(value)) };
    if events.len() > MAX_EVENTS {
        return fault(What::TooMany { most: MAX_EVENTS, found: events.len() }, &["events"], None);
    }
    // The protocol names the first faulty event only, and its fields without its place in the list.
    events.into_iter().enumerate().map(|(index, value)| event(index, value)).collect()
}

fn event(index: usize, value: &RawValue) -> Result<Option<String>, Vec<Fault>> {
    let Some(members) = Object::of(value) else {
        return Err(vec![Fault::new(What::NotAnEntity("EventPayload"), &["events"], Some(value)).at(index)]);
    };
    let mut faults = Faults::default();
    faults.take(event_type(members.get("type")));
    faults.take(event_time(members.get("time")));
    faults.take(dictionary(members.get("properties"), "properties", Null::IsNone));
    faults.take(dictionary(members.get("context"), "context", Null::IsNone));
    faults.take(dictionary(members.get("options"), "options", Null::IsWrong));
    if let Some(tags) = members.get("tags").filter(|tags| kind(tags) != Kind::Array) {
        faults.take::<()>(fault(What::NotAList, &["tags"], Some(tags)));
    }
    let id = match members.get("id") {
        Some(id) if kind(id) != Kind::Null => faults.take(entity_id(id, &["id"])),
        _ => None,
    };
    faults.none(id)
}

fn event_type(value: Option<&RawValue>) -> Result<(), Vec<Fault>> {
    let Some(value) = value else { return fault(What::Missing, &["type"], None) };
    let Some(name) = text(value) else { return fault(What::NotAString, &["type"], Some(value)) };
    match within_limit(&name, &["type"])? {
        Some(_) => Ok(()),
        None => fault(What::BlankType, &["type"], Some(value)),
    }
}

/// `time` is an object of dates; what cannot begin a date is refused.
fn event_time(value: Option<&RawValue>) -> Result<(), Vec<Fault>> {
    let Some(value) = value else { return Ok(()) };
    let Some(members) = Object::of(value) else {
        return fault(What::NotAnEntity("Time"), &["time"], Some(value));
    };
    for key in ["insert", "create", "update"] {
        if let Some(date) = members.get(key).filter(|date| kind(date) != Kind::Null)
            && !text(date).is_some_and(|date| is_date(&date))
        {
            return fault(What::NotADateTime, &[key], Some(date));
        }
    }
    Ok(())
}

/// Whether this begins like `2026-05-01`. The time of day is read, leniently, by the private service.
fn is_date(text: &str) -> bool {
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    match text.trim().as_bytes() {
        [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, ..] => digits(&[*y0, *y1, *y2, *y3, *m0, *m1, *d0, *d1]),
        _ => false,
    }
}

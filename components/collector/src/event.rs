//! The events of a `/track` body, as far as the edge checks them.

use crate::fault::{Fault, Faults, What, fault};
use crate::json::{Kind, Value};
use crate::payload::{Null, dictionary, entity_id, within_limit};

/// The most events in one request.
const MAX_EVENTS: usize = 500;

/// Checks `events` and returns, for each, the id that the client gave it, if it did.
pub(crate) fn all(value: Option<Value<'_>>) -> Result<Vec<Option<String>>, Vec<Fault>> {
    let Some(value) = value else { return Ok(Vec::new()) };
    let Some(events) = value.elements() else { return fault(What::NotAList, &["events"], Some(value)) };
    let found = events.clone().count();
    if found > MAX_EVENTS {
        return fault(What::TooMany { most: MAX_EVENTS, found }, &["events"], None);
    }
    // The protocol names the first faulty event only, and its fields without its place in the list.
    events.enumerate().map(|(index, value)| event(index, value)).collect()
}

fn event(index: usize, value: Value<'_>) -> Result<Option<String>, Vec<Fault>> {
    let Some(members) = value.members() else {
        return Err(vec![Fault::new(What::NotAnEntity("EventPayload"), &["events"], Some(value)).at(index)]);
    };
    let mut faults = Faults::default();
    faults.take(event_type(members.get("type")));
    faults.take(event_time(members.get("time")));
    faults.take(dictionary(members.get("properties"), "properties", Null::IsNone));
    faults.take(dictionary(members.get("context"), "context", Null::IsNone));
    faults.take(dictionary(members.get("options"), "options", Null::IsWrong));
    if let Some(tags) = members.get("tags").filter(|tags| tags.kind() != Kind::Array) {
        faults.take::<()>(fault(What::NotAList, &["tags"], Some(tags)));
    }
    let id = match members.get("id") {
        Some(id) if id.kind() != Kind::Null => faults.take(entity_id(id, &["id"])),
        _ => None,
    };
    faults.none(id)
}

fn event_type(value: Option<Value<'_>>) -> Result<(), Vec<Fault>> {
    let Some(value) = value else { return fault(What::Missing, &["type"], None) };
    let Some(name) = value.text() else { return fault(What::NotAString, &["type"], Some(value)) };
    match within_limit(&name, &["type"])? {
        Some(_) => Ok(()),
        None => fault(What::BlankType, &["type"], Some(value)),
    }
}

/// `time` is an object of dates; what cannot begin a date is refused.
fn event_time(value: Option<Value<'_>>) -> Result<(), Vec<Fault>> {
    let Some(value) = value else { return Ok(()) };
    let Some(members) = value.members() else {
        return fault(What::NotAnEntity("Time"), &["time"], Some(value));
    };
    for key in ["insert", "create", "update"] {
        if let Some(date) = members.get(key).filter(|date| date.kind() != Kind::Null)
            && !date.text().is_some_and(|date| is_date(&date))
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

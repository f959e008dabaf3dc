//! The typed reading of a `/track` body: what the edge decides by, and what it refuses.

use serde_json::value::RawValue;

use crate::fault::{Fault, What};
use crate::json::{Kind, Malformed, Object, check, elements, kind, text};

/// The most events in one request.
pub(crate) const MAX_EVENTS: usize = 500;
/// The longest id and event type, in bytes of UTF-8.
pub(crate) const MAX_ID_BYTES: usize = 256;

/// What the edge reads of a body. The rest is the private service's.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Payload {
    /// `source.id`, trimmed.
    pub(crate) source: String,
    /// `session.id`, trimmed; none if it is missing or blank.
    pub(crate) session: Option<String>,
    /// `profile.id`, trimmed; none if it is missing or blank.
    pub(crate) profile: Option<String>,
    /// For each event the id that the client gave it, if it did.
    pub(crate) event_ids: Vec<Option<String>>,
}

/// Reads a body.
pub(crate) fn read(body: &[u8]) -> Result<Payload, Vec<Fault>> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(vec![Fault::new(What::Missing, &[], None)]);
    }
    let value = check(body).map_err(|malformed: Malformed| vec![Fault::malformed(malformed)])?;
    match kind(value) {
        Kind::Null => return Err(vec![Fault::new(What::Missing, &[], None)]),
        Kind::Object => {}
        _ => return Err(vec![Fault::new(What::NotABody, &[], Some(value))]),
    }
    let Some(members) = Object::of(value) else {
        return Err(vec![Fault::new(What::NotABody, &[], None)]);
    };
    let mut faults = Faults::default();
    let payload = Payload {
        source: faults.take(source(members.get("source"))),
        session: faults.take(session(members.get("session"))),
        profile: faults.take(profile(members.get("profile"))),
        event_ids: faults.take(events(members.get("events"))),
    };
    // These are read by the private service; a body that it would have to refuse is refused here.
    faults.take(dictionary(members.get("context"), "context", Null::IsNone));
    for key in ["properties", "options"] {
        faults.take(dictionary(members.get(key), key, Null::IsWrong));
    }
    if faults.0.is_empty() { Ok(payload) } else { Err(faults.0) }
}

/// Collects all faults of a body, so that its author mends them in one go.
#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn take<T: Default>(&mut self, part: Result<T, Vec<Fault>>) -> T {
        part.unwrap_or_else(|faults| {
            self.0.extend(faults);
            T::default()
        })
    }
}

fn fault<T>(what: What, path: &[&'static str], input: Option<&RawValue>) -> Result<T, Vec<Fault>> {
    Err(vec![Fault::new(what, path, input)])
}

fn source(value: Option<&RawValue>) -> Result<String, Vec<Fault>> {
    let Some(value) = value else { return fault(What::Missing, &["source"], None) };
    let Some(members) = Object::of(value) else {
        // The protocol takes a whole event source or a reference to one, and says so twice.
        return Err(["EventSource", "Entity"]
            .map(|class| Fault::new(What::NotAnEntity(class), &["source", class], Some(value)))
            .into());
    };
    let Some(id) = members.get("id") else { return fault(What::Missing, &["source", "id"], None) };
    match text(id) {
        Some(id) => Ok(id.trim().to_owned()),
        None => fault(What::NotAString, &["source", "id"], Some(id)),
    }
}

fn session(value: Option<&RawValue>) -> Result<Option<String>, Vec<Fault>> {
    let Some(members) = entity(value, "session")? else { return Ok(None) };
    members.get("id").map_or(Ok(None), |id| entity_id(id, &["session", "id"]))
}

fn profile(value: Option<&RawValue>) -> Result<Option<String>, Vec<Fault>> {
    let Some(members) = entity(value, "profile")? else { return Ok(None) };
    match members.get("id") {
        Some(id) => entity_id(id, &["profile", "id"]),
        None => fault(What::Missing, &["profile", "id"], None),
    }
}

/// An object that may be missing or null.
fn entity<'a>(value: Option<&'a RawValue>, key: &'static str) -> Result<Option<Object<'a>>, Vec<Fault>> {
    match value {
        None => Ok(None),
        Some(value) if kind(value) == Kind::Null => Ok(None),
        Some(value) => match Object::of(value) {
            Some(members) => Ok(Some(members)),
            None => fault(What::NotAnEntity("Entity"), &[key], Some(value)),
        },
    }
}

fn entity_id(value: &RawValue, path: &[&'static str]) -> Result<Option<String>, Vec<Fault>> {
    let Some(id) = text(value) else { return fault(What::NotAString, path, Some(value)) };
    within_limit(&id, path)
}

/// The id, trimmed; none if it is blank.
fn within_limit(id: &str, path: &[&'static str]) -> Result<Option<String>, Vec<Fault>> {
    match id.trim() {
        "" => Ok(None),
        id if id.len() > MAX_ID_BYTES => fault(What::TooLong { most_bytes: MAX_ID_BYTES }, path, None),
        id => Ok(Some(id.to_owned())),
    }
}

fn events(value: Option<&RawValue>) -> Result<Vec<Option<String>>, Vec<Fault>> {
    let Some(value) = value else { return Ok(Vec::new()) };
    let Some(events) = elements(value) else { return fault(What::NotAList, &["events"], Some(value)) };
    if events.len() > MAX_EVENTS {
        return fault(What::TooMany { most: MAX_EVENTS, found: events.len() }, &["events"], None);
    }
    // The protocol names the first faulty event only, and its fields without its place in the list.
    events.into_iter().enumerate().map(|(index, value)| event(index, value)).collect()
}

/// Checks an event and returns the id that the client gave it.
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
    if faults.0.is_empty() { Ok(id) } else { Err(faults.0) }
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

/// Whether null stands for a missing value.
#[derive(PartialEq)]
enum Null {
    IsNone,
    IsWrong,
}

fn dictionary(value: Option<&RawValue>, key: &'static str, null: Null) -> Result<(), Vec<Fault>> {
    match value.map(|value| (kind(value), value)) {
        None | Some((Kind::Object, _)) => Ok(()),
        Some((Kind::Null, _)) if null == Null::IsNone => Ok(()),
        Some((_, value)) => fault(What::NotADictionary, &[key], Some(value)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn faults(body: &str) -> Vec<(String, Value)> {
        let faults = serde_json::to_value(read(body.as_bytes()).unwrap_err()).unwrap();
        let field = |fault: &Value, key: &str| fault.get(key).cloned().unwrap();
        faults
            .as_array()
            .unwrap()
            .iter()
            .map(|fault| (field(fault, "type").as_str().unwrap().to_owned(), field(fault, "loc")))
            .collect()
    }

    #[test]
    fn a_whole_request_is_read() {
        let body = r#"{"source":{"id":" shop "},"session":{"id":"s"},"profile":null,
            "events":[{"type":"a","id":"1"},{"type":"b","id":null,"time":{"insert":"2026-05-01"}}]}"#;
        let payload = Payload {
            source: "shop".into(),
            session: Some("s".into()),
            profile: None,
            event_ids: vec![Some("1".into()), None],
        };
        assert_eq!(read(body.as_bytes()).unwrap(), payload);
    }

    #[test]
    fn what_may_be_missing_may_be_missing() {
        for body in [
            r#"{"source":{"id":"s"}}"#,
            r#"{"source":{"id":"s"},"session":{},"events":[],"context":null}"#,
            r#"{"source":{"id":"s"},"session":{"id":"  "},"profile":null}"#,
        ] {
            let payload = read(body.as_bytes()).unwrap();
            assert_eq!((payload.session, payload.event_ids.len()), (None, 0), "{body}");
        }
    }

    #[test]
    fn faults_have_the_types_and_places_that_clients_know() {
        let table = [
            ("", "missing", json!(["body"])),
            ("null", "missing", json!(["body"])),
            ("[]", "model_attributes_type", json!(["body"])),
            (r#"{"source":{"id":"rest-source-1""#, "json_invalid", json!(["body", 31])),
            ("{}", "missing", json!(["body", "source"])),
            (r#"{"source":{}}"#, "missing", json!(["body", "source", "id"])),
            (r#"{"source":{"id":7}}"#, "string_type", json!(["body", "source", "id"])),
        ];
        for (body, r#type, loc) in table {
            assert_eq!(faults(body), [(r#type.to_owned(), loc)], "{body}");
        }
        let with_source = [
            (r#""session":{"id":7}"#, "string_type", json!(["body", "session", "id"])),
            (r#""session":{"id":null}"#, "string_type", json!(["body", "session", "id"])),
            (r#""session":"s""#, "model_type", json!(["body", "session"])),
            (r#""profile":{"id":7}"#, "string_type", json!(["body", "profile", "id"])),
            (r#""profile":{}"#, "missing", json!(["body", "profile", "id"])),
            (r#""events":null"#, "list_type", json!(["body", "events"])),
            (r#""events":{}"#, "list_type", json!(["body", "events"])),
            (r#""events":[1]"#, "model_type", json!(["body", "events", 0])),
            (r#""events":[{}]"#, "missing", json!(["body", "type"])),
            (r#""events":[{"type":3}]"#, "string_type", json!(["body", "type"])),
            (r#""events":[{"type":" "}]"#, "value_error", json!(["body", "type"])),
            (r#""events":[{"type":"a","properties":[]}]"#, "dict_type", json!(["body", "properties"])),
            (r#""events":[{"type":"a","context":"x"}]"#, "dict_type", json!(["body", "context"])),
            (r#""events":[{"type":"a","options":null}]"#, "dict_type", json!(["body", "options"])),
            (r#""events":[{"type":"a","tags":"x"}]"#, "list_type", json!(["body", "tags"])),
            (r#""events":[{"type":"a","time":"x"}]"#, "model_type", json!(["body", "time"])),
            (
                r#""events":[{"type":"a","time":{"insert":"yesterday"}}]"#,
                "datetime_parsing",
                json!(["body", "insert"]),
            ),
            (r#""options":null"#, "dict_type", json!(["body", "options"])),
            (r#""properties":null"#, "dict_type", json!(["body", "properties"])),
            (r#""context":[]"#, "dict_type", json!(["body", "context"])),
        ];
        for (rest, r#type, loc) in with_source {
            let body = format!(r#"{{"source":{{"id":"s"}},{rest}}}"#);
            assert_eq!(faults(&body), [(r#type.to_owned(), loc)], "{body}");
        }
    }

    #[test]
    fn a_source_that_is_no_object_is_said_twice() {
        for source in ["\"shop\"", "null", "[]"] {
            let found = faults(&format!(r#"{{"source":{source}}}"#));
            assert_eq!(found[0], ("model_type".into(), json!(["body", "source", "EventSource"])));
            assert_eq!(found[1], ("model_type".into(), json!(["body", "source", "Entity"])));
        }
    }

    #[test]
    fn limits_say_what_they_are() {
        let long = "x".repeat(10_000);
        let body = format!(r#"{{"source":{{"id":"s"}},"session":{{"id":"{long}"}}}}"#);
        assert_eq!(faults(&body), [("string_too_long".into(), json!(["body", "session", "id"]))]);
        let many = vec![r#"{"type":"a"}"#; 501].join(",");
        let body = format!(r#"{{"source":{{"id":"s"}},"events":[{many}]}}"#);
        assert_eq!(faults(&body), [("too_long".into(), json!(["body", "events"]))]);
    }

    #[test]
    fn all_faults_of_a_body_are_named_at_once() {
        assert_eq!(faults(r#"{"session":{"id":1},"options":null}"#).len(), 3);
    }
}

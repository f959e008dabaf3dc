//! The typed reading of a `/track` body: what the edge decides by, and what it refuses (`docs/protocol.md` §3).

use crate::event;
use crate::fault::{Fault, Faults, What, fault};
use crate::json::{Document, Kind, Object, Value};

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
    /// `context.tracardi.pass.profile`: the profile id that came with a link from another site.
    pub(crate) passed_profile: Option<String>,
    /// `request.headers["user-agent"]`: what a server that passes a request on says of its visitor.
    pub(crate) user_agent: Option<String>,
    /// `options`.
    pub(crate) options: Options,
    /// For each event the id that the client gave it, if it did.
    pub(crate) event_ids: Vec<Option<String>>,
}

/// The options that change what is stored or answered (`docs/protocol.md` §7). Anything but a truth value counts as missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// `saveSession`
    pub(crate) save_session: bool,
    /// `saveEvents`
    pub(crate) save_events: bool,
    /// `saveProfile`
    pub(crate) save_profile: bool,
    /// `debugger`
    pub(crate) debugger: bool,
    /// `queue`
    pub(crate) queue: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { save_session: true, save_events: true, save_profile: true, debugger: false, queue: false }
    }
}

/// Reads a body.
pub(crate) fn read(body: &[u8]) -> Result<Payload, Vec<Fault>> {
    let document = document(body)?;
    let members = members(&document)?;
    let mut faults = Faults::default();
    let mut payload = Payload {
        source: faults.take(source(members.get("source"))),
        session: faults.take(session(members.get("session"))),
        profile: faults.take(profile(members.get("profile"))),
        event_ids: faults.take(event::all(members.get("events"))),
        ..Payload::default()
    };
    // These are read by the private service; a body that it would have to refuse is refused here.
    faults.take(dictionary(members.get("context"), "context", Null::IsNone));
    for key in ["properties", "options"] {
        faults.take(dictionary(members.get(key), key, Null::IsWrong));
    }
    if let Some(options) = members.get("options").and_then(Value::members) {
        payload.options = self::options(options);
    }
    payload.passed_profile = path(members.get("context"), &["tracardi", "pass", "profile"])
        .filter(|id| !id.is_empty() && id.len() <= MAX_ID_BYTES);
    payload.user_agent = path(members.get("request"), &["headers", "user-agent"]);
    faults.none(payload)
}

/// A body that is JSON.
pub(crate) fn document(body: &[u8]) -> Result<Document<'_>, Vec<Fault>> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return fault(What::Missing, &[], None);
    }
    Document::read(body).map_err(|unreadable| vec![Fault::unreadable(unreadable)])
}

/// The members of a body that is an object.
pub(crate) fn members<'d>(document: &'d Document<'_>) -> Result<Object<'d>, Vec<Fault>> {
    match document.members() {
        Some(members) => Ok(members),
        None if document.root().kind() == Kind::Null => fault(What::Missing, &[], None),
        None => fault(What::NotABody, &[], Some(document.root())),
    }
}

fn options(members: Object<'_>) -> Options {
    let option = |name: &str, default: bool| members.get(name).and_then(Value::truth).unwrap_or(default);
    let default = Options::default();
    Options {
        save_session: option("saveSession", default.save_session),
        save_events: option("saveEvents", default.save_events),
        save_profile: option("saveProfile", default.save_profile),
        debugger: option("debugger", default.debugger),
        queue: option("queue", default.queue),
    }
}

/// The string at the end of these keys, trimmed.
fn path(value: Option<Value<'_>>, keys: &[&str]) -> Option<String> {
    let value = keys.iter().try_fold(value?, |value, key| value.members()?.get(key))?;
    value.text().map(|text| text.trim().to_owned())
}

/// `source`, an object with the event source's id.
pub(crate) fn source(value: Option<Value<'_>>) -> Result<String, Vec<Fault>> {
    let Some(value) = value else { return fault(What::Missing, &["source"], None) };
    let Some(members) = value.members() else {
        // The protocol takes a whole event source or a reference to one, and says so twice.
        return Err(["EventSource", "Entity"]
            .map(|class| Fault::new(What::NotAnEntity(class), &["source", class], Some(value)))
            .into());
    };
    let Some(id) = members.get("id") else { return fault(What::Missing, &["source", "id"], None) };
    match id.text() {
        Some(text) => Ok(within_limit(&text, &["source", "id"])?.unwrap_or_default()),
        None => fault(What::NotAString, &["source", "id"], Some(id)),
    }
}

/// `session`, an object with an id; it may be missing, null, or without an id.
pub(crate) fn session(value: Option<Value<'_>>) -> Result<Option<String>, Vec<Fault>> {
    let Some(members) = entity(value, "session")? else { return Ok(None) };
    members.get("id").map_or(Ok(None), |id| entity_id(id, &["session", "id"]))
}

/// `profile`, an object with an id; it may be missing or null.
pub(crate) fn profile(value: Option<Value<'_>>) -> Result<Option<String>, Vec<Fault>> {
    let Some(members) = entity(value, "profile")? else { return Ok(None) };
    match members.get("id") {
        Some(id) => entity_id(id, &["profile", "id"]),
        None => fault(What::Missing, &["profile", "id"], None),
    }
}

/// An object that may be missing or null.
fn entity<'d>(value: Option<Value<'d>>, key: &'static str) -> Result<Option<Object<'d>>, Vec<Fault>> {
    match value {
        None => Ok(None),
        Some(value) if value.kind() == Kind::Null => Ok(None),
        Some(value) => match value.members() {
            Some(members) => Ok(Some(members)),
            None => fault(What::NotAnEntity("Entity"), &[key], Some(value)),
        },
    }
}

/// An id: a string, trimmed; none if it is blank.
pub(crate) fn entity_id(value: Value<'_>, path: &[&'static str]) -> Result<Option<String>, Vec<Fault>> {
    let Some(id) = value.text() else { return fault(What::NotAString, path, Some(value)) };
    within_limit(&id, path)
}

/// The id, trimmed; none if it is blank.
pub(crate) fn within_limit(id: &str, path: &[&'static str]) -> Result<Option<String>, Vec<Fault>> {
    match id.trim() {
        "" => Ok(None),
        id if id.len() > MAX_ID_BYTES => fault(What::TooLong { most_bytes: MAX_ID_BYTES }, path, None),
        id => Ok(Some(id.to_owned())),
    }
}

/// Whether null stands for a missing value.
#[derive(PartialEq)]
pub(crate) enum Null {
    IsNone,
    IsWrong,
}

/// Refuses what is no object.
pub(crate) fn dictionary(value: Option<Value<'_>>, key: &'static str, null: Null) -> Result<(), Vec<Fault>> {
    match value.map(|value| (value.kind(), value)) {
        None | Some((Kind::Object, _)) => Ok(()),
        Some((Kind::Null, _)) if null == Null::IsNone => Ok(()),
        Some((_, value)) => fault(What::NotADictionary, &[key], Some(value)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(body: &str) -> Vec<(String, serde_json::Value)> {
        let faults = serde_json::to_value(read(body.as_bytes()).unwrap_err()).unwrap();
        let field = |fault: &serde_json::Value, key: &str| fault.get(key).cloned().unwrap();
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
            event_ids: vec![Some("1".into()), None],
            ..Payload::default()
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
        let body = format!(r#"{{"source":{{"id":"{long}"}}}}"#);
        assert_eq!(faults(&body), [("string_too_long".into(), json!(["body", "source", "id"]))]);
        let many = vec![r#"{"type":"a"}"#; 501].join(",");
        let body = format!(r#"{{"source":{{"id":"s"}},"events":[{many}]}}"#);
        assert_eq!(faults(&body), [("too_long".into(), json!(["body", "events"]))]);
    }

    #[test]
    fn options_are_truth_values_or_missing() {
        let options = |text: &str| {
            read(format!(r#"{{"source":{{"id":"s"}},"options":{text}}}"#).as_bytes()).unwrap().options
        };
        assert_eq!(options("{}"), Options::default());
        assert_eq!(options(r#"{"saveSession":"no","debugger":"true","queue":1}"#), Options::default());
        let all = options(
            r#"{"saveSession":false,"saveEvents":false,"saveProfile":false,"debugger":true,"queue":true,"other":[]}"#,
        );
        let expected = Options {
            save_session: false,
            save_events: false,
            save_profile: false,
            debugger: true,
            queue: true,
        };
        assert_eq!(all, expected);
    }

    #[test]
    fn what_a_link_or_a_server_passes_on_is_found() {
        let body = r#"{"source":{"id":"s"},"context":{"tracardi":{"pass":{"profile":" p ","source":"s"}}},
            "request":{"headers":{"user-agent":"x"}}}"#;
        let payload = read(body.as_bytes()).unwrap();
        assert_eq!(
            (payload.passed_profile.as_deref(), payload.user_agent.as_deref()),
            (Some("p"), Some("x"))
        );
        let other =
            read(br#"{"source":{"id":"s"},"context":{"tracardi":{"pass":{"profile":7}}},"request":[]}"#)
                .unwrap();
        assert_eq!((other.passed_profile, other.user_agent), (None, None));
    }

    #[test]
    fn all_faults_of_a_body_are_named_at_once() {
        assert_eq!(faults(r#"{"session":{"id":1},"options":null}"#).len(), 3);
    }
}

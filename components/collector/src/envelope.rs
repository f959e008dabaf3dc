//! Bodies in the form of `/track`, written for requests that came in another form: the private service has one reader.

use crate::json::{Document, Value};

/// How deep an event's properties lie in a body: in the body, its events, and the event.
pub(crate) const LEVELS_ABOVE_PROPERTIES: usize = 3;

/// `{"source":{"id":…},"session":{"id":…},"options":{"saveSession":false,"saveEvents":false},"events":…}`, as far as it is known
/// and wanted.
pub(crate) struct Envelope<'a> {
    pub(crate) source: &'a str,
    pub(crate) session: Option<&'a str>,
    pub(crate) save_session: bool,
    pub(crate) save_events: bool,
    /// A JSON array.
    pub(crate) events: &'a str,
}

impl Envelope<'_> {
    pub(crate) fn write(&self) -> String {
        let source = quoted(self.source);
        let session =
            self.session.map(|id| format!(r#","session":{{"id":{}}}"#, quoted(id))).unwrap_or_default();
        let unkept = [("saveSession", self.save_session), ("saveEvents", self.save_events)];
        let unkept = unkept.iter().filter(|(_, is_kept)| !is_kept);
        let unkept: Vec<_> = unkept.map(|(option, _)| format!(r#""{option}":false"#)).collect();
        let options =
            if unkept.is_empty() { String::new() } else { format!(r#","options":{{{}}}"#, unkept.join(",")) };
        format!(r#"{{"source":{{"id":{source}}}{session}{options},"events":{}}}"#, self.events)
    }
}

/// The events of a body that was read or written before, as they stand in it.
pub(crate) fn events_of(body: &str) -> &str {
    let document = Document::read(body.as_bytes());
    let events = document.ok().and_then(|document| document.members()?.get("events").map(Value::span));
    events.and_then(|events| body.get(events)).unwrap_or("[]")
}

/// An array with one event; `properties` is a JSON object.
pub(crate) fn one_event(event_type: &str, properties: &str) -> String {
    format!(r#"[{{"type":{},"properties":{properties}}}]"#, quoted(event_type))
}

/// A JSON string.
pub(crate) fn quoted(text: &str) -> String {
    // Strings always serialise.
    serde_json::to_string(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_a_track_body() {
        let events = one_event("a \"b\"", r#"{"n":12345678901234567890123}"#);
        let body = Envelope {
            source: "s",
            session: Some("x"),
            save_session: false,
            save_events: true,
            events: &events,
        }
        .write();
        assert_eq!(
            body,
            r#"{"source":{"id":"s"},"session":{"id":"x"},"options":{"saveSession":false},"events":[{"type":"a \"b\"","properties":{"n":12345678901234567890123}}]}"#
        );
        assert_eq!(events_of(&body), events);
        let bare =
            Envelope { source: "s", session: None, save_session: true, save_events: true, events: "[]" }
                .write();
        assert_eq!(bare, r#"{"source":{"id":"s"},"events":[]}"#);
        assert_eq!(events_of("7"), "[]");
    }
}

//! Page views as a browser sent them (`tests/data/visits.jsonl`), with ids of ours.

use anyhow::{Context as _, Result, ensure};
use http::header::{CONNECTION, CONTENT_LENGTH, HOST};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// What a real browser sent to a real collector.
const VISITS: &str = include_str!("../../data/visits.jsonl");

/// Headers that belong to a connection and not to a browser.
const OF_THE_CONNECTION: [HeaderName; 3] = [HOST, CONNECTION, CONTENT_LENGTH];

/// One recorded page view, taken apart where ids go.
#[derive(Clone, Debug)]
pub(crate) struct PageView {
    /// The browser's headers.
    pub(crate) headers: HeaderMap,
    source: String,
    parts: Parts,
}

/// The body: `before` profile `between` session `events` event, event … `after`.
#[derive(Clone, Debug)]
struct Parts {
    before: String,
    between: String,
    events: String,
    event: String,
    after: String,
}

/// A recording in `visits.jsonl`, as far as it is used.
#[derive(Deserialize)]
struct Recording {
    method: String,
    path: String,
    headers: Map<String, Value>,
    body: String,
}

/// The members of a body, as they stand in it.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow)]
    source: &'a RawValue,
    #[serde(borrow)]
    profile: &'a RawValue,
    #[serde(borrow)]
    session: &'a RawValue,
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

impl PageView {
    /// The first page view of the recordings.
    ///
    /// # Errors
    /// The recordings have another form than they had.
    pub(crate) fn recorded() -> Result<Self> {
        let recordings = VISITS.lines().map(serde_json::from_str::<Recording>);
        let recordings = recordings.collect::<Result<Vec<_>, _>>().context("unreadable recordings")?;
        let first =
            recordings.iter().find(|recording| recording.method == "POST" && recording.path == "/track");
        Self::from_recording(first.context("no recording of a page view")?)
    }

    fn from_recording(recording: &Recording) -> Result<Self> {
        let mut headers = HeaderMap::new();
        for (name, value) in &recording.headers {
            let name: HeaderName = name.parse().with_context(|| format!("header `{name}`"))?;
            let value: HeaderValue = value.as_str().unwrap_or_default().parse()?;
            if !OF_THE_CONNECTION.contains(&name) {
                headers.insert(name, value);
            }
        }
        let body = &recording.body;
        let members: Members<'_> = serde_json::from_str(body).context("the recorded body")?;
        let source: Id = serde_json::from_str(members.source.get())?;
        let [event] = members.events[..] else { anyhow::bail!("a recorded page view with several events") };
        let (before, rest) = split_around(body, members.profile.get(), "profile")?;
        let (between, rest) = split_around(rest, members.session.get(), "session")?;
        let (events, after) = split_around(rest, event.get(), "event")?;
        let event = event.get().strip_prefix('{').context("an event that is no object")?;
        ensure!(!event.contains("\"id\":\""), "the recorded event has an id of its own");
        let parts = Parts {
            before: before.to_owned(),
            between: between.to_owned(),
            events: events.to_owned(),
            event: event.to_owned(),
            after: after.to_owned(),
        };
        Ok(Self { headers, source: source.id, parts })
    }

    /// The event source that the recording names.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// A body of this visitor's; `profile` is none until one was answered.
    pub(crate) fn body(
        &self,
        session: &str,
        profile: Option<&str>,
        events: impl Iterator<Item = String>,
    ) -> String {
        let Parts { before, between, events: before_events, event, after } = &self.parts;
        let profile = profile.map_or_else(|| "null".to_owned(), |id| format!(r#"{{"id":"{id}"}}"#));
        let events: Vec<_> = events.map(|id| format!(r#"{{"id":"{id}",{event}"#)).collect();
        let events = events.join(",");
        format!(r#"{before}{profile}{between}{{"id":"{session}"}}{before_events}{events}{after}"#)
    }
}

/// What stands before and after the value of a member.
fn split_around<'a>(text: &'a str, value: &str, member: &str) -> Result<(&'a str, &'a str)> {
    // `null` stands elsewhere as well: the value is looked for behind its name.
    let name = if member == "event" { "\"events\":[".to_owned() } else { format!("\"{member}\":") };
    let at =
        text.find(&name).with_context(|| format!("no `{member}` in the recorded body, or out of order"))?;
    let (before, rest) = text.split_at(at + name.len());
    let after = rest.strip_prefix(value).with_context(|| format!("`{member}` stands elsewhere"))?;
    Ok((before, after))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_body_is_the_recorded_one_but_for_its_ids() {
        let page_view = PageView::recorded().unwrap();
        let ids = ["e1", "e2"].map(str::to_owned);
        let body = page_view.body("s", Some("p"), ids.into_iter());
        let mut body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["session"], json!({ "id": "s" }));
        assert_eq!(body["profile"], json!({ "id": "p" }));
        assert_eq!((&body["events"][0]["id"], &body["events"][1]["id"]), (&json!("e1"), &json!("e2")));
        let event = body["events"][0].as_object_mut().unwrap();
        event.remove("id");
        assert_eq!(event["type"], "page-view");
        assert_eq!(body["source"]["id"], page_view.source());

        // Ids of their usual length, and no profile yet.
        let id = "0".repeat(36);
        let first = page_view.body(&id, None, [id.clone()].into_iter());
        assert!(serde_json::from_str::<Value>(&first).unwrap()["profile"].is_null());
        assert!((1_300..1_500).contains(&first.len()), "{} bytes", first.len());
        assert!(page_view.headers.len() > 10 && !page_view.headers.contains_key(HOST));
    }
}

//! One event that a client sent, as a document, before anybody has asked what it means.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tideline_model::{Event, EventTime, Hit, Properties, Tags};
use tideline_protocol::event_id;

use crate::body::{take_object, take_options, take_text};
use crate::request::{ClientEvent, Common, MAX_ID_BYTES};
use crate::{Unprocessable, options, time};

/// How far `time.insert` may lie before the request. Each month is a partition of the store: a visitor who
/// spreads events over all of them would make everybody wait.
const MOST_BEHIND: SignedDuration = SignedDuration::from_hours(35 * 24);
/// How far it may lie after the request: clocks are wrong, and lists begin with the newest.
const MOST_AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// The document of the event at `index` of a request, kept unless its own options say otherwise.
pub(crate) fn document(
    common: &Common,
    index: usize,
    mut sent: Properties,
) -> Result<ClientEvent, Unprocessable> {
    let path = format!("events[{index}].");
    let name =
        take_text(&mut sent, "type", &path)?.ok_or_else(|| Unprocessable::Missing(format!("{path}type")))?;
    let r#type = type_of(&name);
    let id = take_text(&mut sent, "id", &path)?.unwrap_or_else(|| event_id(common.request_id, index));
    for (what, value) in [("type", &r#type), ("id", &id)] {
        if value.len() > MAX_ID_BYTES {
            return Err(Unprocessable::TooLong { path: format!("{path}{what}"), bytes: value.len() });
        }
    }
    let times = take_object(&mut sent, "time", &path)?;
    let read = |key| times.get(key).and_then(Value::as_str).and_then(time::parse);
    let context = take_object(&mut sent, "context", &path)?;
    let received = common.received;
    let credible = |time: &Timestamp| {
        let age = received.duration_since(*time);
        (-MOST_AHEAD..=MOST_BEHIND).contains(&age)
    };
    let insert = match read("insert").filter(credible) {
        Some(insert) => insert,
        // So that lists keep the order of the request (`docs/adr/0002-order-within-a-request.md`).
        None => i64::try_from(index)
            .ok()
            .and_then(|index| received.checked_add(SignedDuration::from_micros(index)).ok())
            .unwrap_or(received),
    };
    let time = EventTime { insert, create: read("create"), receive: received };
    let config = take_options(&mut sent);
    let is_kept = options::keeps_event(&config);
    let event = Event {
        hit: hit(&context),
        tags: tags(sent.get("tags")),
        properties: take_object(&mut sent, "properties", &path)?,
        context,
        config,
        ..common.event(id, r#type, time)
    };
    Ok(ClientEvent { event, is_kept })
}

/// A type as it is stored: lower case, words joined by `-`.
pub(crate) fn type_of(sent: &str) -> String {
    sent.to_lowercase().replace(' ', "-")
}

/// The page of an event's context.
fn hit(context: &Properties) -> Hit {
    let page = context.get("page");
    let text =
        |pointer| page.and_then(|page| page.pointer(pointer)).and_then(Value::as_str).map(str::to_owned);
    Hit { name: text("/title"), url: text("/url"), referer: text("/referer/host"), ..Hit::default() }
}

/// Tags are texts; numbers count as theirs, and other things are no tags.
fn tags(sent: Option<&Value>) -> Tags {
    let text = |tag: &Value| match tag {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let values: Vec<_> = sent.and_then(Value::as_array).into_iter().flatten().filter_map(text).collect();
    Tags { count: values.len(), values }
}

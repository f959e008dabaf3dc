//! The body of a stored request, opened: the parts that documents are made of.
//!
//! The edge has checked the body when it took the request in. This reads it again without trusting that:
//! the entry may have been written by another version, or by hand.

use serde_json::Value;
use tideline_model::Properties;

use crate::options::Options;
use crate::{Unprocessable, json};

/// What documents are made of.
pub(crate) struct Body {
    pub(crate) context: Properties,
    pub(crate) properties: Properties,
    pub(crate) events: Vec<Properties>,
    pub(crate) options: Options,
    /// `request.headers.user-agent`: what a server that passes a request on says of its visitor.
    pub(crate) user_agent: Option<String>,
}

impl Body {
    pub(crate) fn read(text: &str) -> Result<Self, Unprocessable> {
        let value = json::read(text).map_err(|error| Unprocessable::NotJson(error.to_string()))?;
        let Value::Object(mut members) = value else { return wrong("body", "an object") };
        let Value::Array(events) = members.remove("events").unwrap_or_default() else {
            return wrong("events", "a list");
        };
        let event = |(index, value)| match value {
            Value::Object(event) => Ok(event),
            _ => wrong(&format!("events[{index}]"), "an object"),
        };
        let user_agent = members.get("request").and_then(|request| request.pointer("/headers/user-agent"));
        Ok(Self {
            user_agent: user_agent.and_then(Value::as_str).map(str::to_owned),
            context: take_object(&mut members, "context", "")?,
            properties: take_object(&mut members, "properties", "")?,
            options: Options::read(&take_options(&mut members)),
            events: events.into_iter().enumerate().map(event).collect::<Result<_, _>>()?,
        })
    }
}

/// Takes an object out of `members`: empty when it is missing or null. `path` is where `members` is, for the message.
pub(crate) fn take_object(
    members: &mut Properties,
    key: &str,
    path: &str,
) -> Result<Properties, Unprocessable> {
    match members.remove(key) {
        None | Some(Value::Null) => Ok(Properties::new()),
        Some(Value::Object(object)) => Ok(object),
        Some(_) => wrong(&format!("{path}{key}"), "an object"),
    }
}

/// Takes a text out of `members`, trimmed: none when it is missing, null or blank.
pub(crate) fn take_text(
    members: &mut Properties,
    key: &str,
    path: &str,
) -> Result<Option<String>, Unprocessable> {
    match members.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        Some(_) => wrong(&format!("{path}{key}"), "a string"),
    }
}

/// Takes the options out of `members`: empty when they are missing or no object. They only ask for less than is
/// usual, so what is wrong with them is no reason to lose anything.
pub(crate) fn take_options(members: &mut Properties) -> Properties {
    match members.remove("options") {
        Some(Value::Object(options)) => options,
        _ => Properties::new(),
    }
}

fn wrong<T>(path: &str, wanted: &'static str) -> Result<T, Unprocessable> {
    Err(Unprocessable::Wrong { path: path.to_owned(), wanted })
}

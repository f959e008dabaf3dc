//! The body of a stored request, opened: the parts that documents are made of.
//!
//! The edge has checked the body when it took the request in. This reads it again without trusting that:
//! the entry may have been written by another version, or by hand.

use serde_json::Value;
use tideline_model::Properties;

use crate::options::Options;
use crate::{Addresses, Unprocessable, json};

/// What documents are made of.
pub(crate) struct Body {
    pub(crate) context: Properties,
    pub(crate) properties: Properties,
    pub(crate) events: Vec<Properties>,
    pub(crate) options: Options,
    /// `request.headers.user-agent`: what a server that passes a request on says of its visitor.
    pub(crate) user_agent: Option<String>,
    /// `request.headers.x-forwarded-for`: the address that it says its visitor has.
    pub(crate) forwarded_for: Option<String>,
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
        let headers = members.get("request").and_then(|request| request.get("headers"));
        let header = |name: &str| Some(headers?.get(name)?.as_str()?.to_owned());
        Ok(Self {
            user_agent: header("user-agent"),
            forwarded_for: header("x-forwarded-for"),
            context: take_object(&mut members, "context", "")?,
            properties: take_object(&mut members, "properties", "")?,
            options: Options::read(&take_options(&mut members)),
            events: events.into_iter().enumerate().map(event).collect::<Result<_, _>>()?,
        })
    }

    /// Leaves of the visitor's address what is kept.
    pub(crate) fn keep(&mut self, addresses: Addresses) {
        addresses.keep_in_context(&mut self.context);
        for event in &mut self.events {
            if let Some(Value::Object(context)) = event.get_mut("context") {
                addresses.keep_in_context(context);
            }
        }
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

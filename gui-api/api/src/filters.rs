//! Filters of requests: read, and held against the fields that documents have (`docs/filter.md` §2).
//!
//! Which fields there are is what the OpenAPI document says, so that nothing that documents gain or lose has to be told
//! here.

use std::sync::LazyLock;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tideline_filter::{Document, Field, Filter, FilterError, Place, Prepared, closest};

use crate::error::ApiError;

/// The schemas of documents, by name.
static SCHEMAS: LazyLock<Value> = LazyLock::new(|| {
    let document: Value = serde_json::from_str(crate::routes::OPENAPI).unwrap_or_default();
    document.pointer("/components/schemas").cloned().unwrap_or_default()
});

/// The filter that a list of such documents is asked with, if it is asked with one.
pub(crate) fn read(text: Option<&str>, listed: Document) -> Result<Option<Filter>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let read = || {
        let filter = Filter::parse(text)?;
        filter.fields().iter().try_for_each(|place| check(&filter, place, listed))?;
        Ok(filter)
    };
    read().map(Some).map_err(ApiError::Filter)
}

/// The same, ready to be used now.
pub(crate) fn prepared(text: Option<&str>, listed: Document) -> Result<Option<Prepared>, ApiError> {
    Ok(read(text, listed)?.map(|filter| Prepared::at(&filter, Timestamp::now())))
}

fn check(filter: &Filter, place: &Place, listed: Document) -> Result<(), FilterError> {
    let Place { field, bytes } = place;
    let refuse = |message, suggestion| Err(filter.refuse(bytes.clone(), message, suggestion));
    if let Some(other) = field.document.filter(|document| *document != listed) {
        let message = format!("this list has only {}s, which `{}@` is none of", listed.name(), other.name());
        return refuse(message, None);
    }
    match unknown_step(field, listed) {
        None => Ok(()),
        Some(unknown) => {
            let Unknown { place, siblings } = unknown;
            let name = Field { document: None, steps: field.steps.iter().take(place + 1).cloned().collect() };
            let message = format!("{}s have no field `{name}`", listed.name());
            let step = field.steps.get(place).map_or("", String::as_str);
            let meant = match closest(step, siblings.keys().map(String::as_str)) {
                Some(near) => Some(with_step(field, place, &[near.to_owned()])),
                None if place == 0 => Some(elsewhere(field, step, listed)),
                None => None,
            };
            refuse(message, meant.map(|field| field.to_string()))
        }
    }
}

/// The step of a field that no document has, and what it has in its place.
struct Unknown {
    place: usize,
    siblings: Map<String, Value>,
}

fn unknown_step(field: &Field, listed: Document) -> Option<Unknown> {
    let mut schema = resolved(root(listed));
    for (place, step) in field.steps.iter().enumerate() {
        let further = schema.get("additionalProperties");
        let Some(siblings) = schema.get("properties").and_then(Value::as_object) else {
            let is_free = matches!(schema.get("type"), None | Some(Value::Array(_)))
                || schema["type"] == "object" && further.is_none();
            match further {
                _ if is_free => return None,
                Some(further) => schema = resolved(further),
                // A text or a number.
                None => return Some(Unknown { place, siblings: Map::new() }),
            }
            continue;
        };
        match siblings.get(step).or(further) {
            Some(next) => schema = resolved(next),
            None => return Some(Unknown { place, siblings: siblings.clone() }),
        }
    }
    None
}

fn root(listed: Document) -> &'static Value {
    &SCHEMAS[match listed {
        Document::Event => "Event",
        Document::Session => "Session",
        Document::Profile => "Profile",
    }]
}

/// What a schema says of a value that is there, or of an array's elements.
fn resolved(schema: &'static Value) -> &'static Value {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next()) {
        return resolved(&SCHEMAS[name]);
    }
    if let Some(either) = schema.get("oneOf").and_then(Value::as_array) {
        return either.iter().find(|one| one["type"] != "null").map_or(schema, resolved);
    }
    match schema.get("items") {
        Some(items) if items.is_object() => resolved(items),
        _ => schema,
    }
}

/// Where a field may be that is not at the top: deeper down under the same name, or among what sites send.
fn elsewhere(field: &Field, step: &str, listed: Document) -> Field {
    let free = if listed == Document::Profile { "traits" } else { "properties" };
    let siblings = resolved(root(listed)).get("properties").and_then(Value::as_object);
    let deeper =
        siblings.into_iter().flatten().find(|(_, schema)| resolved(schema)["properties"].get(step).is_some());
    let above = deeper.map_or(free, |(name, _)| name);
    with_step(field, 0, &[above.to_owned(), step.to_owned()])
}

fn with_step(field: &Field, place: usize, instead: &[String]) -> Field {
    let mut steps = field.steps.clone();
    steps.splice(place..=place, instead.iter().cloned());
    Field { document: field.document, steps }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_documents_have_are_let_pass() {
        let table = [
            (
                Document::Event,
                "id EXISTS AND event@metadata.time.insert > now AND session.id = \"x\" AND profile EXISTS",
            ),
            (Document::Event, "properties.a.b[\"c\"] = 1 AND context.x = 1 AND tags.values = \"x\""),
            (Document::Event, "request.headers[\"user-agent\"] CONTAINS \"x\" AND hit.url EXISTS"),
            (
                Document::Profile,
                "traits.a = 1 AND consents.news.revoke EXISTS AND metadata.time.visit.count > 1",
            ),
            (
                Document::Profile,
                "profile@ids = \"x\" AND stats.counters.events > 5 AND metadata.fields[\"consents.ads\"] EXISTS",
            ),
        ];
        for (listed, filter) in table {
            assert!(
                read(Some(filter), listed).is_ok(),
                "{filter}: {}",
                read(Some(filter), listed).unwrap_err()
            );
        }
    }

    #[test]
    fn fields_that_no_document_has_are_refused_with_what_may_have_been_meant() {
        let table = [
            (Document::Event, "tpye = \"x\"", "events have no field `tpye`", Some("type")),
            (
                Document::Event,
                "event@metadta.time.insert > now",
                "no field `metadta`",
                Some("event@metadata.time.insert"),
            ),
            (
                Document::Event,
                "metadata.tme.insert > now",
                "no field `metadata.tme`",
                Some("metadata.time.insert"),
            ),
            (Document::Event, "url = \"x\"", "no field `url`", Some("hit.url")),
            (Document::Event, "total.net > 5", "no field `total`", Some("properties.total.net")),
            (Document::Profile, "shoe = 5", "profiles have no field `shoe`", Some("traits.shoe")),
            (Document::Event, "type.id = 5", "no field `type.id`", None),
            (Document::Event, "source.colour = 5", "no field `source.colour`", None),
            (Document::Event, "profile@id = 5", "this list has only events", None),
            (Document::Profile, "id = event@id", "this list has only profiles", None),
            (
                Document::Profile,
                "consents.news.revoked EXISTS",
                "no field `consents.news.revoked`",
                Some("consents.news.revoke"),
            ),
        ];
        for (listed, filter, message, suggestion) in table {
            let Err(ApiError::Filter(error)) = read(Some(filter), listed) else { panic!("{filter}") };
            assert!(error.message.contains(message), "{filter}: {error}");
            assert_eq!(error.suggestion.as_deref(), suggestion, "{filter}: {error}");
        }
    }
}

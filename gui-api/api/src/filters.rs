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

/// Whether a condition of a rule about such documents asks for fields that there are, in them or in others.
pub(crate) fn check_condition(text: &str, about: Document) -> Result<(), FilterError> {
    let filter = Filter::parse(text)?;
    let check = |place: &Place| check_field(&filter, place, place.field.document.unwrap_or(about));
    filter.fields().iter().try_for_each(check)
}

/// The same, ready to be used now.
pub(crate) fn prepared(text: Option<&str>, listed: Document) -> Result<Option<Prepared>, ApiError> {
    Ok(read(text, listed)?.map(|filter| Prepared::at(&filter, Timestamp::now())))
}

fn check(filter: &Filter, place: &Place, listed: Document) -> Result<(), FilterError> {
    let Place { field, bytes, .. } = place;
    if let Some(other) = field.document.filter(|document| *document != listed) {
        let message = format!("this list has only {}s, which `{}@` is none of", listed.name(), other.name());
        return Err(filter.refuse(bytes.clone(), message, None));
    }
    check_field(filter, place, listed)
}

fn check_field(filter: &Filter, place: &Place, document: Document) -> Result<(), FilterError> {
    let Place { field, bytes, .. } = place;
    let refuse = |message, suggestion| Err(filter.refuse(bytes.clone(), message, suggestion));
    match lookup(field, document) {
        Found::Object(fields) if place.is_compared => {
            let message =
                format!("`{field}` is an object, which is compared with nothing: name a field of it");
            let id = fields.is_some_and(|fields| fields.contains_key("id"));
            let steps = field.steps.iter().cloned().chain(["id".to_owned()]).collect();
            refuse(message, id.then(|| Field { document: field.document, steps }.to_string()))
        }
        Found::Object(_) | Found::Value => Ok(()),
        Found::Nothing { place, siblings } => {
            let name = Field { document: None, steps: field.steps.iter().take(place + 1).cloned().collect() };
            let message = format!("{}s have no field `{name}`", document.name());
            let step = field.steps.get(place).map_or("", String::as_str);
            let known = siblings.into_iter().flatten().map(|(name, _)| name.as_str());
            let meant = match closest(step, known) {
                Some(near) => Some(with_step(field, place, &[near.to_owned()])),
                None if place == 0 => Some(elsewhere(field, step, document)),
                None => None,
            };
            refuse(message, meant.map(|field| field.to_string()))
        }
    }
}

/// What documents have where a field leads to.
enum Found {
    /// A value, or anything.
    Value,
    /// An object, and its fields if they are known.
    Object(Option<&'static Map<String, Value>>),
    /// Nothing: the step at this place leads nowhere, and these would lead somewhere.
    Nothing { place: usize, siblings: Option<&'static Map<String, Value>> },
}

fn lookup(field: &Field, listed: Document) -> Found {
    let mut schema = resolved(root(listed));
    for (place, step) in field.steps.iter().enumerate() {
        let siblings = fields_of(schema);
        let next = siblings.and_then(|siblings| siblings.get(step)).or(schema.get("additionalProperties"));
        match next {
            Some(next) => schema = resolved(next),
            None if siblings.is_none() && is_free(schema) => return Found::Value,
            None => return Found::Nothing { place, siblings },
        }
    }
    if schema["type"] == "object" && !is_free(schema) {
        Found::Object(fields_of(schema))
    } else {
        Found::Value
    }
}

fn fields_of(schema: &'static Value) -> Option<&'static Map<String, Value>> {
    schema.get("properties").and_then(Value::as_object)
}

/// Whether anything may be below.
fn is_free(schema: &Value) -> bool {
    let is_described =
        ["properties", "additionalProperties", "prefixItems"].iter().any(|key| schema.get(key).is_some());
    !is_described && matches!(schema.get("type").map(|kind| kind == "object"), None | Some(true))
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
            (Document::Event, "id = \"x\" AND profile = \"p\"", "`profile` is an object", Some("profile.id")),
            (Document::Profile, "consents IN (\"news\")", "`consents` is an object", None),
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

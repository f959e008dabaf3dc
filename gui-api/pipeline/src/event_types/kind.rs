//! What a field may hold, and how values that were sent in other ways are read (`docs/processing.md` §5.4).

use serde_json::{Number, Value};
use tideline_model::rules::ValueKind as Kind;

use crate::{json, numbers, time};

/// The longest text of a field, in bytes. A longer one is no name, address or number of anything.
const MAX_TEXT_BYTES: usize = 1024;
/// The longest value of a field that may hold anything, in bytes of JSON.
const MAX_VALUE_BYTES: usize = 4 * 1024;
/// The most values of a list.
pub(crate) const MAX_VALUES: usize = 100;

/// What a value is, as the value of a field.
#[derive(Debug, PartialEq)]
pub(crate) enum Reading {
    Value(Value),
    /// Null or blank: as if it had not been sent.
    Nothing,
    /// It is none of this kind.
    Wrong,
}

/// What a kind is called in a sentence.
pub(crate) fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "a text",
        Kind::Number => "a number",
        Kind::Flag => "true or false",
        Kind::Date => "a date",
        Kind::List => "a text or a list of texts",
    }
}

/// The value as one of this kind, or of any where none is said.
pub(crate) fn read(kind: Option<Kind>, value: &Value) -> Reading {
    match (kind, value) {
        (_, Value::Null) => Reading::Nothing,
        (_, Value::String(text)) if text.trim().is_empty() => Reading::Nothing,
        (Some(Kind::List), Value::Array(values)) => list(values),
        (Some(kind), _) => read_one(kind, value).map_or(Reading::Wrong, Reading::Value),
        (None, _) if json::bytes(value) > MAX_VALUE_BYTES => Reading::Wrong,
        (None, _) => Reading::Value(value.clone()),
    }
}

fn read_one(kind: Kind, value: &Value) -> Option<Value> {
    match (kind, value) {
        (Kind::Number, Value::Number(_)) | (Kind::Flag, Value::Bool(_)) => Some(value.clone()),
        (Kind::Number, Value::String(text)) => number(text.trim()).map(Value::Number),
        (Kind::Flag, Value::String(text)) => text.trim().to_lowercase().parse().ok().map(Value::Bool),
        (Kind::Date, Value::String(text)) => time::written_plainly(text).map(Value::String),
        (Kind::Text, _) => text(value).map(Value::String),
        (Kind::List, _) => text(value).map(|text| Value::Array(vec![Value::String(text)])),
        _ => None,
    }
}

/// A text, trimmed; a number counts as its digits.
pub(crate) fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (1..=MAX_TEXT_BYTES).contains(&text.len()).then_some(text)
}

/// A number that was sent as a text, if it is held to the digit.
fn number(text: &str) -> Option<Number> {
    let kept = numbers::keep_digits(text);
    kept.parse().ok().filter(|_| kept.len() <= MAX_TEXT_BYTES)
}

fn list(values: &[Value]) -> Reading {
    let mut texts: Vec<Value> = Vec::new();
    for value in values.iter().filter(|value| !value.is_null()) {
        let Some(text) = text(value) else { return Reading::Wrong };
        if !texts.iter().any(|known| known == text.as_str()) {
            texts.push(Value::String(text));
        }
        if texts.len() > MAX_VALUES {
            return Reading::Wrong;
        }
    }
    if texts.is_empty() { Reading::Nothing } else { Reading::Value(Value::Array(texts)) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_read_as_what_their_field_holds() {
        let value = |value: Value| Reading::Value(value);
        let table = [
            (Kind::Text, json!(" Ada "), value(json!("Ada"))),
            (Kind::Text, json!(5003), value(json!("5003"))),
            (Kind::Text, json!(true), Reading::Wrong),
            (Kind::Text, json!({"a": 1}), Reading::Wrong),
            (Kind::Text, json!("x".repeat(1025)), Reading::Wrong),
            (Kind::Text, json!(" "), Reading::Nothing),
            (Kind::Number, json!(null), Reading::Nothing),
            (Kind::Number, json!(12.5), value(json!(12.5))),
            (Kind::Number, json!(" 12.50 "), value(json!(12.5))),
            (Kind::Number, json!("12 kr"), Reading::Wrong),
            (Kind::Number, json!("1e999"), Reading::Wrong),
            (Kind::Number, json!("NaN"), Reading::Wrong),
            (Kind::Number, json!("0x10"), Reading::Wrong),
            (Kind::Number, json!([1]), Reading::Wrong),
            (Kind::Flag, json!(false), value(json!(false))),
            (Kind::Flag, json!(" True "), value(json!(true))),
            (Kind::Flag, json!("yes"), Reading::Wrong),
            (Kind::Flag, json!(1), Reading::Wrong),
            (Kind::Date, json!("1990-05-01"), value(json!("1990-05-01"))),
            (Kind::Date, json!("2026-11-22 13:42:26"), value(json!("2026-11-22T13:42:26Z"))),
            (Kind::Date, json!("2026-11-22T13:42:26+01:00"), value(json!("2026-11-22T12:42:26Z"))),
            (Kind::Date, json!("next week"), Reading::Wrong),
            (Kind::Date, json!(1_795_372_946), Reading::Wrong),
            (Kind::List, json!("blue"), value(json!(["blue"]))),
            (Kind::List, json!(["blue", 7, "blue", null]), value(json!(["blue", "7"]))),
            (Kind::List, json!([]), Reading::Nothing),
            (Kind::List, json!([["blue"]]), Reading::Wrong),
            (Kind::List, json!((0..101).collect::<Vec<_>>()), Reading::Wrong),
        ];
        for (kind, sent, expected) in table {
            assert_eq!(read(Some(kind), &sent), expected, "{kind:?} {sent}");
        }
    }
    #[test]
    fn a_field_that_may_hold_anything_holds_no_more_than_fits() {
        let sent = json!({"seats": [1, 2]});
        assert_eq!(read(None, &sent), Reading::Value(sent.clone()));
        assert_eq!(read(None, &json!("x".repeat(MAX_VALUE_BYTES))), Reading::Wrong);
        assert_eq!(read(None, &json!(null)), Reading::Nothing);
    }
}

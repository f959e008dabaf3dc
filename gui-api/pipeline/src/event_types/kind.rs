//! What a field may hold, and how values that were sent in other ways are read (`docs/processing.md` §5.4).

use serde::Deserialize;
use serde_json::{Number, Value};

use crate::{numbers, time};

/// The longest text of a field, in bytes. A longer one is no name, address or number of anything.
const MAX_TEXT_BYTES: usize = 1024;
/// The most values of a list.
pub(crate) const MAX_VALUES: usize = 100;

/// The kind of a field's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Text,
    Number,
    /// A day, `2026-11-22`, or a moment in UTC.
    Date,
    /// Different texts.
    List,
}

/// What a value is, as the value of a field.
#[derive(Debug, PartialEq)]
pub(crate) enum Reading {
    Value(Value),
    /// Null or blank: as if it had not been sent.
    Nothing,
    /// It is none of this kind.
    Wrong,
}

impl Kind {
    /// What it is called in a sentence.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Date => "a date",
            Self::List => "a text or a list of texts",
        }
    }

    pub(crate) fn read(self, value: &Value) -> Reading {
        match value {
            Value::Null => Reading::Nothing,
            Value::String(text) if text.trim().is_empty() => Reading::Nothing,
            Value::Array(values) if self == Self::List => list(values),
            _ => self.read_one(value).map_or(Reading::Wrong, Reading::Value),
        }
    }

    fn read_one(self, value: &Value) -> Option<Value> {
        match (self, value) {
            (Self::Number, Value::Number(_)) => Some(value.clone()),
            (Self::Number, Value::String(text)) => number(text.trim()).map(Value::Number),
            (Self::Date, Value::String(text)) => time::written_plainly(text).map(Value::String),
            (Self::Text, _) => text(value).map(Value::String),
            (Self::List, _) => text(value).map(|text| Value::Array(vec![Value::String(text)])),
            _ => None,
        }
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
            assert_eq!(kind.read(&sent), expected, "{kind:?} {sent}");
        }
    }
}

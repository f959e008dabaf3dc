//! The values of a list, so ordered that a document's value is looked up in it: lists may be long, and arrays longer.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use crate::known::Known;
use crate::{Number, moment};

/// The values of IN.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OneOf {
    texts: BTreeSet<String>,
    /// Also those that texts are.
    moments: BTreeSet<Timestamp>,
    numbers: BTreeSet<Number>,
    /// Those of the numbers that are integers.
    integers: BTreeSet<i128>,
    booleans: BTreeSet<bool>,
}

impl OneOf {
    /// Whether a document's value equals one of the list, by the rules of [`Known::equals`].
    pub(crate) fn has(&self, value: &Value) -> bool {
        match value {
            Value::String(held) => {
                self.texts.contains(held)
                    || !self.moments.is_empty()
                        && moment::read(held).is_some_and(|held| self.moments.contains(&held))
                    || !self.numbers.is_empty()
                        && Number::read(held).is_some_and(|held| self.numbers.contains(&held))
            }
            Value::Number(held) => match held.as_i128() {
                Some(held) => self.integers.contains(&held),
                None => Number::of(held).is_some_and(|held| self.numbers.contains(&held)),
            },
            Value::Bool(held) => self.booleans.contains(held),
            Value::Null | Value::Array(_) | Value::Object(_) => false,
        }
    }
}

impl FromIterator<Known> for OneOf {
    fn from_iter<I: IntoIterator<Item = Known>>(values: I) -> Self {
        let mut all = Self::default();
        for value in values {
            match value {
                Known::Text(text, moment) => {
                    all.texts.insert(text);
                    all.moments.extend(moment);
                }
                Known::Number(number, integer) => {
                    all.numbers.insert(number);
                    all.integers.extend(integer);
                }
                Known::Boolean(value) => drop(all.booleans.insert(value)),
                Known::Moment(moment) => drop(all.moments.insert(moment)),
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_list_has_what_equals_one_of_its_values() {
        let values = [
            json!("a"),
            json!("2026-01-31"),
            json!("2026-01-31T00:00:00Z"),
            json!("5"),
            json!("5.0"),
            json!(5),
            json!(5.0),
            json!(0.5),
            json!("0.50"),
            json!(-7),
            json!(true),
            json!(false),
            json!(null),
            json!([]),
            json!(u64::MAX),
            json!("18446744073709551615"),
        ];
        let now = Timestamp::UNIX_EPOCH;
        let mut lists: Vec<Known> = values.iter().filter_map(Known::of).collect();
        lists.extend([Known::Moment("2026-01-31T00:00:00Z".parse().unwrap()), Known::Moment(now)]);
        for known in lists {
            let list = OneOf::from_iter([known.clone()]);
            for value in &values {
                assert_eq!(list.has(value), known.equals(value), "{known:?} {value}");
            }
        }
    }
}

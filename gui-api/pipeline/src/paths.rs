//! Places in free properties: `email.main`, `location.0`.

use serde_json::Value;
use tideline_model::Properties;

/// The most keys of a path that somebody wrote.
const MAX_STEPS: usize = 16;
/// The longest path that somebody wrote, in bytes.
const MAX_BYTES: usize = 256;

/// A path, taken apart. It has a first step at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    first: String,
    rest: Vec<String>,
}

impl Path {
    pub(crate) fn new(text: &str) -> Self {
        let (first, rest) = match text.split_once('.') {
            Some((first, rest)) => (first, rest.split('.').map(str::to_owned).collect()),
            None => (text, Vec::new()),
        };
        Self { first: first.to_owned(), rest }
    }

    /// A path that somebody wrote.
    ///
    /// # Errors
    /// What is wrong with it, a sentence.
    pub(crate) fn checked(text: &str) -> Result<Self, String> {
        let is_key = |key: &str| !key.is_empty() && !key.chars().any(char::is_control);
        let (steps, bytes) = (text.split('.').count(), text.len());
        if !text.split('.').all(is_key) || steps > MAX_STEPS || bytes > MAX_BYTES {
            return Err(format!(
                "`{text}` is no path: write up to {MAX_STEPS} keys with dots between them, in at most {MAX_BYTES} bytes"
            ));
        }
        Ok(Self::new(text))
    }

    /// The value that is there. A number is a step into a list.
    pub(crate) fn get<'a>(&self, members: &'a Properties) -> Option<&'a Value> {
        self.rest.iter().try_fold(members.get(&self.first)?, |value, step| match value {
            Value::Object(members) => members.get(step),
            Value::Array(values) => values.get(step.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// Puts a value there. What stands in the way and is no object is replaced.
    pub(crate) fn set(&self, members: &mut Properties, value: Value) {
        let mut place = members.entry(self.first.clone()).or_insert(Value::Null);
        for step in &self.rest {
            if !place.is_object() {
                *place = Value::Object(Properties::new());
            }
            let Value::Object(members) = place else { return };
            place = members.entry(step.clone()).or_insert(Value::Null);
        }
        *place = value;
    }

    /// Takes the value away, and the objects around it that are empty then.
    pub(crate) fn remove(&self, members: &mut Properties) -> Option<Value> {
        remove(members, &self.first, &self.rest)
    }
}

fn remove(members: &mut Properties, first: &str, rest: &[String]) -> Option<Value> {
    let Some((next, rest)) = rest.split_first() else { return members.remove(first) };
    let Some(Value::Object(inner)) = members.get_mut(first) else { return None };
    let removed = remove(inner, next, rest);
    if inner.is_empty() {
        members.remove(first);
    }
    removed
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: &Value) -> Properties {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn values_are_found_put_and_taken_away() {
        let mut members = object(&json!({"a": {"b": [1, {"c": 2}]}, "d": 3}));
        let get = |members: &Properties, path: &str| Path::new(path).get(members).cloned();
        assert_eq!(get(&members, "a.b.1.c"), Some(json!(2)));
        for nowhere in ["x", "a.x", "a.b.2", "a.b.-1", "a.b.c", "d.e", ""] {
            assert_eq!(get(&members, nowhere), None, "{nowhere}");
        }
        Path::new("a.x.y").set(&mut members, json!(4));
        Path::new("d.e").set(&mut members, json!(5));
        assert_eq!(
            Value::Object(members.clone()),
            json!({"a": {"b": [1, {"c": 2}], "x": {"y": 4}}, "d": {"e": 5}})
        );
        assert_eq!(Path::new("a.x.y").remove(&mut members), Some(json!(4)));
        assert_eq!(Path::new("d.e.f").remove(&mut members), None);
        assert_eq!(Path::new("d.e").remove(&mut members), Some(json!(5)));
        assert_eq!(Value::Object(members), json!({"a": {"b": [1, {"c": 2}]}}));
    }
}

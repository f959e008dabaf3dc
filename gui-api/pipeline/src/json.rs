//! JSON of visitors, read into a tree that any version of any reader can read again.

use std::{fmt, io};

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::numbers::keep_digits;

/// The deepest nesting that is kept; the edge takes no more. serde_json reads twice as much.
const MAX_DEPTH: usize = 64;

/// Keys that serde_json takes as orders instead of names when it reads a `Value`: an object with such a key is
/// replaced by what its text parses to, past every limit. No site uses them by accident.
const MAGIC: &str = "$serde_json::private::";

/// Reads a text. Keys count as plain names; those that serde_json would obey begin with `_` instead of `$`
/// from here on, so that what is stored can always be read back. Numbers are kept to the digit, as texts if need be.
pub(crate) fn read(text: &str) -> Result<Value, serde_json::Error> {
    let text = keep_digits(text);
    let mut deserializer = serde_json::Deserializer::from_str(&text);
    let value = Plain { levels_left: MAX_DEPTH }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// How long the value is, written out.
pub(crate) fn bytes(value: &Value) -> usize {
    let mut counter = Counter(0);
    // Neither a `Value` nor the counter can fail.
    serde_json::to_writer(&mut counter, value).map_or(0, |()| counter.0)
}

struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Builds a value with at most so many levels of nesting.
#[derive(Clone, Copy)]
struct Plain {
    levels_left: usize,
}

impl Plain {
    fn inner<E: Error>(self) -> Result<Self, E> {
        let levels_left = self.levels_left.checked_sub(1);
        let inner = levels_left.map(|levels_left| Self { levels_left });
        inner.ok_or_else(|| E::custom(format_args!("nested deeper than {MAX_DEPTH} levels")))
    }
}

impl<'de> DeserializeSeed<'de> for Plain {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Plain {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(inner)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut members = Map::new();
        while let Some(mut key) = object.next_key::<String>()? {
            if key.starts_with(MAGIC) {
                key.replace_range(..1, "_");
            }
            members.insert(key, object.next_value_seed(inner)?);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn plain_json_is_read_as_it_is() {
        let text = r#"{"a":[1,-2,3.5,true,null,"\ud83d\ude00"],"b":{"":{}},"c":18446744073709551615,"b":2}"#;
        let expected = json!({ "a": [1, -2, 3.5, true, null, "\u{1f600}"], "b": 2, "c": u64::MAX });
        assert_eq!(read(text).unwrap(), expected);
        for broken in ["", "{", "[1,]", "{} x", "{1e999:1}", "01", "\"\\ud800\""] {
            assert!(read(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn numbers_are_kept_to_the_digit() {
        let text = "[12345678901234567890,-5,13.45,0.30000000000000004,1e3,1e999,12345678901234567890123]";
        let kept = "[12345678901234567890,-5,13.45,0.30000000000000004,1000.0,\"1e999\",\"12345678901234567890123\"]";
        assert_eq!(read(text).unwrap().to_string(), kept);
        assert_eq!(read(kept).unwrap().to_string(), kept);
    }

    #[test]
    fn keys_that_serde_json_obeys_are_plain_names() {
        let deep = "[".repeat(110) + &"]".repeat(110);
        for key in ["RawValue", "Number"] {
            for prefix in ["$serde_json::private::", "\\u0024serde_json::private::"] {
                let text = format!(r#"{{"x":{{"{prefix}{key}":"{deep}"}}}}"#);
                let value = read(&text).unwrap();
                assert_eq!(value["x"][format!("_serde_json::private::{key}")], deep);
                assert_eq!(serde_json::from_str::<Value>(&value.to_string()).unwrap(), value);
            }
        }
    }

    #[test]
    fn nesting_ends_at_64_levels() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(read(&nested(64)).is_ok());
        assert!(read(&nested(65)).unwrap_err().to_string().contains("deeper than 64"));
        assert!(read(&nested(100_000)).is_err());
    }
}

//! What is wrong with a request's body, in the form that clients of the protocol know.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::json::{Kind, Reason, Unreadable, Value};

/// A step of the way to the faulty value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Step {
    Key(Cow<'static, str>),
    Index(usize),
}

/// One entry of the list in a 422 answer.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Fault {
    r#type: &'static str,
    loc: Vec<Step>,
    msg: String,
    /// The faulty value if it is a short scalar, else null: answers do not repeat what visitors send.
    input: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ctx: Option<serde_json::Value>,
}

/// The most bytes of what was sent that an answer repeats (`docs/protocol.md` §1.4).
const MAX_SHOWN_BYTES: usize = 64;

/// A text that was sent, as far as an answer repeats it.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    match text.get(..text.floor_char_boundary(MAX_SHOWN_BYTES)) {
        Some(start) if start.len() < text.len() => Cow::Owned(format!("{start}…")),
        _ => Cow::Borrowed(text),
    }
}

impl Fault {
    /// A value that is not what it should be.
    pub(crate) fn new(what: What, path: &[&'static str], input: Option<Value<'_>>) -> Self {
        let (r#type, msg, ctx) = what.describe();
        let input = input.filter(|value| is_shown(*value)).map(|value| value.json().to_owned());
        let input = input.and_then(|json| RawValue::from_string(json).ok());
        let loc =
            std::iter::once("body").chain(path.iter().copied()).map(|key| Step::Key(key.into())).collect();
        Self { r#type, loc, msg, input: input.unwrap_or_else(|| RawValue::NULL.to_owned()), ctx }
    }

    /// The same, of an element of a list.
    pub(crate) fn at(mut self, index: usize) -> Self {
        self.loc.push(Step::Index(index));
        self
    }

    /// The same, of a member that the client named.
    pub(crate) fn of_member(mut self, name: &str) -> Self {
        self.loc.push(Step::Key(shown(name).into_owned().into()));
        self
    }

    /// A body that is no JSON that is taken.
    pub(crate) fn unreadable(unreadable: Unreadable) -> Self {
        let offset = unreadable.offset;
        Self::made_unreadable(unreadable).at(offset)
    }

    /// The same, where JSON was made of the body, so that an offset would mean nothing to whoever sent it.
    pub(crate) fn made_unreadable(unreadable: Unreadable) -> Self {
        let what = match unreadable.reason {
            Reason::Malformed(reason) => What::Malformed(reason),
            Reason::LongString(most_bytes) => What::TooLong { most_bytes },
        };
        Self::new(what, &[], None)
    }

    /// A parameter of the query that is no truth value.
    pub(crate) fn of_parameter(name: &'static str, value: &str) -> Self {
        let mut fault = Self::new(What::NotABool, &[name], None);
        if let Ok(input) = to_raw_value(&value)
            && input.get().len() <= MAX_SHOWN_BYTES
        {
            fault.input = input;
        }
        if let Some(first) = fault.loc.first_mut() {
            *first = Step::Key("query".into());
        }
        fault
    }
}

/// Whether a value is repeated: a short scalar, which every reader of JSON takes. Many take no `1e999`.
fn is_shown(value: Value<'_>) -> bool {
    let text = value.json();
    text.len() <= MAX_SHOWN_BYTES
        && !matches!(value.kind(), Kind::Object | Kind::Array)
        && serde_json::from_str::<serde_json::Value>(text).is_ok()
}

/// Collects all faults of a body, so that its author mends them in one go.
#[derive(Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    /// The part, or a default in its place and its faults here.
    pub(crate) fn take<T: Default>(&mut self, part: Result<T, Vec<Fault>>) -> T {
        part.unwrap_or_else(|faults| {
            self.0.extend(faults);
            T::default()
        })
    }

    /// The whole, if there was no fault.
    pub(crate) fn none<T>(self, whole: T) -> Result<T, Vec<Fault>> {
        if self.0.is_empty() { Ok(whole) } else { Err(self.0) }
    }
}

/// One fault, as the outcome of a check.
pub(crate) fn fault<T>(what: What, path: &[&'static str], input: Option<Value<'_>>) -> Result<T, Vec<Fault>> {
    Err(vec![Fault::new(what, path, input)])
}

/// Kinds of fault; one row of the table in [`What::describe`] each.
#[derive(Clone, Debug)]
pub(crate) enum What {
    Malformed(String),
    Missing,
    NotABody,
    NotAnEntity(&'static str),
    NotAString,
    NotAList,
    NotADictionary,
    NotADateTime,
    NotABool,
    BlankType,
    TooLong { most_bytes: usize },
    TooMany { most: usize, found: usize },
}

impl What {
    fn describe(self) -> (&'static str, String, Option<serde_json::Value>) {
        use serde_json::json;
        match self {
            Self::Malformed(reason) => {
                ("json_invalid", "JSON decode error".to_owned(), Some(json!({ "error": reason })))
            }
            Self::Missing => ("missing", "Field required".to_owned(), None),
            Self::NotABody => (
                "model_attributes_type",
                "Input should be a valid dictionary or object to extract fields from".to_owned(),
                None,
            ),
            Self::NotAnEntity(class) => (
                "model_type",
                format!("Input should be a valid dictionary or instance of {class}"),
                Some(json!({ "class_name": class })),
            ),
            Self::NotAString => ("string_type", "Input should be a valid string".to_owned(), None),
            Self::NotAList => ("list_type", "Input should be a valid list".to_owned(), None),
            Self::NotADictionary => ("dict_type", "Input should be a valid dictionary".to_owned(), None),
            Self::NotADateTime => (
                "datetime_parsing",
                "Input should be a valid datetime, as in 2026-05-01T10:00:00Z".to_owned(),
                None,
            ),
            Self::NotABool => (
                "bool_parsing",
                "Input should be a valid boolean, unable to interpret input".to_owned(),
                None,
            ),
            Self::BlankType => ("value_error", "Value error, Event type can not be empty".to_owned(), None),
            Self::TooLong { most_bytes } => (
                "string_too_long",
                format!("String should have at most {most_bytes} bytes: shorten it, or send it in parts"),
                Some(json!({ "max_length": most_bytes })),
            ),
            Self::TooMany { most, found } => (
                "too_long",
                format!(
                    "List should have at most {most} items, not {found}: send the rest in further requests"
                ),
                Some(json!({ "max_length": most, "actual_length": found })),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Document;

    #[test]
    fn a_fault_says_what_and_where_and_repeats_short_scalars_only() {
        let of = |what, json: &str| {
            let document = Document::read(json.as_bytes()).unwrap();
            serde_json::to_string(&Fault::new(what, &["session", "id"], Some(document.root()))).unwrap()
        };
        assert_eq!(
            of(What::NotAString, "7"),
            r#"{"type":"string_type","loc":["body","session","id"],"msg":"Input should be a valid string","input":7}"#
        );
        let member = Fault::new(What::NotABool, &["consents"], None).of_member(&"ü".repeat(100));
        assert!(serde_json::to_string(&member).unwrap().contains(&format!("\"{}…\"", "ü".repeat(32))));
        assert!(of(What::NotAString, "1e999").contains("\"input\":null"));
        assert!(of(What::NotAList, &format!("\"{}\"", "x".repeat(100))).contains("\"input\":null"));
    }
}

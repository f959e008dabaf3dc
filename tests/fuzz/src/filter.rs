//! Filters, as whoever may use the API writes them.

use serde_json::{Value, json};
use tideline_filter::{Document, Documents, Filter, MAX_TEXT_BYTES, Prepared};

/// More bytes than any sentence has that we write.
const LONGEST_SENTENCE: usize = 400;

/// A filter, and the document that its lines would be if they were JSON. What is refused says where, and repeats little;
/// what is read is read again from what it is printed as, and says something of any document.
pub fn filter(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let filter = match Filter::parse(&text) {
        Ok(filter) => filter,
        Err(error) => {
            assert!(error.message.len() <= LONGEST_SENTENCE, "{error}");
            assert!(text.get(error.bytes.clone()).is_some(), "{error:?}");
            return;
        }
    };
    let printed = filter.to_string();
    if printed.len() <= MAX_TEXT_BYTES {
        let again = Filter::parse(&printed).unwrap_or_else(|error| panic!("{printed}: {error}"));
        assert_eq!(again.expression(), filter.expression(), "{printed}");
    }
    let now = "2026-01-31T12:00:00Z".parse().expect("a time");
    let prepared = Prepared::at(&filter, now);
    let nested: Value = text.lines().take(100).fold(json!(text), |inner, line| json!([{ line: inner }]));
    for document in [json!({"a": [1, "1", {"b": text}], "type": text}), nested, Value::Null] {
        // Either answer is right; that there is one is what matters.
        let _ = prepared.matches(&Documents::only(Document::Event, &document));
    }
}

//! How an event is indexed: which fields there are, and what is put into them.

use std::borrow::Cow;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};
use tantivy::schema::{
    FAST, Field, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions, Value as _,
};
use tantivy::{TantivyDocument, Term};
use tideline_model::Event;

use crate::EventKey;

/// Ids and types that are longer are indexed by their beginning and a hash.
const MAX_KEYWORD_BYTES: usize = 512;

/// The name of the column of event times, in microseconds since 1970.
pub(super) const TIME: &str = "time";
/// The name of the column of event ids.
pub(super) const ID: &str = "id";

/// The fields of the events' indices.
#[derive(Clone, Debug)]
pub(super) struct EventSchema {
    pub(super) schema: Schema,
    pub(super) id: Field,
    pub(super) r#type: Field,
    pub(super) source: Field,
    pub(super) session: Field,
    pub(super) profile: Field,
    time: Field,
    document: Field,
}

impl EventSchema {
    pub(super) fn new() -> Self {
        let indexed = TextFieldIndexing::default()
            .set_tokenizer("raw")
            .set_index_option(IndexRecordOption::Basic)
            .set_fieldnorms(false);
        let keyword = TextOptions::default().set_indexing_options(indexed);
        let mut builder = Schema::builder();
        Self {
            id: builder.add_text_field(ID, keyword.clone().set_fast("raw")),
            r#type: builder.add_text_field("type", keyword.clone()),
            source: builder.add_text_field("source", keyword.clone()),
            session: builder.add_text_field("session", keyword.clone()),
            profile: builder.add_text_field("profile", keyword),
            time: builder.add_i64_field(TIME, FAST),
            document: builder.add_text_field("document", STORED),
            schema: builder.build(),
        }
    }

    /// The event as it is indexed, with the whole of it stored as `json`.
    pub(super) fn document(&self, event: &Event, json: String) -> TantivyDocument {
        let mut document = TantivyDocument::new();
        document.add_text(self.id, keyword(&event.id));
        document.add_text(self.r#type, keyword(&event.r#type));
        document.add_text(self.source, keyword(&event.source.id));
        if let Some(session) = &event.session {
            document.add_text(self.session, keyword(&session.id));
        }
        if let Some(profile) = &event.profile {
            document.add_text(self.profile, keyword(&profile.id));
        }
        document.add_i64(self.time, EventKey::of(event).microseconds);
        document.add_text(self.document, json);
        document
    }

    /// The stored JSON of an event.
    pub(super) fn json<'a>(&self, document: &'a TantivyDocument) -> &'a str {
        document.get_first(self.document).and_then(|value| value.as_str()).unwrap_or_default()
    }

    /// The term that finds `value` in a keyword field.
    pub(super) fn term(field: Field, value: &str) -> Term {
        Term::from_field_text(field, &keyword(value))
    }
}

/// What of a value goes into the index: all of it, unless it is very long. The index would silently leave
/// out a longer one.
pub(super) fn keyword(value: &str) -> Cow<'_, str> {
    if value.len() <= MAX_KEYWORD_BYTES {
        return Cow::Borrowed(value);
    }
    let mut shortened = value[..value.floor_char_boundary(MAX_KEYWORD_BYTES - 65)].to_owned();
    shortened.push('~');
    for byte in Sha256::digest(value) {
        // Writing to a string does not fail.
        let _ = write!(shortened, "{byte:02x}");
    }
    Cow::Owned(shortened)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_keywords_are_short_and_stay_apart() {
        assert_eq!(keyword("page-view"), "page-view");
        let (long, other) = ("ä".repeat(100_000), "ä".repeat(100_001));
        assert!(keyword(&long).len() <= MAX_KEYWORD_BYTES);
        assert_ne!(keyword(&long), keyword(&other));
    }
}

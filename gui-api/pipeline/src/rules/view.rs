//! Documents as filters and templates see them: written out when the first of them asks.

use std::cell::OnceCell;

use serde::Serialize;
use serde_json::Value;
use tideline_filter::{Document, Documents};
use tideline_model::{Event, Profile, Session};

/// An event, and the profile and session of before it.
pub(super) struct View<'a> {
    event: &'a Event,
    profile: Option<&'a Profile>,
    session: Option<&'a Session>,
    written: [OnceCell<Option<Value>>; Document::ALL.len()],
}

impl<'a> View<'a> {
    pub(super) fn of(event: &'a Event, profile: Option<&'a Profile>, session: Option<&'a Session>) -> Self {
        Self { event, profile, session, written: Default::default() }
    }

    /// A document as JSON, if there is one.
    pub(super) fn document(&self, document: Document) -> Option<&Value> {
        let written = self.written.get(document as usize)?.get_or_init(|| match document {
            Document::Event => write(self.event),
            Document::Profile => self.profile.and_then(write),
            Document::Session => self.session.and_then(write),
        });
        written.as_ref()
    }

    /// Those of these documents that there are; the event is what is filtered.
    pub(super) fn documents(&self, asked: &[Document]) -> Documents<'_> {
        let event = self.document(Document::Event).unwrap_or(&Value::Null);
        let others = asked.iter().filter(|document| **document != Document::Event);
        others.fold(Documents::only(Document::Event, event), |documents, kind| match self.document(*kind) {
            Some(document) => documents.with(*kind, document),
            None => documents,
        })
    }
}

fn write<T: Serialize>(document: &T) -> Option<Value> {
    serde_json::to_value(document).ok()
}

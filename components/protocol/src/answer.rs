//! The answer to an accepted `/track` request (`docs/protocol.md` §5).

use serde::Serialize;
use serde_json::value::RawValue;

/// Serialises to `{task, ux, response, events, profile, session, errors, warnings}`.
///
/// Clients read `profile.id` and `session.id`, and call `forEach` on the lists, so all keys are always there.
#[derive(Debug, Serialize)]
pub struct Answer<'a> {
    task: &'a str,
    ux: [(); 0],
    response: Personal<'a>,
    events: &'a [String],
    profile: Id<'a>,
    session: Id<'a>,
    errors: [(); 0],
    warnings: [(); 0],
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Personal<'a> {
    Nothing {},
    Known(&'a RawValue),
}

#[derive(Debug, Serialize)]
struct Id<'a> {
    id: Option<&'a str>,
}

impl<'a> Answer<'a> {
    /// The answer for a request with this id, of this profile, in this session: none where nothing of it is kept.
    #[must_use]
    pub fn new(task: &'a str, profile: Option<&'a str>, session: Option<&'a str>) -> Self {
        Self {
            task,
            ux: [],
            response: Personal::Nothing {},
            events: &[],
            profile: Id { id: profile },
            session: Id { id: session },
            errors: [],
            warnings: [],
        }
    }

    /// The same, with what the page may know of the profile: a JSON object. Anything else is left out.
    #[must_use]
    pub fn with_personal(mut self, personal: Option<&'a str>) -> Self {
        let known = personal.and_then(|json| serde_json::from_str::<&RawValue>(json).ok());
        if let Some(known) = known.filter(|known| known.get().starts_with('{')) {
            self.response = Personal::Known(known);
        }
        self
    }

    /// The same, with the ids of the request's events: for those who debug a site.
    #[must_use]
    pub fn with_events(self, events: &'a [String]) -> Self {
        Self { events, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_has_every_key_that_clients_read() {
        let ids = ["e".to_owned()];
        assert_eq!(
            serde_json::to_string(&Answer::new("t", Some("p"), None).with_events(&ids)).unwrap(),
            r#"{"task":"t","ux":[],"response":{},"events":["e"],"profile":{"id":"p"},"session":{"id":null},"errors":[],"warnings":[]}"#
        );
    }

    #[test]
    fn the_page_is_told_what_it_may_know_and_nothing_else() {
        let response = |personal| {
            let answer = Answer::new("t", None, None).with_personal(personal);
            serde_json::to_value(&answer).unwrap()["response"].clone()
        };
        let known = r#" {"segments":["buyers"], "traits":{"plan":"gold"}} "#;
        assert_eq!(response(Some(known)), serde_json::from_str::<serde_json::Value>(known).unwrap());
        for nothing in [None, Some(""), Some("{"), Some("[1]"), Some("{}x")] {
            assert_eq!(response(nothing), serde_json::json!({}), "{nothing:?}");
        }
    }
}

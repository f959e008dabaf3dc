//! The answer to an accepted `/track` request (`docs/protocol.md` §5).

use serde::Serialize;

/// Serialises to `{task, ux, response, events, profile, session, errors, warnings}`.
///
/// Clients read `profile.id` and `session.id`, and call `forEach` on the lists, so all keys are always there.
#[derive(Debug, Serialize)]
pub struct Answer<'a> {
    task: &'a str,
    ux: [(); 0],
    response: Empty,
    events: &'a [String],
    profile: Id<'a>,
    session: Id<'a>,
    errors: [(); 0],
    warnings: [(); 0],
}

#[derive(Debug, Serialize)]
struct Empty {}

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
            response: Empty {},
            events: &[],
            profile: Id { id: profile },
            session: Id { id: session },
            errors: [],
            warnings: [],
        }
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
}

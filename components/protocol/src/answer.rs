//! The answer to an accepted `/track` request (`docs/protocol.md`).

use serde::Serialize;

/// Serialises to `{task, ux, response, events, profile, session, errors, warnings}`.
///
/// Clients read `profile.id` and `session.id`, and call `forEach` on the lists, so all keys are always there.
#[derive(Debug, Serialize)]
pub struct Answer<'a> {
    task: &'a str,
    ux: [(); 0],
    response: Empty,
    events: [(); 0],
    profile: Id<'a>,
    session: Id<'a>,
    errors: [(); 0],
    warnings: [(); 0],
}

#[derive(Debug, Serialize)]
struct Empty {}

#[derive(Debug, Serialize)]
struct Id<'a> {
    id: &'a str,
}

impl<'a> Answer<'a> {
    /// The answer for a request with this id, in this session, of this profile.
    #[must_use]
    pub fn new(task: &'a str, profile: &'a str, session: &'a str) -> Self {
        Self {
            task,
            ux: [],
            response: Empty {},
            events: [],
            profile: Id { id: profile },
            session: Id { id: session },
            errors: [],
            warnings: [],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_has_every_key_that_clients_read() {
        assert_eq!(
            serde_json::to_string(&Answer::new("t", "p", "s")).unwrap(),
            r#"{"task":"t","ux":[],"response":{},"events":[],"profile":{"id":"p"},"session":{"id":"s"},"errors":[],"warnings":[]}"#
        );
    }
}

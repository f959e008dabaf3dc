//! `/track`: events of a visitor, in the protocol's own form.

use http::{Method, StatusCode};
use tideline_protocol::Answer;

use crate::collector::Collector;
use crate::fault::{Fault, What};
use crate::payload::{self, Options};
use crate::refusal::faulty;
use crate::submission::{Keeping, Outcome, Submission, submit};
use crate::{Clock, Commit, CommitError, Entropy, RequestHead, Response, query};

/// Takes events in; `PUT` only checks them.
pub(crate) async fn track<C: Clock, E: Entropy, K: Commit>(
    collector: &Collector<C, E, K>,
    head: &RequestHead,
    body: Vec<u8>,
) -> Result<Response, CommitError> {
    let profile_less = match query::truth(head, "profile_less") {
        Ok(profile_less) => profile_less,
        Err(fault) => return Ok(faulty(&[fault])),
    };
    if !is_json(&head.media_type()) {
        return Ok(faulty(&[Fault::new(What::NotABody, &[], None)]));
    }
    let payload = match payload::read(&body) {
        Ok(payload) => payload,
        Err(faults) => return Ok(faulty(&faults)),
    };
    if head.method == Method::PUT {
        return Ok(Response::json(StatusCode::OK, &()));
    }
    let options = payload.options;
    let submission = Submission {
        bridge: "rest",
        source: payload.source,
        session: payload.session,
        profile: brought(collector, payload.profile, payload.passed_profile),
        user_agent: payload.user_agent,
        profile_less: profile_less || !options.save_profile,
        session_less: !options.save_session,
        known_session_only: false,
        event_ids: payload.event_ids,
        save_events: options.save_events,
        // It was read as JSON, so it is UTF-8.
        body: String::from_utf8(body).unwrap_or_default(),
        anonymous_body: None,
    };
    Ok(match submit(collector, head, submission, collector.commit.begin()).await? {
        Outcome::Stored(stored) => {
            let session = (stored.keeping == Keeping::Kept).then_some(stored.session.as_str());
            let answer = Answer::new(&stored.task, stored.profile.as_deref(), session)
                .with_personal(stored.personal.as_deref());
            let is_asked_for = collector.settings.track_debug && options.debugger;
            let event_ids = if is_asked_for { stored.event_ids() } else { Vec::new() };
            Response::json(status(options), &answer.with_events(&event_ids))
        }
        Outcome::Empty => Response::json(StatusCode::OK, &()),
        Outcome::Refused(response) => response,
    })
}

fn status(options: Options) -> StatusCode {
    if options.queue { StatusCode::CREATED } else { StatusCode::OK }
}

/// The profile id that counts: one that came with a link from another site if we signed it, else the visitor's own.
fn brought<C: Clock, E: Entropy, K: Commit>(
    collector: &Collector<C, E, K>,
    own: Option<String>,
    passed: Option<String>,
) -> Option<String> {
    let signed = |id: &String| collector.settings.profile_id_keys.verify(id);
    passed.clone().filter(signed).or(own).or(passed)
}

/// JSON is taken as such, as text (which browsers send without a preflight), and without a type.
fn is_json(media_type: &str) -> bool {
    let subtype = media_type.strip_prefix("application/");
    media_type.is_empty()
        || media_type == "text/plain"
        || subtype.is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_that_carry_json() {
        for good in ["application/json", "application/ld+json", "text/plain", ""] {
            assert!(is_json(good), "{good}");
        }
        for bad in ["application/x-www-form-urlencoded", "text/html", "application/jsonp", "json"] {
            assert!(!is_json(bad), "{bad}");
        }
    }
}

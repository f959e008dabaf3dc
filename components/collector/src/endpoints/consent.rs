//! `/customer/consent`: what a visitor agrees to.

use http::StatusCode;

use crate::collector::Collector;
use crate::envelope::{Envelope, one_event};
use crate::fault::{Fault, Faults, What, fault};
use crate::json::Value;
use crate::refusal::faulty;
use crate::submission::{Outcome, Submission, submit};
use crate::{Clock, Commit, CommitError, Entropy, RequestHead, Response, payload, query};

/// The event that a consent becomes.
const EVENT_TYPE: &str = "consent-update";
/// The most consents of one request.
const MAX_CONSENTS: usize = 100;

struct Request {
    source: String,
    session: Option<String>,
    profile: Option<String>,
    /// A JSON object.
    consents: String,
}

/// Takes consents in: for a known session only, because a consent that nobody gave is worse than none.
pub(crate) async fn consent<C: Clock, E: Entropy, K: Commit>(
    collector: &Collector<C, E, K>,
    head: &RequestHead,
    body: Vec<u8>,
) -> Result<Response, CommitError> {
    let all = match query::truth(head, "all") {
        Ok(all) => all,
        Err(fault) => return Ok(faulty(&[fault])),
    };
    let Request { source, session, profile, consents } = match read(&body) {
        Ok(request) => request,
        Err(faults) => return Ok(faulty(&faults)),
    };
    let all = if all { r#","all":true"# } else { "" };
    let properties = format!(r#"{{"consents":{consents}{all}}}"#);
    let events = one_event(EVENT_TYPE, &properties);
    let body = Envelope {
        source: &source,
        session: session.as_deref(),
        save_session: true,
        save_events: true,
        events: &events,
    }
    .write();
    let submission = Submission {
        bridge: "rest",
        source,
        session,
        profile,
        user_agent: None,
        profile_less: false,
        session_less: false,
        known_session_only: true,
        event_ids: vec![None],
        save_events: true,
        body,
        anonymous_body: None,
    };
    Ok(match submit(collector, head, submission, collector.commit.begin()).await? {
        Outcome::Stored(_) | Outcome::Empty => Response::json(StatusCode::OK, &()),
        Outcome::Refused(response) => response,
    })
}

fn read(body: &[u8]) -> Result<Request, Vec<Fault>> {
    let document = payload::document(body)?;
    let members = payload::members(&document)?;
    let mut faults = Faults::default();
    let source = faults.take(payload::source(members.get("source")));
    let session = faults.take(required(members.get("session"), "session", payload::session));
    let profile = faults.take(required(members.get("profile"), "profile", payload::profile));
    let consents = faults.take(consents(members.get("consents")));
    faults.none(Request { source, session, profile, consents })
}

type Entity = Result<Option<String>, Vec<Fault>>;

fn required(value: Option<Value<'_>>, name: &'static str, read: fn(Option<Value<'_>>) -> Entity) -> Entity {
    match read(value)? {
        Some(id) => Ok(Some(id)),
        None => fault(What::Missing, &[name, "id"], None),
    }
}

/// An object of truth values.
fn consents(value: Option<Value<'_>>) -> Result<String, Vec<Fault>> {
    let Some(value) = value else { return fault(What::Missing, &["consents"], None) };
    let Some(members) = value.members() else {
        return fault(What::NotADictionary, &["consents"], Some(value));
    };
    let found = members.iter().count();
    if found > MAX_CONSENTS {
        return fault(What::TooMany { most: MAX_CONSENTS, found }, &["consents"], None);
    }
    let wrong = members.iter().find(|(_, value)| value.truth().is_none());
    match wrong {
        Some((name, value)) => {
            Err(vec![Fault::new(What::NotABool, &["consents"], Some(value)).of_member(&name)])
        }
        None => Ok(value.json().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(body: &serde_json::Value) -> Vec<(serde_json::Value, serde_json::Value)> {
        let Err(faults) = read(body.to_string().as_bytes()) else { return Vec::new() };
        let faults = serde_json::to_value(faults).unwrap();
        faults.as_array().unwrap().iter().map(|fault| (fault["type"].clone(), fault["loc"].clone())).collect()
    }

    #[test]
    fn a_consent_names_all_that_it_concerns() {
        let whole = json!({"source":{"id":"s"},"session":{"id":"x"},"profile":{"id":"p"},"consents":{"marketing":true}});
        assert_eq!(faults(&whole), []);
        let missing = |loc: serde_json::Value| (json!("missing"), loc);
        assert_eq!(
            faults(&json!({})),
            [
                missing(json!(["body", "source"])),
                missing(json!(["body", "session", "id"])),
                missing(json!(["body", "profile", "id"])),
                missing(json!(["body", "consents"])),
            ]
        );
        let mut wrong = whole.clone();
        wrong["consents"] = json!({"marketing":"yes"});
        assert_eq!(faults(&wrong), [(json!("bool_parsing"), json!(["body", "consents", "marketing"]))]);
        wrong["consents"] = json!([]);
        assert_eq!(faults(&wrong), [(json!("dict_type"), json!(["body", "consents"]))]);
    }
}

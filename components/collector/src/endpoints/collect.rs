//! `/collect/<event type>/<source>[/<session>]`: one event from a webhook, a form or a mail.

use http::{Method, StatusCode};
use tideline_protocol::Answer;

use crate::collector::Collector;
use crate::envelope::{Envelope, one_event};
use crate::fields;
use crate::payload::MAX_ID_BYTES;
use crate::refusal::faulty;
use crate::submission::{Keeping, Outcome, Submission, refuse_long, submit};
use crate::{Clock, Commit, CommitError, Entropy, RequestHead, Response};

/// What the path names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path<'a> {
    pub(crate) event_type: &'a str,
    pub(crate) source: &'a str,
    pub(crate) session: Option<&'a str>,
}

/// A parameter that asks for an image in place of JSON: mails can call no other way.
const PIXEL: &str = "pixel";

/// A transparent image of one pixel.
const GIF: [u8; 43] = *b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\x21\xf9\x04\x01\x00\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b";

/// Takes one event in.
pub(crate) async fn collect<C: Clock, E: Entropy, K: Commit>(
    collector: &Collector<C, E, K>,
    head: &RequestHead,
    path: Path<'_>,
    body: Vec<u8>,
) -> Result<Response, CommitError> {
    let by_image = head.method == Method::GET && head.parameter(PIXEL).is_some();
    let response = answer(collector, head, path, body).await?;
    let response = if by_image { image(response.status) } else { response };
    Ok(response.with("cache-control", "no-store"))
}

async fn answer<C: Clock, E: Entropy, K: Commit>(
    collector: &Collector<C, E, K>,
    head: &RequestHead,
    path: Path<'_>,
    body: Vec<u8>,
) -> Result<Response, CommitError> {
    let session = path.session.map(str::trim).filter(|session| !session.is_empty());
    if let Some(response) = refuse_long(&[path.event_type, session.unwrap_or_default()]) {
        return Ok(response);
    }
    if path.event_type.trim().is_empty() {
        let detail = format!(
            "The path names no event type: /collect/<event type>/<source>, at most {MAX_ID_BYTES} bytes."
        );
        return Ok(Response::detail(StatusCode::UNPROCESSABLE_ENTITY, &detail));
    }
    let properties = if head.method == Method::GET {
        fields::of_query(&head.query, &[PIXEL])
    } else {
        fields::of_body(head, body).await
    };
    let properties = match properties {
        Ok(properties) => properties,
        Err(faults) => return Ok(faulty(&faults)),
    };
    let source = path.source.trim();
    let body = Envelope {
        source,
        session,
        save_session: session.is_some(),
        save_events: true,
        events: &one_event(path.event_type, &properties),
    }
    .write();
    // Text takes more bytes as JSON than it was sent in.
    if body.len() > collector.settings.max_body_bytes {
        return Ok(Response::too_large(collector.settings.max_body_bytes));
    }
    let submission = Submission {
        bridge: "webhook",
        source: source.to_owned(),
        session: session.map(str::to_owned),
        profile: None,
        user_agent: None,
        profile_less: session.is_none(),
        session_less: session.is_none(),
        known_session_only: false,
        event_ids: vec![None],
        save_events: true,
        body,
        anonymous_body: None,
    };
    Ok(match submit(collector, head, submission, collector.commit.begin()).await? {
        Outcome::Stored(stored) => {
            // Named also where none was asked for: the caller may want to go on with it.
            let session = (stored.keeping != Keeping::NotAllowed).then_some(stored.session.as_str());
            let answer = Answer::new(&stored.task, stored.profile.as_deref(), session);
            Response::json(StatusCode::OK, &answer)
        }
        Outcome::Empty => Response::json(StatusCode::OK, &()),
        Outcome::Refused(response) => response,
    })
}

fn image(status: StatusCode) -> Response {
    Response { status, headers: vec![("content-type", "image/gif".into())], body: GIF.to_vec() }
}

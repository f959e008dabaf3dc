//! From a request to the endpoint that answers it, and what all answers have in common.

use http::StatusCode;

use crate::body::BodyFault;
use crate::endpoints::{collect, consent, health, redirect, script, track};
use crate::route::Route;
use crate::throttle::Throttle;
use crate::{
    Answered, Clock, Commit, CommitError, Entropy, RequestHead, Response, SentBody, Settings, body, cors,
};

/// Answers requests. One instance serves any number of them at the same time.
#[derive(Debug)]
pub struct Collector<C, E, K> {
    pub(crate) settings: Settings,
    pub(crate) clock: C,
    pub(crate) entropy: E,
    pub(crate) commit: K,
    throttle: Throttle,
}

/// What is to be done with a request whose head has been read.
#[derive(Debug)]
pub enum Admission {
    /// Answer it; the body does not matter.
    Answer(Response),
    /// Read its body, at most this many bytes, then call [`Collector::answer`].
    Body {
        /// Bytes.
        limit: usize,
    },
}

impl<C: Clock, E: Entropy, K: Commit> Collector<C, E, K> {
    /// A collector with these settings and ports.
    pub fn new(settings: Settings, clock: C, entropy: E, commit: K) -> Self {
        Self { settings, clock, entropy, commit, throttle: Throttle::default() }
    }

    /// Decides by the head of a request.
    pub fn admit(&self, head: &RequestHead) -> Admission {
        if let Some(response) = answer_by_head(head) {
            return Admission::Answer(response);
        }
        let limit = self.settings.max_body_bytes;
        let length = head.header("content-length").and_then(|length| length.parse::<usize>().ok());
        if length.is_some_and(|length| length > limit) && !leads_on(head) {
            return Admission::Answer(cors::allow(head, Response::too_large(limit)));
        }
        Admission::Body { limit }
    }

    /// Answers an admitted request, once its events are on disk.
    pub async fn answer(&self, head: &RequestHead, body: impl Into<SentBody>) -> Answered {
        let limit = self.settings.max_body_bytes;
        let answered = match body::read(head, body.into(), limit) {
            Ok(body) => self.route(head, body).await,
            // A link leads on all the same, without what nobody can read.
            Err(fault) if leads_on(head) && fault != BodyFault::BrokenOff => {
                self.route(head, Vec::new()).await
            }
            Err(fault) => Ok(fault.response(limit).into()),
        };
        let Answered { response, note } = answered.unwrap_or_else(|error| Answered {
            response: Response::unavailable(),
            note: Some(format!("events refused: {error}")),
        });
        let note = note.and_then(|note| self.throttle.pass(self.clock.now(), note));
        Answered { response: cors::allow(head, response), note }
    }

    async fn route(&self, head: &RequestHead, body: Vec<u8>) -> Result<Answered, CommitError> {
        let response = match Route::of(&head.path) {
            Some(Route::Track) => track::track(self, head, body).await?,
            Some(Route::Collect { event_type, source, session }) => {
                let path =
                    collect::Path { event_type: &event_type, source: &source, session: session.as_deref() };
                collect::collect(self, head, path, body).await?
            }
            Some(Route::Redirect { id, session }) => {
                return redirect::redirect(self, head, &id, session.as_deref(), body).await;
            }
            Some(Route::Consent) => consent::consent(self, head, body).await?,
            Some(Route::Ready) => health::ready(self).await?,
            Some(Route::Health | Route::Script { .. }) | None => not_found(),
        };
        Ok(response.into())
    }
}

impl Response {
    /// The answer while the settings are wrong: whoever asks is to come back later, and no page breaks.
    #[must_use]
    pub fn misconfigured(head: &RequestHead) -> Self {
        cors::preflight(head).unwrap_or_else(|| cors::allow(head, Self::unavailable()))
    }
}

/// What needs neither a body nor Redis: other paths and methods, preflights, the script, health.
fn answer_by_head(head: &RequestHead) -> Option<Response> {
    let Some(route) = Route::of(&head.path) else { return Some(cors::allow(head, not_found())) };
    if let Some(preflight) = cors::preflight(head) {
        return Some(preflight);
    }
    let response = match (route.refuse_method(&head.method), route) {
        (Some(refusal), _) => refusal,
        (None, Route::Health) => health::health(),
        // Says by itself who may read it.
        (None, Route::Script { name }) => return Some(script::script(head, &name)),
        _ => return None,
    };
    Some(cors::allow(head, response))
}

/// Whether whoever asks is on the way to somewhere else.
fn leads_on(head: &RequestHead) -> bool {
    matches!(Route::of(&head.path), Some(Route::Redirect { .. }))
}

fn not_found() -> Response {
    Response::detail(StatusCode::NOT_FOUND, "Not Found")
}

//! The public endpoints: which there are, how much they read, and what every answer has.

use http::{Method, StatusCode};

use crate::throttle::Throttle;
use crate::track::track;
use crate::{Answered, Clock, Commit, Entropy, RequestHead, Response, Settings, cors};

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
    /// Read its body, at most this many bytes, then call [`Collector::answer`]; if it is longer, call
    /// [`Collector::too_large`].
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
        if let Some(response) = answer_without_body(head) {
            return Admission::Answer(cors::allow(head, response));
        }
        if let Some(preflight) = cors::preflight(head) {
            return Admission::Answer(preflight);
        }
        if head.method != Method::POST {
            let response = Response::detail(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
            return Admission::Answer(cors::allow(head, response.with("allow", "POST")));
        }
        let limit = self.settings.max_body_bytes;
        match head.header("content-length").and_then(|length| length.parse::<usize>().ok()) {
            Some(length) if length > limit => Admission::Answer(self.too_large(head)),
            _ => Admission::Body { limit },
        }
    }

    /// The answer to a body over the limit.
    pub fn too_large(&self, head: &RequestHead) -> Response {
        let limit = self.settings.max_body_bytes;
        let detail = format!("The body is over {limit} bytes. Send fewer events in a request.");
        cors::allow(head, Response::detail(StatusCode::PAYLOAD_TOO_LARGE, &detail))
    }

    /// Answers an admitted request, once its events are on disk.
    pub async fn answer(&self, head: &RequestHead, body: Vec<u8>) -> Answered {
        let (response, note) = match track(self, head, body).await {
            Ok(response) => (response, None),
            Err(error) => (
                Response::unavailable(),
                self.throttle.pass(self.clock.now(), format!("events refused: {error}")),
            ),
        };
        Answered { response: cors::allow(head, response), note }
    }
}

impl Response {
    /// The answer while the settings are wrong: whoever asks is to come back later, and no page breaks.
    #[must_use]
    pub fn misconfigured(head: &RequestHead) -> Self {
        cors::preflight(head).unwrap_or_else(|| cors::allow(head, Self::unavailable()))
    }
}

/// The routes. `/track` is left to the caller.
fn answer_without_body(head: &RequestHead) -> Option<Response> {
    match head.path.as_str() {
        // Browsers do not follow a redirect of a preflight, so the slash is no other place.
        "/track" | "/track/" => None,
        "/healthz" if matches!(head.method, Method::GET | Method::HEAD) => Some(
            Response::json(StatusCode::OK, &serde_json::json!({ "status": "ok" }))
                .with("cache-control", "no-store"),
        ),
        "/healthz" => Some(
            Response::detail(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed").with("allow", "GET, HEAD"),
        ),
        _ => Some(Response::detail(StatusCode::NOT_FOUND, "Not Found")),
    }
}

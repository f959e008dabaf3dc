//! `/healthz` and `/readyz`: for those who watch the edge.

use http::{Method, StatusCode};
use serde_json::json;

use crate::collector::Collector;
use crate::submission::{self, Submission};
use crate::{Clock, Commit, CommitError, Entropy, RequestHead, Response};

/// The process runs and its settings are right: this code is reached in no other case.
pub(crate) fn health() -> Response {
    state("ok")
}

/// Redis is reached, has our functions if they are used, and would write: it is asked to take a request of an event source
/// that cannot be, which is refused before anything is written. A Redis that is full, read-only, or cannot write to its
/// disk does not come so far.
pub(crate) async fn ready<C: Clock, E: Entropy, K: Commit>(
    collector: &Collector<C, E, K>,
) -> Result<Response, CommitError> {
    let began = collector.commit.begin();
    let nobody = RequestHead::new(Method::GET, "", Vec::new());
    let call = submission::call(collector, &nobody, nothing());
    collector.commit.ready(call, began).await?;
    Ok(state("ready"))
}

/// No events, of the event source without an id.
fn nothing() -> Submission {
    Submission {
        bridge: "rest",
        source: String::new(),
        session: Some(String::new()),
        profile: None,
        user_agent: None,
        profile_less: true,
        session_less: true,
        known_session_only: false,
        event_ids: Vec::new(),
        save_events: false,
        body: String::new(),
        anonymous_body: None,
    }
}

fn state(status: &str) -> Response {
    Response::json(StatusCode::OK, &json!({ "status": status })).with("cache-control", "no-store")
}

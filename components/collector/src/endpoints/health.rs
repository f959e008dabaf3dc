//! `/healthz` and `/readyz`: for those who watch the edge.

use http::StatusCode;
use serde_json::json;

use crate::collector::Collector;
use crate::{Clock, Commit, CommitError, Entropy, Response};

/// The process runs and its settings are right: this code is reached in no other case.
pub(crate) fn health() -> Response {
    state("ok")
}

/// Redis is reached and has our functions.
pub(crate) async fn ready<C: Clock, E: Entropy, K: Commit>(
    collector: &Collector<C, E, K>,
) -> Result<Response, CommitError> {
    // No redirect has this id: what counts is that there is a reply.
    let key = collector.settings.lanes.of_session("").redirect("");
    collector.commit.redirect(key, collector.commit.begin()).await?;
    Ok(state("ready"))
}

fn state(status: &str) -> Response {
    Response::json(StatusCode::OK, &json!({ "status": status })).with("cache-control", "no-store")
}

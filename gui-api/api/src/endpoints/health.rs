//! Health, for whoever runs the service. Open to all who reach the port, so it tells no details.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::Health;

/// Whether the service can do its work.
#[derive(Serialize, ToSchema)]
pub(crate) struct Readiness {
    ready: bool,
    /// What is missing, a sentence each.
    reasons: Vec<&'static str>,
}

/// Whether the process lives: a failure means that it should be started anew.
#[utoipa::path(
    get, path = "/healthz", operation_id = "health", tag = "health", security(()),
    responses((status = 200, description = "It lives", body = String, content_type = "text/plain"))
)]
pub(crate) async fn live() -> &'static str {
    "ok\n"
}

/// Whether the store and Redis answer, Redis holds what the edge needs, and the intake works if this process has one: a failure means that no requests should be sent here.
#[utoipa::path(
    get, path = "/readyz", operation_id = "readiness", tag = "health", security(()),
    responses(
        (status = 200, description = "Ready", body = Readiness),
        (status = 503, description = "Not ready", body = Readiness),
    )
)]
pub(crate) async fn ready(State(health): State<Arc<Health>>) -> Response {
    let mut reasons = Vec::new();
    if health.store.ready().await.is_err() {
        reasons.push("the store does not answer");
    }
    if !health.redis.answers().await {
        reasons.push("redis does not answer");
    }
    reasons.extend(health.obstacle.as_ref().and_then(|obstacle| obstacle()));
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready: reasons.is_empty(), reasons })).into_response()
}

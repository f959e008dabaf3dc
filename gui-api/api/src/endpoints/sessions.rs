//! Sessions: one by its id.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use tideline_model::Session;

use crate::error::{ApiError, Problem};
use crate::parameters::Id;
use crate::routes::Shared;

/// One session.
#[utoipa::path(
    get, path = "/api/v1/sessions/{id}", operation_id = "session", tag = "sessions",
    params(("id" = String, Path, description = "The session's id")),
    responses(
        (status = 200, description = "The session", body = Session),
        (status = 401, description = "No token, or an unknown one", body = Problem),
        (status = 404, description = "No such session", body = Problem),
        (status = 503, description = "The store does not answer", body = Problem),
    )
)]
pub(crate) async fn one(State(shared): State<Arc<Shared>>, Id(id): Id) -> Result<Json<Session>, ApiError> {
    match shared.store.session(&id).await? {
        Some(session) => Ok(Json(session)),
        None => Err(ApiError::NotFound { kind: "session", id }),
    }
}

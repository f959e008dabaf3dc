//! Profiles: one by its id.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use tideline_model::Profile;

use crate::error::{ApiError, Problem};
use crate::parameters::Id;
use crate::routes::Shared;

/// One profile, by its id or any that it has had.
#[utoipa::path(
    get, path = "/api/v1/profiles/{id}", operation_id = "profile", tag = "profiles",
    params(("id" = String, Path, description = "An id of the profile")),
    responses(
        (status = 200, description = "The profile", body = Profile),
        (status = 401, description = "No token, or an unknown one", body = Problem),
        (status = 404, description = "No such profile", body = Problem),
        (status = 503, description = "The store does not answer", body = Problem),
    )
)]
pub(crate) async fn one(State(shared): State<Arc<Shared>>, Id(id): Id) -> Result<Json<Profile>, ApiError> {
    match shared.store.profile(&id).await? {
        Some(profile) => Ok(Json(profile)),
        None => Err(ApiError::NotFound { kind: "profile", id }),
    }
}
